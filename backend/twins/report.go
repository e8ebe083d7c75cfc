package twins

import (
	"github.com/lineshaft/lineshaft/twin"
)

// Reported is a sample of an asset's tag. It is an alias of an unnamed type, so that whoever reports can say the same
// without importing this package.
type Reported = struct {
	Asset, Tag string // asset by id
	twin.Sample
	Received int64  // ns
	Device   string // who said so
}

// Report brings the reported state up to date. A sample older than the one that stands is passed over, as is one of an
// asset or tag that is not there. It is fastest when the samples of an asset stand together, and never waits for a
// reader.
func (t *Twins) Report(tenant string, rs []Reported) {
	p := t.at(tenant)
	if p == nil {
		return
	}
	g, subs := p.graph.Load(), *p.subs.Load()
	for len(rs) > 0 {
		n := 1
		for n < len(rs) && rs[n].Asset == rs[0].Asset {
			n++
		}
		if i, ok := g.byID[rs[0].Asset]; ok {
			if rev := g.nodes[i].live.report(rs[:n], p); rev > 0 {
				for _, s := range subs {
					s.mark(g, i, rev)
				}
			}
		}
		rs = rs[n:]
	}
}

// report takes samples of this asset and returns the first of its revisions that they made, 0 if they made none.
func (l *live) report(rs []Reported, p *plant) uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	first := uint64(0)
	for i := range rs {
		slot, ok := l.tags.index[rs[i].Tag]
		if ok && l.set(slot, rs[i].Sample, rs[i].Received) && first == 0 {
			first = l.rev
		}
	}
	if first == 0 {
		return 0
	}
	l.device = rs[len(rs)-1].Device
	if !l.queued {
		l.queued = true
		p.queue(l)
	}
	return first
}

// queue notes an asset for the next commit.
func (p *plant) queue(ls ...*live) {
	p.dirtyMu.Lock()
	defer p.dirtyMu.Unlock()
	p.dirty = append(p.dirty, ls...)
}
