package plant

import (
	"math"
	"math/rand/v2"
)

// cell is a weld cell with its robot and gun. It makes parts in cycles and waits now and then for the line.
type cell struct {
	state, cycle, parts, flow, in, out *point
	robot                              robotTags
	gun                                gunTags

	rng     *rand.Rand
	takt    float64 // seconds a cycle takes at design
	length  float64 // of this cycle, seconds
	at      float64 // seconds into the cycle
	waiting float64 // seconds it still waits
	welds   int     // done in this cycle
	work    float64 // share of the last minutes spent working
	warm    float64 // K the water gains, against design
	arm     float64 // robot's load, %
	wear    float64 // tip, %
}

type robotTags struct{ state, program, load, axis *point }

type gunTags struct{ current, force, time, wear, flow, welds *point }

// Work of a cell: spots per part, tip wear per spot in % and where the tip is dressed, and how often and how long
// it waits.
const (
	weldsPerPart = 14
	tipPerWeld   = 0.055
	tipDressed   = 72.0
	tipFresh     = 6.0
	waitEvery    = 1500.0
	waitFor      = 40.0
)

// activity is the share of the last minutes the cell worked, 0 to 1.
func (c *cell) activity() float64 { return c.work }

func (c *cell) step(_ *World, dt float64) {
	if c.waiting > 0 {
		c.waiting -= dt
		c.state.state("starved", "stopped")
		c.robot.state.state("ready", "hold")
		c.idle(dt)
		return
	}
	c.state.state("running")
	c.robot.state.state("running")
	c.at += dt
	if c.rng.Float64() < dt/waitEvery {
		c.waiting = waitFor * (0.5 + c.rng.Float64())
	}
	for c.welds < weldsPerPart && c.at > c.length*(0.1+0.8*float64(c.welds)/weldsPerPart) {
		c.weld()
	}
	if c.at >= c.length {
		c.cycle.set(c.length)
		c.parts.set(c.parts.get(0) + 1)
		c.begin()
	}
	follow(&c.work, 1, 120, dt)
	moving := 0.55 + 0.4*math.Sin(2*math.Pi*c.at/7)
	c.load(c.robot.load.nominal(48)*(0.75+0.5*moving), dt)
}

// begin starts a cycle of a length of its own.
func (c *cell) begin() {
	c.at, c.welds = 0, 0
	c.length = c.takt * (1 + 0.03*clamp(c.rng.NormFloat64(), -2.5, 2.5))
}

func (c *cell) weld() {
	c.welds++
	g := c.gun
	scatter := func() float64 { return clamp(c.rng.NormFloat64(), -2.5, 2.5) }
	g.welds.set(g.welds.get(0) + 1)
	g.current.set(g.current.nominal(9.8) * (1 + 0.015*scatter()) * (1 + 0.0006*(c.wear-40)))
	g.force.set(g.force.nominal(3.5) * (1 + 0.02*scatter()))
	g.time.set(math.Round(g.time.nominal(320)*(1+0.02*scatter())/10) * 10)
	if c.wear += tipPerWeld; c.wear >= tipDressed {
		c.wear = tipFresh
	}
	g.wear.set(c.wear)
}

func (c *cell) idle(dt float64) {
	follow(&c.work, 0, 120, dt)
	c.load(10, dt)
}

func (c *cell) load(target, dt float64) {
	follow(&c.arm, target, 1.5, dt)
	c.robot.load.set(c.arm)
	if t := c.robot.axis; t != nil {
		follow(&t.truth, hallTemp+(t.center-hallTemp)*(0.35+0.65*c.work), 1200, dt)
	}
}

// water cools the cell: it takes the deviation of the supply and the pressure in design units, and returns the
// deviation of what goes back.
func (c *cell) water(supply, pressure, dt float64) float64 {
	flow := math.Sqrt(max(0, pressure))
	c.flow.set(c.flow.nominal(27) * flow)
	c.gun.flow.set(c.gun.flow.nominal(9) * flow)
	design := c.out.nominal(27) - c.in.nominal(21)
	heat := (0.4 + 0.6*c.work) / max(0.15, flow)
	follow(&c.warm, design*(heat-1), 45, dt)
	c.in.set(c.in.nominal(21) + supply)
	c.out.set(c.out.nominal(27) + supply + c.warm)
	return supply + c.warm
}
