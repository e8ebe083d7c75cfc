package twins

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/lineshaft/lineshaft/twin"
)

// graph is a tenant's plant at one revision; it never changes. Nodes are numbered depth first, so that a subtree is a
// range: the subtree of node i is nodes[i:nodes[i].end].
type graph struct {
	rev     uint64
	title   string
	classes twin.Classes
	nodes   []node
	byID    map[string]int32
	byPath  map[string]int32
	out, in adjacency
	seqs    map[string]uint64 // of the last entries of tenant and classes
	tree    func() Tree       // columns, made once
}

type node struct {
	*assetRecord
	tags        *tagSet
	live        *live
	parent, end int32 // parent is -1 at the top
}

// adjacency holds the relations of node i at edges[at[i]:at[i+1]].
type adjacency struct {
	at    []int32
	edges []edge
}

type edge struct {
	kind       twin.RelationType
	other      int32
	attributes map[string]any
	seq        uint64 // of the last entry about it
}

// tagSet is the tags of an asset, shared by all assets of a class without tags of their own.
type tagSet struct {
	tags   []twin.Tag
	index  map[string]int
	judged []bool // has limits or a normal band
}

func newTagSet(tags []twin.Tag) *tagSet {
	s := &tagSet{tags: tags, index: make(map[string]int, len(tags)), judged: make([]bool, len(tags))}
	for i, t := range tags {
		s.index[t.Name] = i
		s.judged[i] = t.Limits != (twin.Limits{}) || t.Normal != (twin.Band{})
	}
	return s
}

func emptyGraph() *graph {
	g, _ := build(newStructure(), nil) // nothing in it that could be wrong
	return g
}

// build numbers the assets of s. The live state of assets that prev has too goes over, old tags by name.
func build(s *structure, prev *graph) (*graph, error) {
	g := &graph{
		rev: s.rev, title: s.title, classes: make(twin.Classes, len(s.classes)), nodes: make([]node, 0, len(s.assets)),
		byID: make(map[string]int32, len(s.assets)), byPath: make(map[string]int32, len(s.assets)),
		seqs: s.seqs,
	}
	for name, c := range s.classes {
		c.Class.Tags = liveTags(c.Tags)
		g.classes[name] = c.Class
	}
	if err := g.number(s); err != nil {
		return nil, err
	}
	if err := g.setTags(); err != nil {
		return nil, err
	}
	for i := range g.nodes {
		n := &g.nodes[i]
		if prev != nil {
			if j, ok := prev.byID[n.ID]; ok {
				n.live = prev.nodes[j].live
				continue
			}
		}
		n.live = &live{id: n.ID, tags: n.tags}
	}
	if err := g.connect(s); err != nil {
		return nil, err
	}
	g.tree = sync.OnceValue(g.columns)
	return g, nil
}

// number puts the assets in depth-first order, siblings by name as people read numbers in it.
func (g *graph) number(s *structure) error {
	children := make(map[string][]*assetRecord, len(s.assets)/4)
	paths := make(map[string]*assetRecord, len(s.assets))
	for _, a := range s.assets {
		if other := paths[a.Path]; other != nil {
			return fmt.Errorf("assets %s and %s have one path %s", other.ID, a.ID, a.Path)
		}
		paths[a.Path] = a
		children[parentPath(a.Path)] = append(children[parentPath(a.Path)], a)
	}
	var visit func(path string, parent int32)
	visit = func(path string, parent int32) {
		under := children[path]
		slices.SortFunc(under, func(a, b *assetRecord) int { return natural(a.Path, b.Path) })
		for _, a := range under {
			i := int32(len(g.nodes))
			g.nodes = append(g.nodes, node{assetRecord: a, parent: parent})
			g.byID[a.ID], g.byPath[a.Path] = i, i
			visit(a.Path, i)
			g.nodes[i].end = int32(len(g.nodes))
		}
	}
	visit("", -1)
	if len(g.nodes) == len(s.assets) {
		return nil
	}
	for path, a := range paths {
		if _, ok := g.byPath[path]; !ok && paths[parentPath(path)] == nil {
			return fmt.Errorf("asset %s stands at %s, where there is no %s", a.ID, path, parentPath(path))
		}
	}
	return fmt.Errorf("%d assets have no way to the top", len(s.assets)-len(g.nodes))
}

