// Package store keeps everything the backend keeps except history and the stream: one Badger database, cut into
// spaces, with a format version that a start checks before it touches anything.
package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/options"

	"github.com/lineshaft/lineshaft/twin/clock"
	"github.com/lineshaft/lineshaft/twin/fault"
)

// Layout of a store's directory.
const (
	databaseDir  = "badger"
	snapshotsDir = "snapshots"
)

// collectEvery is how often Run looks for space that overwritten large values still take.
const collectEvery = 10 * time.Minute

// Store is an open database. All methods are safe for concurrent use.
type Store struct {
	db  *badger.DB
	dir string
	log *slog.Logger

	// staging is held by whoever applies a write too large for one transaction; ordinary writes share it.
	staging sync.RWMutex
	broken  error // set, under staging, when a committed large write could not be applied: only a restart repairs it
}

// Open opens or creates the store in dir. It refuses a format newer than this program knows, and brings an older
// one up to date after a snapshot of it was written to dir/snapshots.
func Open(dir string, log *slog.Logger) (*Store, error) {
	return open(dir, log, migrations())
}

func open(dir string, log *slog.Logger, steps []migration) (*Store, error) {
	if err := os.MkdirAll(filepath.Join(dir, snapshotsDir), 0o700); err != nil {
		return nil, fmt.Errorf("create store: %w", err)
	}
	had, err := readFormat(dir)
	if err != nil {
		return nil, err
	}
	if err := had.check(dir, len(steps)); err != nil {
		return nil, err
	}
	db, err := badger.Open(settings(filepath.Join(dir, databaseDir), log))
	if err != nil {
		return nil, openError(dir, err)
	}
	s := &Store{db: db, dir: dir, log: log}
	if err := s.bringUp(had, steps); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	if err := s.finishStaged(); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return s, nil
}

func openError(dir string, err error) error {
	return &fault.Error{
		Kind: fault.Unavailable, Message: fmt.Sprintf("the store in %s cannot be opened", dir), Err: err,
		Hint: "see that no other lineshaft runs on this directory and that its user may write there",
	}
}

// settings keep a store small: the backend's own records are counted in megabytes, and a gateway-sized machine may
// run the whole plant. What is written is synced before the writer is told so.
func settings(dir string, log *slog.Logger) badger.Options {
	return badger.DefaultOptions(dir).
		WithLogger(badgerLog{log}).
		WithSyncWrites(true).
		WithDetectConflicts(false). // spaces have one writer each; a write is a set of keys, not a read-modify-write
		WithMemTableSize(16 << 20).
		WithNumMemtables(2).
		WithNumLevelZeroTables(3).
		WithNumLevelZeroTablesStall(8).
		WithNumCompactors(2).
		WithBlockCacheSize(8 << 20).
		WithValueThreshold(64 << 10).
		WithValueLogFileSize(64 << 20).
		WithCompression(options.Snappy).
		WithMetricsEnabled(false)
}

// Run gives back the space of overwritten large values until ctx ends.
func (s *Store) Run(ctx context.Context) error {
	for clock.Sleep(ctx, clock.Wall{}, collectEvery) == nil {
		for ctx.Err() == nil && s.db.RunValueLogGC(0.5) == nil {
			continue
		}
	}
	return nil
}

// Close writes what is in memory and releases the directory. The store must not be used afterwards.
func (s *Store) Close() error {
	if err := s.db.Close(); err != nil {
		return fmt.Errorf("close store: %w", err)
	}
	return nil
}

// badgerLog sends Badger's own messages where ours go, a level lower: its news are rarely an operator's.
type badgerLog struct{ log *slog.Logger }

func (l badgerLog) Errorf(format string, args ...any) {
	l.log.Error("badger", "detail", fmt.Sprintf(format, args...))
}

func (l badgerLog) Warningf(format string, args ...any) {
	l.log.Warn("badger", "detail", fmt.Sprintf(format, args...))
}

func (l badgerLog) Infof(string, ...any)  {}
func (l badgerLog) Debugf(string, ...any) {}
