package historiantest

import (
	"context"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lineshaft/lineshaft/backend/historian"
	"github.com/lineshaft/lineshaft/backend/historian/query"
	"github.com/lineshaft/lineshaft/backend/historian/rollup"
	"github.com/lineshaft/lineshaft/twin"
)

// CheckRollups compares every bucket a historian gives of a series with what its samples make. Historians without
// rollups pass.
func CheckRollups(ctx context.Context, h historian.Historian, id historian.SeriesID) error {
	r, ok := h.(query.Rollups)
	if !ok {
		return nil
	}
	c, err := h.Read(ctx, id, math.MinInt64, math.MaxInt64)
	if err != nil {
		return err
	}
	for _, tier := range []time.Duration{rollup.Minute, rollup.Hour} {
		got, err := r.Rollup(ctx, id, tier, rollup.Floor(math.MinInt64/2, int64(tier)), rollup.Floor(math.MaxInt64/2, int64(tier)))
		if err != nil {
			return err
		}
		want := rollup.FromColumn(c, tier)
		if len(want) != len(got) {
			return fmt.Errorf("series %d has %d buckets of %s, its samples make %d", id, len(got), tier, len(want))
		}
		for i := range want {
			// A column knows when the last reading of a late span arrived, not each.
			if (want[i].Late.Arrived != 0) == (got[i].Late.Arrived != 0) && got[i].Late.Arrived <= want[i].Late.Arrived {
				got[i].Late.Arrived = want[i].Late.Arrived
			}
			if sameBucket(&want[i], &got[i]) {
				continue
			}
			if d := cmp.Diff(want[i], got[i], same()); d != "" {
				return fmt.Errorf("series %d, %s from %d (-samples +bucket):\n%s", id, tier, want[i].Start, clip(d))
			}
		}
	}
	return nil
}

// sameBucket is what cmp.Diff would say, for many.
func sameBucket(a, b *rollup.Bucket) bool {
	x, y := *a, *b
	if (x.All == nil) != (y.All == nil) || (x.All != nil && *x.All != *y.All) {
		return false
	}
	x.All, y.All = nil, nil
	return x == y
}

// rollupsAfterOutage has half a day of readings, of which six hours come after the rest; then some are corrected and
// some deleted. At each step the buckets are those of the readings.
func rollupsAfterOutage(t *testing.T, s *Subject) {
	const hour = 3600 * second
	points := func(from, to int64, scale float64) (ps []historian.Point) {
		for at := from; at < to; at += 5 * second {
			v := twin.FloatValue(math.Round(scale*math.Sin(float64(at-noon)/1e13)*100) / 100)
			ps = append(ps, historian.Point{Series: 1, Sample: sample(at, v, twin.Good), Received: max(at, noon+9*hour)})
		}
		return ps
	}
	step := func(what string, ps []historian.Point) {
		t.Helper()
		must(t, s.Append(t.Context(), ps))
		for range 2 {
			if err := CheckRollups(t.Context(), s.Historian, 1); err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			must(t, s.Commit(t.Context()))
			s.reopen(t)
			s.roll(t)
		}
	}
	step("before the outage", points(noon, noon+2*hour, 50))
	step("after the outage", points(noon+8*hour, noon+12*hour, 50))
	step("back-filled", points(noon+2*hour, noon+8*hour, 50))
	step("corrected", points(noon+3*hour, noon+3*hour+600*second, 70))
	must(t, s.Delete(t.Context(), 1, noon+5*hour, noon+6*hour+90*second))
	step("deleted", nil)
	must(t, s.Delete(t.Context(), 1, math.MinInt64, math.MaxInt64))
	step("emptied", nil)
}

// revisions: new data at the end leaves the revision, anything else changes it, and a restart does not.
func revisions(t *testing.T, s *Subject) {
	rev := func() int64 {
		r, ok := s.Historian.(query.Revisions)
		if !ok {
			t.Skip("this historian has no revisions")
		}
		return r.Revision(1)
	}
	put := func(at int64, v float64) {
		t.Helper()
		must(t, s.Append(t.Context(), []historian.Point{live(1, sample(noon+at*second, twin.FloatValue(v), twin.Good))}))
	}
	put(0, 1)
	first := rev()
	put(10, 2)
	put(10, 2) // the newest reading again
	if rev() != first {
		t.Error("new readings changed the revision")
	}
	seen := map[int64]bool{first: true}
	changed := func(what string) {
		t.Helper()
		for range 2 {
			r := rev()
			if seen[r] {
				t.Errorf("%s left the revision", what)
			}
			must(t, s.Commit(t.Context()))
			s.reopen(t)
			if rev() != r {
				t.Errorf("a restart after %s changed the revision", what)
			}
		}
		seen[rev()] = true
	}
	put(10, 3)
	changed("a correction of the newest reading")
	put(5, 3)
	changed("a late reading")
	must(t, s.Delete(t.Context(), 1, noon, noon+1))
	changed("a deletion")
}
