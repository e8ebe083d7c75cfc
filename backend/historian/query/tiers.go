package query

import (
	"context"
	"math"
	"time"

	"github.com/lineshaft/lineshaft/backend/historian"
	"github.com/lineshaft/lineshaft/backend/historian/rollup"
	"github.com/lineshaft/lineshaft/twin"
)

// Rollups is a historian that keeps buckets beside its samples. Without it they are made of samples each time; the
// answer is the same.
type Rollups interface {
	// Rollup returns the buckets of a tier with from <= Start < to, both multiples of the tier. They equal those made
	// of what Read returns.
	Rollup(ctx context.Context, id historian.SeriesID, tier time.Duration, from, to int64) ([]rollup.Bucket, error)
}

// Revisions is a historian that says when the past of a series changed last.
type Revisions interface {
	// Revision changes whenever a sample was added, changed or deleted other than after the newest one.
	Revision(id historian.SeriesID) int64
}

// tiered answers for one tag with an interval that is a multiple of a tier.
func tiered(ctx context.Context, h historian.Historian, i int, tag Tag, aggs []Agg, q Query, tier time.Duration) ([]Result, error) {
	from := q.From
	if weighs(aggs) {
		if from = q.From - before(tag); from > q.From {
			from = q.From // below the smallest time
		}
	}
	prior, err := buckets(ctx, h, tag.Series, tier, from, q.From)
	if err != nil {
		return nil, err
	}
	bs, err := buckets(ctx, h, tag.Series, tier, q.From, q.To)
	if err != nil {
		return nil, err
	}
	if weighs(aggs) && tag.Expected > 0 {
		if err := capHolds(ctx, h, tag, bs, q, tier); err != nil {
			return nil, err
		}
	}
	proto := Result{
		Tag: i, Resolution: q.Interval.String(), Late: lateOf(bs), Holes: holesOf(bs, tag.Expected, q.From, q.To), Partial: partial(bs),
	}
	if !q.All {
		proto.Bad = notGoodOf(bs, q.To)
	}
	out := make([]Result, len(aggs))
	for j, c := range compose(prior, bs, aggs, Buckets{From: q.From, To: q.To, Interval: q.Interval, All: q.All, Hold: hold(tag)}) {
		c = fill(c, aggs[j], q)
		out[j] = proto
		out[j].Agg, out[j].T, out[j].V, out[j].Q = aggs[j], c.T, c.V, c.Q
	}
	return out, nil
}

// buckets returns the buckets of the readings with from <= t < to; those at the edges hold what of them is in range.
func buckets(ctx context.Context, h historian.Historian, id historian.SeriesID, tier time.Duration, from, to int64) ([]rollup.Bucket, error) {
	if to <= from {
		return nil, nil
	}
	step := int64(tier)
	inner, end := rollup.Floor(from, step), rollup.Floor(to, step)
	if inner < from {
		inner += step
	}
	r, kept := h.(Rollups)
	if !kept || inner >= end || inner < from {
		return fromSamples(ctx, h, id, tier, from, to)
	}
	out, err := fromSamples(ctx, h, id, tier, from, inner)
	if err != nil {
		return nil, err
	}
	middle, err := r.Rollup(ctx, id, tier, inner, end)
	if err != nil {
		return nil, err
	}
	tail, err := fromSamples(ctx, h, id, tier, end, to)
	if len(out) == 0 && len(tail) == 0 {
		return middle, err
	}
	return append(append(out, middle...), tail...), err
}

func fromSamples(ctx context.Context, h historian.Historian, id historian.SeriesID, tier time.Duration, from, to int64) ([]rollup.Bucket, error) {
	if to <= from {
		return nil, nil
	}
	c, err := h.Read(ctx, id, from, to)
	return rollup.FromColumn(c, tier), err
}

// capHolds corrects the buckets in which a value would have held for longer than it may, from their samples. Where
// those are gone, the bucket stays as it is.
func capHolds(ctx context.Context, h historian.Historian, tag Tag, bs []rollup.Bucket, q Query, tier time.Duration) error {
	limit := int64(hold(tag))
	for i := range bs {
		b := &bs[i]
		if b.Of(q.All).Longest <= limit {
			continue
		}
		c, err := h.Read(ctx, tag.Series, max(b.Start, q.From), min(b.Start+int64(tier), q.To))
		if err != nil {
			return err
		}
		if int64(len(c.T)) != b.Readings {
			continue
		}
		s := *b.Of(q.All)
		held := holder{hold: limit, all: q.All}
		s.Held, s.Area = held.integral(c, 0, len(c.T), math.MinInt64, b.Last)
		if q.All && b.All != nil {
			b.All = &s
		} else {
			b.Sure = s
		}
	}
	return nil
}

