package store

import (
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/dgraph-io/badger/v4"
)

// Snapshot is everything the store held at one instant, however long it is read. It must be closed.
type Snapshot struct{ txn *badger.Txn }

// Format is the format of the stores this program writes, and the newest it reads.
func Format() int { return len(migrations()) }

// Snapshot takes one of now. What is written later is not in it.
func (s *Store) Snapshot() *Snapshot {
	s.staging.Lock() // between large writes rather than in one
	defer s.staging.Unlock()
	return &Snapshot{s.db.NewTransaction(false)}
}

// Each calls fn with every pair of the snapshot; the slices count until fn returns. An error of fn is returned as it
// is.
func (s *Snapshot) Each(fn func(k, v []byte) error) error {
	it := s.txn.NewIterator(badger.IteratorOptions{PrefetchValues: true, PrefetchSize: 64})
	defer it.Close()
	for it.Rewind(); it.Valid(); it.Next() {
		item := it.Item()
		failed := false
		err := item.Value(func(v []byte) error {
			err := fn(item.Key(), v)
			failed = err != nil
			return err
		})
		if err != nil && !failed {
			return fmt.Errorf("read store: %w", err)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Close lets go of what the snapshot holds.
func (s *Snapshot) Close() { s.txn.Discard() }

// Fill makes a store of the given format in dir, where there is none, of the pairs of a snapshot. Opening it brings an
// older format up to date.
func Fill(dir string, format int, log *slog.Logger, pairs iter.Seq2[Pair, error]) (err error) {
	had, err := readFormat(dir)
	if err != nil {
		return err
	}
	if !had.fresh || format < 1 {
		return fmt.Errorf("fill store: %s holds one, or format %d is none", dir, format)
	}
	had.fresh, had.Version = false, format
	if err := had.check(dir, Format()); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(dir, snapshotsDir), 0o700); err != nil {
		return fmt.Errorf("fill store: %w", err)
	}
	// Close writes everything to synced tables, so that nothing needs a sync of its own before.
	db, err := badger.Open(settings(filepath.Join(dir, databaseDir), log).WithSyncWrites(false))
	if err != nil {
		return openError(dir, err)
	}
	if err := errors.Join(fill(db, pairs), db.Close()); err != nil {
		return fmt.Errorf("fill store: %w", err)
	}
	return had.write(dir)
}

func fill(db *badger.DB, pairs iter.Seq2[Pair, error]) error {
	batch := db.NewWriteBatch()
	defer batch.Cancel()
	for p, err := range pairs {
		if err != nil {
			return err
		}
		if err := batch.Set(p.Key, p.Value); err != nil {
			return err
		}
	}
	return batch.Flush()
}
