package plant

import "math"

// meter counts the electricity of what it measures: a base load, and the rest with the work done there.
type meter struct {
	power, energy, current, factor *point
	size                           float64 // its design load, in units of the class's
	base                           float64 // share that flows whatever happens
	pumps                          []*pump
	cells                          []*cell
	duty                           float64 // pumps that run at design
	unrest, phase                  drift
}

func (m *meter) step(_ *World, dt float64) {
	work := 1.0
	if n := m.duty + float64(len(m.cells)); n > 0 {
		work = 0
		for _, p := range m.pumps {
			work += p.load / n
		}
		for _, c := range m.cells {
			work += c.activity() / n
		}
	}
	kw := m.power.nominal(100) * m.size * (m.base + (1-m.base)*work) * (1 + m.unrest.step(dt))
	pf := m.factor.nominal(0.94) + m.phase.step(dt)
	m.power.set(kw)
	m.factor.set(min(pf, 0.995))
	m.energy.set(m.energy.get(0) + kw*dt/3600)
	m.current.set(m.current.nominal(0) * kw / m.power.nominal(100) * m.factor.nominal(0.94) / pf)
}

// feeler is a vibration sensor on a pump: it feels what the pump's own instruments show, at another place.
type feeler struct {
	velocity, peak, temp *point
	pump                 *pump
}

func (f *feeler) step(_ *World, _ float64) {
	v := f.pump.vibration.get(0)
	f.velocity.set(1.05 * v)
	f.peak.set(f.peak.nominal(14) * math.Pow(v/max(0.1, f.pump.vibration.nominal(1.8)), 0.8))
	f.temp.set(f.pump.bearingDE.get(hallTemp) - 7)
}

// compressor is a screw compressor: it runs loaded to the network's need, or stands by.
type compressor struct {
	running, pressure, temp, power, oil *point
	standby                             bool
	need, wander                        drift
}

func (c *compressor) step(_ *World, dt float64) {
	load := clamp(1+c.need.step(dt), 0.4, 1.2)
	c.pressure.set(c.pressure.nominal(7) + c.wander.step(dt))
	c.running.flag(!c.standby)
	if c.standby {
		c.power.set(0)
		c.oil.set(0)
		load = 0
	} else {
		c.power.set(c.power.nominal(0) * load)
		c.oil.set(c.oil.nominal(0) * (0.8 + 0.2*load))
	}
	if c.temp != nil {
		follow(&c.temp.truth, hallTemp+(c.temp.center-hallTemp)*(0.3*step(!c.standby)+0.7*load), windingTau, dt)
	}
}
