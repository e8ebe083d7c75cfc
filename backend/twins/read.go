package twins

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/lineshaft/lineshaft/twin"
	"github.com/lineshaft/lineshaft/twin/fault"
)

// asset is the node as readers know it; tags and nameplate are shared.
func (n *node) asset() twin.Asset {
	return twin.Asset{
		ID: n.ID, Path: n.Path, Level: n.Level, Class: n.Class, Title: n.Title, TimeZone: n.TimeZone, Nameplate: n.Nameplate, Tags: n.tags.tags,
	}
}

// Asset finds an asset by id or path. Its tags and nameplate are shared: read only.
func (t *Twins) Asset(tenant, idOrPath string) (twin.Asset, error) {
	g := t.view(tenant)
	i, err := g.find(idOrPath)
	if err != nil {
		return twin.Asset{}, err
	}
	return g.nodes[i].asset(), nil
}

// Version is the number of the journal entry that last changed an asset, 0 if there is no such asset.
func (t *Twins) Version(tenant, id string) uint64 {
	g := t.view(tenant)
	if i, ok := g.byID[id]; ok {
		return g.nodes[i].seq
	}
	return 0
}

// ParentID is the id of the asset above, empty at the top.
func (t *Twins) ParentID(tenant, id string) string {
	g := t.view(tenant)
	if i, ok := g.byID[id]; ok && g.nodes[i].parent >= 0 {
		return g.nodes[g.nodes[i].parent].ID
	}
	return ""
}

// SiteOf is the path of the site an asset stands in, empty for one above all sites.
func (t *Twins) SiteOf(tenant, id string) string {
	g := t.view(tenant)
	i, ok := g.byID[id]
	if !ok {
		return ""
	}
	for i >= 0 && g.nodes[i].Level != twin.Site {
		i = g.nodes[i].parent
	}
	if i < 0 {
		return ""
	}
	return g.nodes[i].Path
}

// Filter selects assets; a zero field selects all.
type Filter struct {
	Path  string // this one only
	Under string // id or path: it and all below
	Class string // this class or one that extends it
	Level string
	Q     string // part of name, title or class, in any case
	After string // id of the last asset of the page before
	Limit int    // 1 to 1000, 100 if 0
}

// Assets lists assets in the order of the tree. Next is the After of the page that follows, empty on the last; total
// counts what the filter selects on all pages.
func (t *Twins) Assets(tenant string, f Filter) (items []twin.Asset, next string, total int, err error) {
	if f.Limit < 0 || f.Limit > 1000 {
		return nil, "", 0, fault.Field("limit", f.Limit, "is 1 to 1000")
	}
	f.Limit = cmp.Or(f.Limit, 100)
	if f.Level != "" && twin.Level(f.Level).Rank() < 0 {
		return nil, "", 0, fault.Field("level", f.Level, "is one of %v", twin.Levels())
	}
	g := t.view(tenant)
	from, to, err := g.within(f)
	if err != nil {
		return nil, "", 0, err
	}
	after := int32(-1)
	if f.After != "" {
		i, ok := g.byID[f.After]
		if !ok {
			return nil, "", 0, fault.Field("cursor", clip(f.After), "is not one of this list").WithHint("begin the list again")
		}
		after = i
	}
	q := strings.ToLower(f.Q)
	classes := g.extending(f.Class)
	items = []twin.Asset{}
	for i := from; i < to; i++ {
		n := &g.nodes[i]
		if f.Level != "" && string(n.Level) != f.Level || f.Class != "" && !classes[n.Class] || q != "" && !n.says(q) {
			continue
		}
		total++
		switch {
		case i <= after:
		case len(items) < f.Limit:
			items = append(items, n.asset())
		default:
			next = items[len(items)-1].ID
		}
	}
	return items, next, total, nil
}

// within is the range of nodes that path and under leave.
func (g *graph) within(f Filter) (from, to int32, err error) {
	from, to = 0, int32(len(g.nodes))
	if f.Under != "" {
		i, err := g.find(f.Under)
		if err != nil {
			return 0, 0, err
		}
		from, to = i, g.nodes[i].end
	}
	if f.Path == "" {
		return from, to, nil
	}
	i, ok := g.byPath[strings.Trim(f.Path, "/")]
	if !ok || i < from || i >= to {
		return 0, 0, nil
	}
	return i, i + 1, nil
}

// extending are the class and all that extend it.
func (g *graph) extending(class string) map[string]bool {
	out := map[string]bool{}
	for name := range g.classes {
		for c, steps := name, 0; c != "" && steps < 100; c, steps = g.classes[c].Extends, steps+1 {
			if c == class {
				out[name] = true
				break
			}
		}
	}
	return out
}

