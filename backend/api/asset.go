package api

import (
	"context"
	"slices"
	"strings"

	"github.com/lineshaft/lineshaft/twin"
)

// Paging is what every list takes.
type Paging struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"100"`
	Cursor string `query:"cursor" maxLength:"2048" doc:"next_cursor of the page before; bound to its filter"`
}

type listAssetsIn struct {
	Paging
	Path  string `query:"path" maxLength:"500" doc:"exactly this path"`
	Under string `query:"under" maxLength:"500" doc:"id or path of the subtree's root"`
	Class string `query:"class" maxLength:"64" doc:"of this class or one that extends it"`
	Level string `query:"level" enum:"enterprise,site,area,work_center,work_unit,equipment,component"`
	Q     string `query:"q" maxLength:"200" doc:"part of name, title or path"`
}

type assetPageOut struct {
	Body AssetPage
}

func (p *plant) listAssets(_ context.Context, in *listAssetsIn) (*assetPageOut, error) {
	filter := []string{in.Path, in.Under, in.Class, in.Level, in.Q}
	after, err := p.resume("assets", in.Cursor, filter)
	if err != nil {
		return nil, err
	}
	under := in.Under
	if under != "" {
		root, err := p.asset(under)
		if err != nil {
			return nil, err
		}
		under = root.Path
	}
	f := AssetFilter{Path: in.Path, Under: under, Class: in.Class, Level: in.Level, Q: in.Q, After: after, Limit: in.Limit}
	items, next, total, err := p.coveredAssets(f)
	if err != nil {
		return nil, err
	}
	out := AssetPage{Items: make([]Asset, len(items)), Total: total, NextCursor: p.cursor("assets", next, filter)}
	for i, a := range items {
		out.Items[i] = p.assetView(a)
	}
	return &assetPageOut{Body: out}, nil
}

// coveredAssets lists the assets of a filter that the grant covers. A grant for one subtree narrows the filter
// itself; one for several walks all that match.
func (p *plant) coveredAssets(f AssetFilter) (items []twin.Asset, next string, total int, err error) {
	if p.grant.Whole() || (f.Under != "" && p.grant.Covers(f.Under)) {
		return p.ports.Twins.Assets(p.tenant(), f)
	}
	var all []twin.Asset
	for walk := (AssetFilter{Path: f.Path, Under: f.Under, Class: f.Class, Level: f.Level, Q: f.Q, Limit: maxLimit}); ; {
		found, more, _, err := p.ports.Twins.Assets(p.tenant(), walk)
		if err != nil {
			return nil, "", 0, err
		}
		all = append(all, slices.DeleteFunc(found, func(a twin.Asset) bool { return !p.grant.Covers(a.Path) })...)
		if more == "" {
			break
		}
		walk.After = more
	}
	start := 0
	if f.After != "" {
		start = 1 + slices.IndexFunc(all, func(a twin.Asset) bool { return a.ID == f.After })
	}
	end := min(start+f.Limit, len(all))
	if end < len(all) {
		next = all[end-1].ID
	}
	return all[start:end], next, len(all), nil
}

type assetIn struct {
	ID string `path:"id" maxLength:"500" doc:"id, or path with its slashes as %2F"`
}

type assetOut struct {
	Body Asset
}

func (p *plant) getAsset(_ context.Context, in *assetIn) (*assetOut, error) {
	a, err := p.asset(in.ID)
	if err != nil {
		return nil, err
	}
	return &assetOut{Body: p.assetView(a)}, nil
}

type treeOut struct {
	Body AssetTree
}

func (p *plant) assetTree(context.Context, *none) (*treeOut, error) {
	t, err := p.ports.Twins.Tree(p.tenant())
	if err != nil {
		return nil, err
	}
	if !p.grant.Whole() {
		t = prune(t, p.grant.Covers)
	}
	t.AsOf = p.now()
	return &treeOut{Body: t}, nil
}

// prune keeps the rows whose path is covered; a row whose parent is left out becomes a root.
func prune(t AssetTree, covers func(path string) bool) AssetTree {
	out := AssetTree{
		Rev: t.Rev, ID: []string{}, Parent: []int{}, Name: []string{}, Title: []string{}, Level: []string{},
		Class: []string{}, Tags: []int{},
	}
	paths := make([]string, len(t.ID))
	row := make([]int, len(t.ID))
	for i := range t.ID {
		paths[i], row[i] = t.Name[i], -1
		parent := -1
		if up := t.Parent[i]; up >= 0 {
			paths[i] = paths[up] + "/" + t.Name[i]
			parent = row[up]
		}
		if !covers(paths[i]) {
			continue
		}
		row[i] = len(out.ID)
		out.ID = append(out.ID, t.ID[i])
		out.Parent = append(out.Parent, parent)
		out.Name = append(out.Name, t.Name[i])
		out.Title = append(out.Title, t.Title[i])
		out.Level = append(out.Level, t.Level[i])
		out.Class = append(out.Class, t.Class[i])
		out.Tags = append(out.Tags, t.Tags[i])
	}
	return out
}

type relationsOut struct {
	Body RelationList
}

func (p *plant) listRelations(_ context.Context, in *assetIn) (*relationsOut, error) {
	a, err := p.asset(in.ID)
	if err != nil {
		return nil, err
	}
	edges, err := p.ports.Twins.Relations(p.tenant(), a.ID)
	if err != nil {
		return nil, assetError(in.ID, err)
	}
	out := RelationList{Items: []Relation{}}
	for _, e := range edges {
		if !p.grant.Covers(e.Other.Path) {
			continue
		}
		r := Relation{Type: string(e.Type), Direction: "in", Attributes: orEmpty(e.Attributes), Asset: refView(e.Other)}
		if e.Out {
			r.Direction = "out"
		}
		out.Items = append(out.Items, r)
	}
	return &relationsOut{Body: out}, nil
}

type classesOut struct {
	Body ClassList
}

func (p *plant) listClasses(context.Context, *none) (*classesOut, error) {
	out := ClassList{Items: []Class{}}
	for _, c := range p.ports.Twins.Classes(p.tenant()) {
		out.Items = append(out.Items, Class{
			Name: c.Name, Title: c.Title, Extends: c.Extends, Symbol: c.Symbol,
			Tags: tagViews(c.Tags), Nameplate: append([]twin.Field{}, c.Nameplate...),
		})
	}
	slices.SortFunc(out.Items, func(a, b Class) int { return strings.Compare(a.Name, b.Name) })
	return &classesOut{Body: out}, nil
}
