// Package outbox is the gateway's memory of what it has to say: every message is on disk before the network hears
// of it, counts as unsent until its PUBACK, and is kept a while after.
//
// A message survives a kill of the process as soon as Put returns; a loss of power takes at most the last quarter of
// a second, the time between two syncs.
package outbox

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/dgraph-io/badger/v4"

	"github.com/lineshaft/lineshaft/gateway/outbox/internal/row"
	"github.com/lineshaft/lineshaft/twin/clock"
	"github.com/lineshaft/lineshaft/twin/fault"
	"github.com/lineshaft/lineshaft/twin/wire"
)

// format is the version of the layout on disk. A newer one is refused.
const format = 1

// Priority says what is dropped first when the outbox is full.
type Priority uint8

// The priorities: Data is dropped before Facts.
const (
	Data  Priority = 0
	Facts Priority = 1
)

// Options bound an outbox. Zero values take the defaults named.
type Options struct {
	SentRetention   time.Duration // how long a sent message is kept for resending; 24h
	UnsentRetention time.Duration // how long an unsent one; 72h
	MaxBytes        int64         // of messages; 2 GiB. The disk may hold some more until it is compacted
	Clock           clock.Clock
	Log             *slog.Logger
	// Loss makes the message that tells of dropped data; it is stored in the same transaction as the drop.
	// Nil tells only the log.
	Loss func(Loss) (Entry, bool)
}

// Loss is what the outbox had to drop unsent, of one device's channel.
type Loss struct {
	Device, Channel, Epoch, Topic string
	Reason                        string // "full" or "expired"
	Ranges                        [][2]uint64
	From, To                      time.Time // when the first and the last dropped message were put
}

// Count is the number of messages lost.
func (l Loss) Count() uint64 {
	n := uint64(0)
	for _, r := range l.Ranges {
		n += r[1] - r[0] + 1
	}
	return n
}

// Row is a message taken out for sending.
type Row = row.Row

// Stats is what the outbox holds.
type Stats struct {
	Rows, Bytes         int64
	Unsent, UnsentBytes int64
	Dropped             uint64 // unsent messages dropped since Open
}

// Outbox is one directory. It is safe for concurrent use, but for Next, which one goroutine calls.
type Outbox struct {
	opts  Options
	db    *badger.DB
	epoch string

	wmu      sync.Mutex // one writer at a time; taken before lanes' lock
	totals   row.Totals
	counters map[string]uint64 // device 0 channel → last seq
	dropped  uint64
	unsynced bool

	lanes *lanes
	acks  acks
}

// Open opens or creates the outbox in dir. An empty directory begins a new epoch.
func Open(dir string, opts Options) (*Outbox, error) {
	o := &Outbox{opts: opts.withDefaults(), counters: make(map[string]uint64)}
	db, err := open(dir, o.opts.Log)
	if err != nil {
		return nil, err
	}
	o.db = db
	if err := o.load(); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	o.lanes = newLanes(o.totals.Next, o.fetch)
	o.acks.wake = make(chan struct{}, 1)
	return o, nil
}

