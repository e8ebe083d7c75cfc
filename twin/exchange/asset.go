package exchange

import (
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // a site's time zone is checked on machines without a zone database too

	"github.com/goccy/go-yaml/ast"

	"github.com/lineshaft/lineshaft/twin"
	"github.com/lineshaft/lineshaft/twin/wire"
)

// place is where in the hierarchy the reader stands.
type place struct {
	path             string
	level            twin.Level
	site, area, line string // topic segments
	plc              string // that answers for the assets here, empty for none
}

// assetFile is an asset as the file has it.
type assetFile struct {
	twin.Asset
	name                              string
	hostedBy                          *string
	device, replay, tags, rels, inner ast.Node
	at                                map[string]ast.Node // where its fields stand
}

func (p *plantReader) readAssets(n ast.Node, field string, in place) {
	for i, it := range p.items(n, field) {
		at := index(field, i)
		rep := child(it, "repeat")
		if rep == nil {
			p.readAsset(it, at, in)
			continue
		}
		outer := p.vars
		rows := p.rows(rep, join(at, "repeat"))
		p.skipped = p.skipped || rows == nil
		for _, row := range rows {
			p.vars = row
			p.readAsset(it, at, in)
		}
		p.vars = outer
	}
}

func (p *plantReader) readAsset(n ast.Node, field string, in place) {
	if len(p.errs) >= maxFaults || p.generated > maxAssets {
		return
	}
	a := p.assetFields(n, field)
	if a.name != "" { // an asset is better found by its name than by its place in a list
		field = strings.TrimSuffix(field[:strings.LastIndexByte(field, '[')], ".assets") + "." + a.name
	}
	a.Path = strings.TrimPrefix(in.path+"/"+a.name, "/")
	if !p.checkAsset(field, &a, in) {
		p.skipped = true
		return
	}
	if a.ID == "" {
		a.ID = wire.DerivedID(p.out.Since, p.out.Tenant, a.Path)
	}
	p.readTags(a.tags, join(field, "tags"), &a.Asset)
	p.byPath[a.Path] = len(p.out.Assets)
	p.byName[a.name] = append(p.byName[a.name], len(p.out.Assets))
	p.out.Assets = append(p.out.Assets, a.Asset)

	if h := a.hostedBy; h != nil && *h != "none" && !slices.ContainsFunc(p.out.PLCs, func(c PLC) bool { return c.Name == *h }) {
		p.fail(a.at["hosted_by"], join(field, "hosted_by"), *h, "no PLC has this name: use one of plcs, or none")
		p.skipped = true
		return
	}
	here := in.enter(a)
	p.readDevice(n, a, join(field, "device"), here)
	p.readReplay(a.replay, join(field, "replay"), a.Asset)
	for _, r := range p.pairs(a.rels, join(field, "relations")) {
		f := join(join(field, "relations"), r.key)
		for _, to := range p.texts(r.value, f) {
			p.relate(pending{at: r.value, field: f, typ: twin.RelationType(r.key), from: a.Path, to: to})
		}
	}
	p.readAssets(a.inner, join(field, "assets"), here)
}

func (p *plantReader) assetFields(n ast.Node, field string) assetFile {
	a := assetFile{at: map[string]ast.Node{"": n}}
	keep := func(to *ast.Node) func(ast.Node, string) { return func(v ast.Node, _ string) { *to = v } }
	p.fields(n, field, map[string]func(ast.Node, string){
		"name":      func(v ast.Node, f string) { a.name = p.text(v, f) },
		"id":        func(v ast.Node, f string) { a.ID = p.text(v, f) },
		"level":     func(v ast.Node, f string) { a.Level = p.level(v, f) },
		"class":     func(v ast.Node, f string) { a.Class = p.text(v, f) },
		"title":     func(v ast.Node, f string) { a.Title = p.text(v, f) },
		"time_zone": func(v ast.Node, f string) { a.TimeZone = p.zone(v, f) },
		"nameplate": func(v ast.Node, f string) { a.Nameplate, _ = p.free(v, f).(map[string]any) },
		"hosted_by": func(v ast.Node, f string) { s := p.text(v, f); a.hostedBy = &s },
		"repeat":    func(ast.Node, string) {},
		"device":    keep(&a.device),
		"replay":    keep(&a.replay),
		"tags":      keep(&a.tags),
		"relations": keep(&a.rels),
		"assets":    keep(&a.inner),
	})
	for _, f := range p.pairs(n, field) {
		a.at[f.key] = f.at
	}
	return a
}

