package outbox

import (
	"errors"
	"fmt"

	"github.com/dgraph-io/badger/v4"

	"github.com/lineshaft/lineshaft/gateway/outbox/internal/row"
	"github.com/lineshaft/lineshaft/twin/wire"
)

// Range is some numbers of one device's channel, both ends included.
type Range struct {
	Device   string
	Channel  wire.Channel
	Epoch    string
	From, To uint64
}

// Found is a row of a range.
type Found struct {
	Row
	Sent bool // it was acknowledged; one that was not will be sent by itself
}

// Find returns the rows of a range that are still held, in order, about a megabyte at most: whoever wants the rest
// asks again from behind the last one. There is no index, so that Put has none to write: numbers grow with the place
// of a row, and a bisection finds the first one by looking at a few dozen rows. Only a channel that hardly ever
// speaks costs more, at most one walk over the outbox.
func (o *Outbox) Find(r Range) ([]Found, error) {
	var out []Found
	if r.Epoch != o.epoch {
		return nil, nil
	}
	o.wmu.Lock()
	end := o.totals.Next
	o.wmu.Unlock()
	err := o.db.View(func(txn *badger.Txn) error {
		start, err := seek(txn, r, end)
		if err != nil || start == end {
			return err
		}
		size := 0
		return walk(txn, r, start, end, func(x Row) error {
			if x.Seq > r.To || len(out) >= fetchRows || size >= fetchBytes {
				return errStop
			}
			if x.Seq < r.From {
				return nil
			}
			note, err := value(txn, row.Key(row.Unsent, x.Order))
			if err != nil {
				return err
			}
			size += len(x.Payload)
			out = append(out, Found{x, note == nil})
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("find in outbox: %w", err)
	}
	return out, nil
}

// Last is the newest number given to a device's channel, 0 if there is none.
func (o *Outbox) Last(device string, channel wire.Channel) uint64 {
	o.wmu.Lock()
	defer o.wmu.Unlock()
	return o.counters[device+"\x00"+string(channel)]
}

// seek is the place of the first row of the range's channel with a number from r.From on, end if there is none.
func seek(txn *badger.Txn, r Range, end uint64) (uint64, error) {
	low, err := first(txn, end)
	if err != nil {
		return end, err
	}
	best, high := end, end
	for low < high {
		mid := low + (high-low)/2
		var at *Row
		if err := walk(txn, r, mid, high, func(x Row) error { at = &x; return errStop }); err != nil {
			return end, err
		}
		switch {
		case at == nil: // the channel does not speak from here on
			high = mid
		case at.Seq < r.From:
			low = at.Order + 1
		default:
			best, high = at.Order, mid
		}
	}
	return best, nil
}

func first(txn *badger.Txn, end uint64) (uint64, error) {
	low := end
	err := each(txn, []byte{row.Rows}, false, func(item *badger.Item) error {
		low = row.Order(item.Key())
		return errStop
	})
	return low, err
}

// walk visits the rows of the range's channel in places start <= order < end. A row that cannot be read is passed
// over.
func walk(txn *badger.Txn, r Range, start, end uint64, visit func(Row) error) error {
	it := txn.NewIterator(badger.IteratorOptions{Prefix: []byte{row.Rows}})
	defer it.Close()
	for it.Seek(row.Key(row.Rows, start)); it.Valid(); it.Next() {
		order := row.Order(it.Item().Key())
		if order >= end {
			return nil
		}
		text, err := it.Item().ValueCopy(nil)
		if err != nil {
			return err
		}
		x, err := row.Parse(order, text)
		if err != nil || x.Device != r.Device || x.Channel != string(r.Channel) || x.Epoch != r.Epoch {
			continue
		}
		if err := visit(x); err != nil {
			if errors.Is(err, errStop) {
				return nil
			}
			return err
		}
	}
	return nil
}
