package store

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"

	"github.com/dgraph-io/badger/v4"
)

// migration brings a store from one format to the next: the one at index i from format i to i+1. It may use any
// number of transactions; if it is interrupted, the snapshot is put back before it runs again.
type migration struct {
	what string
	run  func(*Store) error
}

// migrations are all steps from the first format to this program's; their number is its format version.
func migrations() []migration {
	return []migration{
		{"name spaces by length", nameSpacesByLength},
	}
}

// bringUp leaves the database in the newest format and says so on disk.
func (s *Store) bringUp(had format, steps []migration) error {
	now := format{Version: len(steps)}
	if had.fresh {
		return now.write(s.dir)
	}
	if had.Version == now.Version && !had.Migrating {
		return nil
	}
	if had.Migrating {
		if err := s.restoreFile(filepath.Join(s.dir, snapshotsDir, had.Snapshot)); err != nil {
			return fmt.Errorf("undo an interrupted migration: %w", err)
		}
	} else {
		had.Snapshot = fmt.Sprintf("format-%d.badger", had.Version)
		if err := replaceFile(filepath.Join(s.dir, snapshotsDir, had.Snapshot), func(w *os.File) error { return s.Backup(w) }); err != nil {
			return fmt.Errorf("snapshot before migration: %w", err)
		}
		had.Migrating = true
		if err := had.write(s.dir); err != nil {
			return err
		}
	}
	for i := had.Version; i < len(steps); i++ {
		s.log.Info("store_migration", "from", i, "to", i+1, "what", steps[i].what, "snapshot", had.Snapshot)
		if err := steps[i].run(s); err != nil {
			return fmt.Errorf("migrate store from format %d to %d (%s): %w", i, i+1, steps[i].what, err)
		}
	}
	return now.write(s.dir)
}

func (s *Store) restoreFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // only read
	return s.Restore(f)
}

// nameSpacesByLength rewrites keys "{space}/{key}" to the length of the space's name, the name, the key: with the
// slash, a space "a" could see the keys of a space "a/b".
func nameSpacesByLength(s *Store) error {
	for {
		var puts []Pair
		err := s.db.View(func(txn *badger.Txn) error {
			it := txn.NewIterator(badger.DefaultIteratorOptions)
			defer it.Close()
			for it.Seek([]byte{' '}); it.Valid() && len(puts) < 1000; it.Next() { // what begins lower is in its new place
				key := it.Item().KeyCopy(nil)
				name, rest, ok := bytes.Cut(key, []byte{'/'})
				if !ok || len(name) == 0 || len(name) > longestName {
					return fmt.Errorf("key %q is in no space", key)
				}
				value, err := it.Item().ValueCopy(nil)
				if err != nil {
					return err
				}
				puts = append(puts, Pair{Key: key}, Pair{Key: append(spacePrefix(string(name)), rest...), Value: value})
			}
			return nil
		})
		if err != nil || len(puts) == 0 {
			return err
		}
		if err := s.transact(nil, puts); err != nil {
			return err
		}
	}
}