func (o Options) withDefaults() Options {
	if o.SentRetention <= 0 {
		o.SentRetention = 24 * time.Hour
	}
	if o.UnsentRetention <= 0 {
		o.UnsentRetention = 72 * time.Hour
	}
	if o.MaxBytes <= 0 {
		o.MaxBytes = 2 << 30
	}
	if o.Clock == nil {
		o.Clock = clock.Wall{}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// open tunes Badger for a small machine: a gateway is to live in 64 MB.
func open(dir string, log *slog.Logger) (*badger.DB, error) {
	db, err := badger.Open(badger.DefaultOptions(dir).
		WithMemTableSize(4 << 20).WithNumMemtables(2).WithValueThreshold(256 << 10).WithValueLogFileSize(16 << 20).
		WithBlockCacheSize(2 << 20).WithBloomFalsePositive(0).WithNumCompactors(2).WithNumGoroutines(1).
		WithDetectConflicts(false).WithMetricsEnabled(false).WithLogger(quiet{log}))
	if err != nil {
		return nil, fmt.Errorf("open outbox %s: %w", dir, err)
	}
	return db, nil
}

// quiet passes on Badger's warnings and errors and nothing else.
type quiet struct{ log *slog.Logger }

func (q quiet) Errorf(f string, a ...any) { q.log.Error("outbox store", "text", fmt.Sprintf(f, a...)) }

func (q quiet) Warningf(f string, a ...any) { q.log.Warn("outbox store", "text", fmt.Sprintf(f, a...)) }
func (quiet) Infof(string, ...any)          {}
func (quiet) Debugf(string, ...any)         {}

// load reads epoch, totals and counters, or begins an epoch.
func (o *Outbox) load() error {
	err := o.db.View(func(txn *badger.Txn) error {
		text, err := value(txn, row.FormatKey())
		if err != nil || text == nil {
			return err
		}
		if v := binary.BigEndian.Uint32(text); v > format {
			return fault.New(fault.Conflict, "the outbox has format %d, this gateway reads up to %d", v, format).
				WithHint("start the newer gateway again, or give this one another data_dir")
		}
		text, err = value(txn, row.TotalsKey())
		if err != nil {
			return err
		}
		if o.totals, err = row.ParseTotals(text); err != nil {
			return fmt.Errorf("totals: %w", err)
		}
		epoch, err := value(txn, row.EpochKey())
		if err != nil {
			return err
		}
		o.epoch = string(epoch)
		return each(txn, []byte{row.Counters}, true, func(item *badger.Item) error {
			return item.Value(func(v []byte) error {
				o.counters[string(item.Key()[1:])] = binary.BigEndian.Uint64(v)
				return nil
			})
		})
	})
	if err != nil {
		return fmt.Errorf("read outbox: %w", err)
	}
	if wire.ValidID(o.epoch) {
		return nil
	}
	return o.begin()
}

// begin starts an epoch: numbers count from 1 again under a new name.
func (o *Outbox) begin() error {
	epoch, err := wire.NewID(o.opts.Clock.Now(), rand.Reader)
	if err != nil {
		return err
	}
	o.epoch = epoch
	clear(o.counters)
	err = o.db.Update(func(txn *badger.Txn) error {
		err := each(txn, []byte{row.Counters}, false, func(item *badger.Item) error { return txn.Delete(item.KeyCopy(nil)) })
		if err != nil {
			return err
		}
		if err := txn.Set(row.FormatKey(), binary.BigEndian.AppendUint32(nil, format)); err != nil {
			return err
		}
		if err := txn.Set(row.TotalsKey(), o.totals.Append(nil)); err != nil {
			return err
		}
		return txn.Set(row.EpochKey(), []byte(epoch))
	})
	if err != nil {
		return fmt.Errorf("begin outbox: %w", err)
	}
	return o.db.Sync()
}

// Epoch is the ULID of this life of the outbox.
func (o *Outbox) Epoch() string { return o.epoch }

// Stats says what the outbox holds.
func (o *Outbox) Stats() Stats {
	o.wmu.Lock()
	defer o.wmu.Unlock()
	t := o.totals
	return Stats{t.Rows, t.Bytes, t.Unsent, t.UnsentBytes, o.dropped}
}

// Close writes what is known to be sent, syncs and closes. Run must have returned.
func (o *Outbox) Close() error {
	return errors.Join(o.flushAcks(), o.db.Sync(), o.db.Close())
}

// value reads a key; absent is nil.
func value(txn *badger.Txn, key []byte) ([]byte, error) {
	item, err := txn.Get(key)
	if errors.Is(err, badger.ErrKeyNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return item.ValueCopy(nil)
}

var errStop = errors.New("stop")

// each walks the keys under a prefix in order; visit may return errStop.
func each(txn *badger.Txn, prefix []byte, values bool, visit func(*badger.Item) error) error {
	return from(txn, prefix, prefix, values, visit)
}

// from is each, beginning at start.
func from(txn *badger.Txn, prefix, start []byte, values bool, visit func(*badger.Item) error) error {
	it := txn.NewIterator(badger.IteratorOptions{PrefetchValues: values, PrefetchSize: 64, Prefix: prefix})
	defer it.Close()
	for it.Seek(start); it.Valid(); it.Next() {
		if err := visit(it.Item()); err != nil {
			if errors.Is(err, errStop) {
				return nil
			}
			return err
		}
	}
	return nil
}
