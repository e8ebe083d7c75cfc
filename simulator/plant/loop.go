package plant

import (
	"math"
	"slices"
)

// loop is a closed water circuit: tank, strainer, pumps in parallel, exchangers, a header, and who it feeds. A
// bypass leads from the pumps' discharge back to the tank.
type loop struct {
	header               headerTags
	pumps                []*pump
	duty                 float64 // pumps that run at the design point
	tank                 *tank
	strainer             *strainer
	exchangers           []*exchanger
	bypass, series, sink []*valve // beside, between pumps and header, between header and consumers
	cells                []*cell

	q0, p0  float64 // design flow in m³/h and pressure in bar at the header, bypass not counted
	suction float64 // design pressure at the pumps' inlets, bar
	flow    float64 // through all pumps, m³/h
	p       float64 // pressure at the header
	supply  float64 // deviation of the supply temperature from design, K
	back    float64 // deviation of the return temperature, K
	demand  drift
}

type headerTags struct{ pressure, flow, temp *point }

// bypassShare is the part of the design flow that goes through the bypasses.
const bypassShare = 0.06

// returnTau is the time the water takes around the pipes, in seconds.
const returnTau = 60.0

func (l *loop) step(_ *World, dt float64) {
	suction := l.suction
	if l.tank != nil {
		suction += l.tank.head()
	}
	if l.strainer != nil {
		suction -= l.strainer.step(l.flow / max(1, l.q0))
	}
	suction -= 0.1 * (math.Pow(l.flow/max(1, l.q0), 2) - 1)
	for _, p := range l.pumps {
		p.turn(dt)
	}
	through, beside := l.conductance(dt)
	l.solve(suction, through, beside)
	l.flow = 0
	for _, p := range l.pumps {
		if follow(&p.q, p.delivers(suction, l.p), flowInertia, dt); p.q < 1e-3 {
			p.q = 0
		}
		l.flow += p.q * p.q0
	}
	inlet := 0.0
	if l.tank != nil {
		inlet = l.tank.warm
	}
	for _, p := range l.pumps {
		p.show(suction, l.p, p.inlet.nominal(0)+inlet, dt)
	}
	net := through * math.Sqrt(max(0, l.p))
	share := net / max(1e-9, net+beside*math.Sqrt(max(0, l.p)))
	l.warm(l.flow*share, inlet, dt)
	l.header.pressure.set(l.p)
	l.header.flow.set(l.flow * share)
	l.header.temp.set(l.header.temp.nominal(0) + l.supply)
	if l.tank != nil {
		l.tank.step(l.flow, l.back, dt)
	}
}

// conductance is how easily water gets through the consumers and the bypasses now, in m³/h per root bar.
func (l *loop) conductance(dt float64) (through, beside float64) {
	root := math.Sqrt(l.p0)
	running := 1.0
	if len(l.cells) > 0 {
		running = 0
		for _, c := range l.cells {
			running += c.activity() / float64(len(l.cells))
		}
	}
	through = l.q0 / root * (0.9 + 0.1*running) * (1 + l.demand.step(dt))
	for _, v := range slices.Concat(l.series, l.sink) {
		through *= v.opens()
	}
	if len(l.bypass) == 0 {
		return through, 0
	}
	through *= 1 - bypassShare
	for _, v := range l.bypass {
		beside += l.q0 / root * bypassShare / float64(len(l.bypass)) * v.ratio()
	}
	return through, beside
}

// solve finds the pressure at which the pumps deliver what leaves: one falls and the other rises with it.
func (l *loop) solve(suction, through, beside float64) {
	low, high := 0.0, suction+2*shutoffHead*l.p0
	for range 48 {
		mid := (low + high) / 2
		balance := -(through + beside) * math.Sqrt(mid)
		for _, p := range l.pumps {
			balance += p.delivers(suction, mid) * p.q0
		}
		if balance > 0 {
			low = mid
		} else {
			high = mid
		}
	}
	l.p = (low + high) / 2
}

// warm carries heat around: the exchangers cool what the consumers warmed.
func (l *loop) warm(flow, inlet, dt float64) {
	out := inlet
	if n := float64(len(l.exchangers)); n > 0 {
		out = 0
		for _, x := range l.exchangers {
			out += x.step(inlet, flow/max(1, l.q0), dt) / n
		}
	}
	follow(&l.supply, out, 20, dt)
	back := l.supply
	if n := float64(len(l.cells)); n > 0 {
		back = 0
		for _, c := range l.cells {
			back += c.water(l.supply, l.p/l.p0, dt) / n
		}
	}
	follow(&l.back, back, returnTau, dt)
}

// strainer clogs slowly and takes pressure from the pumps' suction.
type strainer struct {
	dp, due *point
	clog    float64 // added resistance in design units
}

func (s *strainer) step(flow float64) float64 {
	dp := s.dp.nominal(0.1) * flow * flow * (1 + s.clog)
	s.dp.set(dp)
	s.due.flag(dp > 0.25)
	return dp - s.dp.nominal(0.1)
}

// tank holds the water of a loop. What comes back follows what leaves, and a float valve makes up for the rest.
type tank struct {
	level, temp, inflow *point
	volume              float64 // m³
	back                float64 // return flow, m³/h
	warm                float64 // deviation of the temperature from design, K
	loss                drift
	ready               bool
}

// metresFull is the height of a full tank; ten metres are a bar.
const metresFull = 5.0

func (t *tank) head() float64 {
	return (t.level.get(50) - t.level.nominal(50)) / 100 * metresFull / 10.2
}

func (t *tank) step(out, back, dt float64) {
	if !t.ready {
		t.back, t.ready = out, true
	}
	follow(&t.back, out, returnTau, dt)
	missing := (t.level.nominal(50) - t.level.get(50)) / 100
	in := max(0, t.back+missing*400+t.loss.step(dt)*t.inflow.nominal(100))
	level := t.level.get(50) + (in-out)/3600*dt/t.volume*100
	t.level.set(clamp(level, 0, 100))
	t.inflow.set(in)
	follow(&t.warm, back, 300, dt)
	t.temp.set(t.temp.nominal(20) + t.warm)
}
