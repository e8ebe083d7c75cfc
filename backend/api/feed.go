package api

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"
)

// feed is one client's stream. It outlives its connection for a while, so that a client that lost it can go on
// where it was: the subscriptions keep the newest values meanwhile, and the last events are kept for what the
// network swallowed. Only one connection has it at a time.
type feed struct {
	tenant, owner string
	epoch         string
	n             uint64 // number of the last event
	sources       []source
	ring          []sent
	ringBytes     int
	from          uint64 // replay events after this one
	parked        time.Time

	mu     sync.Mutex
	stash  []event // taken from a subscription, not sent before the connection was lost
	closed bool
}

// event is what a source has to say.
type event struct {
	name string
	data any
}

// sent is an event as it was written.
type sent struct {
	n     uint64
	frame []byte
}

// source is a subscription that yields events.
type source struct {
	next  func(ctx context.Context) (event, error)
	close func()
}

const (
	ringEvents = 128
	ringBytes  = 1 << 20
)

// newFeed subscribes to the topics.
func (p *plant) newFeed(t topics) *feed {
	f := &feed{tenant: p.tenant()}
	for _, topic := range t.twins {
		sub := p.ports.Twins.Subscribe(p.tenant(), topic.root)
		f.sources = append(f.sources, source{close: sub.Close, next: func(ctx context.Context) (event, error) {
			for {
				updates, err := sub.Next(ctx)
				if err != nil {
					return event{}, err
				}
				if e := twinEvent(updates, topic.only); len(e.Items) > 0 {
					return event{"twin", e}, nil
				}
			}
		}})
	}
	if t.devices {
		sub := p.ports.Fleet.Subscribe(p.tenant())
		f.sources = append(f.sources, source{close: sub.Close, next: func(ctx context.Context) (event, error) {
			ds, err := sub.Next(ctx)
			return event{"device", DeviceEvent{Items: orNone(ds)}}, err
		}})
	}
	return f
}

// twinEvent groups updates by asset, in their order; only narrows them to one asset.
func twinEvent(updates []ValueUpdate, only string) TwinEvent {
	e := TwinEvent{Items: []TwinUpdate{}}
	row := map[string]int{}
	for _, u := range updates {
		if only != "" && u.Asset.ID != only {
			continue
		}
		i, ok := row[u.Asset.ID]
		if !ok {
			i = len(e.Items)
			row[u.Asset.ID] = i
			e.Items = append(e.Items, TwinUpdate{ID: u.Asset.ID, Reported: map[string]LiveTick{}})
		}
		tag, _ := u.Asset.Tag(u.Tag)
		e.Items[i].Reported[u.Tag] = LiveTick{
			V: Scalar{u.V}, Q: u.Q, TS: instant(u.T), LimitState: string(limitState(tag, u.Sample)),
		}
	}
	return e
}

// send numbers, keeps and writes an event.
func (f *feed) send(out *eventWriter, name string, data any) error {
	body, err := json.Marshal(data)
	if err != nil {
		return fmt.Errorf("write %s event: %w", name, err)
	}
	f.n++
	frame := fmt.Appendf(nil, "id: %s-%d\nevent: %s\ndata: %s\n\n", f.epoch, f.n, name, body)
	f.keep(sent{f.n, frame})
	return out.write(frame)
}

func (f *feed) keep(s sent) {
	f.ring = append(f.ring, s)
	f.ringBytes += len(s.frame)
	for len(f.ring) > 1 && (len(f.ring) > ringEvents || f.ringBytes > ringBytes) {
		f.ringBytes -= len(f.ring[0].frame)
		f.ring = f.ring[1:]
	}
}

// holds says whether every event after n is still kept.
func (f *feed) holds(n uint64) bool {
	return n <= f.n && (n == f.n || len(f.ring) > 0 && f.ring[0].n <= n+1)
}

// replay writes again what the client did not get, and what was taken from a subscription but never sent.
func (f *feed) replay(out *eventWriter) error {
	again := slices.Clone(f.ring)
	for _, s := range again {
		if s.n > f.from && f.from > 0 {
			if err := out.write(s.frame); err != nil {
				return err
			}
		}
	}
	f.mu.Lock()
	stash := f.stash
	f.stash = nil
	f.mu.Unlock()
	for _, e := range stash {
		if err := f.send(out, e.name, e.data); err != nil {
			return err
		}
	}
	return nil
}

// follow runs every source until ctx ends or one fails, and hands their events over, each source at most once per
// pace.flush. The channel is closed when a source failed. wait returns when all have ended; ctx must end first or
// the channel be closed.
func (f *feed) follow(ctx context.Context, pace pace) (<-chan event, func()) {
	ctx, cancel := context.WithCancel(ctx)
	events := make(chan event)
	var all sync.WaitGroup
	for _, s := range f.sources {
		all.Go(func() {
			if f.run(ctx, s, events, pace.flush) != nil {
				cancel()
			}
		})
	}
	done := make(chan struct{})
	if len(f.sources) > 0 {
		go func() {
			defer close(done)
			all.Wait()
			close(events)
		}()
	} else {
		close(done)
	}
	return events, func() { cancel(); <-done }
}

func (f *feed) run(ctx context.Context, s source, events chan<- event, flush time.Duration) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
		}
		e, err := s.next(ctx)
		if err != nil {
			return err
		}
		select {
		case events <- e:
		case <-ctx.Done():
			f.mu.Lock()
			f.stash = append(f.stash, e)
			f.mu.Unlock()
			return ctx.Err()
		}
		timer.Reset(flush)
	}
}

// close releases the subscriptions; a second call does nothing.
func (f *feed) close() {
	f.mu.Lock()
	closed := f.closed
	f.closed = true
	f.mu.Unlock()
	if closed {
		return
	}
	for _, s := range f.sources {
		s.close()
	}
}
