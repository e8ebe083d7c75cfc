// Package plc is the simulated controllers of a plant: Modbus TCP and OPC UA servers over one world.
//
// A controller answers for the devices it hosts. Layout decides where each tag stands, from the declarations
// alone, so that the servers and the gateways' configurations can never disagree.
package plc

import (
	"fmt"

	"github.com/lineshaft/lineshaft/simulator/plant"
	"github.com/lineshaft/lineshaft/twin"
	"github.com/lineshaft/lineshaft/twin/exchange"
	"github.com/lineshaft/lineshaft/twin/fault"
)

// Table is one of the four address spaces of a Modbus unit.
type Table string

// The tables. Holding registers and coils can be written.
const (
	Coil     Table = "coil"
	Discrete Table = "discrete"
	Holding  Table = "holding"
	Input    Table = "input"
)

// Encoding is how a value stands in registers, in the words of the gateway's configuration.
type Encoding string

// The encodings.
const (
	Int16   Encoding = "int16"
	Int32   Encoding = "int32"
	Float32 Encoding = "float32"
	Bit     Encoding = "bit"
)

func (e Encoding) words() int {
	switch e {
	case Int32, Float32:
		return 2
	case Int16, Bit:
	}
	return 1
}

// The protocols of exchange.PLC.
const (
	modbusTCP = "modbus"
	opcUA     = "opcua"
)

// Place is one tag of one hosted device and where its controller keeps it.
type Place struct {
	Device string    // hosted device
	Name   string    // the device's word for the tag, which goes on the wire
	Tag    twin.Tag  // the asset's tag
	Ref    plant.Ref // the tag in the world

	// Modbus: unit, table and address counted from 0. A value is raw*Scale.
	Unit     uint8
	Table    Table
	Address  uint16
	Encoding Encoding
	Bit      uint8 // of Encoding Bit: 0 is the lowest
	Scale    float64

	Node string // OPC UA node id
}

// Namespace is the namespace of the controllers' nodes, always at index 2.
const Namespace = "urn:lineshaft:simulator:plc"

// maxUnits is the highest unit id Modbus allows for a device.
const maxUnits = 247

// Layout gives every tag of the controller's devices its place, in the order of the declarations. Modbus has no
// strings: a string tag of a Modbus device has no place.
func Layout(p exchange.PLC, m twin.Model, w *plant.World) ([]Place, error) {
	if p.Protocol == modbusTCP && len(p.Devices) > maxUnits {
		return nil, fault.Field("plcs."+p.Name+".devices", len(p.Devices), "at most %d units", maxUnits)
	}
	devices := make(map[string]twin.Device, len(m.Devices))
	for _, d := range m.Devices {
		devices[d.ID] = d
	}
	assets := make(map[string]twin.Asset, len(m.Assets))
	for _, a := range m.Assets {
		assets[a.ID] = a
	}
	var out []Place
	for i, id := range p.Devices {
		d, ok := devices[id]
		a, realized := assets[d.Asset]
		if !ok || !realized {
			return nil, fault.Field("plcs."+p.Name+".devices", id, "is no device that realizes an asset")
		}
		places, err := tagsOf(d, a, w)
		if err != nil {
			return nil, err
		}
		switch p.Protocol {
		case modbusTCP:
			out = append(out, registers(uint8(i+1), places)...)
		case opcUA:
			for k := range places {
				places[k].Node = fmt.Sprintf("ns=2;s=%s.%s", id, places[k].Name)
			}
			out = append(out, places...)
		default:
			return nil, fault.Field("plcs."+p.Name+".protocol", p.Protocol, "use modbus or opcua")
		}
	}
	return out, nil
}

func tagsOf(d twin.Device, a twin.Asset, w *plant.World) ([]Place, error) {
	names := make(map[string]string, len(d.TagMap)) // asset tag → device tag
	for device, asset := range d.TagMap {
		names[asset] = device
	}
	out := make([]Place, 0, len(a.Tags))
	for _, t := range a.Tags {
		ref, ok := w.Resolve(a.ID, t.Name)
		if !ok {
			return nil, fault.New(fault.NotFound, "asset %s has no tag %s in the world", a.Path, t.Name)
		}
		pl := Place{Device: d.ID, Name: t.Name, Tag: t, Ref: ref, Scale: 1}
		if n, ok := names[t.Name]; ok {
			pl.Name = n
		}
		out = append(out, pl)
	}
	return out, nil
}

// registers packs the tags of one unit without gaps: wide values first so that they stand on even addresses, then
// single words, then one status word for up to sixteen flags.
func registers(unit uint8, tags []Place) []Place {
	next := map[Table]uint16{}
	take := func(p Place, t Table, e Encoding) Place {
		p.Unit, p.Table, p.Encoding, p.Address = unit, t, e, next[t]
		next[t] += uint16(e.words())
		return p
	}
	var out, flags []Place
	for _, width := range []int{2, 1} {
		for _, p := range tags {
			t := Input
			if p.Tag.Writable {
				t = Holding
			}
			e, scale, ok := encoding(p.Tag)
			if !ok || e.words() != width {
				continue
			}
			p.Scale = scale
			out = append(out, take(p, t, e))
		}
	}
	for _, p := range tags {
		switch {
		case p.Tag.Kind() != twin.Bool:
		case p.Tag.Writable:
			out = append(out, take(p, Coil, Bit))
		default:
			flags = append(flags, p)
		}
	}
	for i, p := range flags {
		if i%16 == 0 {
			p = take(p, Input, Bit)
		}
		p.Unit, p.Table, p.Encoding = unit, Input, Bit
		p.Address, p.Bit = next[Input]-1, uint8(i%16)
		out = append(out, p)
	}
	return out
}

// scaledLimit is the largest magnitude a tenth-scaled int16 is used for.
const scaledLimit = 3000

// encoding chooses how a number stands in registers: tenths in one word where range and decimals allow, as small
// controllers do it, else a float. Flags and strings have none.
func encoding(t twin.Tag) (e Encoding, scale float64, ok bool) {
	switch t.Kind() {
	case twin.Float:
		low, high := t.Range.Low, t.Range.High
		if t.Decimals <= 1 && low != nil && high != nil && *low >= -scaledLimit && *high <= scaledLimit {
			return Int16, 0.1, true
		}
		return Float32, 1, true
	case twin.Int:
		if t.Type == "enum" {
			return Int16, 1, true
		}
		return Int32, 1, true
	case twin.None, twin.Bool, twin.String:
	}
	return "", 0, false
}
