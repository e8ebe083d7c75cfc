package block_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/lineshaft/lineshaft/backend/historian/block"
	"github.com/lineshaft/lineshaft/twin"
)

// same compares rows bit for bit: a NaN's payload and the sign of zero count, and a missing S equals an empty one.
func same(a, b block.Rows) string {
	for _, r := range []*block.Rows{&a, &b} {
		if r.S == nil {
			r.S = make([]string, r.Len())
		}
		if r.Len() == 0 {
			*r = block.Rows{}
		}
	}
	return cmp.Diff(a, b)
}

func roundTrip(t interface{ Fatalf(string, ...any) }, r block.Rows) []byte {
	var enc block.Encoder
	b := enc.Append(nil, &r)
	opened, err := block.Open(b)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	var scratch block.Scratch
	got, err := opened.Rows(&scratch)
	if err != nil {
		t.Fatalf("decode: %v", err)
	}
	if d := same(r, got); d != "" {
		t.Fatalf("block is not lossless (-in +out):\n%s", d)
	}
	return b
}

func anyValue(t *rapid.T) twin.Value {
	switch rapid.IntRange(0, 9).Draw(t, "kind") {
	case 0:
		return twin.Value{}
	case 1:
		return twin.IntValue(rapid.Int64().Draw(t, "int"))
	case 2:
		return twin.BoolValue(rapid.Bool().Draw(t, "bool"))
	case 3:
		return twin.StringValue(rapid.SampledFrom([]string{"", "RUN", "STOP", "Störung\x00", rapid.String().Draw(t, "text")}).Draw(t, "word"))
	case 4:
		return twin.FloatValue(math.Float64frombits(rapid.Uint64().Draw(t, "bits"))) // NaN payloads, infinities, denormals
	case 5:
		return twin.FloatValue(rapid.SampledFrom([]float64{math.Copysign(0, -1), 0, math.Inf(1), math.NaN(), math.MaxFloat64, 5e-324}).Draw(t, "edge"))
	case 6:
		return twin.FloatValue(float64(float32(rapid.Float64Range(-500, 500).Draw(t, "narrow"))))
	default:
		return twin.FloatValue(math.Round(rapid.Float64Range(-500, 500).Draw(t, "decimal")*100) / 100)
	}
}

func TestEveryHistoryComesBackBitForBit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var r block.Rows
		at := rapid.Int64().Draw(t, "start")
		mixed := rapid.Bool().Draw(t, "mixed")
		kind := anyValue(t).Kind()
		for range rapid.IntRange(0, 400).Draw(t, "rows") {
			v := anyValue(t)
			for !mixed && v.Kind() != kind {
				v = anyValue(t)
			}
			at += rapid.SampledFrom([]int64{1e9, 1e9, 1e9, 1e6, 1, -5e9, rapid.Int64().Draw(t, "jump")}).Draw(t, "step")
			r.Append(twin.Sample{T: at, V: v, Q: twin.Quality(rapid.SampledFrom([]uint8{192, 192, 192, 0, 68, rapid.Uint8().Draw(t, "q")}).Draw(t, "quality"))},
				rapid.SampledFrom([]int32{0, 0, 1, -1, 3600, rapid.Int32().Draw(t, "late")}).Draw(t, "lateness"))
		}
		roundTrip(t, r)
	})
}

// walk is a temperature as a transmitter reports it: a random walk in hundredths, once a second, all good.
func walk(n int) block.Rows {
	rnd := rand.New(rand.NewPCG(1, 2))
	var r block.Rows
	v, start := 7240.0, time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC).UnixNano()
	for i := range n {
		v += math.Round(rnd.NormFloat64() * 10)
		r.Append(twin.Sample{T: start + int64(i)*1e9, V: twin.FloatValue(v / 100), Q: twin.Good}, 0)
	}
	return r
}

