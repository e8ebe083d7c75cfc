package outbox

import (
	"cmp"
	"encoding/binary"
	"errors"
	"slices"
	"time"

	"github.com/dgraph-io/badger/v4"

	"github.com/lineshaft/lineshaft/gateway/outbox/internal/row"
)

const (
	dropChunk = 500
	// A full outbox is emptied to this share of its bound, so that room is made seldom and in one go.
	roomShare = 0.95
)

// victim is a row chosen for deletion.
type victim struct {
	key   []byte // the unsent or sent key
	order uint64
	size  int64
}

// expire deletes what is older than its retention and gives the space back.
func (o *Outbox) expire() error {
	o.wmu.Lock()
	defer o.wmu.Unlock()
	now := o.opts.Clock.Now()
	oldest := uint32(now.Add(-o.opts.SentRetention).Unix() / 60)
	err := o.deleteSent(func(key []byte) bool { return row.SentMinute(key) < oldest })
	if err != nil {
		return err
	}
	limit := now.Add(-o.opts.UnsentRetention).UnixNano()
	err = o.dropUnsent("expired", func(n row.Note) (drop, more bool) { return n.TS < limit, n.TS < limit })
	if err != nil {
		return err
	}
	if err := o.db.RunValueLogGC(0.5); err != nil && !errors.Is(err, badger.ErrNoRewrite) && !errors.Is(err, badger.ErrRejected) {
		return err
	}
	return nil
}

// makeRoom deletes until the outbox is within its bound: sent rows first, then the oldest data, then the oldest facts.
func (o *Outbox) makeRoom() error {
	target := int64(float64(o.opts.MaxBytes) * roomShare)
	over := func() bool { return o.totals.Bytes > target }
	if err := o.deleteSent(func([]byte) bool { return over() }); err != nil {
		return err
	}
	for _, p := range []Priority{Data, Facts} {
		if !over() {
			return nil
		}
		err := o.dropUnsent("full", func(n row.Note) (drop, more bool) { return n.Priority == uint8(p), over() })
		if err != nil {
			return err
		}
	}
	return nil
}

// deleteSent deletes acknowledged rows from the oldest on, while more says so of the next.
func (o *Outbox) deleteSent(more func(key []byte) bool) error {
	for {
		var found []victim
		held := o.totals.Bytes
		err := o.db.View(func(txn *badger.Txn) error {
			return each(txn, []byte{row.Sent}, true, func(item *badger.Item) error {
				if len(found) >= dropChunk || !more(item.Key()) {
					return errStop
				}
				return item.Value(func(v []byte) error {
					size := int64(binary.BigEndian.Uint32(v))
					found = append(found, victim{item.KeyCopy(nil), row.Order(item.Key()), size})
					o.totals.Bytes -= size // so that more sees what is left
					return nil
				})
			})
		})
		o.totals.Bytes = held
		if err != nil || len(found) == 0 {
			return err
		}
		totals := o.totals
		err = o.db.Update(func(txn *badger.Txn) error { return remove(txn, found, &totals) })
		if err != nil {
			return err
		}
		o.totals = totals
	}
}

// remove deletes rows and the keys that led to them.
func remove(txn *badger.Txn, found []victim, totals *row.Totals) error {
	for _, v := range found {
		totals.Rows--
		totals.Bytes -= v.size
		if err := txn.Delete(v.key); err != nil {
			return err
		}
		if err := txn.Delete(row.Key(row.Rows, v.order)); err != nil {
			return err
		}
	}
	return txn.Set(row.TotalsKey(), totals.Append(nil))
}

// dropUnsent drops unsent rows from the oldest on, those choose says to drop, while it wants more, and tells what was
// lost in the same transaction.
func (o *Outbox) dropUnsent(reason string, choose func(row.Note) (drop, more bool)) error {
	for start := uint64(0); ; {
		found, lost, next, err := o.chooseUnsent(start, choose)
		if err != nil || len(found) == 0 {
			return err
		}
		start = next
		if err := o.dropChosen(reason, found, lost); err != nil {
			return err
		}
	}
}

