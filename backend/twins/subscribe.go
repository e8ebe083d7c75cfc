package twins

import (
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/lineshaft/lineshaft/twin"
)

// Subscription tells what changes in the reported state of a subtree. It keeps no queue: whoever reads slowly gets the
// newest value of each tag once, and the writer never waits.
type Subscription struct {
	p    *plant
	root string
	now  func() int64

	mu      sync.Mutex
	g       *graph // for which from and to were looked up
	from    int32
	to      int32
	pending map[*live]uint64 // first revision that was not told yet
	ready   chan struct{}    // holds one token while something is pending
}

// Update is what changed of one asset.
type Update struct {
	Asset    string // id
	Path     string
	Reported map[string]Value // by tag, only those that changed
}

// Subscribe begins to note changes in the subtree whose root has that id or path; an empty root is the whole tenant. A
// root that is not there yet may come. Close ends it.
func (t *Twins) Subscribe(tenant, root string) *Subscription {
	p := t.of(tenant)
	s := &Subscription{
		p: p, root: strings.TrimSuffix(strings.TrimSuffix(root, "**"), "/"), pending: map[*live]uint64{}, ready: make(chan struct{}, 1),
		now: func() int64 { return t.clock.Now().UnixNano() },
	}
	p.subsMu.Lock()
	defer p.subsMu.Unlock()
	next := append(slices.Clone(*p.subs.Load()), s)
	p.subs.Store(&next)
	return s
}

// Close ends the subscription.
func (s *Subscription) Close() {
	s.p.subsMu.Lock()
	defer s.p.subsMu.Unlock()
	next := slices.DeleteFunc(slices.Clone(*s.p.subs.Load()), func(o *Subscription) bool { return o == s })
	s.p.subs.Store(&next)
}

// mark notes a change of node i of g that began with the asset's revision rev.
func (s *Subscription) mark(g *graph, i int32, rev uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.g != g {
		s.g = g
		s.from, s.to = g.span(s.root)
	}
	if i < s.from || i >= s.to {
		return
	}
	l := g.nodes[i].live
	if _, noted := s.pending[l]; noted {
		return
	}
	s.pending[l] = rev
	select {
	case s.ready <- struct{}{}:
	default:
	}
}

// span is the range of a subtree's nodes, empty if its root is not there.
func (g *graph) span(root string) (from, to int32) {
	if root == "" {
		return 0, int32(len(g.nodes))
	}
	i, err := g.find(root)
	if err != nil {
		return 0, 0
	}
	return i, g.nodes[i].end
}

// Next waits for a change and returns what changed since the last call, newest values only. Who wants fewer updates
// waits before calling it again. It fails only with the context's error.
func (s *Subscription) Next(ctx context.Context) ([]Update, error) {
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
func (s *Subscription) collect() []Update {
	s.mu.Lock()
	changed := s.pending
	s.pending = make(map[*live]uint64, len(changed))
	s.mu.Unlock()
	g, now := s.p.graph.Load(), s.now()
	out := make([]Update, 0, len(changed))
	for l, rev := range changed {
		i, there := g.byID[l.id]
		if !there {
			continue
		}
		u := Update{Asset: l.id, Path: g.nodes[i].Path, Reported: map[string]Value{}}
		l.each(func(_ int, t *twin.Tag, r *reading) {
			if r.rev >= rev {
				u.Reported[t.Name] = r.value(t, now)
			}
		})
		if len(u.Reported) > 0 {
			out = append(out, u)
		}
	}
	return out
}
