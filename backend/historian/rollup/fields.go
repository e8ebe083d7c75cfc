package rollup

import "github.com/lineshaft/lineshaft/twin"

// Flags of a stored bucket.
const (
	flagOpen = 1 << iota
	flagPartial
	flagAll
)

// field is a column of the stored bucket. Times are stored from the start of the bucket, counts as what is missing, so
// that the columns of a steady tag are zeros or constants.
func (b *Bucket) field(c int) int64 {
	switch c {
	case 0:
		return b.Start
	case 1:
		return b.Readings
	case 2:
		return b.Readings - b.Good
	case 3:
		return b.Unsure
	case 4:
		return int64(b.Quality) - int64(twin.Good)
	case 5:
		return b.First - b.Start
	case 6:
		return b.Last - b.First
	case 7:
		return b.Gap.To - b.Gap.From
	case 8:
		return b.Gap.From - b.gapBase()
	case 9:
		return b.Late.Arrived
	case 10:
		return b.Late.From - b.lateBase()
	case 11:
		return b.Late.To - b.Late.From
	case 12:
		return b.Odd.From - b.oddBase()
	case 13:
		return b.Odd.To - b.Odd.From
	}
	flags := int64(0)
	if b.Open {
		flags |= flagOpen
	}
	if b.Partial {
		flags |= flagPartial
	}
	if b.All != nil {
		flags |= flagAll
	}
	return flags
}

// setField sets what field gave; columns are set in order.
func (b *Bucket) setField(c int, v int64) {
	switch c {
	case 0:
		b.Start = v
	case 1:
		b.Readings = v
	case 2:
		b.Good = b.Readings - v
	case 3:
		b.Unsure = v
	case 4:
		b.Quality = twin.Quality(v + int64(twin.Good))
	case 5:
		b.First = b.Start + v
	case 6:
		b.Last = b.First + v
	case 7:
		b.Gap.To = v
	case 8:
		length := b.Gap.To
		b.Gap.From = v + b.gapBase()
		b.Gap.To = b.Gap.From + length
	case 9:
		b.Late.Arrived = v
	case 10:
		b.Late.From = v + b.lateBase()
	case 11:
		b.Late.To = b.Late.From + v
	case 12:
		b.Odd.From = v + b.oddBase()
	case 13:
		b.Odd.To = b.Odd.From + v
	default:
		b.Open, b.Partial = v&flagOpen != 0, v&flagPartial != 0
		if v&flagAll != 0 {
			b.All = &Stats{}
		}
	}
}

func (b *Bucket) gapBase() int64 {
	if b.Readings > 1 {
		return b.First
	}
	return 0
}

func (b *Bucket) lateBase() int64 {
	if b.Late.Arrived != 0 {
		return b.Start
	}
	return 0
}

func (b *Bucket) oddBase() int64 {
	if b.HasOdd() {
		return b.Start
	}
	return 0
}

// field is a column of stored stats.
func (s *Stats) field(c int) twin.Value {
	switch c {
	case 0:
		return twin.IntValue(s.Usable)
	case 1:
		return twin.IntValue(s.Usable - s.N)
	case 2:
		return twin.IntValue(s.Held)
	case 3:
		return twin.IntValue(s.Longest)
	case 4:
		if s.Holds {
			return twin.IntValue(0)
		}
		return twin.IntValue(1)
	case 5:
		return twin.FloatValue(s.Sum)
	case 6:
		return twin.FloatValue(s.M2)
	case 7:
		return twin.FloatValue(s.Area)
	case 8:
		return s.Low
	case 9:
		return s.High
	case 10:
		return s.First
	}
	return s.Last
}

func (s *Stats) setField(c int, v twin.Value) {
	switch c {
	case 0:
		s.Usable = v.Int()
	case 1:
		s.N = s.Usable - v.Int()
	case 2:
		s.Held = v.Int()
	case 3:
		s.Longest = v.Int()
	case 4:
		s.Holds = v.Int() == 0
	case 5:
		s.Sum = v.Float()
	case 6:
		s.M2 = v.Float()
	case 7:
		s.Area = v.Float()
	case 8:
		s.Low = v
	case 9:
		s.High = v
	case 10:
		s.First = v
	default:
		s.Last = v
	}
}

// blank is what a column of stats is without anything in it.
func blank(c int) twin.Value {
	switch {
	case c < 5:
		return twin.IntValue(0)
	case c < 8:
		return twin.FloatValue(0)
	}
	return twin.Value{}
}
