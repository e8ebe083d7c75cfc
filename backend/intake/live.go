package intake

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/lineshaft/lineshaft/twin/wire"
)

const groupLive = "live"

// outboxTag is the tag by which a gateway says how many messages wait in its outbox.
const outboxTag = "outbox_unsent"

// Live is the worker of group live for one stream: twins, fleet, ledger, dead letters. Its methods are called by
// one goroutine.
type Live struct {
	in      *Intake
	stream  string
	source  string
	key     []byte
	applied uint64 // newest record counted in memory
	durable uint64 // newest record counted on disk

	part    int // messages of record part.seq already counted, where Apply failed in the middle
	partSeq uint64
	topics  topics
	bind    binder
	m       wire.Message
	out     map[string][]Reported // by tenant
	pending []Pair                // of a commit that failed
	settles []func()
}

// Live returns the worker of group live for a stream. incarnation changes when the stream is made anew and numbers
// its records from the beginning.
func (in *Intake) Live(stream, incarnation string) (*Live, error) {
	w := &Live{
		in: in, stream: stream, source: groupLive + "/" + stream, key: appliedKey(groupLive, stream, incarnation),
		topics: topics{}, bind: binder{from: in.ports.Binder}, out: map[string][]Reported{},
	}
	n, err := readApplied(in.kv, w.key)
	if err != nil {
		return nil, fmt.Errorf("open live worker of stream %s: %w", stream, err)
	}
	w.applied, w.durable = n, n
	return w, nil
}

// Apply takes the messages of record seq. A record that was counted before changes nothing.
func (w *Live) Apply(_ context.Context, seq uint64, ps []wire.Publish) error {
	if seq <= w.applied {
		return nil
	}
	if w.partSeq != seq {
		w.part, w.partSeq = 0, seq
	}
	defer w.report()
	for ; w.part < len(ps); w.part++ {
		if err := w.message(&ps[w.part], origin{w.stream[0], seq, uint32(w.part)}); err != nil {
			return err
		}
	}
	w.applied = seq
	return nil
}

func (w *Live) message(p *wire.Publish, o origin) error {
	t, ok := w.topics.parse(p.Topic)
	if !ok { // the broker lets no such topic in; another source might
		w.letter(p, nil, o, notATopic(p.Topic))
		return nil
	}
	if _, ok := w.in.ports.Registry.Device(t.Tenant, t.Device); !ok {
		w.letter(p, &t, o, unregistered(t.Device))
		return nil
	}
	switch {
	case t.Channel == wire.Telemetry:
		return w.telemetry(p, &t, o)
	case t.Channel == wire.Status:
		w.status(p, &t, o)
	case t.Channel.Bulk():
		w.letter(p, &t, o, &wire.Refusal{Reason: wire.ReasonBody, Detail: "waveforms are not read yet, the chunk is kept here"})
	default:
		w.fact(p, &t, o)
	}
	return nil
}

func unregistered(device string) *wire.Refusal {
	return &wire.Refusal{Reason: wire.ReasonUnregistered, Detail: fmt.Sprintf("device %q is not registered", device)}
}

func (w *Live) telemetry(p *wire.Publish, t *wire.Topic, o origin) error {
	m := &w.m
	if r := w.in.decode(p, t, m); r != nil {
		decoded := m
		if r.Reason != wire.ReasonClock {
			decoded = nil // it may hold another message's number
		}
		if n, ok := numberOf(p, decoded); ok && r.Reason != wire.ReasonIdentity {
			w.in.ledger.refuse(w.stream, t, &n, r.Reason)
		}
		w.letter(p, t, o, r)
		return nil
	}
	if err := w.bind.bind(t.Tenant, m); err != nil {
		return err
	}
	n := numbered{epoch: m.Epoch, seq: m.Seq, hasSeq: m.HasSeq, msgID: m.MsgID, ts: m.TS}
	fresh, tracked := w.in.ledger.take(w.stream, t, &n, p.Received)
	if !fresh {
		w.in.ledger.count(w.stream, t, Count{Duplicates: 1})
		return nil
	}
	c := Count{Messages: 1, Readings: uint64(len(w.bind.bound))}
	if !tracked {
		c.Untracked = 1
	}
	w.in.ledger.count(w.stream, t, c)
	out := w.out[t.Tenant]
	for i := range w.bind.bound {
		b := &w.bind.bound[i]
		if b.Asset != "" {
			out = append(out, Reported{Asset: b.Asset, Tag: b.Tag, Sample: b.sample, Received: p.Received, Device: t.Device})
		}
		if t.Class == wire.GatewayClass && b.Tag == outboxTag && b.sample.Q.IsGood() {
			w.in.ports.Devices.Buffered(t.Tenant, t.Device, b.sample.V.Int())
		}
	}
	w.out[t.Tenant] = out
	w.in.ports.Devices.Seen(t.Tenant, t.Device, p.Received, len(w.bind.bound))
	if len(w.bind.wrong) > 0 {
		w.letter(p, t, o, wrongRefusal(w.bind.wrong))
	}
	return nil
}

func (w *Live) status(p *wire.Publish, t *wire.Topic, o origin) {
	s, err := wire.DecodeStatus(p.Payload)
	if err != nil {
		w.letter(p, t, o, refusalOf(err, wire.ReasonBody))
		return
	}
	w.in.ports.Devices.Status(t.Tenant, t.Device, s, p.Received, p.Will)
	w.in.ledger.count(w.stream, t, Count{Messages: 1})
}

