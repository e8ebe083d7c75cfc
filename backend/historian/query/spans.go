package query

import (
	"time"

	"github.com/lineshaft/lineshaft/backend/historian"
)

// HoleAfter is how many expected intervals without a reading make a hole. Fewer may be jitter, or one lost message.
const HoleAfter = 5

// Holes returns where readings were expected within from <= t < to and there are none: after each reading that is
// not followed by another for more than HoleAfter intervals, from one reading to the next, cut to the range. A tag that comes on
// change (expected 0) has no holes.
func Holes(ts []int64, expected time.Duration, from, to int64) []Span {
	if expected <= 0 || to <= from {
		return nil
	}
	limit := uint64(HoleAfter * expected)
	var out []Span
	last := from
	for _, t := range ts {
		if t < from || t >= to {
			continue
		}
		if uint64(t-last) > limit {
			out = append(out, Span{last, t})
		}
		last = t
	}
	if uint64(to-last) > limit {
		out = append(out, Span{last, to})
	}
	return out
}

// NotGood returns the spans of readings that are not good, each from the first of them to the next good reading, or
// to where the last one was if none follows.
func NotGood(c historian.Column, to int64) []Span {
	var out []Span
	open := false
	for i, t := range c.T {
		switch good := c.Q[i].IsGood(); {
		case good && open:
			out[len(out)-1].To = t
			open = false
		case !good && !open:
			out = append(out, Span{From: t})
			open = true
		}
	}
	if open {
		out[len(out)-1].To = min(to, c.T[len(c.T)-1]+1)
	}
	return out
}

// Good returns the good readings of a column that have a value; its late spans stay.
func Good(c historian.Column) historian.Column {
	n := 0
	for _, q := range c.Q {
		if q.IsGood() {
			n++
		}
	}
	if n == len(c.T) {
		return c
	}
	out := grow(n)
	out.Late = c.Late
	for i, q := range c.Q {
		if q.IsGood() {
			take(&out, c, i)
		}
	}
	return out
}
