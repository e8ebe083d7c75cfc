package agent

import (
	"time"

	"github.com/lineshaft/lineshaft/gateway/modbus"
	"github.com/lineshaft/lineshaft/gateway/opcua"
	"github.com/lineshaft/lineshaft/gateway/rule"
	"github.com/lineshaft/lineshaft/gateway/signal"
	"github.com/lineshaft/lineshaft/twin"
	"github.com/lineshaft/lineshaft/twin/fault"
)

func (t Tag) check(at string, protocol Protocol) error {
	if err := (twin.Tag{Name: t.Name, Type: "float64"}).Check(); err != nil {
		return fault.Field(at+"name", t.Name, "does not match [a-z][a-z0-9_]*, at most 64 bytes")
	}
	if _, err := twin.ParseKind(t.Type); err != nil {
		return fault.Field(at+"type", t.Type, "use float64, int64, bool, string or enum")
	}
	if t.Range != nil && t.Range.High <= t.Range.Low {
		return fault.Field(at+"range.high", t.Range.High, "is not above range.low %v", t.Range.Low)
	}
	if t.DeadbandPct < 0 || t.DeadbandPct > 100 {
		return fault.Field(at+"deadband_pct", t.DeadbandPct, "0 to 100")
	}
	if t.DeadbandPct > 0 && t.Range == nil {
		return fault.Field(at+"deadband_pct", t.DeadbandPct, "is a share of the range, and the tag has none")
	}
	if t.Loop != "" && t.Loop != loop420 {
		return fault.Field(at+"loop", t.Loop, "use %s", loop420)
	}
	if err := t.signal().Check(); err != nil {
		return fault.Field(at+"loop", t.Loop, "%v", err)
	}
	err := durations(at, span{"interval", t.Interval, 10 * time.Millisecond}, span{"max_interval", t.MaxInterval, t.Interval})
	if err != nil {
		return err
	}
	return t.checkPlace(at, protocol)
}

// checkPlace checks where the tag is read.
func (t Tag) checkPlace(at string, protocol Protocol) error {
	switch {
	case protocol == Modbus && t.Modbus == nil:
		return fault.Field(at+"modbus", "none", "tag %s of a modbus source needs modbus settings", t.Name)
	case protocol == Modbus && t.OPCUA != nil:
		return fault.Field(at+"opcua", t.OPCUA.Node, "tag %s is of a modbus source", t.Name)
	case protocol == Modbus:
		if field, v, why := t.modbus().Check(); field != "" {
			return fault.Field(at+"modbus."+field, v, "%s", why)
		}
	case t.OPCUA == nil:
		return fault.Field(at+"opcua", "none", "tag %s of an opcua source needs opcua settings", t.Name)
	case t.Modbus != nil:
		return fault.Field(at+"modbus", t.Modbus.Address, "tag %s is of an opcua source", t.Name)
	default:
		if err := opcua.CheckNode(t.OPCUA.Node); err != nil {
			return fault.Field(at+"opcua.node", t.OPCUA.Node, "%v", err)
		}
	}
	return nil
}

func (t Tag) band() *twin.Band {
	if t.Range == nil {
		return nil
	}
	return &twin.Band{Low: &t.Range.Low, High: &t.Range.High}
}

func (t Tag) signal() signal.Spec {
	kind, _ := twin.ParseKind(t.Type) // checked
	return signal.Spec{Kind: kind, Scale: t.Scale, Offset: t.Offset, Loop: t.Loop == loop420, Range: t.band()}
}

func (t Tag) deadband() rule.Deadband {
	d := rule.Deadband{Max: t.MaxInterval}
	if b := t.band(); b != nil {
		d.Width = rule.Width(t.DeadbandPct, *b)
	}
	return d
}

func (t Tag) modbus() modbus.Point {
	m := *t.Modbus
	return modbus.Point{
		Unit: m.Unit, Table: modbus.Table(m.Table), Address: m.Address, Encoding: modbus.Encoding(m.Encoding),
		Order: modbus.Order(m.WordOrder), Bit: m.Bit, Interval: t.Interval,
	}
}
