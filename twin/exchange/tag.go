package exchange

import (
	"github.com/goccy/go-yaml/ast"

	"github.com/lineshaft/lineshaft/twin"
)

// tag reads the fields named in p over what t already has, and checks the result. A t whose Decimals are -1 is
// new: it gets the decimals that go with its type unless the file says so.
func (d *decoder) tag(p pair, field string, t *twin.Tag) {
	before := len(d.errs)
	d.fields(p.value, field, map[string]func(ast.Node, string){
		"title":    func(v ast.Node, f string) { t.Title = d.text(v, f) },
		"type":     func(v ast.Node, f string) { t.Type = d.text(v, f) },
		"unit":     func(v ast.Node, f string) { t.Unit = d.code(v, f) },
		"decimals": func(v ast.Node, f string) { t.Decimals = d.integer(v, f) },
		"range":    func(v ast.Node, f string) { t.Range = d.band(v, f) },
		"normal":   func(v ast.Node, f string) { t.Normal = d.band(v, f) },
		"nominal":  func(v ast.Node, f string) { t.Nominal = d.number(v, f) },
		"limits":   func(v ast.Node, f string) { d.limits(v, f, &t.Limits) },
		"states":   func(v ast.Node, f string) { t.States = d.texts(v, f) },
		"interval": func(v ast.Node, f string) { t.Interval = d.duration(v, f) },
		"writable": func(v ast.Node, f string) { t.Writable = d.flag(v, f) },
		"setpoint": func(v ast.Node, f string) { t.Setpoint = d.text(v, f) },
	})
	if t.Type == "" {
		t.Type = "float64"
	}
	if t.Decimals < 0 {
		t.Decimals = 0
		if t.Kind() == twin.Float {
			t.Decimals = 1
		}
	}
	if len(d.errs) > before {
		return
	}
	if err := t.Check(); err != nil {
		d.fail(p.at, field, show(p.value), "%s", err)
	}
}

// setpoint checks that the setpoint of the tag in p is a tag beside it.
func (d *decoder) setpoint(p pair, field string, tags []twin.Tag) {
	own := twin.Class{Tags: tags}
	t, _ := own.Tag(p.key)
	if t.Setpoint == "" {
		return
	}
	if _, ok := own.Tag(t.Setpoint); !ok {
		d.fail(p.at, join(field, "setpoint"), t.Setpoint, "no tag beside it has this name")
	}
}

// code reads a unit as it stands: UCUM uses braces for annotations, which are no variables here.
func (d *decoder) code(n ast.Node, field string) string {
	s, ok := scalar(n)
	if !ok {
		d.fail(n, field, show(n), "wants a UCUM code")
	}
	return s
}

// band reads [low, high]; null is an open end.
func (d *decoder) band(n ast.Node, field string) twin.Band {
	items := d.items(n, field)
	if len(items) != 2 {
		if n != nil {
			d.fail(n, field, show(n), "wants [low, high]")
		}
		return twin.Band{}
	}
	b := twin.Band{Low: d.number(items[0], field), High: d.number(items[1], field)}
	if b.Low != nil && b.High != nil && *b.Low > *b.High {
		d.fail(n, field, show(n), "low is above high")
	}
	return b
}

func (d *decoder) limits(n ast.Node, field string, l *twin.Limits) {
	d.fields(n, field, map[string]func(ast.Node, string){
		"hihi": func(v ast.Node, f string) { l.HiHi = d.number(v, f) },
		"hi":   func(v ast.Node, f string) { l.Hi = d.number(v, f) },
		"lo":   func(v ast.Node, f string) { l.Lo = d.number(v, f) },
		"lolo": func(v ast.Node, f string) { l.LoLo = d.number(v, f) },
	})
}
