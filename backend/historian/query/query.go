// Package query is what can be asked of history: readings, thinned readings, aggregates of intervals, and where
// readings are missing or bad. All but Run is pure.
package query

import (
	"context"
	"slices"
	"time"

	"github.com/lineshaft/lineshaft/backend/historian"
	"github.com/lineshaft/lineshaft/backend/historian/rollup"
	"github.com/lineshaft/lineshaft/twin"
	"github.com/lineshaft/lineshaft/twin/fault"
)

// Agg is an aggregate of an interval.
type Agg string

// The aggregates. All but Count, First and Last are of numbers; a bool counts as 0 or 1.
const (
	Avg    Agg = "avg"
	Min    Agg = "min"
	Max    Agg = "max"
	Count  Agg = "count"  // readings: the good ones, or all of them where Query.All
	First  Agg = "first"  //
	Last   Agg = "last"   //
	Sum    Agg = "sum"    //
	Stddev Agg = "stddev" // of a sample (n−1); none of a single reading
	TWA    Agg = "twa"    // average weighted by how long each value held
)

// Aggs returns them all.
func Aggs() []Agg { return []Agg{Avg, Min, Max, Count, First, Last, Sum, Stddev, TWA} }

// Fill says what stands in an interval without readings.
type Fill string

// The fills. Nothing is invented unless it is asked for.
const (
	FillNone     Fill = ""         // the interval is left out
	FillNull     Fill = "null"     // no value, quality bad
	FillPrevious Fill = "previous" // the value before, quality last usable
	FillLinear   Fill = "linear"   // between the neighbours, quality sub-normal
)

// Tag is one series asked for.
type Tag struct {
	Series   historian.SeriesID
	Expected time.Duration // how often a reading is expected; 0 if it comes on change
}

// Query asks for samples with From <= T < To (ns UTC).
type Query struct {
	Tags      []Tag
	From, To  int64
	Interval  time.Duration // 0 asks for the readings themselves
	Aggs      []Agg         // with Interval; Avg if empty
	All       bool          // readings that are not good too; a bad one never enters a number all the same
	MaxPoints int           // without Interval: readings are thinned to about so many; 0 gives every one
	Fill      Fill          // with Interval
}

// Result is the answer for one tag and aggregate.
type Result struct {
	Tag        int    // index in Query.Tags
	Agg        Agg    // empty for readings
	Resolution string // "raw", "min-max" for thinned readings, or the interval
	T          []int64
	V          []twin.Value
	Q          []twin.Quality
	Late       []historian.LateSpan
	Bad        []Span // where readings were left out for their quality
	Holes      []Span // where readings were expected and there are none
	Rev        int64  // changes when the past of the series changed; 0 where the historian does not say
	Partial    bool   // an interval holds readings that came after its raw ones were gone
}

// Span is a stretch of time, From <= t < To, ns UTC.
type Span struct{ From, To int64 }

const (
	maxBuckets = 1_000_000
	lookback   = int64(24 * time.Hour) // how far a value that comes on change is sought before From, for TWA
)

// Run answers a query, one result per tag and aggregate in the order asked.
func Run(ctx context.Context, h historian.Historian, q Query) ([]Result, error) {
	if err := q.check(); err != nil {
		return nil, err
	}
	aggs := q.Aggs
	if len(aggs) == 0 {
		aggs = []Agg{Avg}
	}
	var out []Result
	tier := rollup.TierOf(q.Interval)
	for i, tag := range q.Tags {
		rev := int64(0)
		if r, ok := h.(Revisions); ok { // before the data: what changes meanwhile is asked for again
			rev = r.Revision(tag.Series)
		}
		if tier > 0 {
			rs, err := tiered(ctx, h, i, tag, aggs, q, tier)
			if err != nil {
				return nil, err
			}
			out = revised(append(out, rs...), len(rs), rev)
			continue
		}
		from := q.From
		if q.Interval > 0 && weighs(aggs) {
			if from = q.From - before(tag); from > q.From {
				from = q.From // below the smallest time
			}
		}
		col, err := h.Read(ctx, tag.Series, from, q.To)
		if err != nil {
			return nil, err
		}
		prior, col := split(col, q.From)
		if q.Interval == 0 {
			out = revised(append(out, readings(i, tag, col, q)), 1, rev)
			continue
		}
		out = revised(append(out, aggregates(i, tag, prior, col, aggs, q)...), len(aggs), rev)
	}
	return out, nil
}

// revised sets the revision of the last n results.
func revised(out []Result, n int, rev int64) []Result {
	for i := len(out) - n; i < len(out); i++ {
		out[i].Rev = rev
	}
	return out
}

func (q *Query) check() error {
	if q.To <= q.From {
		return fault.Field("to", time.Unix(0, q.To).UTC(), "must be after from")
	}
	if q.Interval < 0 {
		return fault.Field("interval", q.Interval, "must be positive")
	}
	if q.Interval > 0 && uint64(q.To-q.From)/uint64(q.Interval) > maxBuckets {
		return fault.Field("interval", q.Interval, "gives more than %d intervals", maxBuckets)
	}
	for _, a := range q.Aggs {
		if !slices.Contains(Aggs(), a) {
			return fault.Field("agg", a, "use one of %v", Aggs())
		}
	}
	switch q.Fill {
	case FillNone, FillNull, FillPrevious, FillLinear:
		return nil
	}
	return fault.Field("fill", q.Fill, "use null, previous or linear")
}

// before is how far back a value may still hold.
func before(tag Tag) int64 {
	if tag.Expected > 0 {
		return HoleAfter * int64(tag.Expected)
	}
	return lookback
}

// split cuts a column at from.
func split(c historian.Column, from int64) (prior, rest historian.Column) {
	i, _ := slices.BinarySearch(c.T, from)
	prior = historian.Column{T: c.T[:i], V: c.V[:i], Q: c.Q[:i]}
	rest = historian.Column{T: c.T[i:], V: c.V[i:], Q: c.Q[i:]}
	for _, l := range c.Late {
		if l.To >= from {
			l.From = max(l.From, from)
			rest.Late = append(rest.Late, l)
		}
	}
	return prior, rest
}

// readings answers for one tag without interval.
func readings(i int, tag Tag, col historian.Column, q Query) Result {
	r := Result{Tag: i, Resolution: "raw", Late: col.Late, Holes: Holes(col.T, tag.Expected, q.From, q.To)}
	if !q.All {
		r.Bad = NotGood(col, q.To)
		col = Good(col)
	}
	thin := col
	if q.MaxPoints > 0 && len(col.T) > q.MaxPoints {
		thin = Decimate(col, q.MaxPoints)
		r.Resolution = "min-max"
	}
	r.T, r.V, r.Q = thin.T, thin.V, thin.Q
	return r
}

// aggregates answers for one tag with interval.
func aggregates(i int, tag Tag, prior, col historian.Column, aggs []Agg, q Query) []Result {
	holes := Holes(col.T, tag.Expected, q.From, q.To)
	var bad []Span
	if !q.All {
		bad = NotGood(col, q.To)
	}
	out := make([]Result, len(aggs))
	for j, c := range Aggregate(prior, col, aggs, Buckets{From: q.From, To: q.To, Interval: q.Interval, All: q.All, Hold: hold(tag)}) {
		c = fill(c, aggs[j], q)
		out[j] = Result{
			Tag: i, Agg: aggs[j], Resolution: q.Interval.String(), T: c.T, V: c.V, Q: c.Q, Late: col.Late, Bad: bad, Holes: holes,
		}
	}
	return out
}

func hold(tag Tag) time.Duration { return HoleAfter * tag.Expected }
