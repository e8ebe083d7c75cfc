package plant

import "github.com/lineshaft/lineshaft/twin"

// condition is what is wrong with one asset of a demonstration plant. A plant where nothing wears has nothing to
// show: no worst asset, no trend to look at.
type condition struct {
	asset string // name
	class string // which it must be of, so that another plant's asset of that name stays healthy
	what  ailment
	from  float64 // when the world begins, in units of the ailment
	rate  float64 // per hour
	limit float64 // where it ends
	tag   string  // of a doubtful sensor
}

type ailment uint8

const (
	bearingWear ailment = iota // added vibration, in design units
	fouling                    // lost effectiveness, as a share
	clogging                   // added resistance, in design units
	imbalance                  // of a fan, added vibration in design units
	doubtful                   // a sensor that reports quality 80
)

func conditions() []condition {
	return []condition{
		{asset: "P-007", class: "centrifugal_pump", what: bearingWear, from: 1.6, rate: 0.2, limit: 3.1},
		{asset: "P-002", class: "centrifugal_pump", what: bearingWear, from: 0.9, rate: 0.02, limit: 1.2},
		{asset: "HX-003", class: "plate_exchanger", what: fouling, from: 0.31, rate: 0.012, limit: 0.41},
		{asset: "F-001", class: "strainer", what: clogging, from: 1.7, rate: 0.12, limit: 3.2},
		{asset: "CT-002", class: "cooling_tower", what: imbalance, from: 1.4, rate: 0.05, limit: 2.2},
		{asset: "P-010", class: "centrifugal_pump", what: doubtful, tag: "seal_flush_lpm"},
		{asset: "AF-102", class: "air_sensor", what: doubtful, tag: "dewpoint_c"},
	}
}

// decline is the model of a condition that gets worse.
type decline struct {
	value       *float64
	rate, limit float64
}

// settled keeps a condition at its first value while the plant warms up.
func (d *decline) settled() bool { return true }

func (d *decline) step(_ *World, dt float64) {
	*d.value = min(d.limit, *d.value+d.rate*dt/3600)
}

func (b *builder) conditions() {
	for _, a := range b.g.model.Assets {
		for _, c := range conditions() {
			if c.asset == a.Name() && b.g.is(a.ID, c.class) {
				b.apply(c, a.ID)
			}
		}
	}
}

func (b *builder) apply(c condition, id string) {
	var v *float64
	switch c.what {
	case bearingWear:
		if p := b.pumps[id]; p != nil {
			v = &p.wear
		}
	case fouling:
		if x := b.hx[id]; x != nil {
			v = &x.foul
		}
	case clogging:
		if s := b.strain[id]; s != nil {
			v = &s.clog
		}
	case imbalance:
		if t := b.towers[id]; t != nil {
			v = &t.wear
		}
	case doubtful:
		if p := b.point(id, c.tag); p != nil {
			p.quality = twin.SensorNotAccurate
		}
	}
	if v == nil {
		return
	}
	*v = c.from
	b.w.models = append(b.w.models, &decline{v, c.rate, c.limit})
}

// Degrading says whether the world lets an asset of this class and name get worse on purpose.
func Degrading(class, name string) bool {
	for _, c := range conditions() {
		if c.asset == name && c.class == class && c.what != doubtful {
			return true
		}
	}
	return false
}
