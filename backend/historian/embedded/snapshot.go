package embedded

import (
	"errors"
	"fmt"
	"iter"
	"log/slog"

	"github.com/dgraph-io/badger/v4"
)

// Snapshot is everything committed to the store at one instant, however long it is read. It must be closed.
type Snapshot struct{ txn *badger.Txn }

// Format is the format of the stores this program writes, and the newest it reads.
func Format() int { return formatVersion }

// Snapshot takes one of now. What is committed later is not in it.
func (s *Store) Snapshot() *Snapshot { return &Snapshot{s.db.NewTransaction(false)} }

// Each calls fn with every pair of the snapshot; the slices count until fn returns. An error of fn is returned as it
// is.
func (s *Snapshot) Each(fn func(k, v []byte) error) error {
	it := s.txn.NewIterator(badger.IteratorOptions{PrefetchValues: true, PrefetchSize: 16})
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
			return fmt.Errorf("read history: %w", err)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Close lets go of what the snapshot holds.
func (s *Snapshot) Close() { s.txn.Discard() }

// Fill makes a store in dir, where there is none, of the pairs of a snapshot, each a key and its value. Opening it
// refuses a newer format and brings an older one up to date.
func Fill(dir string, log *slog.Logger, pairs iter.Seq2[[2][]byte, error]) error {
	// Close writes everything to synced tables, so that nothing needs a sync of its own before.
	db, err := badger.Open(badgerOptions(dir, log).WithSyncWrites(false))
	if err != nil {
		return fmt.Errorf("fill history in %s: %w", dir, err)
	}
	if err := errors.Join(fill(db, pairs), db.Close()); err != nil {
		return fmt.Errorf("fill history in %s: %w", dir, err)
	}
	return nil
}

func fill(db *badger.DB, pairs iter.Seq2[[2][]byte, error]) error {
	batch := db.NewWriteBatch()
	defer batch.Cancel()
	for p, err := range pairs {
		if err != nil {
			return err
		}
		if err := batch.Set(p[0], p[1]); err != nil {
			return err
		}
	}
	return batch.Flush()
}
