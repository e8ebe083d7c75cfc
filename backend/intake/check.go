package intake

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/lineshaft/lineshaft/twin"
	"github.com/lineshaft/lineshaft/twin/fault"
	"github.com/lineshaft/lineshaft/twin/wire"
)

// maxAhead is how far a device's clock may run ahead of ours.
const maxAhead = 5 * time.Minute

// earliest is the first instant taken for a time of this plant: 2000-01-01 UTC.
var earliest = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano()

// decodeTelemetry reads the envelope into m by its schema version and checks it against its topic and the time of
// its receipt.
func decodeTelemetry(p *wire.Publish, device string, m *wire.Message) *wire.Refusal {
	if err := wire.DecodeTelemetry(p.Payload, m); err != nil {
		return refusalOf(err, wire.ReasonSchema)
	}
	m.Complete(device, p.Received)
	if m.DeviceID != device {
		return &wire.Refusal{Reason: wire.ReasonIdentity, Detail: fmt.Sprintf("device_id: %q, the topic says %q", m.DeviceID, device)}
	}
	return checkClock(m, p.Received)
}

// checkClock quarantines a message whole if any of its times cannot be.
func checkClock(m *wire.Message, received int64) *wire.Refusal {
	no := func(what string, t int64) *wire.Refusal {
		at := time.Unix(0, t).UTC().Format(time.RFC3339Nano)
		if t < earliest {
			return &wire.Refusal{Reason: wire.ReasonClock, Detail: fmt.Sprintf("%s: %s is before 2000", what, at)}
		}
		ahead := time.Duration(t - received).Round(time.Second)
		return &wire.Refusal{Reason: wire.ReasonClock, Detail: fmt.Sprintf("%s: %s is %v ahead of receipt, at most %v is taken", what, at, ahead, maxAhead)}
	}
	latest := received + int64(maxAhead)
	if m.TS < earliest || m.TS > latest {
		return no("ts", m.TS)
	}
	for i := range m.Readings {
		if t := m.Readings[i].T; t < earliest || t > latest {
			return no(m.Readings[i].Tag+".t", t)
		}
	}
	return nil
}

// refusalOf is err as a refusal; one that is none gets the reason.
func refusalOf(err error, reason wire.Reason) *wire.Refusal {
	if r, ok := errors.AsType[*wire.Refusal](err); ok {
		return r
	}
	return &wire.Refusal{Reason: reason, Detail: err.Error()}
}

// binding is a reading's place and its value there.
type binding struct {
	Binding
	sample twin.Sample
}

// binder resolves the readings of one message after the other, asking once for neighbours of the same tag.
type binder struct {
	from  Binder
	bound []binding // of the last message, in order of its readings; bad ones left out
	wrong []wire.WrongReading
}

// bind places the readings of m. What cannot be placed is in b.wrong; an error means that it must be tried again.
func (b *binder) bind(tenant string, m *wire.Message) error {
	b.bound, b.wrong = b.bound[:0], append(b.wrong[:0], m.Wrong...)
	var last Binding
	var lastTag string
	var lastKind twin.Kind
	for i := range m.Readings {
		r := &m.Readings[i]
		kind := r.V.Kind()
		if lastTag != r.Tag || lastKind != kind || r.T < last.From || r.T >= last.To {
			at, err := b.from.Resolve(tenant, m.DeviceID, r.Tag, kind, r.T)
			if refusable(err) {
				b.wrong = append(b.wrong, wire.WrongReading{Tag: r.Tag, Detail: err.Error()})
				continue
			}
			if err != nil {
				return fmt.Errorf("bind %s of %s: %w", r.Tag, m.DeviceID, err)
			}
			last, lastTag, lastKind = at, r.Tag, kind
		}
		v, err := place(r.V, &last)
		if err != nil {
			b.wrong = append(b.wrong, wire.WrongReading{Tag: r.Tag, Detail: err.Error()})
			continue
		}
		b.bound = append(b.bound, binding{last, twin.Sample{T: r.T, V: v, Q: r.Q}})
	}
	return nil
}

func refusable(err error) bool {
	return fault.Is(err, fault.Invalid) || fault.Is(err, fault.NotFound) || fault.Is(err, fault.Conflict)
}

// place turns a device's value into the series' own: kind, scale and offset.
func place(v twin.Value, b *Binding) (twin.Value, error) {
	scaled := b.Scale != 0 && (b.Scale != 1 || b.Offset != 0)
	if scaled && (v.Kind() == twin.Float || v.Kind() == twin.Int) {
		v = twin.FloatValue(v.Float()*b.Scale + b.Offset)
		if !v.IsFinite() {
			return v, errors.New("is not finite once scaled")
		}
	}
	if b.Kind == twin.None {
		return v, nil
	}
	return v.As(b.Kind)
}

// wrongRefusal says in one sentence what was wrong with some readings of a message.
func wrongRefusal(ws []wire.WrongReading) *wire.Refusal {
	const say = 3
	var parts []string
	for _, w := range ws[:min(say, len(ws))] {
		part := w.Detail
		if w.Tag != "" {
			part = w.Tag + ": " + part
		}
		parts = append(parts, part)
	}
	detail := strings.Join(parts, "; ")
	if more := len(ws) - say; more > 0 {
		detail += fmt.Sprintf("; and %d more", more)
	}
	if !utf8.ValidString(detail) {
		detail = fmt.Sprintf("%q", detail)
	}
	return &wire.Refusal{Reason: wire.ReasonValue, Detail: detail}
}

// topics remembers parsed topics, which are few and come again with every message.
type topics map[string]wire.Topic

func (ts topics) parse(s string) (wire.Topic, bool) {
	if t, ok := ts[s]; ok {
		return t, true
	}
	t, err := wire.ParseTopic(s)
	if err != nil {
		return t, false
	}
	if len(ts) >= 200_000 {
		clear(ts)
	}
	ts[s] = t
	return t, true
}

// notATopic says what is wrong with it.
func notATopic(s string) *wire.Refusal {
	_, err := wire.ParseTopic(s)
	return refusalOf(err, wire.ReasonTopic)
}
