package rollup

import (
	"math"

	"github.com/lineshaft/lineshaft/twin"
)

// Merge adds the readings of o, all of which come after those of b.
func (b *Bucket) Merge(o *Bucket) {
	if b.All != nil || o.All != nil {
		all := *b.Of(true)
		all.merge(o.Of(true), b.Last, o.First)
		b.All = &all
	}
	b.Sure.merge(&o.Sure, b.Last, o.First)
	if between := (Span{b.Last, o.First}); longer(between, b.Gap) {
		b.Gap = between
	}
	if longer(o.Gap, b.Gap) {
		b.Gap = o.Gap
	}
	if o.Late.Arrived != 0 {
		if b.Late.Arrived == 0 {
			b.Late = o.Late
		} else {
			b.Late.To, b.Late.Arrived = o.Late.To, max(b.Late.Arrived, o.Late.Arrived)
		}
	}
	b.mergeOdd(o)
	if b.Quality.IsGood() && o.Quality.IsGood() {
		b.Quality = min(b.Quality, o.Quality)
	} else {
		b.Quality = twin.SubNormal
	}
	b.Readings += o.Readings
	b.Good += o.Good
	b.Unsure += o.Unsure
	b.Last = o.Last
	b.Partial = b.Partial || o.Partial
}

func longer(a, b Span) bool { return a.To-a.From > b.To-b.From }

func (b *Bucket) mergeOdd(o *Bucket) {
	if b.Open {
		b.Odd.To, b.Open = o.First, false
	}
	if !o.HasOdd() {
		return
	}
	if b.HasOdd() {
		b.Odd.To, b.Open = o.Odd.To, o.Open
		return
	}
	b.Odd, b.Open = o.Odd, o.Open
}

// HasOdd says whether a reading is not good.
func (b *Bucket) HasOdd() bool { return b.Good < b.Readings }

// merge adds stats of readings that come after; last is when the last reading of s was, first when the first of o.
func (s *Stats) merge(o *Stats, last, first int64) {
	if s.Holds {
		held := first - last
		s.Held += held
		s.Longest = max(s.Longest, held)
		s.Area += s.Last.Float() * (float64(held) / 1e9)
	}
	s.Held += o.Held
	s.Longest = max(s.Longest, o.Longest)
	s.Area += o.Area
	s.Holds = o.Holds
	s.mergeNumbers(o)
	if s.First.Kind() == twin.None {
		s.First = o.First
	}
	if o.Last.Kind() != twin.None {
		s.Last = o.Last
	}
	s.Usable += o.Usable
}

// mergeNumbers merges what the order of readings does not matter to.
func (s *Stats) mergeNumbers(o *Stats) {
	switch {
	case o.N == 0:
		return
	case s.N == 0:
		s.N, s.Sum, s.M2, s.Low, s.High = o.N, o.Sum, o.M2, o.Low, o.High
		return
	}
	if o.Low.Float() < s.Low.Float() {
		s.Low = o.Low
	}
	if o.High.Float() > s.High.Float() {
		s.High = o.High
	}
	a, b := float64(s.N), float64(o.N)
	d := o.Sum/b - s.Sum/a
	s.M2 += o.M2 + d*d*(a*b/(a+b))
	s.N += o.N
	s.Sum += o.Sum
}

// Mean is the mean of the numbers, NaN if there are none.
func (s *Stats) Mean() float64 {
	if s.N == 0 {
		return math.NaN()
	}
	return s.Sum / float64(s.N)
}