// compose computes aggs of buckets, as Aggregate does of readings.
func compose(prior, bs []rollup.Bucket, aggs []Agg, g Buckets) []historian.Column {
	out := make([]historian.Column, len(aggs))
	for k := range out {
		out[k] = grow(len(bs))
	}
	held := holder{hold: int64(g.Hold), all: g.All}
	if n := len(prior); n > 0 {
		held.lastOf(&prior[n-1])
	}
	weigh := weighs(aggs)
	for i := 0; i < len(bs); {
		start := rollup.Floor(bs[i].Start, int64(g.Interval))
		end := min(start+int64(g.Interval), g.To)
		if end <= start {
			end = g.To
		}
		j := i + 1
		for j < len(bs) && bs[j].Start < end {
			j++
		}
		sum := &bs[i]
		if j > i+1 {
			merged := bs[i]
			for k := i + 1; k < j; k++ {
				merged.Merge(&bs[k])
			}
			sum = &merged
		}
		var twa twin.Value
		if weigh {
			twa = held.averageOf(bs[i:j], max(start, g.From), end)
		}
		s := sum.Of(g.All)
		for k, agg := range aggs {
			v := valueOf(sum, s, agg, g.All)
			if agg == TWA {
				v = twa
			}
			quality := sum.Quality
			if v.Kind() == twin.None || s.Usable == 0 {
				quality = twin.Bad
			}
			out[k].T, out[k].V, out[k].Q = append(out[k].T, start), append(out[k].V, v), append(out[k].Q, quality)
		}
		i = j
	}
	return out
}

// valueOf is an aggregate other than TWA of a bucket, none if there is none.
func valueOf(b *rollup.Bucket, s *rollup.Stats, agg Agg, all bool) twin.Value {
	switch agg {
	case Count:
		if all {
			return twin.IntValue(b.Readings)
		}
		return twin.IntValue(b.Good)
	case First:
		return s.First
	case Last:
		return s.Last
	case Min:
		return s.Low
	case Max:
		return s.High
	case Sum, Avg, Stddev, TWA:
	}
	switch {
	case s.N == 0 || agg == TWA || (agg == Stddev && s.N < 2):
		return twin.Value{}
	case agg == Sum:
		return twin.FloatValue(s.Sum)
	case agg == Stddev:
		return twin.FloatValue(math.Sqrt(s.M2 / float64(s.N-1)))
	}
	return twin.FloatValue(s.Mean())
}

func (h *holder) lastOf(b *rollup.Bucket) {
	s := b.Of(h.all)
	h.some, h.t = s.Holds, b.Last
	if s.Holds {
		h.v = s.Last.Float()
	}
}

// averageOf is the time-weighted average of from <= t < end, in which all readings of bs lie.
func (h *holder) averageOf(bs []rollup.Bucket, from, end int64) twin.Value {
	var held int64
	var area float64
	for i := range bs {
		h.spend(from, bs[i].First, &held, &area)
		s := bs[i].Of(h.all)
		held += s.Held
		area += s.Area
		h.lastOf(&bs[i])
	}
	h.spend(from, end, &held, &area)
	if held == 0 {
		return twin.Value{}
	}
	return twin.FloatValue(area / (float64(held) / 1e9))
}

// lateOf are the spans of readings that arrived late; within a bucket they are told as one.
func lateOf(bs []rollup.Bucket) []historian.LateSpan {
	var out []historian.LateSpan
	running := false
	for i := range bs {
		b := &bs[i]
		if b.Late.Arrived == 0 {
			running = false
			continue
		}
		if !running || b.Late.From != b.First {
			out = append(out, historian.LateSpan{From: b.Late.From})
		}
		span := &out[len(out)-1]
		span.To, span.Arrived = b.Late.To, max(span.Arrived, b.Late.Arrived)
		running = b.Late.To == b.Last
	}
	return out
}

// notGoodOf is NotGood of buckets; within a bucket the spans are told as one.
func notGoodOf(bs []rollup.Bucket, to int64) []Span {
	var out []Span
	open := false
	for i := range bs {
		b := &bs[i]
		if open {
			out[len(out)-1].To = b.First
			open = false
		}
		if !b.HasOdd() {
			continue
		}
		if n := len(out); n > 0 && out[n-1].To == b.Odd.From {
			out[n-1].To = b.Odd.To
		} else {
			out = append(out, Span(b.Odd))
		}
		open = b.Open
	}
	if open {
		out[len(out)-1].To = min(to, bs[len(bs)-1].Last+1)
	}
	return out
}

// holesOf is Holes of buckets; of several within one bucket the longest is told.
func holesOf(bs []rollup.Bucket, expected time.Duration, from, to int64) []Span {
	if expected <= 0 {
		return nil
	}
	limit := uint64(HoleAfter * expected)
	var out []Span
	last := from
	for i := range bs {
		b := &bs[i]
		if uint64(b.First-last) > limit {
			out = append(out, Span{last, b.First})
		}
		if uint64(b.Gap.To-b.Gap.From) > limit {
			out = append(out, Span(b.Gap))
		}
		last = b.Last
	}
	if uint64(to-last) > limit {
		out = append(out, Span{last, to})
	}
	return out
}

func partial(bs []rollup.Bucket) bool {
	for i := range bs {
		if bs[i].Partial {
			return true
		}
	}
	return false
}
