package plant

import (
	"math"
	"math/rand/v2"

	"github.com/lineshaft/lineshaft/twin"
)

// wander is the model of a tag without physics: it stays where a healthy asset is and never stands still. Numbers
// walk slowly around the middle of their band, counters count, states and flags rest.
type wander struct {
	ref   Ref
	rng   *rand.Rand
	x     float64 // distance from the middle of the band, in halves
	slow  float64 // what x follows, so that it has inertia
	count bool
}

// The walk: its memory in seconds, how fast the value follows, and how far it may go in halves of the band.
const (
	wanderMemory  = 600.0
	wanderInertia = 45.0
	wanderSpread  = 0.25
	wanderReach   = 0.75
)

func newWander(r Ref, p *point) *wander {
	m := &wander{
		ref: r, count: isCounter(p.tag),
		rng: rand.New(rand.NewPCG(p.seed, 0xA5A5A5A5)), //nolint:gosec // a simulation wants a repeatable source
	}
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
		if m.rng.Float64() < dt/30 {
			p.truth++
		}
	default:
		m.slow += -m.slow*dt/wanderMemory + wanderSpread*math.Sqrt(2*dt/wanderMemory)*m.rng.NormFloat64()
		m.slow = clamp(m.slow, -wanderReach, wanderReach)
		m.x += (m.slow - m.x) * min(1, dt/wanderInertia)
		p.truth = p.mid() + m.x*p.half()
	}
}
