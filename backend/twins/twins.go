// Package twins keeps every tenant's twin graph in memory. The truth about its structure is an append-only journal;
// the graph is a projection of it, and the reported state hangs on the graph's assets.
package twins

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/lineshaft/lineshaft/twin"
	"github.com/lineshaft/lineshaft/twin/clock"
	"github.com/lineshaft/lineshaft/twin/fault"
)

// Pair is one key with its new value; a nil value deletes the key.
type Pair = struct{ Key, Value []byte }

// KV is where journal, snapshots and reported state are kept. Nothing else writes there.
type KV interface {
	// Get returns the value of key, nil if there is none.
	Get(key []byte) ([]byte, error)
	// Scan calls fn with every pair whose key begins with prefix, in the order of the keys, until fn fails. The slices
	// are fn's to keep.
	Scan(prefix []byte, fn func(k, v []byte) error) error
	// Write makes all the changes or none, whatever their number, and returns once they are durable.
	Write(ctx context.Context, puts []Pair) error
}

// Twins are the graphs of all tenants. All methods are safe for concurrent use.
type Twins struct {
	journal journal
	kv      KV
	clock   clock.Clock
	log     *slog.Logger
	empty   *graph // what a tenant without a plant sees

	mu     sync.RWMutex // guards plants, not what is in them
	plants map[string]*plant

	committing sync.Mutex
}

// plant is one tenant's graph. Readers load the graph and never lock; a change builds the next one.
type plant struct {
	tenant string
	graph  atomic.Pointer[graph]

	changing sync.Mutex // held by whoever changes the structure
	since    int        // entries since the last snapshot

	subs    atomic.Pointer[[]*Subscription] // replaced as a whole, under subsMu
	subsMu  sync.Mutex
	dirtyMu sync.Mutex
	dirty   []*live // changed since the last commit
	log     reportLog
}

// Open reads all tenants' graphs and their reported state.
func Open(ctx context.Context, kv KV, clk clock.Clock, log *slog.Logger) (*Twins, error) {
	t := &Twins{journal: journal{kv}, kv: kv, clock: clk, log: log, empty: emptyGraph(), plants: map[string]*plant{}}
	tenants, err := t.journal.tenants()
	if err != nil {
		return nil, err
	}
	for _, tenant := range tenants {
		s, tail, err := t.journal.read(ctx, tenant)
		if err != nil {
			return nil, fmt.Errorf("open twins of %s: %w", tenant, err)
		}
		g, err := build(s, nil)
		if err != nil {
			return nil, fmt.Errorf("open twins of %s: %w", tenant, err)
		}
		p := newPlant(tenant, g)
		p.since = tail
		if err := p.loadReported(kv); err != nil {
			return nil, fmt.Errorf("open twins of %s: %w", tenant, err)
		}
		t.plants[tenant] = p
	}
	return t, nil
}

func newPlant(tenant string, g *graph) *plant {
	p := &plant{tenant: tenant}
	p.graph.Store(g)
	p.subs.Store(&[]*Subscription{})
	return p
}

// at finds a tenant's plant, nil if it has none.
func (t *Twins) at(tenant string) *plant {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.plants[tenant]
}

// of finds or makes a tenant's plant.
func (t *Twins) of(tenant string) *plant {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := t.plants[tenant]
	if p == nil {
		p = newPlant(tenant, emptyGraph())
		t.plants[tenant] = p
	}
	return p
}

// view is the graph of a tenant as it is now; an unknown tenant's is empty.
func (t *Twins) view(tenant string) *graph {
	if p := t.at(tenant); p != nil {
		return p.graph.Load()
	}
	return t.empty
}

// find looks an asset up by id, or else by path.
func (g *graph) find(idOrPath string) (int32, error) {
	if i, ok := g.byID[idOrPath]; ok {
		return i, nil
	}
	if i, ok := g.byPath[strings.Trim(idOrPath, "/")]; ok {
		return i, nil
	}
	return -1, fault.New(fault.NotFound, "no asset %q", clip(idOrPath)).WithHint("give an asset's id or its whole path")
}

func clip(s string) string {
	if len(s) > 200 {
		s = s[:200] + "…"
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

// Tenants lists the tenants that have a graph, sorted.
func (t *Twins) Tenants() []string {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return slices.Sorted(func(yield func(string) bool) {
		for tenant, p := range t.plants {
			if p.graph.Load().rev > 0 && !yield(tenant) {
				return
			}
		}
	})
}

// HasAsset says whether a tenant has an asset of that id.
func (t *Twins) HasAsset(tenant, id string) bool {
	_, ok := t.view(tenant).byID[id]
	return ok
}

// TagOf finds a tag of an asset by the asset's id.
func (t *Twins) TagOf(tenant, asset, tag string) (twin.Tag, bool) {
	g := t.view(tenant)
	i, ok := g.byID[asset]
	if !ok {
		return twin.Tag{}, false
	}
	set := g.nodes[i].tags
	slot, ok := set.index[tag]
	if !ok {
		return twin.Tag{}, false
	}
	return set.tags[slot], true
}

// Classes returns a tenant's classes with inheritance written out. They are shared: read only.
func (t *Twins) Classes(tenant string) twin.Classes { return t.view(tenant).classes }
