// Package outboxtest does to an outbox what only a test may: it takes a row away, to show that an audit notices.
package outboxtest

import (
	"errors"
	"fmt"

	"github.com/dgraph-io/badger/v4"

	"github.com/lineshaft/lineshaft/gateway/outbox/internal/row"
)

// Remove deletes the row with a number from an outbox nobody has open, and leaves every count as it was.
func Remove(dir, device, channel string, seq uint64) (err error) {
	db, err := badger.Open(badger.DefaultOptions(dir).WithLogger(nil).WithValueLogFileSize(16 << 20))
	if err != nil {
		return fmt.Errorf("open outbox: %w", err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return db.Update(func(txn *badger.Txn) error {
		it := txn.NewIterator(badger.IteratorOptions{Prefix: []byte{row.Rows}})
		defer it.Close()
		for it.Rewind(); it.Valid(); it.Next() {
			text, err := it.Item().ValueCopy(nil)
			if err != nil {
				return err
			}
			r, err := row.Parse(row.Order(it.Item().Key()), text)
			if err != nil {
				return err
			}
			if r.Device == device && r.Channel == channel && r.Seq == seq {
				return errors.Join(txn.Delete(it.Item().KeyCopy(nil)), txn.Delete(row.Key(row.Unsent, r.Order)))
			}
		}
		return fmt.Errorf("no row of %s %s with seq %d", device, channel, seq)
	})
}
