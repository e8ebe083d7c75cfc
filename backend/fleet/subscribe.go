package fleet

import (
	"context"
	"sync"

	"github.com/lineshaft/lineshaft/twin"
)

// Subscription tells which devices changed. A reader who is slow gets each device once, as it is when he asks; nobody
// waits for him.
type Subscription struct {
	f *Fleet
	r *register

	mu      sync.Mutex
	pending map[*device]struct{}
	ready   chan struct{} // holds one token while something is pending
}

// Subscribe begins to note what changes in a tenant's fleet: presence, status, registration, but not every message.
// Close ends it.
func (f *Fleet) Subscribe(tenant string) *Subscription {
	r := f.of(tenant)
	s := &Subscription{f: f, r: r, pending: map[*device]struct{}{}, ready: make(chan struct{}, 1)}
	now := f.clock.Now().UnixNano()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, d := range r.devices {
		d.shown = r.online(d, now)
	}
	r.subs[s] = struct{}{}
	return s
}

// Close ends the subscription.
func (s *Subscription) Close() {
	s.r.mu.Lock()
	defer s.r.mu.Unlock()
	delete(s.r.subs, s)
}

// Next waits for a change and returns the devices that changed since the last call, as they are now. It fails only with
// the context's error.
func (s *Subscription) Next(ctx context.Context) ([]State, error) {
	for {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-s.ready:
		}
		if out := s.collect(); len(out) > 0 {
			return out, nil
		}
	}
}

// collect takes what is pending.
func (s *Subscription) collect() []State {
	s.mu.Lock()
	changed := s.pending
	s.pending = map[*device]struct{}{}
	s.mu.Unlock()
	now := s.f.clock.Now().UnixNano()
	s.r.mu.RLock()
	defer s.r.mu.RUnlock()
	out := make([]State, 0, len(changed))
	for d := range changed {
		out = append(out, s.r.state(d, now))
	}
	return out
}

// announce tells the subscribers that a device changed. The caller holds the register's lock.
func (r *register) announce(d *device) {
	if len(r.subs) > 0 {
		d.shown = r.online(d, r.clock.Now().UnixNano())
	}
	for s := range r.subs {
		s.mu.Lock()
		s.pending[d] = struct{}{}
		s.mu.Unlock()
		select {
		case s.ready <- struct{}{}:
		default:
		}
	}
}

// sweep announces the devices that came or went without a message, by falling silent.
func (r *register) sweep(now int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.subs) == 0 {
		return
	}
	for _, d := range r.devices {
		if r.online(d, now) != d.shown {
			r.announce(d)
		}
	}
}

// announceWithHosted also tells of the devices a gateway hosts: they come and go with it.
func (r *register) announceWithHosted(d *device) {
	r.announce(d)
	if d.Kind != twin.Gateway || len(r.subs) == 0 {
		return
	}
	for _, h := range r.hosted[d.ID] {
		r.announce(h)
	}
}
