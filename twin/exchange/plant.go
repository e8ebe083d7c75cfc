package exchange

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"github.com/lineshaft/lineshaft/twin"
	"github.com/lineshaft/lineshaft/twin/fault"
	"github.com/lineshaft/lineshaft/twin/wire"
)

// Plant is a tenant's model and what a simulator needs to bring it to life.
type Plant struct {
	twin.Model
	Since  time.Time // when the plant was declared: the instant in the ids of its assets
	PLCs   []PLC
	Replay []Replay
}

// PLC is a controller that answers for hosted devices and that one gateway polls.
type PLC struct {
	Name      string        // plc-det-cw-1
	Protocol  string        // modbus or opcua
	Gateway   string        // device id of the gateway that polls it
	WordOrder string        // modbus float32: big (ABCD) or little (CDAB, words swapped)
	Devices   []string      // hosted devices; the Modbus unit id is the position + 1, the OPC UA folder the id
	Interval  time.Duration // between polls, or of publishing
}

// Replay says that an asset's values come from a recording.
type Replay struct {
	Asset     string         // asset id
	Recording string         // file under assets/recordings
	Columns   map[string]int // tag → column from 1
	Step      time.Duration  // real time one row lasts
}

// maxPlantBytes bounds a plant file.
const maxPlantBytes = 16 << 20

// ReadPlant reads a plant file, its assets instances of classes (resolved). Every mistake found is in the error,
// with line, field and value.
func ReadPlant(r io.Reader, classes twin.Classes) (Plant, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxPlantBytes+1))
	if err != nil {
		return Plant{}, fmt.Errorf("read plant: %w", err)
	}
	if len(data) > maxPlantBytes {
		return Plant{}, fault.New(fault.Invalid, "a plant file is at most %d bytes", maxPlantBytes)
	}
	root, err := parse(data)
	if err != nil {
		return Plant{}, err
	}
	p := plantReader{classes: classes, byPath: map[string]int{}, byName: map[string][]int{}, byDevice: map[string]ast.Node{}}
	p.out.Classes = classes
	p.read(root)
	if err := p.err(); err != nil {
		return Plant{}, err
	}
	return p.out, nil
}

// plantReader builds the plant while it walks the file; what names other assets waits until all are known.
type plantReader struct {
	decoder
	classes  twin.Classes
	out      Plant
	byPath   map[string]int   // path → index in out.Assets
	byName   map[string][]int // last segment → indexes
	skipped  bool             // some asset is not in the plant: what names it is no mistake of its own
	byDevice map[string]ast.Node
	plcAt    []ast.Node
	later    []pending
}

// pending is a relation whose ends are still names.
type pending struct {
	at         ast.Node
	field      string
	typ        twin.RelationType
	from, to   string
	attributes map[string]any
}

func (p *plantReader) read(root ast.Node) {
	var assets, relations, plcs ast.Node
	keep := func(to *ast.Node) func(ast.Node, string) { return func(v ast.Node, _ string) { *to = v } }
	p.fields(root, "", map[string]func(ast.Node, string){
		"tenant":    func(v ast.Node, f string) { p.out.Tenant = p.text(v, f) },
		"title":     func(v ast.Node, f string) { p.out.Title = p.text(v, f) },
		"since":     func(v ast.Node, f string) { p.out.Since = p.instant(v, f) },
		"plcs":      keep(&plcs),
		"assets":    keep(&assets),
		"relations": keep(&relations),
	})
	t := p.out.Tenant
	if !twin.ValidSegment(t) || t == "_" || len(t) > wire.MaxTenant {
		p.fail(root, "tenant", t, "wants letters, digits, _ and -, at most %d", wire.MaxTenant)
	}
	switch y := p.out.Since.Year(); {
	case p.out.Since.IsZero():
		p.fail(root, "since", "nothing", "wants the instant the plant was declared at: asset ids are made from it")
	case y < 2000 || y > 2200: // beyond this an id has no room for it
		p.fail(root, "since", p.out.Since.Format(time.RFC3339), "no plant was declared then")
	}
	p.readPLCs(plcs)
	if len(p.errs) > 0 {
		return
	}
	p.readAssets(assets, "assets", place{})
	for i, n := range p.items(relations, "relations") {
		p.readRelation(n, index("relations", i))
	}
	if !p.skipped {
		p.resolve()
		p.checkPLCs()
	}
}

