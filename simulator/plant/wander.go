package plant

import (
	"math"
	"math/rand/v2"

	"github.com/lineshaft/lineshaft/twin"
)

// wander is the model of a tag without physics: it stays where a healthy asset is and never stands still. Numbers
// walk slowly around their design point, counters count, states and flags rest.
type wander struct {
	ref   Ref
	rng   *rand.Rand
	x     float64 // place between the design point and the edges of the band, -1 to 1
	slow  float64 // what x follows, so that it has inertia
	count bool
}

// The walk: its memory in seconds, how fast the value follows, and how far it may go in halves of the band.
const (
	wanderMemory  = 600.0
	wanderInertia = 45.0
	wanderSpread  = 0.25
	wanderReach   = 0.75
	countEvery    = 300.0 // seconds from one count to the next, on average
)

func (w *World) newWander(r Ref) *wander {
	p := &w.points[r]
	m := &wander{ref: r, count: isCounter(p.tag), rng: w.rng(p.name, 15)}
	m.slow = clamp(wanderSpread*m.rng.NormFloat64(), -wanderReach, wanderReach)
	m.x = m.slow
	return m
}

// settled says that a walk needs no warming up.
func (m *wander) settled() bool { return true }

// isCounter says whether a whole number only goes up: it has no upper bound declared.
func isCounter(t twin.Tag) bool {
	return t.Type == "int64" && t.Normal.High == nil && t.Limits.Hi == nil && t.Limits.HiHi == nil
}

func (m *wander) step(w *World, dt float64) {
	p := &w.points[m.ref]
	switch {
	case p.tag.Writable || p.tag.Type == "enum" || p.kind == twin.Bool || p.kind == twin.String:
		return
	case m.count:
		if m.rng.Float64() < dt/countEvery {
			p.truth++
		}
	case p.tag.Normal.High == nil && p.tag.Nominal == nil && p.tag.Range.High == nil:
		p.truth += dt / 3600 // nothing bounds it: hours, or a meter that counts them
	default:
		m.slow += -m.slow*dt/wanderMemory + wanderSpread*math.Sqrt(2*dt/wanderMemory)*m.rng.NormFloat64()
		m.slow = clamp(m.slow, -wanderReach, wanderReach)
		m.x += (m.slow - m.x) * min(1, dt/wanderInertia)
		if m.x < 0 {
			p.truth = p.center + m.x*(p.center-p.low)
		} else {
			p.truth = p.center + m.x*(p.high-p.center)
		}
	}
}
