package outbox

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"maps"
	"time"

	"github.com/dgraph-io/badger/v4"

	"github.com/lineshaft/lineshaft/gateway/outbox/internal/row"
	"github.com/lineshaft/lineshaft/twin/fault"
	"github.com/lineshaft/lineshaft/twin/wire"
)

// One transaction holds at most so much; Badger's own limit is a share of its table in memory.
const (
	chunkRows  = 500
	chunkBytes = 256 << 10
)

// Entry is a message to keep. Payload appends the body to b, with the numbers the outbox gave it; it is called once,
// from within Put, and must not call the outbox.
type Entry struct {
	Device   string
	Channel  wire.Channel
	Topic    string
	Priority Priority
	Payload  func(b []byte, s Stamp) []byte
}

// Stamp is what the outbox gives a message: it stays the same each time the message is sent.
type Stamp struct {
	Epoch string
	Seq   uint64 // counts per (device, channel) from 1, without a hole
	MsgID string
	TS    time.Time
}

// Put keeps messages in the order given and numbers them. When it returns, they outlive a kill of the process. With
// an error it says how many were kept; the one after them was not, and a fault.Invalid means that it never will be.
func (o *Outbox) Put(entries ...Entry) (kept int, err error) {
	o.wmu.Lock()
	defer o.wmu.Unlock()
	for kept < len(entries) {
		n, err := o.putChunk(entries[kept:])
		kept += n
		if err != nil {
			return kept, fmt.Errorf("put into outbox: %w", err)
		}
	}
	if o.totals.Bytes > o.opts.MaxBytes {
		if err := o.makeRoom(); err != nil {
			return kept, fmt.Errorf("make room in outbox: %w", err)
		}
	}
	return kept, nil
}

// putChunk stores as many entries as fit one transaction and says how many.
func (o *Outbox) putChunk(entries []Entry) (int, error) {
	b := o.newBatch()
	n := 0
	var refused error
	for n < len(entries) && n < chunkRows && b.bytes < chunkBytes && refused == nil {
		if refused = b.add(entries[n]); refused == nil {
			n++
		}
	}
	if n > 0 {
		if err := o.db.Update(b.write); err != nil {
			return 0, err
		}
		o.commit(b)
	}
	return n, refused
}

// batch is a transaction in the making: what o will be if it commits.
type batch struct {
	o        *Outbox
	now      time.Time
	rows     []Row
	values   [][]byte
	bytes    int
	totals   row.Totals
	counters map[string]uint64
}

func (o *Outbox) newBatch() *batch {
	return &batch{o: o, now: o.opts.Clock.Now(), totals: o.totals, counters: make(map[string]uint64)}
}

// add numbers and renders one entry.
func (b *batch) add(e Entry) error {
	id, err := wire.NewID(b.now, rand.Reader)
	if err != nil {
		return err
	}
	counter := e.Device + "\x00" + string(e.Channel)
	last, ok := b.counters[counter]
	if !ok {
		last = b.o.counters[counter]
	}
	r := Row{
		Order: b.totals.Next, Priority: uint8(e.Priority), TS: b.now.UnixNano(), Seq: last + 1,
		Epoch: b.o.epoch, Device: e.Device, Channel: string(e.Channel), Topic: e.Topic,
	}
	v := row.AppendHead(make([]byte, 0, 512), r)
	head := len(v)
	v = e.Payload(v, Stamp{Epoch: r.Epoch, Seq: r.Seq, MsgID: id, TS: b.now})
	r.Payload = v[head:]
	if len(r.Payload) > wire.MaxPayload {
		return fault.Field("payload", len(r.Payload), "message on %s has more than %d bytes", e.Topic, wire.MaxPayload)
	}
	b.counters[counter] = r.Seq
	b.rows, b.values = append(b.rows, r), append(b.values, v)
	b.bytes += len(v)
	b.totals.Next++
	b.totals.Rows++
	b.totals.Unsent++
	b.totals.Bytes += int64(len(v))
	b.totals.UnsentBytes += int64(len(v))
	return nil
}

// write puts everything into a transaction.
func (b *batch) write(txn *badger.Txn) error {
	for i, r := range b.rows {
		if err := txn.Set(row.Key(row.Rows, r.Order), b.values[i]); err != nil {
			return err
		}
		note := row.Note{Size: uint32(len(b.values[i])), TS: r.TS, Priority: r.Priority}
		if err := txn.Set(row.Key(row.Unsent, r.Order), note.Append(nil)); err != nil {
			return err
		}
	}
	for c, seq := range b.counters {
		if err := txn.Set(append([]byte{row.Counters}, c...), binary.BigEndian.AppendUint64(nil, seq)); err != nil {
			return err
		}
	}
	return txn.Set(row.TotalsKey(), b.totals.Append(nil))
}

// commit makes a batch that is on disk the truth in memory, and offers its rows for sending.
func (o *Outbox) commit(b *batch) {
	o.totals = b.totals
	maps.Copy(o.counters, b.counters)
	o.unsynced = true
	o.lanes.push(b.rows, b.values)
}
