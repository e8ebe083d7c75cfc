package intake

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// The set as spans agrees with a set as a map, whatever order the numbers come in.
func TestRangesAgreeWithANaiveSet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var r ranges
		naive := map[uint64]bool{}
		number := rapid.OneOf(rapid.Uint64Range(0, 60), rapid.Uint64Range(math.MaxUint64-20, math.MaxUint64))
		for _, n := range rapid.SliceOfN(number, 0, 200).Draw(t, "numbers") {
			if got, want := r.add(n), !naive[n]; got != want {
				t.Fatalf("add %d: new=%v, want %v", n, got, want)
			}
			naive[n] = true
		}
		count := 0
		for i, s := range r {
			if s.From > s.To || (i > 0 && s.From-r[i-1].To < 2) {
				t.Fatalf("spans touch or are out of order: %v", r)
			}
			for n := s.From; ; n++ {
				if !naive[n] {
					t.Fatalf("%v has %d, which was never added", r, n)
				}
				count++
				if n == s.To {
					break
				}
			}
		}
		if count != len(naive) {
			t.Fatalf("%v has %d numbers, want %d", r, count, len(naive))
		}
		for n := range uint64(62) {
			if r.has(n) != naive[n] {
				t.Fatalf("has %d = %v", n, r.has(n))
			}
		}
	})
}

func TestRangesForgetTheLowestHoles(t *testing.T) {
	var r ranges
	for _, n := range []uint64{1, 2, 5, 9, 10, 20} {
		r.add(n)
	}
	closed := r.forget(2)
	if !slices.Equal(closed, ranges{{3, 4}, {6, 8}}) || !slices.Equal(r, ranges{{1, 10}, {20, 20}}) {
		t.Errorf("closed %v, left %v", closed, r)
	}
}

func BenchmarkRangesInOrder(b *testing.B) {
	var r ranges
	for n := range uint64(b.N) {
		r.add(n)
	}
}

// Spans put in whole, counted and taken away agree with a set of single numbers.
func TestSpansAgreeWithSingleNumbers(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	random := func() (ranges, map[uint64]bool) {
		var r ranges
		set := map[uint64]bool{}
		for range rnd.IntN(12) {
			from := uint64(1 + rnd.IntN(60))
			to := from + uint64(rnd.IntN(8))
			r.addSpan(span{from, to})
			for n := from; n <= to; n++ {
				set[n] = true
			}
		}
		return r, set
	}
	for range 2000 {
		a, as := random()
		b, bs := random()
		rest := a.without(b)
		window := span{uint64(1 + rnd.IntN(40)), uint64(41 + rnd.IntN(40))}
		count := uint64(0)
		for n := uint64(1); n < 80; n++ {
			if a.has(n) != as[n] || rest.has(n) != (as[n] && !bs[n]) {
				t.Fatalf("%d: %v without %v is %v", n, a, b, rest)
			}
			if as[n] && window.From <= n && n <= window.To {
				count++
			}
		}
		if got := a.in(window); got != count {
			t.Fatalf("%v has %d in %v, counted %d", a, count, window, got)
		}
		for i := 1; i < len(a); i++ {
			if a[i-1].To+1 >= a[i].From {
				t.Fatalf("%v is not apart", a)
			}
		}
	}
}
