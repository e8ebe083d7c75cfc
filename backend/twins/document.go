package twins

import (
	"time"

	"github.com/lineshaft/lineshaft/twin"
)

// Document is the twin of one asset. Nameplate is written by engineering, Reported by ingest alone, Desired by
// operators, Computed by analytics.
type Document struct {
	ID         string           `json:"id"`
	Path       string           `json:"path"`
	Level      twin.Level       `json:"level"`
	Class      string           `json:"class,omitempty"`
	Title      string           `json:"title,omitempty"`
	Nameplate  map[string]any   `json:"nameplate"`
	Reported   map[string]Value `json:"reported"`
	Desired    map[string]any   `json:"desired"`
	Computed   map[string]Value `json:"computed"`
	Version    uint64           `json:"version"`
	ReportedBy string           `json:"reported_by,omitempty"` // the device heard last
}

// Value is the newest sample of a tag with what a reader needs to judge it.
type Value struct {
	V          twin.Value      `json:"v"`
	Q          twin.Quality    `json:"q"`
	Quality    string          `json:"quality"`
	TS         time.Time       `json:"ts"` // at its source
	Received   time.Time       `json:"received"`
	Unit       string          `json:"unit,omitempty"`
	LimitState twin.LimitState `json:"limit_state"`
	Stale      bool            `json:"stale"` // older than five times the interval it is expected in
}

// Twin returns the document of an asset found by id or path.
func (t *Twins) Twin(tenant, idOrPath string) (Document, error) {
	g := t.view(tenant)
	i, err := g.find(idOrPath)
	if err != nil {
		return Document{}, err
	}
	n := &g.nodes[i]
	d := Document{
		ID: n.ID, Path: n.Path, Level: n.Level, Class: n.Class, Title: n.Title, Nameplate: n.Nameplate,
		Reported: map[string]Value{}, Desired: map[string]any{}, Computed: map[string]Value{}, Version: n.seq,
	}
	if d.Nameplate == nil {
		d.Nameplate = map[string]any{}
	}
	now := t.clock.Now().UnixNano()
	n.live.each(func(_ int, tag *twin.Tag, r *reading) {
		d.Reported[tag.Name] = r.value(tag, now)
		d.ReportedBy = n.live.device
	})
	return d, nil
}

// value is the reading as a document shows it. A bad value stands at no limit.
func (r *reading) value(t *twin.Tag, now int64) Value {
	v := Value{
		V: r.V, Q: r.Q, Quality: r.Q.String(), TS: time.Unix(0, r.T).UTC(), Received: time.Unix(0, r.received).UTC(), Unit: t.Unit,
		Stale: ageOf(t, r, now) == stale,
	}
	if !r.Q.IsBad() {
		v.LimitState = t.Limits.State(r.V.Float())
	}
	return v
}

// Freshness counts the tags of some assets by the age of their value against the interval it is expected in: fresh up
// to twice, stale beyond five times. Silent are those never heard of.
type Freshness struct {
	Fresh, Late, Stale, Silent int
	Newest                     int64 // source time of the newest sample, ns; 0 if there is none
}

type age uint8

const (
	fresh age = iota
	late
	stale
)

// unknownInterval stands in where a tag does not say how often it is expected.
const unknownInterval = 10 * time.Second

func ageOf(t *twin.Tag, r *reading, now int64) age {
	every := int64(t.Interval)
	if every <= 0 {
		every = int64(unknownInterval)
	}
	switch old := now - r.T; {
	case old <= 2*every:
		return fresh
	case old <= 5*every:
		return late
	default:
		return stale
	}
}

// Freshness counts the tags of a tenant, in all and by the path of the site. Enterprise and site are left out: their
// tags are what we say about the plant, not what it says.
func (t *Twins) Freshness(tenant string) (all Freshness, sites map[string]Freshness) {
	g, now := t.view(tenant), t.clock.Now().UnixNano()
	sites = map[string]Freshness{}
	for i := int32(0); i < int32(len(g.nodes)); i++ {
		if g.nodes[i].Level != twin.Site {
			g.nodes[i].count(&all, now)
			continue
		}
		var f Freshness
		site := &g.nodes[i]
		for ; i+1 < site.end; i++ {
			g.nodes[i+1].count(&f, now)
		}
		sites[site.Path] = f
		all.add(f)
	}
	return all, sites
}

// FreshnessUnder counts the tags of an asset, found by id or path, and of all below it.
func (t *Twins) FreshnessUnder(tenant, idOrPath string) (Freshness, error) {
	g, now := t.view(tenant), t.clock.Now().UnixNano()
	i, err := g.find(idOrPath)
	if err != nil {
		return Freshness{}, err
	}
	var f Freshness
	for end := g.nodes[i].end; i < end; i++ {
		g.nodes[i].count(&f, now)
	}
	return f, nil
}

func (f *Freshness) add(o Freshness) {
	f.Fresh += o.Fresh
	f.Late += o.Late
	f.Stale += o.Stale
	f.Silent += o.Silent
	f.Newest = max(f.Newest, o.Newest)
}

// ours says whether the tags of an asset are what we say about the plant, not what it says.
func (n *node) ours() bool { return n.Level == twin.Enterprise || n.Level == twin.Site }

func (n *node) count(f *Freshness, now int64) {
	if n.ours() {
		return
	}
	f.Silent += len(n.tags.tags)
	n.live.each(func(_ int, t *twin.Tag, r *reading) {
		f.Silent--
		f.Newest = max(f.Newest, r.T)
		switch ageOf(t, r, now) {
		case fresh:
			f.Fresh++
		case late:
			f.Late++
		case stale:
			f.Stale++
		}
	})
}
