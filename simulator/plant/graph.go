package plant

import (
	"slices"

	"github.com/lineshaft/lineshaft/twin"
)

// graph is the declared plant as the models ask about it. All answers are in the order of the declarations, so
// that sums over them have the same bits every time.
type graph struct {
	model    twin.Model
	assets   map[string]int // id → index
	out, in  map[edge][]string
	children map[string][]string // path → ids
}

type edge struct {
	id  string
	typ twin.RelationType
}

func newGraph(m twin.Model) *graph {
	g := &graph{model: m, assets: map[string]int{}, out: map[edge][]string{}, in: map[edge][]string{}, children: map[string][]string{}}
	for i, a := range m.Assets {
		g.assets[a.ID] = i
		g.children[a.Parent()] = append(g.children[a.Parent()], a.ID)
	}
	for _, r := range m.Relations {
		g.out[edge{r.From, r.Type}] = append(g.out[edge{r.From, r.Type}], r.To)
		g.in[edge{r.To, r.Type}] = append(g.in[edge{r.To, r.Type}], r.From)
	}
	return g
}

func (g *graph) asset(id string) twin.Asset {
	if i, ok := g.assets[id]; ok {
		return g.model.Assets[i]
	}
	return twin.Asset{}
}

// is says whether the asset is of a class or of one that extends it.
func (g *graph) is(id string, classes ...string) bool {
	for c := g.asset(id).Class; c != ""; c = g.model.Classes[c].Extends {
		if slices.Contains(classes, c) {
			return true
		}
	}
	return false
}

// all returns the assets of a class.
func (g *graph) all(class string) []string {
	var out []string
	for _, a := range g.model.Assets {
		if g.is(a.ID, class) {
			out = append(out, a.ID)
		}
	}
	return out
}

// near returns what is linked to id by any of types, in either direction, or is its child or parent.
func (g *graph) near(id string, types ...twin.RelationType) []string {
	var out []string
	for _, t := range types {
		out = append(append(out, g.in[edge{id, t}]...), g.out[edge{id, t}]...)
	}
	out = append(out, g.children[g.asset(id).Path]...)
	for _, a := range g.model.Assets {
		if a.Path == g.asset(id).Parent() {
			out = append(out, a.ID)
		}
	}
	return out
}

// first returns the first of ids that is of a class, empty if none is.
func (g *graph) first(ids []string, class string) string {
	for _, id := range ids {
		if g.is(id, class) {
			return id
		}
	}
	return ""
}

// walk follows feeds from id, up or down stream, and returns what it meets. It does not go past the classes in
// stop, which it still returns.
func (g *graph) walk(id string, up bool, stop ...string) []string {
	links := g.out
	if up {
		links = g.in
	}
	seen := map[string]bool{id: true}
	var out []string
	for queue := []string{id}; len(queue) > 0; queue = queue[1:] {
		for _, next := range links[edge{queue[0], twin.Feeds}] {
			if seen[next] {
				continue
			}
			seen[next] = true
			out = append(out, next)
			if !g.is(next, stop...) {
				queue = append(queue, next)
			}
		}
	}
	return out
}

func (g *graph) only(ids []string, class string) []string {
	var out []string
	for _, id := range ids {
		if g.is(id, class) {
			out = append(out, id)
		}
	}
	return out
}
