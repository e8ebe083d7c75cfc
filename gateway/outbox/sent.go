package outbox

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/dgraph-io/badger/v4"

	"github.com/lineshaft/lineshaft/gateway/outbox/internal/row"
)

const (
	ackFlush    = 50 * time.Millisecond  // acknowledgements are written together
	syncEvery   = 200 * time.Millisecond // the most a loss of power takes
	expireEvery = time.Minute
	ackChunk    = 1000
)

// acks are the orders whose PUBACK came and is not yet on disk.
type acks struct {
	mu     sync.Mutex
	orders []uint64
	wake   chan struct{}
}

// Next takes the next unsent row, fresh and old ones by turns, and blocks until there is one or ctx ends. The row is
// in flight until Sent or Unsent is called for it. Its payload must not be changed.
func (o *Outbox) Next(ctx context.Context) (Row, error) { return o.lanes.next(ctx) }

// Spill makes everything that waits backlog, so that what is put from now on takes turns with it. It is called when a
// connection begins: what waited for it is old.
func (o *Outbox) Spill() { o.lanes.spill() }

// Sent says that the PUBACK of a row came. It does not block; the disk learns it within a moment, and a crash before
// that sends the row again with the same numbers.
func (o *Outbox) Sent(order uint64) {
	o.acks.mu.Lock()
	o.acks.orders = append(o.acks.orders, order)
	o.acks.mu.Unlock()
	select {
	case o.acks.wake <- struct{}{}:
	default:
	}
}

// Unsent says that the PUBACK of a row will not come: the row is to be sent again. It does not block.
func (o *Outbox) Unsent(order uint64) { o.lanes.giveBack(order) }

// Run writes acknowledgements, syncs and expires until ctx ends.
func (o *Outbox) Run(ctx context.Context) error {
	clk := o.opts.Clock
	syncs, expiry := clk.After(syncEvery), clk.After(0)
	var flush <-chan time.Time
	for {
		var err error
		select {
		case <-ctx.Done():
			return o.flushAcks()
		case <-o.acks.wake:
			if flush == nil {
				flush = clk.After(ackFlush)
			}
		case <-flush:
			flush = nil
			err = o.flushAcks()
		case <-syncs:
			syncs = clk.After(syncEvery)
			err = o.sync()
		case <-expiry:
			expiry = clk.After(expireEvery)
			err = o.expire()
		}
		if err != nil {
			return err
		}
	}
}

func (o *Outbox) sync() error {
	o.wmu.Lock()
	due := o.unsynced
	o.unsynced = false
	o.wmu.Unlock()
	if !due {
		return nil
	}
	if err := o.db.Sync(); err != nil {
		return fmt.Errorf("sync outbox: %w", err)
	}
	return nil
}

// flushAcks writes down which rows were acknowledged.
func (o *Outbox) flushAcks() error {
	o.acks.mu.Lock()
	orders := o.acks.orders
	o.acks.orders = nil
	o.acks.mu.Unlock()
	o.wmu.Lock()
	defer o.wmu.Unlock()
	for len(orders) > 0 {
		n := min(len(orders), ackChunk)
		if err := o.markSent(orders[:n]); err != nil {
			return fmt.Errorf("mark sent in outbox: %w", err)
		}
		o.lanes.done(orders[:n])
		orders = orders[n:]
	}
	return nil
}

func (o *Outbox) markSent(orders []uint64) error {
	totals := o.totals
	minute := uint32(o.opts.Clock.Now().Unix() / 60)
	err := o.db.Update(func(txn *badger.Txn) error {
		for _, order := range orders {
			size, ok := o.lanes.size(order)
			if !ok {
				continue // acknowledged twice
			}
			totals.Unsent--
			totals.UnsentBytes -= int64(size)
			if err := txn.Delete(row.Key(row.Unsent, order)); err != nil {
				return err
			}
			if err := txn.Set(row.SentKey(minute, order), binary.BigEndian.AppendUint32(nil, uint32(size))); err != nil {
				return err
			}
		}
		return txn.Set(row.TotalsKey(), totals.Append(nil))
	})
	if err != nil {
		return err
	}
	o.totals = totals
	o.unsynced = true
	return nil
}

// fetch reads unsent rows in order from disk.
func (o *Outbox) fetch(start, end uint64, skip func(uint64) bool) ([]Row, []int, error) {
	var rows []Row
	var sizes []int
	sum := 0
	err := o.db.View(func(txn *badger.Txn) error {
		return from(txn, []byte{row.Unsent}, row.Key(row.Unsent, start), false, func(item *badger.Item) error {
			order := row.Order(item.Key())
			if order >= end || len(rows) >= fetchRows || sum >= fetchBytes {
				return errStop
			}
			if skip(order) {
				return nil
			}
			r, err := readRow(txn, order)
			if errors.Is(err, row.ErrShort) { // the others must not wait for it for ever
				o.opts.Log.Error("row of the outbox cannot be read and is passed over", "order", order)
				return nil
			}
			if err != nil {
				return err
			}
			size := rowSize(r)
			rows, sizes = append(rows, r), append(sizes, size)
			sum += size
			return nil
		})
	})
	if err != nil {
		return nil, nil, fmt.Errorf("read outbox: %w", err)
	}
	return rows, sizes, nil
}

func readRow(txn *badger.Txn, order uint64) (Row, error) {
	text, err := value(txn, row.Key(row.Rows, order))
	if err != nil {
		return Row{}, err
	}
	r, err := row.Parse(order, text)
	if err != nil {
		return Row{}, fmt.Errorf("row %d: %w", order, err)
	}
	return r, nil
}

// rowSize is the number of bytes r takes on disk, as counted when it was put.
func rowSize(r Row) int { return len(row.AppendHead(make([]byte, 0, 256), r)) + len(r.Payload) }
