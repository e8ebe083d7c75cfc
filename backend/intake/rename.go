package intake

import (
	"fmt"
	"slices"

	"github.com/lineshaft/lineshaft/twin/wire"
)

// Classes knows what old firmware of a class calls its tags.
type Classes interface {
	// Renames is old name → tag. It is not changed afterwards.
	Renames(tenant, class string) map[string]string
}

// decode reads a message of telemetry, its tags under the names that the device's class has for them.
func (in *Intake) decode(p *wire.Publish, t *wire.Topic, m *wire.Message) *wire.Refusal {
	if r := decodeTelemetry(p, t.Device, m); r != nil {
		return r
	}
	if in.ports.Classes == nil || m.SchemaVersion != wire.Schema10 && m.SchemaVersion != wire.SchemaCompact {
		return nil
	}
	if d, ok := in.ports.Registry.Device(t.Tenant, t.Device); ok {
		rename(m, in.ports.Classes.Renames(t.Tenant, d.Type))
	}
	return nil
}

// rename gives the readings of a message in one of the flat forms the names of their tags. Firmware on its way from
// one name to the other sends both: where they say the same, one is enough; where they differ, the tag's own name
// counts and the other is wrong.
func rename(m *wire.Message, rules map[string]string) {
	kept := m.Readings[:0]
	for i := range m.Readings {
		r := m.Readings[i]
		tag, old := rules[r.Tag]
		if !old {
			kept = append(kept, r)
			continue
		}
		// Those before stand in kept, already renamed; those behind still have the names they came with.
		same := func(other wire.Reading) bool { return other.Tag == tag }
		at := slices.IndexFunc(kept, same)
		first := kept
		if at < 0 {
			first = m.Readings[i+1:]
			at = slices.IndexFunc(first, same)
		}
		switch {
		case at < 0:
			r.Tag = tag
			kept = append(kept, r)
		case first[at].Sample != r.Sample:
			m.Wrong = append(m.Wrong, wire.WrongReading{Tag: r.Tag, Detail: fmt.Sprintf("is an old name of %s, which stands in the message with another value", tag)})
		}
	}
	m.Readings = kept
}
