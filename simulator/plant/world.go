// Package plant is the physics of a simulated plant: one seeded world, stepped by whoever owns its clock.
//
// Every tag of every asset has a truth, which the models move, and a sample, which is what its transmitter said
// at the last step: the truth with noise, rounded. Nothing here reads a clock or a global random source, so two
// worlds of one model and one seed that are stepped alike hold the same bits.
package plant

import (
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/lineshaft/lineshaft/twin"
	"github.com/lineshaft/lineshaft/twin/fault"
)

// Ref names one tag of one asset inside its world. It is what hot readers keep.
type Ref int

// Config says how a world begins.
type Config struct {
	Seed   uint64
	Start  time.Time // the instant before the first step
	Tracks []Track   // recordings that drive assets instead of physics
}

// World is the state of a plant. It is safe for concurrent use: one stepper, many readers and writers.
type World struct {
	seed   uint64
	mu     sync.RWMutex
	now    time.Time
	points []point
	index  map[key]Ref
	models []model
}

type key struct{ asset, tag string }

// model moves the truth of the points it owns by dt seconds.
type model interface{ step(w *World, dt float64) }

// New builds the world of a model: known classes get physics, recorded assets their recording, and every tag that
// is left a slow walk inside its normal band.
func New(m twin.Model, cfg Config) (*World, error) {
	w := &World{seed: cfg.Seed, now: cfg.Start.UTC(), index: map[key]Ref{}}
	for _, a := range m.Assets {
		for _, t := range a.Tags {
			w.index[key{a.ID, t.Name}] = Ref(len(w.points))
			w.points = append(w.points, w.newPoint(a, t))
		}
	}
	for _, t := range cfg.Tracks {
		r, err := w.newReplay(t)
		if err != nil {
			return nil, err
		}
		w.models = append(w.models, r)
	}
	w.build(m)
	for i := range w.points {
		if !w.points[i].owned {
			w.models = append(w.models, w.newWander(Ref(i)))
		}
	}
	w.settle()
	return w, nil
}

// settleTime is how long the plant has been running when a world begins, so that nothing starts cold.
const settleTime = time.Hour

// settle runs the models until temperatures and levels stand where the plant runs, in simulated time before Start.
func (w *World) settle() {
	const dt = 3 * time.Second
	for range int(settleTime / dt) {
		for _, m := range w.models {
			if s, ok := m.(interface{ settled() bool }); ok && s.settled() {
				continue
			}
			m.step(w, dt.Seconds())
		}
	}
	for i := range w.points {
		w.points[i].measure(w.now)
	}
}

// Step moves the world by dt and takes a new sample of every tag.
func (w *World) Step(dt time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(dt)
	for _, m := range w.models {
		m.step(w, dt.Seconds())
	}
	for i := range w.points {
		w.points[i].measure(w.now)
	}
}

// Now is the instant of the last step.
func (w *World) Now() time.Time {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return w.now
}

// Len is the number of tags.
func (w *World) Len() int { return len(w.points) }

// Resolve finds a tag of an asset, named by the asset's id.
func (w *World) Resolve(asset, tag string) (Ref, bool) {
	r, ok := w.index[key{asset, tag}]
	return r, ok
}

// Tag is the declaration of the tag r.
func (w *World) Tag(r Ref) twin.Tag { return w.points[r].tag }

// Sample is the last sample of r: its value, quality and the instant of the step it was taken at.
func (w *World) Sample(r Ref) twin.Sample {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return w.points[r].sample
}

// Samples appends the last samples of refs to dst, all of one step.
func (w *World) Samples(dst []twin.Sample, refs []Ref) []twin.Sample {
	w.mu.RLock()
	defer w.mu.RUnlock()
	for _, r := range refs {
		dst = append(dst, w.points[r].sample)
	}
	return dst
}

// Read is Sample by name; false for a tag the world does not have.
func (w *World) Read(asset, tag string) (twin.Sample, bool) {
	r, ok := w.Resolve(asset, tag)
	if !ok {
		return twin.Sample{}, false
	}
	return w.Sample(r), true
}

// Set commands the writable tag r, as an operator's panel would. It refuses a tag that is not writable, a value of
// another type and one outside the tag's range; the sample shows the command at once.
func (w *World) Set(r Ref, v twin.Value) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := &w.points[r]
	name := p.tag.Name
	if !p.tag.Writable {
		return fault.New(fault.Denied, "tag %s is measured and cannot be written", name)
	}
	k, err := v.As(p.tag.Kind())
	if err != nil || k.Kind() == twin.None || !k.IsFinite() {
		return fault.Field(name, v.Text(), "wants a %s", p.tag.Kind())
	}
	if k.Kind() == twin.String {
		p.text = k.Text()
	} else {
		f := k.Float()
		if low, high := p.tag.Range.Low, p.tag.Range.High; (low != nil && f < *low) || (high != nil && f > *high) {
			return fault.Field(name, f, "outside its range %s", band(p.tag.Range))
		}
		if p.tag.Type == "enum" && (f < 0 || int(f) >= len(p.tag.States)) {
			return fault.Field(name, f, "has states 0 to %d", len(p.tag.States)-1)
		}
		p.truth = f
	}
	p.measure(w.now)
	return nil
}

// SetQuality makes the transmitter of r report q from the next step on.
func (w *World) SetQuality(r Ref, q twin.Quality) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.points[r].quality = q
}

func band(b twin.Band) string {
	end := func(v *float64, open string) string {
		if v == nil {
			return open
		}
		return fmt.Sprintf("%g", *v)
	}
	return end(b.Low, "-∞") + " to " + end(b.High, "∞")
}

func clamp(v, low, high float64) float64 { return math.Min(math.Max(v, low), high) }

// Jump moves the world's time by dt without living through it: a machine that slept wakes up in the present.
func (w *World) Jump(dt time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(dt)
}
