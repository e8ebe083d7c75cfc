package plant

import (
	"math"
	"time"
)

// weather is the outside air: a day's swing and some unrest, in K from design.
type weather struct {
	unrest drift
	dev    float64
}

func (a *weather) step(w *World, dt float64) {
	hour := float64(w.now.Sub(w.now.Truncate(24*time.Hour))) / float64(time.Hour)
	a.dev = 1.6*math.Sin(2*math.Pi*(hour-9)/24) + a.unrest.step(dt)
}

// tower cools water by evaporation: its basin follows the wet bulb, and its fan works for the approach.
type tower struct {
	fan, vibration, basin, level, approach, conductivity *point
	air                                                  *weather
	shake                                                drift
	brine                                                drift
	wear                                                 float64
	warm                                                 float64 // deviation of the basin, K
	fill                                                 drift
}

func (t *tower) step(_ *World, dt float64) {
	follow(&t.warm, 0.8*t.air.dev, 900, dt)
	speed := 1 + 0.05*t.air.dev
	t.fan.set(t.fan.nominal(0) * speed)
	t.vibration.set(t.vibration.nominal(0) * (speed*speed*(1+t.shake.step(dt)) + t.wear))
	t.basin.set(t.basin.nominal(0) + t.warm)
	t.approach.set(t.approach.nominal(0) + t.warm - 0.7*t.air.dev)
	t.level.set(t.level.nominal(0) + t.fill.step(dt))
	t.conductivity.set(t.conductivity.nominal(0) * (1 + t.brine.step(dt)))
}

// exchanger gives the heat of the loop to the tower's water.
type exchanger struct {
	hotIn, hotOut, coldIn, coldOut, dp, approach, duty *point
	towers                                             []*tower
	foul                                               float64 // lost effectiveness, as a share
	hot                                                float64 // deviation of the outlet, K
}

// step takes the deviation of the water coming in and the flow in design units, and returns the deviation of the
// water going out. The effectiveness at design is read from the nominal temperatures.
func (x *exchanger) step(in, flow, dt float64) float64 {
	cold := 0.0
	for _, t := range x.towers {
		cold += t.warm / float64(len(x.towers))
	}
	span := max(1, x.hotIn.nominal(28)-x.coldIn.nominal(18))
	design := (x.hotIn.nominal(28) - x.hotOut.nominal(22)) / span
	eff := design * (1 - x.foul) * math.Pow(max(0.1, flow), -0.3)
	drop := eff * (span + in - cold)
	follow(&x.hot, x.hotIn.nominal(28)+in-drop-x.hotOut.nominal(22), 40, dt)
	x.hotIn.set(x.hotIn.nominal(28) + in)
	x.hotOut.set(x.hotOut.nominal(22) + x.hot)
	x.coldIn.set(x.coldIn.nominal(18) + cold)
	share := flow * drop / (design * span)
	x.coldOut.set(x.coldIn.nominal(18) + cold + (x.coldOut.nominal(23)-x.coldIn.nominal(18))*share)
	x.dp.set(x.dp.nominal(0.5) * flow * flow * (1 + 1.2*x.foul))
	x.approach.set(x.approach.nominal(4) + x.hot - cold)
	x.duty.set(x.duty.nominal(2400) * share)
	return x.hot
}

// valve is a control valve: its stem follows the setpoint, a little behind and never quite there.
type valve struct {
	position, setpoint, deviation *point
	stick                         drift
	at                            float64 // position in %
}

const (
	valveRate    = 4.0  // % per second
	rangeability = 30.0 // of an equal percentage valve
	authority    = 0.35 // its share of the pressure drop of the line it stands in, at design
)

func (v *valve) step(_ *World, dt float64) {
	sp := v.setpoint.get(v.position.nominal(50))
	ramp(&v.at, sp, valveRate, dt)
	shown := clamp(v.at+v.stick.step(dt), 0, 100)
	v.position.set(shown)
	v.deviation.set(math.Abs(shown - sp))
}

// ratio is the valve's flow coefficient against the one at its design position. A shut valve is tight.
func (v *valve) ratio() float64 {
	if v.at < 0.5 {
		return 0
	}
	return math.Pow(rangeability, (v.at-v.position.nominal(50))/100)
}

// opens is how much of the flow of its line the valve lets through, against design, with the rest of the line in
// series.
func (v *valve) opens() float64 {
	r := v.ratio()
	if r == 0 {
		return 0
	}
	return 1 / math.Sqrt(authority/(r*r)+1-authority)
}
