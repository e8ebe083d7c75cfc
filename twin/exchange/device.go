package exchange

import (
	"cmp"
	"slices"

	"github.com/goccy/go-yaml/ast"

	"github.com/lineshaft/lineshaft/twin"
	"github.com/lineshaft/lineshaft/twin/wire"
)

// readDevice makes the device that realizes an asset: the one the file describes, or a hosted one where a PLC
// answers for assets here and the asset has tags to answer for.
func (p *plantReader) readDevice(n ast.Node, a assetFile, field string, in place) {
	if a.device == nil && (in.plc == "" || len(a.Tags) == 0) {
		return
	}
	d := twin.Device{
		ID: a.name, Kind: twin.Hosted, Type: a.Class, Asset: a.ID,
		Site: cmp.Or(in.site, "_"), Area: cmp.Or(in.area, "_"), Line: cmp.Or(in.line, "_"),
	}
	if a.device != nil {
		d.Kind, d.Gateway = "", ""
		p.fields(a.device, field, map[string]func(ast.Node, string){
			"id":       func(v ast.Node, f string) { d.ID = p.text(v, f) },
			"type":     func(v ast.Node, f string) { d.Type = p.text(v, f) },
			"kind":     func(v ast.Node, f string) { d.Kind = twin.DeviceKind(p.oneOf(v, f, "gateway", "direct", "hosted")) },
			"interval": func(v ast.Node, f string) { d.Interval = p.duration(v, f) },
			"tag_map":  func(v ast.Node, f string) { d.TagMap = p.tagMap(v, f, a.Asset) },
		})
	}
	at := n
	if a.device != nil {
		at = a.device
	}
	switch d.Kind {
	case twin.Hosted:
		i := slices.IndexFunc(p.out.PLCs, func(c PLC) bool { return c.Name == in.plc })
		if i < 0 {
			p.fail(at, join(parentField(field), "hosted_by"), cmp.Or(in.plc, "nothing"), "no PLC has this name")
			return
		}
		d.Gateway, d.Interval = p.out.PLCs[i].Gateway, cmp.Or(d.Interval, p.out.PLCs[i].Interval)
		p.out.PLCs[i].Devices = append(p.out.PLCs[i].Devices, d.ID)
	case twin.Gateway:
		d.Type, d.Line = wire.GatewayClass, "_"
	case twin.Direct:
	default:
		p.fail(at, join(field, "kind"), "nothing", "wants gateway, direct or hosted")
		return
	}
	p.addDevice(at, field, d)
}

func (p *plantReader) addDevice(at ast.Node, field string, d twin.Device) {
	topic := wire.DeviceTopic(p.out.Tenant, d).On(wire.Telemetry)
	if _, err := wire.ParseTopic(topic.String()); err != nil {
		p.fail(at, field, d.ID, "has no topic: %s", err)
		return
	}
	if first, ok := p.byDevice[d.ID]; ok {
		p.fail(at, join(field, "id"), d.ID, "a device of this id is declared in line %d: name another", line(first))
		return
	}
	p.byDevice[d.ID] = at
	p.out.Devices = append(p.out.Devices, d)
}

func (p *plantReader) tagMap(n ast.Node, field string, a twin.Asset) map[string]string {
	out := map[string]string{}
	for _, m := range p.pairs(n, field) {
		tag := p.text(m.value, join(field, m.key))
		if _, ok := a.Tag(tag); !ok {
			p.fail(m.value, join(field, m.key), tag, "%s has no such tag", a.Path)
		}
		out[m.key] = tag
	}
	return out
}

func parentField(field string) string {
	for i := len(field) - 1; i >= 0; i-- {
		if field[i] == '.' {
			return field[:i]
		}
	}
	return field
}