// setTags gives every asset its class's tags with its own in place of those of the same name.
func (g *graph) setTags() error {
	sets := map[string]*tagSet{}
	for i := range g.nodes {
		n := &g.nodes[i]
		k := n.Class
		if len(n.OwnTags) > 0 {
			own, err := json.Marshal(n.OwnTags)
			if err != nil {
				return fmt.Errorf("tags of %s: %w", n.Path, err)
			}
			k += "\x00" + string(own)
		}
		if sets[k] == nil {
			sets[k] = newTagSet(merged(g.classes[n.Class].Tags, liveTags(n.OwnTags)))
		}
		n.tags = sets[k]
	}
	return nil
}

func merged(base, own []twin.Tag) []twin.Tag {
	if len(own) == 0 {
		return base
	}
	out := slices.Clone(base)
	for _, t := range own {
		if i := slices.IndexFunc(out, func(b twin.Tag) bool { return b.Name == t.Name }); i >= 0 {
			out[i] = t
		} else {
			out = append(out, t)
		}
	}
	return out
}

func (g *graph) connect(s *structure) error {
	type flat struct {
		from, to int32
		rel      relationRecord
	}
	all := make([]flat, 0, len(s.relations))
	for k, r := range s.relations {
		from, ok1 := g.byID[r.From]
		to, ok2 := g.byID[r.To]
		if !ok1 || !ok2 {
			return fmt.Errorf("relation %s has an end that is no asset", k)
		}
		all = append(all, flat{from, to, r})
	}
	fill := func(near, far func(flat) int32) adjacency {
		slices.SortFunc(all, func(a, b flat) int {
			return cmp.Or(cmp.Compare(near(a), near(b)), strings.Compare(string(a.rel.Type), string(b.rel.Type)), cmp.Compare(far(a), far(b)))
		})
		adj := adjacency{at: make([]int32, len(g.nodes)+1), edges: make([]edge, len(all))}
		for i, f := range all {
			adj.edges[i] = edge{f.rel.Type, far(f), f.rel.Attributes, f.rel.seq}
			adj.at[near(f)+1]++
		}
		for i := range len(g.nodes) {
			adj.at[i+1] += adj.at[i]
		}
		return adj
	}
	from, to := func(f flat) int32 { return f.from }, func(f flat) int32 { return f.to }
	g.out, g.in = fill(from, to), fill(to, from)
	return nil
}

// adopt brings the live state of every asset to the tags it has in g. It is called once g is the graph.
func (g *graph) adopt() {
	for i := range g.nodes {
		g.nodes[i].live.retag(g.nodes[i].tags)
	}
}

// structure gives back what the graph was built from, as a copy that may be changed.
func (g *graph) structure() *structure {
	s := newStructure()
	s.rev, s.title = g.rev, g.title
	for name, c := range g.classes {
		s.classes[name] = classRecord{Class: c, Tags: storedTags(c.Tags)}
	}
	for i := range g.nodes {
		s.assets[g.nodes[i].ID] = g.nodes[i].assetRecord
		for _, e := range g.out.of(int32(i)) {
			r := twin.Relation{Type: e.kind, From: g.nodes[i].ID, To: g.nodes[e.other].ID, Attributes: e.attributes}
			s.relations[relationKey(r)] = relationRecord{r, e.seq}
		}
	}
	maps.Copy(s.seqs, g.seqs)
	return s
}

func parentPath(path string) string {
	if i := strings.LastIndexByte(path, '/'); i >= 0 {
		return path[:i]
	}
	return ""
}

// natural orders names as people do: P-2 before P-10.
func natural(a, b string) int {
	for len(a) > 0 && len(b) > 0 {
		na, nb := digits(a), digits(b)
		if na > 0 && nb > 0 {
			da, db := strings.TrimLeft(a[:na], "0"), strings.TrimLeft(b[:nb], "0")
			if c := cmp.Or(cmp.Compare(len(da), len(db)), strings.Compare(da, db)); c != 0 {
				return c
			}
			if na != nb { // the same number, written differently
				return cmp.Compare(na, nb)
			}
			a, b = a[na:], b[nb:]
			continue
		}
		if a[0] != b[0] {
			return cmp.Compare(a[0], b[0])
		}
		a, b = a[1:], b[1:]
	}
	return cmp.Compare(len(a), len(b))
}

func digits(s string) int {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n
}
