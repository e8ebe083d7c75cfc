package rollup_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/lineshaft/lineshaft/backend/historian"
	"github.com/lineshaft/lineshaft/backend/historian/rollup"
	"github.com/lineshaft/lineshaft/twin"
)

// noon is where the stories begin.
const noon = int64(1773748800) * 1e9

// readings are some hours of a tag that is not always well.
func readings(t *rapid.T) historian.Column {
	var c historian.Column
	now := noon + rapid.Int64Range(0, 7200e9).Draw(t, "start")
	steps := rapid.SampledFrom([]int64{1e9, 30e9, 400e9}).Draw(t, "step")
	for range rapid.IntRange(0, 300).Draw(t, "n") {
		now += rapid.Int64Range(1, steps).Draw(t, "gap")
		v := twin.FloatValue(float64(rapid.IntRange(-5000, 5000).Draw(t, "v")) / 100)
		switch rapid.IntRange(0, 30).Draw(t, "kind") {
		case 0:
			v = twin.StringValue("RUN")
		case 1:
			v = twin.Value{}
		case 2:
			v = twin.IntValue(math.MaxInt64)
		case 3:
			v = twin.FloatValue(math.Inf(1))
		case 4:
			v = twin.BoolValue(true)
		}
		q := rapid.SampledFrom([]twin.Quality{twin.Good, twin.Good, twin.Good, twin.GoodLocalOverride, twin.Uncertain, twin.CommFailure}).Draw(t, "q")
		if rapid.IntRange(0, 5).Draw(t, "late") == 0 {
			c.Late = append(c.Late, historian.LateSpan{From: now, To: now, Arrived: now + 3600e9})
		}
		c.T, c.V, c.Q = append(c.T, now), append(c.V, v), append(c.Q, q)
	}
	return c
}

func TestBucketsComeBackBitForBit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		for _, tier := range []time.Duration{rollup.Minute, rollup.Hour} {
			want := rollup.FromColumn(readings(t), tier)
			var e rollup.Encoder
			got, err := rollup.Decode(nil, e.Append(nil, want))
			if err != nil {
				t.Fatal(err)
			}
			if len(want) == 0 && len(got) == 0 {
				continue
			}
			if d := cmp.Diff(want, got, cmp.Comparer(func(a, b twin.Value) bool { return a == b })); d != "" {
				t.Fatalf("(-made +read):\n%s", d)
			}
		}
	})
}

// What of a bucket does not hang on how its readings are grouped is compared with a count by hand.
func TestAnHourIsTheSumOfItsReadings(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := readings(t)
		seen := 0
		for _, b := range rollup.FromColumn(c, rollup.Hour) {
			var n, good, numbers int64
			var sum, weight, squares, low, high float64
			for ; seen < len(c.T) && c.T[seen] < b.Start+int64(time.Hour); seen++ {
				n++
				if !c.Q[seen].IsGood() {
					continue
				}
				good++
				f := c.V[seen].Float()
				if math.IsNaN(f) || math.IsInf(f, 0) {
					continue
				}
				if numbers == 0 {
					low, high = f, f
				}
				numbers++
				low, high, sum, squares = min(low, f), max(high, f), sum+f, squares+f*f
				weight += math.Abs(f)
			}
			if b.Readings != n || b.Good != good {
				t.Fatalf("%d readings, %d good; there are %d and %d", b.Readings, b.Good, n, good)
			}
			s := b.Of(false)
			if math.Abs(s.Sum-sum) > 1e-9*max(1, weight) || math.Abs(s.SumOfSquares()-squares) > 1e-9*max(1, squares) {
				t.Fatalf("sum %v, of squares %v; there are %v and %v", s.Sum, s.SumOfSquares(), sum, squares)
			}
			if s.N != numbers || (numbers > 0 && (s.Low.Float() != low || s.High.Float() != high)) {
				t.Fatalf("from %v to %v; there are %v and %v", s.Low, s.High, low, high)
			}
		}
		if seen != len(c.T) {
			t.Fatalf("%d readings of %d are in no bucket", len(c.T)-seen, len(c.T))
		}
	})
}

func TestTheSumOfDecimalsIsOne(t *testing.T) {
	var c historian.Column
	for i := range int64(60) {
		c.T, c.V, c.Q = append(c.T, noon+i*1e9), append(c.V, twin.FloatValue(70.01)), append(c.Q, twin.Good)
	}
	b := rollup.FromColumn(c, rollup.Minute)[0]
	if b.Sure.Sum != 4200.6 || b.Sure.Held != 59e9 || b.Sure.Longest != 1e9 || !b.Sure.Holds || math.Abs(b.Sure.Area-59*70.01) > 1e-9 {
		t.Errorf("%+v", b.Sure)
	}
}

func FuzzDecode(f *testing.F) {
	var e rollup.Encoder
	var c historian.Column
	for i := range int64(200) {
		q := twin.Good
		if i%7 == 0 {
			q = twin.Uncertain
		}
		c.T, c.V, c.Q = append(c.T, noon+i*1e9), append(c.V, twin.IntValue(i)), append(c.Q, q)
	}
	f.Add(e.Append(nil, rollup.FromColumn(c, rollup.Minute)))
	f.Add([]byte{1, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		if bs, err := rollup.Decode(nil, b); err != nil && len(bs) > 0 {
			t.Fatalf("%d buckets and %v", len(bs), err)
		}
	})
}

// A minute of a reading each second may cost half a byte per reading.
func TestWhatAMinuteCostsOnDisk(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	var c historian.Column
	v := 7000.0
	for i := range int64(14400) {
		v += math.Round(rnd.NormFloat64() * 10)
		c.T, c.V, c.Q = append(c.T, noon+i*1e9), append(c.V, twin.FloatValue(v/100)), append(c.Q, twin.Good)
	}
	var e rollup.Encoder
	cost := float64(len(e.Append(nil, rollup.FromColumn(c, rollup.Minute)))) / 14400
	t.Logf("%.2f bytes per reading", cost)
	if cost > 0.5 {
		t.Errorf("%.2f bytes per reading", cost)
	}
}