func (p *plantReader) readPLCs(n ast.Node) {
	for i, it := range p.items(n, "plcs") {
		field := index("plcs", i)
		c := PLC{WordOrder: "big", Interval: time.Second}
		p.fields(it, field, map[string]func(ast.Node, string){
			"name":       func(v ast.Node, f string) { c.Name = p.text(v, f) },
			"protocol":   func(v ast.Node, f string) { c.Protocol = p.oneOf(v, f, "modbus", "opcua") },
			"gateway":    func(v ast.Node, f string) { c.Gateway = p.text(v, f) },
			"word_order": func(v ast.Node, f string) { c.WordOrder = p.oneOf(v, f, "big", "little") },
			"interval":   func(v ast.Node, f string) { c.Interval = p.duration(v, f) },
		})
		switch {
		case !twin.ValidSegment(c.Name):
			p.fail(it, join(field, "name"), c.Name, "wants letters, digits, _ and -, at most 40")
		case slices.ContainsFunc(p.out.PLCs, func(o PLC) bool { return o.Name == c.Name }):
			p.fail(it, join(field, "name"), c.Name, "a PLC of this name is declared above")
		case c.Protocol == "":
			p.fail(it, join(field, "protocol"), "nothing", "wants modbus or opcua")
		}
		p.out.PLCs = append(p.out.PLCs, c)
		p.plcAt = append(p.plcAt, it)
	}
}

func (p *plantReader) oneOf(n ast.Node, field string, legal ...string) string {
	s := p.text(n, field)
	if !slices.Contains(legal, s) {
		p.fail(n, field, s, "wants one of %s", strings.Join(legal, ", "))
	}
	return s
}

// checkPLCs looks at what needs all devices: each PLC's gateway, and the room of its protocol.
func (p *plantReader) checkPLCs() {
	const modbusUnits = 247
	for i, c := range p.out.PLCs {
		field := index("plcs", i)
		gw := slices.IndexFunc(p.out.Devices, func(d twin.Device) bool { return d.ID == c.Gateway })
		if gw < 0 || p.out.Devices[gw].Kind != twin.Gateway {
			p.fail(p.plcAt[i], join(field, "gateway"), c.Gateway, "no device of kind gateway has this id")
		}
		if c.Protocol == "modbus" && len(c.Devices) > modbusUnits {
			p.fail(p.plcAt[i], field, len(c.Devices), "a Modbus server answers for at most %d units", modbusUnits)
		}
	}
}

func (p *plantReader) readRelation(n ast.Node, field string) {
	r := pending{at: n, field: field}
	p.fields(n, field, map[string]func(ast.Node, string){
		"type": func(v ast.Node, f string) { r.typ = twin.RelationType(p.text(v, f)) },
		"from": func(v ast.Node, f string) { r.from = p.text(v, f) },
		"to":   func(v ast.Node, f string) { r.to = p.text(v, f) },
		"attributes": func(v ast.Node, f string) {
			r.attributes, _ = p.free(v, f).(map[string]any)
		},
	})
	p.relate(r)
}

// relate keeps a relation for resolve, if its type is one.
func (p *plantReader) relate(r pending) {
	if !slices.Contains(twin.RelationTypes(), r.typ) {
		p.fail(r.at, r.field, string(r.typ), "is not a relation: use one of %v", twin.RelationTypes())
		return
	}
	p.later = append(p.later, r)
}

// resolve turns the names in relations into ids, and adds by which gateway's asset hosted devices are reached.
func (p *plantReader) resolve() {
	type edge struct {
		typ      twin.RelationType
		from, to string
	}
	seen := map[edge]bool{}
	p.out.Relations = []twin.Relation{}
	add := func(r twin.Relation) bool {
		key := edge{r.Type, r.From, r.To}
		if seen[key] {
			return false
		}
		seen[key] = true
		p.out.Relations = append(p.out.Relations, r)
		return true
	}
	for _, r := range p.later {
		from, okFrom := p.find(r.at, r.field, r.from)
		to, okTo := p.find(r.at, r.field, r.to)
		switch {
		case !okFrom || !okTo:
		case from == to:
			p.fail(r.at, r.field, r.to, "an asset has no relation to itself")
		case !add(twin.Relation{Type: r.typ, From: from, To: to, Attributes: r.attributes}):
			p.fail(r.at, r.field, r.to, "%s %s %s is declared twice", r.from, r.typ, r.to)
		}
	}
	home := map[string]string{}
	for _, d := range p.out.Devices {
		home[d.ID] = d.Asset
	}
	for _, d := range p.out.Devices {
		if d.Kind == twin.Hosted && home[d.Gateway] != "" {
			add(twin.Relation{Type: twin.HostedBy, From: d.Asset, To: home[d.Gateway]})
		}
	}
}

// find gives the id of the one asset whose path is ref, or ends in it on whole segments.
func (p *plantReader) find(at ast.Node, field, ref string) (string, bool) {
	if i, ok := p.byPath[ref]; ok {
		return p.out.Assets[i].ID, true
	}
	var hits []string
	for _, i := range p.byName[ref[strings.LastIndexByte(ref, '/')+1:]] {
		if path := p.out.Assets[i].Path; strings.HasSuffix(path, "/"+ref) {
			hits = append(hits, path)
		}
	}
	switch len(hits) {
	case 1:
		return p.out.Assets[p.byPath[hits[0]]].ID, true
	case 0:
		p.fail(at, field, cmp.Or(ref, "nothing"), "no asset has this name or path")
	default:
		p.fail(at, field, ref, "more than one asset has this name: write more of the path, such as %s", hits[0])
	}
	return "", false
}