func (p *plantReader) zone(n ast.Node, field string) string {
	s := p.text(n, field)
	if _, err := time.LoadLocation(s); err != nil || s == "Local" {
		p.fail(n, field, s, "is not a time zone: use an IANA name such as Europe/Amsterdam")
	}
	return s
}

// checkAsset says whether the asset can stand where it is. Its level comes from its class where it names none.
func (p *plantReader) checkAsset(field string, a *assetFile, in place) bool {
	before := len(p.errs)
	fail := func(f string, value any, format string, args ...any) {
		at, ok := a.at[f]
		if !ok {
			at = a.at[""]
		}
		p.fail(at, join(field, f), value, format, args...)
	}
	class, known := p.classes[a.Class]
	if a.Class != "" && !known {
		fail("class", a.Class, "no class has this name")
	}
	if a.Level == "" {
		a.Level = class.Level
	}
	if err := twin.CheckPath(a.Path); err != nil {
		fail("name", a.name, "%s", err)
	}
	if _, ok := p.byPath[a.Path]; ok {
		fail("name", a.name, "%s is declared above", a.Path)
	}
	switch {
	case a.Level == "" && (known || a.Class == ""):
		fail("level", "nothing", "wants a level, here or on its class")
	case in.path == "" && a.name != p.out.Tenant:
		fail("name", a.name, "the top of the hierarchy is named after the tenant %s", p.out.Tenant)
	case in.path != "" && a.Level != "":
		if err := twin.CheckParent(in.level, a.Level); err != nil {
			fail("level", string(a.Level), "%s", err)
		}
	}
	if a.ID != "" && !wire.ValidID(a.ID) {
		fail("id", a.ID, "is not a ULID")
	}
	if a.ID != "" && slices.ContainsFunc(p.out.Assets, func(o twin.Asset) bool { return o.ID == a.ID }) {
		fail("id", a.ID, "another asset has this id")
	}
	for k := range a.Nameplate {
		if known && !slices.ContainsFunc(class.Nameplate, func(f twin.Field) bool { return f.Name == k }) {
			fail("nameplate", a.Nameplate[k], "class %s has no field %s", a.Class, k)
		}
	}
	return len(p.errs) == before
}

// readTags copies the class's tags and changes what the file overrides; a name the class lacks is a tag of this
// asset alone.
func (p *plantReader) readTags(n ast.Node, field string, a *twin.Asset) {
	a.Tags = slices.Clone(p.classes[a.Class].Tags)
	for _, o := range p.pairs(n, field) {
		i := slices.IndexFunc(a.Tags, func(t twin.Tag) bool { return t.Name == o.key })
		if i < 0 {
			a.Tags = append(a.Tags, twin.Tag{Name: o.key, Decimals: -1})
			i = len(a.Tags) - 1
		}
		p.tag(o, join(field, o.key), &a.Tags[i])
	}
	for _, o := range p.pairs(n, field) {
		p.setpoint(o, join(field, o.key), a.Tags)
	}
}

func (in place) enter(a assetFile) place {
	out := in
	out.path, out.level = a.Path, a.Level
	switch a.Level {
	case twin.Site:
		out.site = a.name
	case twin.Area:
		out.area = a.name
	case twin.WorkCenter:
		out.line = a.name
	case twin.Enterprise, twin.WorkUnit, twin.Equipment, twin.Component:
	}
	if a.hostedBy != nil {
		out.plc = *a.hostedBy
	}
	if out.plc == "none" {
		out.plc = ""
	}
	return out
}

func (p *plantReader) readReplay(n ast.Node, field string, a twin.Asset) {
	if n == nil {
		return
	}
	r := Replay{Asset: a.ID, Columns: map[string]int{}, Step: time.Second}
	p.fields(n, field, map[string]func(ast.Node, string){
		"recording": func(v ast.Node, f string) { r.Recording = p.text(v, f) },
		"step":      func(v ast.Node, f string) { r.Step = p.duration(v, f) },
		"columns": func(v ast.Node, f string) {
			for _, c := range p.pairs(v, f) {
				if _, ok := a.Tag(c.key); !ok {
					p.fail(c.at, join(f, c.key), c.key, "%s has no such tag", a.Path)
				}
				if r.Columns[c.key] = p.integer(c.value, join(f, c.key)); r.Columns[c.key] < 1 {
					p.fail(c.value, join(f, c.key), r.Columns[c.key], "columns count from 1")
				}
			}
		},
	})
	if r.Recording == "" || r.Step <= 0 {
		p.fail(n, field, show(n), "wants a recording and a step above 0")
	}
	p.out.Replay = append(p.out.Replay, r)
}