func (o *Outbox) chooseUnsent(start uint64, choose func(row.Note) (drop, more bool)) (found []victim, lost []Row, next uint64, err error) {
	held := o.totals.Bytes
	defer func() { o.totals.Bytes = held }()
	err = o.db.View(func(txn *badger.Txn) error {
		return from(txn, []byte{row.Unsent}, row.Key(row.Unsent, start), true, func(item *badger.Item) error {
			order := row.Order(item.Key())
			next = order + 1
			var note row.Note
			err := item.Value(func(v []byte) (err error) { note, err = row.ParseNote(v); return err })
			if err != nil {
				return err
			}
			if len(found) >= dropChunk {
				next = order
				return errStop
			}
			drop, more := choose(note)
			if !more {
				return errStop
			}
			if !drop || !o.lanes.claim(order, int(note.Size)) {
				return nil
			}
			r, err := readRow(txn, order)
			if err != nil {
				return err
			}
			r.Payload = nil
			found = append(found, victim{item.KeyCopy(nil), order, int64(note.Size)})
			lost = append(lost, r)
			o.totals.Bytes -= int64(note.Size)
			return nil
		})
	})
	return found, lost, next, err
}

// dropChosen deletes claimed rows, and stores what tells of it.
func (o *Outbox) dropChosen(reason string, found []victim, lost []Row) error {
	b := o.newBatch()
	for _, v := range found {
		b.totals.Unsent--
		b.totals.UnsentBytes -= v.size
	}
	losses := Losses(reason, lost)
	for _, l := range losses {
		o.opts.Log.Warn("unsent messages dropped", "device", l.Device, "channel", l.Channel, "reason", reason, "count", l.Count(),
			"ranges", l.Ranges)
		if o.opts.Loss == nil {
			continue
		}
		if e, ok := o.opts.Loss(l); ok {
			if err := b.add(e); err != nil {
				return err
			}
		}
	}
	err := o.db.Update(func(txn *badger.Txn) error {
		if err := remove(txn, found, &b.totals); err != nil {
			return err
		}
		return b.write(txn)
	})
	orders := make([]uint64, len(found))
	for i, v := range found {
		orders[i] = v.order
	}
	if err != nil {
		for _, order := range orders {
			o.lanes.giveBack(order)
		}
		return err
	}
	o.lanes.done(orders)
	o.dropped += uint64(len(found))
	o.commit(b)
	return nil
}

// Losses sums dropped rows up, per device and channel in order of their names, as ranges of seq.
func Losses(reason string, lost []Row) []Loss {
	type key struct{ device, channel, epoch string }
	rows := make(map[key][]Row)
	for _, r := range lost {
		k := key{r.Device, r.Channel, r.Epoch}
		rows[k] = append(rows[k], r)
	}
	var out []Loss
	for k, rs := range rows {
		slices.SortFunc(rs, func(a, b Row) int { return cmp.Compare(a.Seq, b.Seq) })
		l := Loss{Device: k.device, Channel: k.channel, Epoch: k.epoch, Topic: rs[0].Topic, Reason: reason}
		first, last := rs[0].TS, rs[0].TS
		for _, r := range rs {
			first, last = min(first, r.TS), max(last, r.TS)
			if n := len(l.Ranges); n > 0 && l.Ranges[n-1][1]+1 == r.Seq {
				l.Ranges[n-1][1] = r.Seq
			} else {
				l.Ranges = append(l.Ranges, [2]uint64{r.Seq, r.Seq})
			}
		}
		l.From, l.To = time.Unix(0, first).UTC(), time.Unix(0, last).UTC()
		out = append(out, l)
	}
	slices.SortFunc(out, func(a, b Loss) int {
		return cmp.Or(cmp.Compare(a.Device, b.Device), cmp.Compare(a.Channel, b.Channel), cmp.Compare(a.Epoch, b.Epoch))
	})
	return out
}