func TestWhatAPointCostsOnDisk(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	each := func(v func(i int) twin.Value, step func(i int) int64, q func(i int) twin.Quality) block.Rows {
		var r block.Rows
		at := int64(1.7e18)
		for i := range 4096 {
			at += step(i)
			r.Append(twin.Sample{T: at, V: v(i), Q: q(i)}, 0)
		}
		return r
	}
	second := func(int) int64 { return 1e9 }
	good := func(int) twin.Quality { return twin.Good }
	counter, x := int64(0), 20.0
	for name, c := range map[string]struct {
		rows block.Rows
		most float64 // bytes a point
	}{
		"random walk, two decimals, 1 Hz": {walk(4096), 0.85},
		"the same with a jitter of milliseconds and rare bad readings": {each(
			func(int) twin.Value {
				x += math.Round(rnd.NormFloat64()*10) / 100
				return twin.FloatValue(math.Round(x*100) / 100)
			},
			func(int) int64 { return 1e9 + int64(rnd.NormFloat64()*5)*1e6 },
			func(i int) twin.Quality {
				if i%300 == 7 {
					return twin.CommFailure
				}
				return twin.Good
			}), 1.9},
		"a REAL of a PLC with one decimal": {each(
			func(i int) twin.Value {
				return twin.FloatValue(float64(float32(math.Round(720+rnd.NormFloat64()*3) / 10)))
			}, second, good), 0.75},
		"noise in all 53 bits": {each(func(int) twin.Value { return twin.FloatValue(50 + rnd.NormFloat64()) }, second, good), 7.2},
		"a decimal walk with one odd value": {each(func(i int) twin.Value {
			if i == 1000 {
				return twin.FloatValue(1.0 / 3)
			}
			return twin.FloatValue(math.Round(2000+rnd.NormFloat64()*5) / 100)
		}, second, good), 0.75},
		"counter":  {each(func(i int) twin.Value { counter += 40 + int64(rnd.IntN(4)); return twin.IntValue(counter) }, second, good), 0.6},
		"contact":  {each(func(i int) twin.Value { return twin.BoolValue(i/500%2 == 0) }, second, good), 0.06},
		"state":    {each(func(i int) twin.Value { return twin.StringValue([]string{"RUN", "IDLE"}[i/100%2]) }, second, good), 0.2},
		"constant": {each(func(int) twin.Value { return twin.FloatValue(1.0 / 3) }, second, good), 0.02},
	} {
		b := roundTrip(t, c.rows)
		per := float64(len(b)) / float64(c.rows.Len())
		t.Logf("%-62s %.3f B/point", name, per)
		if per > c.most {
			t.Errorf("%s: %.3f bytes a point, at most %.2f were wanted", name, per, c.most)
		}
	}
}

func TestABlockThatWasTouchedIsRefused(t *testing.T) {
	var enc block.Encoder
	r := walk(300)
	b := enc.Append(nil, &r)
	for i := range b {
		bad := append([]byte(nil), b...)
		bad[i] ^= 0x10
		if _, err := block.Open(bad); !errors.Is(err, block.ErrCorrupt) {
			t.Fatalf("byte %d of %d changed: error %v", i, len(b), err)
		}
	}
	for i := range b {
		if _, err := block.Open(b[:i]); !errors.Is(err, block.ErrCorrupt) {
			t.Fatalf("cut to %d of %d bytes: error %v", i, len(b), err)
		}
	}
}

func TestLastAppendedWinsWhenSorting(t *testing.T) {
	var r block.Rows
	for i, at := range []int64{5, 3, 9, 3, 5} {
		r.Append(twin.Sample{T: at, V: twin.IntValue(int64(i)), Q: twin.Good}, 0)
	}
	got := r.Sorted()
	var want block.Rows
	for _, s := range []twin.Sample{{T: 3, V: twin.IntValue(3)}, {T: 5, V: twin.IntValue(4)}, {T: 9, V: twin.IntValue(2)}} {
		s.Q = twin.Good
		want.Append(s, 0)
	}
	if d := same(want, got); d != "" {
		t.Fatal(d)
	}
}

func BenchmarkEncode(b *testing.B) {
	r := walk(4096)
	var enc block.Encoder
	var buf []byte
	for b.Loop() {
		buf = enc.Append(buf[:0], &r)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/4096, "ns/point")
	b.ReportMetric(float64(len(buf))/4096, "B/point")
}

func BenchmarkDecode(b *testing.B) {
	r := walk(4096)
	var enc block.Encoder
	buf := enc.Append(nil, &r)
	var s block.Scratch
	ts, vs, qs := make([]int64, 4096), make([]twin.Value, 4096), make([]twin.Quality, 4096)
	for b.Loop() {
		o, err := block.Open(buf)
		if err != nil {
			b.Fatal(err)
		}
		if err := errors.Join(o.Times(ts), o.Values(vs, &s), o.Qualities(qs)); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/4096, "ns/point")
}
