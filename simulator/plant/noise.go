package plant

import (
	"math"
	"math/rand/v2"
)

// drift is a quantity that wanders around zero with a memory, as water temperature or a supply voltage does
// (an Ornstein-Uhlenbeck process, bounded to three times its spread).
type drift struct {
	rng    *rand.Rand
	memory float64 // seconds
	spread float64 // one standard deviation
	x      float64
}

// rng is a random source of its own for what stands at path; salt tells several of them apart.
func (w *World) rng(path string, salt uint64) *rand.Rand {
	return rand.New(rand.NewPCG(hash(path)^w.seed*0x9E3779B97F4A7C15, salt)) //nolint:gosec // a simulation wants a repeatable source
}

func (w *World) newDrift(p *point, salt uint64, memory, spread float64) drift {
	name := ""
	if p != nil {
		name = p.name
	}
	d := drift{rng: w.rng(name, salt), memory: memory, spread: spread}
	d.x = clamp(spread*d.rng.NormFloat64(), -spread, spread)
	return d
}

func (d *drift) step(dt float64) float64 {
	d.x += -d.x*dt/d.memory + d.spread*math.Sqrt(2*dt/d.memory)*d.rng.NormFloat64()
	d.x = clamp(d.x, -3*d.spread, 3*d.spread)
	return d.x
}

// follow moves *x towards target with time constant tau: thermal and mechanical inertia.
func follow(x *float64, target, tau, dt float64) { *x += (target - *x) * (1 - math.Exp(-dt/tau)) }

// ramp moves *x towards target by at most rate per second.
func ramp(x *float64, target, rate, dt float64) { *x += clamp(target-*x, -rate*dt, rate*dt) }
