package intake

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/lineshaft/lineshaft/twin/wire"
)

// account is what a sender said of numbers that will not come. It is written by the worker of the facts.
type account struct {
	Lost ranges `json:"lost,omitempty"` // dropped from a full outbox
	Gone ranges `json:"gone,omitempty"` // asked for, and no longer there
	At   int64  `json:"at"`             // when it was last said, ns
}

func (k sequenceKey) accountKey() []byte {
	return append([]byte("x"), k.key()[1:]...)
}

func (l *ledger) loadAccount(k, v []byte, now int64) error {
	key, ok := parseSequenceKey(k)
	if !ok {
		return fmt.Errorf("key %q", k)
	}
	a := &account{}
	if err := json.Unmarshal(v, a); err != nil {
		return fmt.Errorf("%q: %w", k, err)
	}
	if l.sequences[key] == nil && a.At < now-int64(sequenceFor) {
		l.part(streamFacts).accounts[key] = true // written as nothing
		return nil
	}
	l.accounts[key] = a
	return nil
}

// told is the body of the facts the ledger reads.
type told struct {
	Event     string      `json:"event"`
	Epoch     string      `json:"epoch"` // of the fact itself
	OfDevice  string      `json:"of_device"`
	OfEpoch   string      `json:"of_epoch"`
	Channel   string      `json:"channel"`
	Ranges    [][2]uint64 `json:"ranges"`
	RequestID string      `json:"request_id"`
	Gone      [][2]uint64 `json:"gone"`
}

// account notes what a fact says of numbers that will not come: a data_loss event of a device, or the answer to a
// request to send again.
func (w *Live) account(p *wire.Publish, t *wire.Topic) {
	if t.Channel != wire.Events && t.Channel != wire.ResendResult {
		return
	}
	var b told
	if err := json.Unmarshal(p.Payload, &b); err != nil {
		return // an event of another shape
	}
	if t.Channel == wire.Events {
		if b.Event == "data_loss" {
			k := sequenceKey{t.Tenant, t.Device, b.OfEpoch, wire.Channel(b.Channel)}
			w.in.ledger.lost(k, b.Epoch, spansOf(b.Ranges), p.Received)
		}
		return
	}
	k := sequenceKey{t.Tenant, b.OfDevice, b.OfEpoch, wire.Channel(b.Channel)}
	if b.OfDevice != "" && b.OfDevice != t.Device {
		d, ok := w.in.ports.Registry.Device(t.Tenant, b.OfDevice)
		if !ok || d.Gateway != t.Device {
			return // it does not speak for that device
		}
	}
	w.in.ledger.answered(k, t.Device, b.RequestID, spansOf(b.Gone), p.Received)
}

func spansOf(rs [][2]uint64) ranges {
	var out ranges
	for _, r := range rs[:min(len(rs), maxSpans)] {
		if 0 < r[0] && r[0] <= r[1] {
			out.addSpan(span{r[0], r[1]})
		}
	}
	return out
}

// lost notes numbers that were dropped before they were sent. Only epochs that are tracked are taken, so that their
// number is bounded; said in epoch, which may be the one the numbers are of.
func (l *ledger) lost(k sequenceKey, said string, rs ranges, received int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(rs) == 0 || k.epoch == "" || (l.sequences[k] == nil && said != k.epoch) {
		return
	}
	a := l.accountOf(k, received)
	for _, s := range rs {
		a.Lost.addSpan(s)
		a.Gone.addSpan(s)
	}
}

func (l *ledger) accountOf(k sequenceKey, received int64) *account {
	a := l.accounts[k]
	if a == nil {
		a = &account{}
		l.accounts[k] = a
	}
	a.At = max(a.At, received)
	l.part(streamFacts).accounts[k] = true
	return a
}

// answered notes the answer to a request: what is gone is not asked for again.
func (l *ledger) answered(k sequenceKey, by, request string, gone ranges, received int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	target := sender{k.tenant, by}
	if busy := l.asks.busy[target]; busy.request == request {
		delete(l.asks.busy, target)
		if k.device == "" || k.epoch == "" { // it says the least it may: the request says the rest
			k = busy.of
		}
	}
	s := l.sequences[k]
	if s == nil || len(gone) == 0 {
		return
	}
	a := l.accountOf(k, received)
	for _, g := range s.Gaps {
		if g.HealedAt > 0 {
			continue
		}
		for _, x := range gone[gone.find(g.From):] {
			if x.From > g.To {
				break
			}
			a.Gone.addSpan(span{max(x.From, g.From), min(x.To, g.To)})
		}
	}
}

// accountPairs are the accounts a part changed.
func (l *ledger) accountPairs(p *part, puts []Pair) ([]Pair, error) {
	keys := make([]sequenceKey, 0, len(p.accounts))
	for k := range p.accounts {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b sequenceKey) int { return slices.Compare(a.key(), b.key()) })
	for _, k := range keys {
		a := l.accounts[k]
		if a == nil {
			puts = append(puts, Pair{Key: k.accountKey()})
			continue
		}
		b, err := json.Marshal(a)
		if err != nil {
			return nil, err
		}
		puts = append(puts, Pair{k.accountKey(), b})
	}
	return puts, nil
}
