package query

import (
	"math"
	"slices"
	"time"

	"github.com/lineshaft/lineshaft/backend/historian"
	"github.com/lineshaft/lineshaft/backend/historian/rollup"
	"github.com/lineshaft/lineshaft/twin"
)

// Buckets says how readings are grouped: into intervals aligned to 1970 UTC, those at the edges cut to From and To.
type Buckets struct {
	From, To int64
	Interval time.Duration
	All      bool          // uncertain readings enter the numbers, and bad ones the count
	Hold     time.Duration // how long a value holds without another, for TWA; 0 is until the next
}

// Aggregate computes aggs of the readings in col, one column per aggregate; prior are readings before From, whose last
// may still hold. The time of an interval is its start. An interval without readings is left out; one in which none may
// enter the number has no value and quality bad. The quality is good where every reading was.
func Aggregate(prior, col historian.Column, aggs []Agg, b Buckets) []historian.Column {
	out := make([]historian.Column, len(aggs))
	held := holder{hold: int64(b.Hold), all: b.All}
	weigh, spread := weighs(aggs), slices.Contains(aggs, Stddev)
	if n := len(prior.T); n > 0 {
		held.last(prior, n-1)
	}
	for i := 0; i < len(col.T); {
		start := rollup.Floor(col.T[i], int64(b.Interval))
		end := min(start+int64(b.Interval), b.To)
		if end <= start {
			end = b.To
		}
		j := i
		s := stats{spread: spread}
		for j < len(col.T) && col.T[j] < end {
			s.add(col.V[j], col.Q[j], b.All)
			j++
		}
		var twa twin.Value
		if weigh {
			twa = held.average(col, i, j, max(start, b.From), end)
		}
		for k, agg := range aggs {
			v := s.value(agg)
			if agg == TWA {
				v = twa
			}
			q := s.quality
			if v.Kind() == twin.None || s.usable == 0 {
				q = twin.Bad
			}
			out[k].T, out[k].V, out[k].Q = append(out[k].T, start), append(out[k].V, v), append(out[k].Q, q)
		}
		i = j
	}
	return out
}

// stats are the readings of one interval.
type stats struct {
	count       int64 // readings that are counted
	usable      int64 // readings that may enter a number
	n           int64 // numbers among them
	seen        bool
	spread      bool // the standard deviation is wanted
	sum         float64
	mean, m2    float64 // Welford's, for the standard deviation
	least, most float64
	low, high   twin.Value
	first, last twin.Value
	quality     twin.Quality
}

// usable says whether a reading may enter a number.
func usable(q twin.Quality, all bool) bool { return q.IsGood() || (all && q.IsUncertain()) }

func (s *stats) add(v twin.Value, q twin.Quality, all bool) {
	s.quality = worse(s.quality, q, !s.seen)
	s.seen = true
	if all || q.IsGood() {
		s.count++
	}
	if !usable(q, all) || v.Kind() == twin.None {
		return
	}
	s.usable++
	if s.first.Kind() == twin.None {
		s.first = v
	}
	s.last = v
	f := v.Float()
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return
	}
	if s.n == 0 || f < s.least {
		s.low, s.least = v, f
	}
	if s.n == 0 || f > s.most {
		s.high, s.most = v, f
	}
	s.n++
	s.sum += f
	if s.spread {
		d := f - s.mean
		s.mean += d / float64(s.n)
		s.m2 += d * (f - s.mean)
	}
}

// worse is the quality of an interval after one more reading: good while all are, then uncertain, whatever the
// substatus of the others. An interval of bad readings alone has no value and becomes bad by that.
func worse(have, next twin.Quality, first bool) twin.Quality {
	switch {
	case first && next.IsGood():
		return next
	case have.IsGood() && next.IsGood():
		return min(have, next)
	}
	return twin.SubNormal
}

