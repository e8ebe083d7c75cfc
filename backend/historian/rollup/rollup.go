// Package rollup is what stays of the readings of a minute or an hour: everything that aggregates of longer
// intervals, holes and spans of bad quality can be computed from. It is pure; historians keep buckets, query uses them.
package rollup

import (
	"time"

	"github.com/lineshaft/lineshaft/backend/historian"
	"github.com/lineshaft/lineshaft/twin"
)

// The tiers: how long a bucket is, aligned to 1970 UTC. An hour's bucket is the merger of its minutes' buckets, so
// that it comes out the same, bit for bit, from readings and from minutes.
const (
	Minute = time.Minute
	Hour   = time.Hour
)

// TierOf is the longest tier of which interval is a multiple, 0 if there is none.
func TierOf(interval time.Duration) time.Duration {
	switch {
	case interval <= 0 || interval%Minute != 0:
		return 0
	case interval%Hour == 0:
		return Hour
	}
	return Minute
}

// Bucket is what stays of the readings with Start <= t < Start + tier. There are no buckets without readings.
type Bucket struct {
	Start    int64        // ns UTC
	Readings int64        // of any quality
	Good     int64        // of good quality
	Unsure   int64        // of uncertain quality
	Quality  twin.Quality // the lowest of the good ones, SubNormal where one was not good

	First, Last int64 // times of the first and the last reading
	Gap         Span  // the longest silence between two of its readings; zero if there is one reading
	Late        Late  // from the first to the last late reading; zero if there is none
	Odd         Span  // from the first reading that is not good to the good one after the last such; zero if there is none
	Open        bool  // the last reading is not good, and Odd.To is unknown
	Partial     bool  // readings came after the raw ones were gone: what hangs on the order of readings is approximate

	Sure Stats  // of good readings
	All  *Stats // of good and uncertain ones; nil where no reading is uncertain, and equal to Sure
}

// Span is From <= t < To, ns UTC.
type Span struct{ From, To int64 }

// Late is a span of readings that arrived late, both ends included.
type Late struct{ From, To, Arrived int64 }

// Stats are of readings that may enter a number.
type Stats struct {
	Usable int64   // those with a value
	N      int64   // those with a finite number, a bool being 0 or 1
	Sum    float64 // of the numbers
	M2     float64 // sum of the squares of their distances from their mean
	// Low and High are the smallest and the greatest number, First and Last the values of the first and the last
	// usable reading, which may be strings. None if there is none.
	Low, High, First, Last twin.Value

	// A number holds until the next reading of whatever quality. Held is how long numbers held between the first and
	// the last reading of the bucket, in ns, Area the integral of the number over that time, in seconds, Longest the longest such hold.
	Held, Longest int64
	Area          float64
	Holds         bool // the last reading of the bucket is a number: Last
}

// SumOfSquares is that of the numbers.
func (s *Stats) SumOfSquares() float64 {
	if s.N == 0 {
		return 0
	}
	return s.M2 + s.Sum*s.Sum/float64(s.N)
}

// Of are the stats of good readings, or of good and uncertain ones.
func (b *Bucket) Of(all bool) *Stats {
	if all && b.All != nil {
		return b.All
	}
	return &b.Sure
}

// Floor is the greatest multiple of step that is not above t.
func Floor(t, step int64) int64 {
	f := t - t%step
	if f > t {
		f -= step
	}
	return f
}

// FromColumn returns the buckets of the readings of a column.
func FromColumn(c historian.Column, tier time.Duration) []Bucket {
	b := NewBuilder(tier)
	late := c.Late
	for i, t := range c.T {
		for len(late) > 0 && late[0].To < t {
			late = late[1:]
		}
		arrived := int64(0)
		if len(late) > 0 && late[0].From <= t {
			arrived = late[0].Arrived
		}
		b.Add(t, c.V[i], c.Q[i], arrived)
	}
	return b.Done()
}

// Hours merges the buckets of minutes into those of hours.
func Hours(minutes []Bucket) []Bucket {
	var out []Bucket
	for i := range minutes {
		start := Floor(minutes[i].Start, int64(Hour))
		if n := len(out); n > 0 && out[n-1].Start == start {
			out[n-1].Merge(&minutes[i])
			continue
		}
		out = append(out, minutes[i].clone())
		out[len(out)-1].Start = start
	}
	return out
}

func (b *Bucket) clone() Bucket {
	out := *b
	if b.All != nil {
		all := *b.All
		out.All = &all
	}
	return out
}
