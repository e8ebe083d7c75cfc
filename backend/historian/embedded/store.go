// Package embedded keeps history in Badger: sealed column blocks on disk, open ones in memory with a checkpoint of
// every commit beside them.
package embedded

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/options"

	"github.com/lineshaft/lineshaft/backend/historian"
	"github.com/lineshaft/lineshaft/twin/clock"
)

// Options tune a store; the zero value is right for a plant of some thousand tags on a small machine.
type Options struct {
	Clock clock.Clock  // wall clock if nil
	Log   *slog.Logger // discarded if nil

	BlockPoints int   // points at which an open block is sealed; 4096 if 0
	HeadPoints  int   // points all open blocks of a tenant may hold; 524288, and 128 a series, if 0
	LogBytes    int64 // checkpoints of a tenant that may pile up before they are rewritten; 32 MiB if 0
}

func (o Options) withDefaults() Options {
	if o.Clock == nil {
		o.Clock = clock.Wall{}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.BlockPoints == 0 {
		o.BlockPoints = 4096
	}
	if o.HeadPoints == 0 {
		o.HeadPoints = 1 << 19
	}
	if o.LogBytes == 0 {
		o.LogBytes = 32 << 20
	}
	return o
}

// Store is the history of all tenants in one folder.
type Store struct {
	db   *badger.DB
	opt  Options
	stop context.CancelFunc
	work chan struct{} // one slot: there is something to compact
	done sync.WaitGroup

	mu      sync.Mutex
	tenants map[string]*tenant
}

// Open opens the store in dir, creating it if there is none, and reads back what was committed but not yet sealed.
// A store written by a newer program is refused.
func Open(dir string, opt Options) (*Store, error) {
	opt = opt.withDefaults()
	db, err := badger.Open(badgerOptions(dir, opt.Log))
	if err != nil {
		return nil, fmt.Errorf("open history in %s: %w", dir, err)
	}
	ctx, stop := context.WithCancel(context.Background())
	s := &Store{db: db, opt: opt, stop: stop, work: make(chan struct{}, 1), tenants: map[string]*tenant{}}
	if err := s.start(); err != nil {
		stop()
		return nil, errors.Join(fmt.Errorf("open history in %s: %w", dir, err), db.Close())
	}
	s.done.Go(func() { s.maintain(ctx) })
	return s, nil
}

// start checks the format, reads back what is open, and brings an older store to this format.
func (s *Store) start() error {
	version, err := s.format()
	if err != nil {
		return err
	}
	if err := s.load(); err != nil {
		return err
	}
	return s.migrate(version)
}

// badgerOptions keep the footprint small: blocks are compressed already and are read from the mapped files, so
// neither a cache nor a compression of Badger's pays. Every write is synced, because Badger's Sync does not reach
// a memtable that was rotated in between.
func badgerOptions(dir string, log *slog.Logger) badger.Options {
	return badger.DefaultOptions(dir).
		WithLogger(badgerLog{log}).
		WithSyncWrites(true).
		WithMetricsEnabled(false).
		WithDetectConflicts(false).
		WithCompression(options.None).
		WithBlockCacheSize(0).
		WithBlockSize(16 << 10).
		WithMemTableSize(8 << 20).
		WithNumMemtables(2).
		WithNumCompactors(2).
		WithBaseTableSize(4 << 20).
		WithNumLevelZeroTables(2).
		WithValueLogFileSize(64 << 20)
}

// load finds the tenants and reads back each one's open blocks.
func (s *Store) load() error {
	var names []string
	err := s.db.View(func(txn *badger.Txn) error {
		it := txn.NewIterator(badger.IteratorOptions{})
		defer it.Close()
		for it.Seek(append(tenantPrefix(""), 0xff)); it.Valid(); {
			name, size := tenantOf(it.Item().Key())
			if size == 0 {
				return fmt.Errorf("key %x is not one of history", it.Item().Key())
			}
			names = append(names, name)
			it.Seek(append(tenantPrefix(name), 0xff))
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("list tenants: %w", err)
	}
	for _, name := range names {
		t := newTenant(s, name)
		if err := t.replay(); err != nil {
			return fmt.Errorf("read open blocks of tenant %s: %w", name, err)
		}
		s.tenants[name] = t
	}
	return nil
}

// Tenant is the history of one tenant. It needs no creation; its Close commits and leaves the store open.
func (s *Store) Tenant(name string) historian.Historian {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, ok := s.tenants[name]
	if !ok {
		t = newTenant(s, name)
		s.tenants[name] = t
	}
	return t
}

// Erase removes all history of a tenant, durably once it returns. Commits of other tenants may fail while it runs
// and are to be repeated.
func (s *Store) Erase(name string) error {
	s.mu.Lock()
	t, ok := s.tenants[name]
	s.mu.Unlock()
	if !ok {
		return nil
	}
	return t.erase()
}

// Compact merges overlapping and small blocks that are waiting for it. The store does so by itself in the
// background; a caller that wants it done now may ask.
func (s *Store) Compact(ctx context.Context) error {
	for _, t := range s.all() {
		if err := t.compactWaiting(ctx); err != nil {
			return fmt.Errorf("compact history of tenant %s: %w", t.name, err)
		}
	}
	return nil
}

func (s *Store) all() []*tenant {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Values(s.tenants))
}

// rollEvery is how often the store looks for what to roll up.
const rollEvery = 30 * time.Second

// maintain compacts when there is something to compact, rolls up what was left alone for a while, and collects Badger's value log, where only values above
// 1 MiB go, now and then.
func (s *Store) maintain(ctx context.Context) {
	collect, roll := s.opt.Clock.After(time.Hour), s.opt.Clock.After(rollEvery)
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.work:
			if err := s.Compact(ctx); err != nil && ctx.Err() == nil {
				s.opt.Log.Error("history was not compacted", "error", err)
			}
		case <-roll:
			if err := s.roll(ctx, false); err != nil && ctx.Err() == nil {
				s.opt.Log.Error("history was not rolled up", "error", err)
			}
			roll = s.opt.Clock.After(rollEvery)
		case <-collect:
			err := s.db.RunValueLogGC(0.5)
			if err != nil && !errors.Is(err, badger.ErrNoRewrite) && !errors.Is(err, badger.ErrRejected) {
				s.opt.Log.Error("value log of history was not collected", "error", err)
			}
			collect = s.opt.Clock.After(time.Hour)
		}
	}
}

// wake tells maintain that there is something to compact.
func (s *Store) wake() {
	select {
	case s.work <- struct{}{}:
	default:
	}
}

// Size is how many bytes the store takes on disk, as of Badger's last look at its files.
func (s *Store) Size() int64 {
	lsm, vlog := s.db.Size()
	return lsm + vlog
}

// Close commits every tenant and closes the store.
func (s *Store) Close() error {
	s.stop()
	s.done.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, t := range s.tenants {
		errs = append(errs, t.Commit(context.Background()))
	}
	return errors.Join(append(errs, s.db.Close())...)
}

// badgerLog hands Badger's warnings to our log; its chatter is dropped.
type badgerLog struct{ log *slog.Logger }

func (l badgerLog) Errorf(f string, a ...any) { l.log.Error("badger", "text", fmt.Sprintf(f, a...)) }

func (l badgerLog) Warningf(f string, a ...any) { l.log.Warn("badger", "text", fmt.Sprintf(f, a...)) }
func (badgerLog) Infof(string, ...any)          {}
func (badgerLog) Debugf(string, ...any)         {}