// value is the aggregate, none if there is none.
func (s *stats) value(agg Agg) twin.Value {
	switch agg {
	case Count:
		return twin.IntValue(s.count)
	case First:
		return s.first
	case Last:
		return s.last
	case Avg, Min, Max, Sum, Stddev, TWA:
	}
	if s.n == 0 {
		return twin.Value{}
	}
	switch agg {
	case Min:
		return s.low
	case Max:
		return s.high
	case Sum:
		return twin.FloatValue(s.sum)
	case Stddev:
		if s.n < 2 {
			return twin.Value{}
		}
		return twin.FloatValue(math.Sqrt(s.m2 / float64(s.n-1)))
	case Avg, Count, First, Last, TWA:
	}
	return twin.FloatValue(s.sum / float64(s.n))
}

// holder weighs values by how long they held: a reading holds until the next one, whatever that one's quality, but
// no longer than hold.
type holder struct {
	hold int64
	all  bool
	some bool // v holds since t
	t    int64
	v    float64
}

func (h *holder) last(c historian.Column, i int) {
	f := c.V[i].Float()
	h.some = usable(c.Q[i], h.all) && !math.IsNaN(f) && !math.IsInf(f, 0)
	h.t, h.v = c.T[i], f
}

// average is the time-weighted average of from <= t < end, in which readings i to before j lie.
func (h *holder) average(c historian.Column, i, j int, from, end int64) twin.Value {
	held, area := h.integral(c, i, j, from, end)
	if held == 0 {
		return twin.Value{}
	}
	return twin.FloatValue(area / (float64(held) / 1e9))
}

// integral is how long a value held in from <= t < end, in which readings i to before j lie, in ns, and the integral
// of the value over that time in seconds.
func (h *holder) integral(c historian.Column, i, j int, from, end int64) (held int64, area float64) {
	for ; i < j; i++ {
		h.spend(from, c.T[i], &held, &area)
		h.last(c, i)
	}
	h.spend(from, end, &held, &area)
	return held, area
}

// spend adds how long the value held from from until the instant until.
func (h *holder) spend(from, until int64, held *int64, area *float64) {
	if !h.some {
		return
	}
	if h.hold > 0 {
		until = min(until, h.t+h.hold)
	}
	if w := until - max(h.t, from); w > 0 {
		*held += w
		*area += float64(w) / 1e9 * h.v
	}
}

// weighs says whether a value may hold from before the range.
func weighs(aggs []Agg) bool { return slices.Contains(aggs, TWA) }

// fill puts in the intervals without readings what was asked for.
func fill(c historian.Column, agg Agg, q Query) historian.Column {
	if q.Fill == FillNone {
		return c
	}
	step := int64(q.Interval)
	out := grow(int((q.To-q.From)/step) + 2)
	next := 0
	for t := rollup.Floor(q.From, step); t < q.To; t += step {
		if next < len(c.T) && c.T[next] == t {
			take(&out, c, next)
			next++
			continue
		}
		out.T = append(out.T, t)
		v, quality := filler(c, next, t, agg, q.Fill)
		out.V, out.Q = append(out.V, v), append(out.Q, quality)
	}
	return out
}

// filler is the value of an empty interval at t that lies before the interval next.
func filler(c historian.Column, next int, t int64, agg Agg, f Fill) (twin.Value, twin.Quality) {
	switch {
	case agg == Count:
		return twin.IntValue(0), twin.Bad
	case f == FillPrevious && next > 0 && c.V[next-1].Kind() != twin.None:
		return c.V[next-1], twin.LastUsable
	case f == FillLinear && next > 0 && next < len(c.T):
		a, b := c.V[next-1].Float(), c.V[next].Float()
		share := float64(t-c.T[next-1]) / float64(c.T[next]-c.T[next-1])
		if v := a + (b-a)*share; !math.IsNaN(v) {
			return twin.FloatValue(v), twin.SubNormal
		}
	}
	return twin.Value{}, twin.Bad
}
