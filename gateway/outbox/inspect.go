package outbox

import (
	"fmt"
	"iter"
	"time"

	"github.com/dgraph-io/badger/v4"

	"github.com/lineshaft/lineshaft/gateway/outbox/internal/row"
)

// Kept is a row as an auditor sees it.
type Kept struct {
	Device, Channel, Epoch, Topic string
	Seq                           uint64
	Payload                       []byte
	Sent                          bool
	TS                            time.Time // when it was put
}

// Inspect yields every row of an outbox in order. The directory must not be in use: close its gateway, or copy it.
// Opening recovers what a killed process left, as the next start would; no row is changed.
func Inspect(dir string) iter.Seq2[Kept, error] {
	return func(yield func(Kept, error) bool) {
		db, err := open(dir, Options{}.withDefaults().Log)
		if err != nil {
			yield(Kept{}, err)
			return
		}
		defer func() { _ = db.Close() }()
		err = db.View(func(txn *badger.Txn) error {
			return each(txn, []byte{row.Rows}, true, func(item *badger.Item) error {
				k, err := kept(txn, item)
				if err != nil {
					return err
				}
				if !yield(k, nil) {
					return errStop
				}
				return nil
			})
		})
		if err != nil {
			yield(Kept{}, fmt.Errorf("inspect outbox %s: %w", dir, err))
		}
	}
}

func kept(txn *badger.Txn, item *badger.Item) (Kept, error) {
	text, err := item.ValueCopy(nil)
	if err != nil {
		return Kept{}, err
	}
	order := row.Order(item.Key())
	r, err := row.Parse(order, text)
	if err != nil {
		return Kept{}, fmt.Errorf("row %d: %w", order, err)
	}
	note, err := value(txn, row.Key(row.Unsent, order))
	if err != nil {
		return Kept{}, err
	}
	return Kept{r.Device, r.Channel, r.Epoch, r.Topic, r.Seq, r.Payload, note == nil, time.Unix(0, r.TS).UTC()}, nil
}
