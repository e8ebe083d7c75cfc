package embedded

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/dgraph-io/badger/v4"

	"github.com/lineshaft/lineshaft/backend/historian"
	"github.com/lineshaft/lineshaft/twin/fault"
)

// formatVersion is what this program writes. Version 1 had no rollups.
const formatVersion = 2

// format returns the version the store was written with, and refuses a newer one. A new store is of this version.
func (s *Store) format() (version uint64, err error) {
	version = formatVersion
	err = s.db.Update(func(txn *badger.Txn) error {
		item, err := txn.Get(formatKey())
		if errors.Is(err, badger.ErrKeyNotFound) {
			return txn.Set(formatKey(), binary.AppendUvarint(nil, formatVersion))
		}
		if err != nil {
			return fmt.Errorf("read format version: %w", err)
		}
		return item.Value(func(v []byte) error {
			n := 0
			version, n = binary.Uvarint(v)
			if n <= 0 || version > formatVersion {
				return fault.New(fault.Conflict, "history has format version %d, this program knows %d", version, formatVersion).
					WithHint("start the program that wrote it, or a newer one")
			}
			return nil
		})
	})
	return version, err
}

func formatKey() []byte { return append(tenantPrefix(""), kindFormat) }

// migrate brings a store of an older version to this one. It only adds to the store, so that a crash leaves one of
// the older version, complete.
func (s *Store) migrate(version uint64) error {
	if version == formatVersion {
		return nil
	}
	for _, t := range s.all() {
		if err := t.markAll(); err != nil {
			return fmt.Errorf("prepare rollups of tenant %s: %w", t.name, err)
		}
	}
	return s.db.Update(func(txn *badger.Txn) error {
		return txn.Set(formatKey(), binary.AppendUvarint(nil, formatVersion))
	})
}

// markAll notes everything sealed to be rolled up.
func (t *tenant) markAll() error {
	b := t.store.batch()
	defer b.discard()
	err := t.store.db.View(func(txn *badger.Txn) error {
		prefix := t.key(kindBlock, 0)
		it := txn.NewIterator(badger.IteratorOptions{Prefix: prefix})
		defer it.Close()
		for it.Rewind(); it.Valid(); it.Next() {
			key := it.Item().Key()[len(prefix):]
			if len(key) != 28 {
				return fmt.Errorf("block key %x is not one of history", key)
			}
			r, _ := parseRef(key[4:])
			if err := b.set(t.markSpan(historian.SeriesID(binary.BigEndian.Uint32(key)), r.start, r.end)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return b.commit()
}
