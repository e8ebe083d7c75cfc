package intake

import (
	"context"
	"fmt"

	"github.com/lineshaft/lineshaft/twin/wire"
)

const groupHistory = "historian"

// History is the worker of group historian for one stream: it appends every reading, also of messages that come
// twice, because appending is idempotent. Its methods are called by one goroutine.
type History struct {
	in     *Intake
	stream string
	source string
	topics topics
	bind   binder
	m      wire.Message
	out    map[string][]Point // by tenant
}

// History returns the worker of group historian for a stream.
func (in *Intake) History(stream string) *History {
	return &History{
		in: in, stream: stream, source: groupHistory + "/" + stream,
		topics: topics{}, bind: binder{from: in.ports.Binder}, out: map[string][]Point{},
	}
}

// Apply appends the readings of record seq.
func (w *History) Apply(ctx context.Context, seq uint64, ps []wire.Publish) error {
	for tenant, out := range w.out {
		clear(out)
		w.out[tenant] = out[:0]
	}
	for i := range ps {
		if err := w.message(&ps[i], origin{w.stream[0], seq, uint32(i)}); err != nil {
			return err
		}
	}
	for tenant, out := range w.out {
		if len(out) == 0 {
			continue
		}
		if err := w.in.ports.Samples.Append(ctx, tenant, out); err != nil {
			return fmt.Errorf("append history of %s: %w", tenant, err)
		}
	}
	return nil
}

func (w *History) message(p *wire.Publish, o origin) error {
	t, ok := w.topics.parse(p.Topic)
	if !ok || t.Channel != wire.Telemetry {
		return nil // group live keeps what cannot be read
	}
	if _, ok := w.in.ports.Registry.Device(t.Tenant, t.Device); !ok {
		w.letter(p, &t, o, unregistered(t.Device))
		return nil
	}
	refused := w.in.decode(p, &t, &w.m) != nil
	if refused {
		return nil //nolint:nilerr // decided by the message alone, so group live keeps it
	}
	if err := w.bind.bind(t.Tenant, &w.m); err != nil {
		return err
	}
	out := w.out[t.Tenant]
	for i := range w.bind.bound {
		b := &w.bind.bound[i]
		out = append(out, Point{b.Series, b.sample, p.Received})
	}
	w.out[t.Tenant] = out
	if len(w.bind.wrong) > 0 {
		w.letter(p, &t, o, wrongRefusal(w.bind.wrong))
	}
	return nil
}

// letter keeps what only this group may have refused: devices and tags are registered while the groups stand at
// different records, and what neither takes must not be lost between them.
func (w *History) letter(p *wire.Publish, t *wire.Topic, o origin, r *wire.Refusal) {
	l := newLetter(p, t, o, r)
	l.Source = w.source
	w.in.letters.put(l)
}

// Commit makes everything appended durable.
func (w *History) Commit(ctx context.Context) error {
	if err := w.in.ports.Samples.Commit(ctx); err != nil {
		return fmt.Errorf("commit history: %w", err)
	}
	puts, settle, err := w.in.letters.collect(w.source)
	if err != nil {
		return fmt.Errorf("encode dead letters: %w", err)
	}
	if len(puts) == 0 {
		return nil
	}
	if err := w.in.kv.Write(ctx, puts); err != nil {
		w.in.letters.giveBack(w.source, puts)
		return fmt.Errorf("write dead letters: %w", err)
	}
	settle()
	return nil
}