func (n *node) says(q string) bool {
	return strings.Contains(strings.ToLower(n.name()), q) || strings.Contains(strings.ToLower(n.Title), q) || strings.Contains(strings.ToLower(n.Class), q)
}

func (n *node) name() string { return n.Path[strings.LastIndexByte(n.Path, '/')+1:] }

// Tree is the whole tree in columns, depth first. Parent is an index into the columns, -1 at the top.
type Tree struct {
	Rev                           uint64
	ID, Name, Title, Level, Class []string
	Parent                        []int32
	Tags                          []int // how many
}

// Tree returns a tenant's tree. It is made once per revision and shared: read only.
func (t *Twins) Tree(tenant string) (Tree, error) { return t.view(tenant).tree(), nil }

func (g *graph) columns() Tree {
	n := len(g.nodes)
	words := make([]string, 5*n)
	col := func(k int) []string { return words[k*n : (k+1)*n : (k+1)*n] }
	out := Tree{
		Rev: g.rev, ID: col(0), Name: col(1), Title: col(2), Level: col(3), Class: col(4), Parent: make([]int32, n), Tags: make([]int, n),
	}
	for i := range g.nodes {
		a := &g.nodes[i]
		out.ID[i], out.Name[i], out.Title[i], out.Level[i], out.Class[i] = a.ID, a.name(), a.Title, string(a.Level), a.Class
		out.Parent[i], out.Tags[i] = a.parent, len(a.tags.tags)
	}
	return out
}

// Edge is a relation as seen from one of its ends.
type Edge struct {
	Type       twin.RelationType
	Direction  string // "out" from the asset asked for, "in" to it
	Asset      twin.Asset
	Attributes map[string]any
}

// Relations lists what an asset is related to: what goes out first, then by type and in the order of the tree.
func (t *Twins) Relations(tenant, idOrPath string) ([]Edge, error) {
	g := t.view(tenant)
	i, err := g.find(idOrPath)
	if err != nil {
		return nil, err
	}
	out := []Edge{}
	for _, e := range g.out.of(i) {
		out = append(out, Edge{e.kind, "out", g.nodes[e.other].asset(), e.attributes})
	}
	for _, e := range g.in.of(i) {
		out = append(out, Edge{e.kind, "in", g.nodes[e.other].asset(), e.attributes})
	}
	return out, nil
}

func (a adjacency) of(i int32) []edge { return a.edges[a.at[i]:a.at[i+1]] }

// Worst is a tag whose value is outside its normal band or beyond a limit.
type Worst struct {
	Asset    twin.Asset
	Tag      twin.Tag
	Sample   twin.Sample
	Severity float64 // see twin.Tag.Severity
	State    twin.LimitState
	Limit    *float64 // the limit it is beyond
	Since    int64    // source time (ns) at which it came to stand so
}

// Worst lists the n most severe tags of a tenant, the worst first. Only good values that are not stale count,
// and not the signals of enterprise and sites.
func (t *Twins) Worst(tenant string, n int) []Worst {
	g, now := t.view(tenant), t.clock.Now().UnixNano()
	out := []Worst{}
	least := 0.0
	for i := range g.nodes {
		if g.nodes[i].ours() {
			continue
		}
		g.nodes[i].live.each(func(_ int, tag *twin.Tag, r *reading) {
			if r.standing == normal || !r.Q.IsGood() || ageOf(tag, r, now) == stale {
				return
			}
			severity := tag.Severity(r.V.Float())
			if math.IsNaN(severity) || severity <= least {
				return
			}
			w := Worst{g.nodes[i].asset(), *tag, r.Sample, severity, limitStates[r.standing], r.limit(tag), r.since}
			at, _ := slices.BinarySearchFunc(out, severity, func(w Worst, s float64) int { return cmp.Compare(s, w.Severity) })
			if out = slices.Insert(out, at, w); len(out) > n {
				out = out[:n]
			}
			if len(out) == n {
				least = severityOfLast(out)
			}
		})
	}
	return out
}

func severityOfLast(ws []Worst) float64 {
	if len(ws) == 0 {
		return math.Inf(1)
	}
	return ws[len(ws)-1].Severity
}

func (r *reading) limit(t *twin.Tag) *float64 {
	switch r.standing {
	case beyondHiHi:
		return t.Limits.HiHi
	case beyondHi:
		return t.Limits.Hi
	case beyondLo:
		return t.Limits.Lo
	case beyondLoLo:
		return t.Limits.LoLo
	case normal, abnormal:
	}
	return nil
}
