package rollup

import (
	"math"
	"time"

	"github.com/lineshaft/lineshaft/twin"
)

// Builder makes buckets of readings that are added in order of time.
type Builder struct {
	tier time.Duration
	out  []Bucket
	end  int64 // of the bucket that is open
	open bool

	sure, all adder
	unsure    bool // the open bucket has an uncertain reading
}

// NewBuilder returns a builder of buckets of a tier.
func NewBuilder(tier time.Duration) *Builder { return &Builder{tier: tier} }

// Add adds a reading; arrived is when a late one arrived, 0 for one in time.
func (b *Builder) Add(t int64, v twin.Value, q twin.Quality, arrived int64) {
	if !b.open || t >= b.end {
		b.begin(t)
	}
	k := &b.out[len(b.out)-1]
	k.add(t, q, arrived)
	number := v.Float()
	finite := !math.IsNaN(number) && !math.IsInf(number, 0)
	if q.IsUncertain() && !b.unsure {
		b.unsure, b.all = true, b.sure // all readings before were good or bad: the same so far
	}
	b.sure.add(t, v, number, finite, q.IsGood())
	if b.unsure {
		b.all.add(t, v, number, finite, q.IsGood() || q.IsUncertain())
	}
}

func (b *Builder) begin(t int64) {
	b.finish()
	start := Floor(t, int64(Minute))
	b.out = append(b.out, Bucket{Start: start, First: t, Last: t})
	b.open, b.end = true, start+int64(Minute)
	if b.end < start {
		b.end = math.MaxInt64
	}
}

func (b *Builder) finish() {
	if !b.open {
		return
	}
	k := &b.out[len(b.out)-1]
	k.Sure = b.sure.done()
	if b.unsure {
		all := b.all.done()
		k.All = &all
	}
	b.sure, b.all, b.unsure, b.open = adder{}, adder{}, false, false
}

// Done returns the buckets. The builder is empty again.
func (b *Builder) Done() []Bucket {
	b.finish()
	out := b.out
	b.out = nil
	if b.tier == Hour {
		return Hours(out)
	}
	return out
}

// add counts a reading that comes after all others.
func (b *Bucket) add(t int64, q twin.Quality, arrived int64) {
	if b.Readings > 0 && t-b.Last > b.Gap.To-b.Gap.From {
		b.Gap = Span{b.Last, t}
	}
	if arrived != 0 {
		b.addLate(Late{t, t, arrived})
	}
	switch {
	case q.IsGood():
		b.Good++
		if b.Open {
			b.Odd.To, b.Open = t, false
		}
		if b.Readings == 0 || q < b.Quality {
			b.Quality = q
		}
	case !b.HasOdd():
		b.Odd, b.Open = Span{From: t}, true
	default:
		b.Open = true
	}
	if q.IsUncertain() {
		b.Unsure++
	}
	b.Readings++
	if b.Good < b.Readings {
		b.Quality = twin.SubNormal
	}
	b.Last = t
}

func (b *Bucket) addLate(l Late) {
	if b.Late.Arrived == 0 {
		b.Late = l
		return
	}
	b.Late.To, b.Late.Arrived = l.To, max(b.Late.Arrived, l.Arrived)
}

// adder adds up the stats of one bucket.
type adder struct {
	Stats
	rest        float64 // what Sum lost to rounding
	restOfArea  float64
	mean        float64
	least, most float64
	since       int64 // when the number that holds was read
	number      float64
}

func (a *adder) add(t int64, v twin.Value, number float64, finite, enters bool) {
	if a.Holds {
		held := t - a.since
		a.Held += held
		a.Longest = max(a.Longest, held)
		a.Area, a.restOfArea = sum(a.Area, a.restOfArea, a.number*(float64(held)/1e9))
	}
	a.Holds, a.since, a.number = enters && finite, t, number
	if !enters || v.Kind() == twin.None {
		return
	}
	a.Usable++
	if a.First.Kind() == twin.None {
		a.First = v
	}
	a.Last = v
	if !finite {
		return
	}
	if a.N == 0 || number < a.least {
		a.Low, a.least = v, number
	}
	if a.N == 0 || number > a.most {
		a.High, a.most = v, number
	}
	a.N++
	a.Sum, a.rest = sum(a.Sum, a.rest, number)
	d := number - a.mean
	a.mean += d / float64(a.N)
	a.M2 += d * (number - a.mean)
}

// sum adds to a sum of which rest was lost to rounding (Neumaier). Sums of decimals come out as decimals that way,
// which are short on disk.
func sum(total, rest, v float64) (newTotal, newRest float64) {
	t := total + v
	if math.Abs(total) >= math.Abs(v) {
		return t, rest + ((total - t) + v)
	}
	return t, rest + ((v - t) + total)
}

func (a *adder) done() Stats {
	out := a.Stats
	out.Sum += a.rest
	out.Area += a.restOfArea
	return out
}