// fact takes an event, an acknowledgement or a report: any JSON object, numbered if it says so.
func (w *Live) fact(p *wire.Publish, t *wire.Topic, o origin) {
	var body struct {
		MsgID string  `json:"msg_id"`
		Epoch string  `json:"epoch"`
		Seq   *uint64 `json:"seq"`
	}
	if err := json.Unmarshal(p.Payload, &body); err != nil {
		w.letter(p, t, o, bodyRefusal(err))
		return
	}
	n := numbered{epoch: body.Epoch, msgID: body.MsgID, ts: p.Received}
	if !wire.ValidID(n.epoch) {
		n.epoch = ""
	}
	if body.Seq != nil {
		n.seq, n.hasSeq = *body.Seq, true
	}
	if fresh, _ := w.in.ledger.take(w.stream, t, &n, p.Received); !fresh {
		w.in.ledger.count(w.stream, t, Count{Duplicates: 1})
		return
	}
	w.in.ledger.count(w.stream, t, Count{Messages: 1})
	w.account(p, t)
	if w.in.ports.Facts != nil {
		w.in.ports.Facts.Fact(Fact{Topic: *t, Payload: p.Payload, Received: p.Received})
	}
}

// numberOf reads the number of a message that was refused: as decoded into m, which may be nil, or as far as it is
// JSON.
func numberOf(p *wire.Publish, m *wire.Message) (n numbered, ok bool) {
	if m != nil && m.HasSeq && m.Epoch != "" {
		return numbered{epoch: m.Epoch, seq: m.Seq, hasSeq: true}, true
	}
	var body struct {
		Epoch string  `json:"epoch"`
		Seq   *uint64 `json:"seq"`
	}
	if json.Unmarshal(p.Payload, &body) != nil || body.Seq == nil || !wire.ValidID(body.Epoch) {
		return numbered{}, false
	}
	return numbered{epoch: body.Epoch, seq: *body.Seq, hasSeq: true}, true
}

func bodyRefusal(err error) *wire.Refusal {
	if _, ok := errors.AsType[*json.SyntaxError](err); ok {
		return &wire.Refusal{Reason: wire.ReasonEncoding, Detail: err.Error()}
	}
	return &wire.Refusal{Reason: wire.ReasonBody, Detail: err.Error()}
}

// letter keeps a message as a dead letter.
func (w *Live) letter(p *wire.Publish, t *wire.Topic, o origin, r *wire.Refusal) {
	l := newLetter(p, t, o, r)
	l.Source = w.source
	w.in.letters.put(l)
	if t != nil {
		w.in.ledger.count(w.stream, t, Count{Letters: 1})
	}
}

func newLetter(p *wire.Publish, t *wire.Topic, o origin, r *wire.Refusal) *Letter {
	l := &Letter{
		ID: letterID(p.Received, o), Topic: p.Topic, Client: p.Client, Reason: r.Reason, Detail: r.Detail,
		Received: p.Received, Will: p.Will, Payload: p.Payload,
	}
	if t == nil {
		l.Tenant, l.Device, _ = strings.Cut(p.Client, "::")
		return l
	}
	l.Tenant, l.Device, l.DeviceType, l.Site = t.Tenant, t.Device, t.Class, t.Site
	if t.Channel == wire.Telemetry {
		var m wire.Message // the worker's own may hold the version of another message
		_ = wire.DecodeTelemetry(p.Payload, &m)
		l.Version = cutText(m.SchemaVersion, 40)
	}
	return l
}

// report hands on what the record brought, also where it could be counted only in part.
func (w *Live) report() {
	for tenant, rs := range w.out {
		if len(rs) > 0 {
			w.in.ports.Twins.Report(tenant, rs)
		}
		clear(rs)
		w.out[tenant] = rs[:0]
	}
}

// Commit makes everything applied durable: first the sinks, which take again what they had, then the memory of
// what came together with the number of the last record.
func (w *Live) Commit(ctx context.Context) error {
	if err := w.in.ports.Twins.Commit(ctx); err != nil {
		return fmt.Errorf("commit twins: %w", err)
	}
	if err := w.in.ports.Devices.Commit(ctx); err != nil {
		return fmt.Errorf("commit devices: %w", err)
	}
	if w.partSeq > w.applied && w.part > 0 {
		return errors.New("commit: a record is only counted in part") // Apply is tried again before
	}
	puts, err := w.in.ledger.collect(w.stream, w.applied)
	if err != nil {
		return fmt.Errorf("encode ledger: %w", err)
	}
	w.pending = append(w.pending, puts...)
	puts, settle, err := w.in.letters.collect(w.source)
	if err != nil {
		return fmt.Errorf("encode dead letters: %w", err)
	}
	w.pending, w.settles = append(w.pending, puts...), append(w.settles, settle)
	if w.applied != w.durable {
		w.pending = append(w.pending, Pair{w.key, binary.BigEndian.AppendUint64(nil, w.applied)})
	}
	if len(w.pending) == 0 {
		return nil
	}
	if err := w.in.kv.Write(ctx, w.pending); err != nil {
		return fmt.Errorf("write ledger: %w", err)
	}
	for _, f := range w.settles {
		f()
	}
	clear(w.pending)
	w.pending, w.settles, w.durable = w.pending[:0], w.settles[:0], w.applied
	return nil
}
