package plant

import "math"

// The curve of a centrifugal pump in units of its design point: H = shutoff*s² - (shutoff-1)*q², with s the speed
// and q the flow (affinity laws), and its shaft power s³*(idle + (1-idle)*q/s).
const (
	shutoffHead = 1.22
	idlePower   = 0.42
)

// How quickly the parts of a pump train follow, in seconds, and the air around them in °C.
const (
	rampUp      = 8.0   // from standstill to rated speed
	flowInertia = 1.5   //
	windingTau  = 900.0 //
	bearingTau  = 600.0 //
	sinkTau     = 240.0 //
	hallTemp    = 26.5  //
)

// pump is a centrifugal pump with its motor and drive, and what their instruments show. Any of them may be
// missing from the plant.
type pump struct {
	flow, flowSP, in, out, inlet, bearingDE, bearingNDE, amps, seal, running, hours *point
	speed, vibration                                                                *point
	motor                                                                           machineTags
	drive                                                                           driveTags

	q0, h0, line float64 // design flow, head and the loss of pressure up to the header, bar
	s, q         float64 // speed and flow in design units
	trim         float64 // what the flow controller adds to the speed
	load         float64 // shaft power in design units
	wear         float64 // added vibration in design units
	hum, unrest  drift
	started      bool
}

type machineTags struct{ current, power, winding, speed, vibration, starts *point }

type driveTags struct{ state, hz, setpoint, bus, sink *point }

// command is the speed the operator asks for, in design units.
func (p *pump) command() float64 {
	sp := p.drive.setpoint
	return sp.get(1) / math.Max(1, sp.nominal(1))
}

// turn moves speed: the drive's ramp, and the flow controller, which has little to say until somebody moves its
// setpoint.
func (p *pump) turn(dt float64) {
	target := p.command()
	if wanted := p.flowSP.get(p.q0) / p.q0; target > 0 && wanted > 0.05 {
		authority := 0.01 + math.Abs(wanted-1)
		p.trim = clamp(p.trim+0.01*(wanted-p.q)*dt, -authority, min(authority, 0.06))
		target += p.trim
	} else {
		target = 0
	}
	ramp(&p.s, clamp(target, 0, 1.08), 1/rampUp, dt)
	if p.s < 1e-6 {
		p.s = 0
	}
}

// delivers is the flow, in design units, against pressure at the header, with suction pressure in; a check valve
// keeps it from turning back.
func (p *pump) delivers(in, header float64) float64 {
	margin := in + shutoffHead*p.s*p.s*p.h0 - header
	if margin <= 0 || p.s == 0 {
		return 0
	}
	return math.Sqrt(margin / ((shutoffHead-1)*p.h0 + p.line))
}

// show updates everything that follows from speed and flow.
func (p *pump) show(suction, header, inlet, dt float64) {
	s := p.s
	on := s > 0.02
	qn := 0.0
	if on {
		qn = p.q / s
	}
	p.load = s * s * s * (idlePower + (1-idlePower)*qn)
	current := 0.0
	if on {
		torque := p.load / s
		current = math.Sqrt(0.12 + 0.88*torque*torque)
	}
	p.flow.set(p.q * p.q0)
	p.in.set(suction)
	if on {
		p.out.set(header + p.line*p.q*p.q)
	} else {
		p.out.set(p.out.get(0) + (suction-p.out.get(0))*min(1, dt/5))
	}
	p.inlet.set(inlet)
	p.speed.set(s * p.speed.nominal(0))
	p.running.flag(on)
	p.amps.set(current * p.amps.nominal(0))
	p.seal.set(p.seal.nominal(0) * math.Sqrt(clamp((suction+s*s*p.h0)/(p.h0+suction), 0, 2)) * step(on))
	if on {
		p.hours.set(p.hours.get(0) + dt/3600)
	}
	rub := 0.7*s*s + 0.3*p.load + 0.25*p.wear
	p.heat(p.bearingDE, rub, bearingTau, dt)
	p.heat(p.bearingNDE, rub, bearingTau, dt)
	off := qn - 1
	shake := s*s*(1+0.8*off*off)*(1+p.hum.step(dt)) + p.wear*s*s
	p.vibration.set(p.vibration.nominal(0)*shake + 0.08)
	p.showMotor(current, shake, on, dt)
	p.showDrive(on, dt)
}

func (p *pump) showMotor(current, shake float64, on bool, dt float64) {
	m := p.motor
	m.current.set(current * m.current.nominal(0))
	m.power.set(p.load * m.power.nominal(0))
	m.speed.set(p.s * m.speed.nominal(0))
	m.vibration.set(m.vibration.nominal(0)*(0.25*shake+0.72*p.s*p.s) + 0.06)
	p.heat(m.winding, current*current, windingTau, dt)
	if on && !p.started {
		m.starts.set(m.starts.get(0) + 1)
	}
	p.started = on
}

func (p *pump) showDrive(on bool, dt float64) {
	d := p.drive
	d.hz.set(p.s * d.hz.nominal(0))
	d.bus.set(d.bus.nominal(0) * (1 + p.unrest.step(dt) - 0.006*(p.load-1)))
	p.heat(d.sink, p.load, sinkTau, dt)
	if on {
		d.state.state("running", "on")
	} else {
		d.state.state("ready", "stopped", "off")
	}
}

// heat moves a temperature towards what losses of x design units make of it.
func (p *pump) heat(t *point, x, tau, dt float64) {
	if t != nil {
		follow(&t.truth, hallTemp+(t.center-hallTemp)*x, tau, dt)
	}
}

func step(on bool) float64 {
	if on {
		return 1
	}
	return 0
}
