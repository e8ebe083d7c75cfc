package plant

import (
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/lineshaft/lineshaft/twin"
)

// point is one tag of one asset: what the process is at and what its transmitter says.
type point struct {
	tag     twin.Tag
	kind    twin.Kind
	truth   float64 // number, state, 0/1
	text    string  // of a string tag
	low     float64 // normal band, or the best guess where the tag declares none
	high    float64
	center  float64 // what a healthy asset shows at its design point
	noise   float64 // one standard deviation of the transmitter
	unit    float64 // 10^(decimals+1): the grid samples are rounded to
	quality twin.Quality
	owned   bool   // a model moves the truth
	name    string // path and tag
	rng     *rand.Rand
	sample  twin.Sample
}

// noiseShare is a transmitter's standard deviation as a share of half the normal band.
const noiseShare = 0.012

func (w *World) newPoint(a twin.Asset, t twin.Tag) point {
	p := point{
		tag: t, kind: t.Kind(), quality: twin.Good, unit: math.Pow(10, float64(t.Decimals+1)), name: a.Path + "." + t.Name,
	}
	p.rng = w.rng(p.name, 0)
	p.low, p.high = normalBand(t)
	p.center = (p.low + p.high) / 2
	if t.Nominal != nil {
		p.center = *t.Nominal
	}
	p.truth = p.center
	if p.kind == twin.Float && !t.Writable {
		p.noise = noiseShare * p.half()
	}
	if p.kind != twin.Float {
		p.truth = math.Round(p.truth)
	}
	switch t.Type {
	case "bool":
		p.truth = resting(t.Name)
	case "enum":
		p.truth = float64(stateOf(t, healthyStates...))
	}
	return p
}

// normalBand is where a healthy tag lives: as declared, else inside the limits, else the middle of the range.
func normalBand(t twin.Tag) (low, high float64) {
	if t.Type == "bool" || t.Type == "enum" || t.Type == "string" {
		return 0, 0
	}
	first := func(vs ...*float64) *float64 {
		for _, v := range vs {
			if v != nil {
				return v
			}
		}
		return nil
	}
	l, h := first(t.Normal.Low, t.Limits.Lo, t.Limits.LoLo), first(t.Normal.High, t.Limits.Hi, t.Limits.HiHi)
	rl, rh := t.Range.Low, t.Range.High
	switch {
	case l != nil && h != nil:
		return *l, *h
	case l != nil && rh != nil:
		return *l, *l + 0.6*(*rh-*l)
	case h != nil && rl != nil:
		return *rl + 0.4*(*h-*rl), *h
	case rl != nil && rh != nil:
		span := *rh - *rl
		return *rl + 0.35*span, *rl + 0.65*span
	case l != nil:
		return *l, *l + max(1, math.Abs(*l))
	case h != nil:
		return *h - max(1, math.Abs(*h)), *h
	}
	return 0, 1
}

func (p *point) half() float64 { return (p.high - p.low) / 2 }

// healthyStates are the words of an enum for a machine at work, the likeliest first.
var healthyStates = []string{"running", "run", "auto", "open", "ready", "on", "ok", "normal"}

// stateOf is the number of the first of words among the states of an enum, 0 if it has none of them.
func stateOf(t twin.Tag, words ...string) int {
	for _, w := range words {
		if i := slices.Index(t.States, w); i >= 0 {
			return i
		}
	}
	return 0
}

// resting is the value of a flag on a healthy machine at work: what says so is set, what warns is not.
func resting(name string) float64 {
	return step(slices.Contains([]string{"running", "run", "open", "enabled", "ready", "online"}, name))
}

// set, get and nominal may be called on a tag the asset does not have: a model writes into nothing and reads def.

func (p *point) set(v float64) {
	if p != nil {
		p.truth = v
	}
}

func (p *point) get(def float64) float64 {
	if p == nil {
		return def
	}
	return p.truth
}

func (p *point) nominal(def float64) float64 {
	if p == nil {
		return def
	}
	return p.center
}

func (p *point) flag(on bool) {
	if on {
		p.set(1)
	} else {
		p.set(0)
	}
}

// state sets an enum by word.
func (p *point) state(words ...string) {
	if p != nil {
		p.truth = float64(stateOf(p.tag, words...))
	}
}

// measure takes the sample of this step: noise, the sensor's range, rounding.
func (p *point) measure(now time.Time) {
	p.sample.T = now.UnixNano()
	p.sample.Q = p.quality
	switch p.kind {
	case twin.Float:
		v := p.truth
		if p.noise > 0 && v != 0 { // transmitters cut off at zero
			v += p.noise * clamp(p.rng.NormFloat64(), -3, 3)
		}
		if p.tag.Range.Low != nil {
			v = max(v, *p.tag.Range.Low)
		}
		if p.tag.Range.High != nil {
			v = min(v, *p.tag.Range.High)
		}
		if v = math.Round(v*p.unit) / p.unit; v == 0 {
			v = 0 // no negative zero on a display
		}
		p.sample.V = twin.FloatValue(v)
	case twin.Int:
		p.sample.V = twin.IntValue(int64(math.Round(p.truth)))
	case twin.Bool:
		p.sample.V = twin.BoolValue(p.truth != 0)
	case twin.String:
		p.sample.V = twin.StringValue(p.text)
	case twin.None:
	}
}
