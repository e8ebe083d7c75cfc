package fleet

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/lineshaft/lineshaft/twin"
)

// Keys: d/{tenant}/{device} the record, p/{tenant}/{device} the presence, o/{tenant}/{device}/{from} an offline span,
// alive the instant of the last commit that said so. Names hold no slash, so no key can be read in two ways.
const (
	recordKey   = "d/"
	presenceKey = "p/"
	spanKey     = "o/"
	aliveKey    = "alive"
)

// How often a device's last message and the backend's own life are written when nothing else changed.
const (
	lazySeen  = 30 * time.Second
	heartbeat = 5 * time.Second
)

// sweepEvery is how often Commit looks for devices that fell silent.
const sweepEvery = time.Second

// Lifecycle is where a device stands between its making and its end.
type Lifecycle string

// The states of a device's life that are reached today: registered, and heard of.
const (
	Provisioned    Lifecycle = "provisioned"
	Active         Lifecycle = "active"
	Decommissioned Lifecycle = "decommissioned"
	Lost           Lifecycle = "lost"
)

// barred says whether a device in that state must not connect.
func (l Lifecycle) barred() bool { return l == Decommissioned || l == Lost }

// record is what is stored of a device's registration.
type record struct {
	twin.Device
	Every      time.Duration `json:"every,omitempty"` // the device's Interval, which its own JSON leaves out
	Token      []byte        `json:"token,omitempty"` // sha-256 of the token, absent for hosted devices
	Lifecycle  Lifecycle     `json:"lifecycle"`
	Registered int64         `json:"registered"` // ns
	By         string        `json:"by,omitempty"`
}

func (d *device) recordPair(tenant string) (Pair, error) {
	rec := d.record
	rec.Every = d.Interval
	return pair(recordKey+tenant+"/"+d.ID, rec)
}

func pair(key string, v any) (Pair, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return Pair{}, fmt.Errorf("write %s: %w", key, err)
	}
	return Pair{Key: []byte(key), Value: b}, nil
}

func (f *Fleet) load(ctx context.Context) error {
	each := func(prefix string, fn func(tenant, id, rest string, v []byte) error) error {
		err := f.kv.Scan([]byte(prefix), func(k, v []byte) error {
			part := strings.SplitN(string(k[len(prefix):]), "/", 3)
			if len(part) < 2 {
				return fmt.Errorf("key %q names no device", k)
			}
			return errors.Join(ctx.Err(), fn(part[0], part[1], strings.Join(part[2:], ""), v))
		})
		if err != nil {
			return fmt.Errorf("read register: %w", err)
		}
		return nil
	}
	known := func(tenant, id string) *device {
		if r := f.tenants[tenant]; r != nil {
			return r.devices[id]
		}
		return nil
	}
	return errors.Join(
		each(recordKey, func(tenant, _, _ string, v []byte) error {
			d := &device{}
			if err := json.Unmarshal(v, &d.record); err != nil {
				return err
			}
			d.Interval = d.Every
			f.of(tenant).insert(d)
			return nil
		}),
		each(presenceKey, func(tenant, id, _ string, v []byte) error {
			if d := known(tenant, id); d != nil {
				return json.Unmarshal(v, &d.presence)
			}
			return nil
		}),
		each(spanKey, func(tenant, id, _ string, v []byte) error {
			var s Span
			if err := json.Unmarshal(v, &s); err != nil {
				return err
			}
			if d := known(tenant, id); d != nil {
				d.spans = append(d.spans, s)
			}
			return nil
		}),
		f.wake(),
	)
}

// wake ends every session of the backend's former life: nobody would tell us that it ended.
func (f *Fleet) wake() error {
	alive := int64(0)
	err := f.kv.Scan([]byte(aliveKey), func(_, v []byte) error {
		if len(v) == 8 {
			alive = int64(binary.BigEndian.Uint64(v))
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read register: %w", err)
	}
	now := f.clock.Now().UnixNano()
	for _, r := range f.tenants {
		for _, d := range r.devices {
			d.stored = d.presence.Seen
			if d.presence.endLife(d.Kind, d.Interval, alive) {
				d.open(Span{From: max(d.presence.heard(), alive), Detected: now, Cause: CauseBackend})
				r.touch(d)
			}
		}
	}
	return nil
}

// Commit makes what Seen and Status told durable.
func (f *Fleet) Commit(ctx context.Context) error {
	f.writing.Lock() // what an import has written and not yet shown must not be overwritten
	defer f.writing.Unlock()
	var puts []Pair
	var undo []func()
	f.mu.RLock()
	registers := make([]*register, 0, len(f.tenants))
	for _, r := range f.tenants {
		registers = append(registers, r)
	}
	f.mu.RUnlock()
	for _, r := range registers {
		more, back, err := r.unsaved()
		if err != nil {
			return err
		}
		puts, undo = append(puts, more...), append(undo, back)
	}
	now := f.clock.Now().UnixNano()
	if now-f.swept >= int64(sweepEvery) {
		f.swept = now
		for _, r := range registers {
			r.sweep(now)
		}
	}
	if len(registers) > 0 && now-f.heartbeat >= int64(heartbeat) {
		puts = append(puts, Pair{Key: []byte(aliveKey), Value: binary.BigEndian.AppendUint64(nil, uint64(now))})
		was := f.heartbeat
		f.heartbeat = now
		undo = append(undo, func() { f.heartbeat = was })
	}
	if len(puts) == 0 {
		return nil
	}
	if err := f.kv.Write(ctx, puts); err != nil {
		for _, back := range undo {
			back()
		}
		return fmt.Errorf("write register: %w", err)
	}
	return nil
}

// unsaved collects what differs from the stored and counts it as stored; back takes that back.
func (r *register) unsaved() (puts []Pair, back func(), err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var took []*device
	for d := range r.dirty {
		if !d.changed && !d.urgent && d.newSpans == 0 && len(d.gone) == 0 && d.presence.Seen-d.stored < int64(lazySeen) {
			continue
		}
		p, err := pair(presenceKey+r.tenant+"/"+d.ID, d.presence)
		if err != nil {
			return nil, nil, err
		}
		puts = append(puts, p)
		if d.changed {
			if p, err = d.recordPair(r.tenant); err != nil {
				return nil, nil, err
			}
			puts = append(puts, p)
		}
		if puts, err = d.spanPairs(r.tenant, puts); err != nil {
			return nil, nil, err
		}
		took = append(took, d)
	}
	for _, d := range took {
		d.changed, d.urgent, d.stored, d.newSpans, d.gone = false, false, d.presence.Seen, 0, nil
		delete(r.dirty, d)
	}
	return puts, func() { r.keep(took) }, nil
}

// keep marks devices whose changes could not be written; all they have is written next time.
func (r *register) keep(took []*device) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, d := range took {
		d.changed, d.urgent, d.newSpans = true, true, len(d.spans)
		r.dirty[d] = struct{}{}
	}
}

// touch marks a device as differing from what is stored. The caller holds the lock.
func (r *register) touch(d *device) {
	d.urgent = true
	r.dirty[d] = struct{}{}
}
