package influx_test

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/lineshaft/lineshaft/backend/historian"
	"github.com/lineshaft/lineshaft/backend/historian/embedded"
	"github.com/lineshaft/lineshaft/backend/historian/influx"
	"github.com/lineshaft/lineshaft/backend/historian/influx/influxtest"
	"github.com/lineshaft/lineshaft/twin"
)

const second = int64(1e9)

// noon is where the stories begin.
const noon = int64(1773748800) * second

// TestBothHistoriansTellTheSame gives a gateway's messages to both: in time, late, twice, corrected, with holes and
// with values no class would declare. Each must remember what the other does.
func TestBothHistoriansTellTheSame(t *testing.T) {
	server := influxtest.Start(t)
	store := open(t, influx.Options{URL: server.URL, Places: pumps, BatchPoints: 700})
	defer func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	}()
	own, err := embedded.Open(t.TempDir(), embedded.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := own.Close(); err != nil {
			t.Error(err)
		}
	}()
	both := []historian.Historian{own.Tenant("acme"), store.Tenant("acme")}
	base := historian.SeriesID(0)
	rapid.Check(t, func(rt *rapid.T) {
		at := noon
		for range rapid.IntRange(1, 6).Draw(rt, "messages") {
			ps := messages(rt, base, &at)
			commit := rapid.Bool().Draw(rt, "commit")
			for _, h := range both {
				if err := h.Append(t.Context(), ps); err != nil {
					rt.Fatal(err)
				}
				if !commit {
					continue
				}
				if err := h.Commit(t.Context()); err != nil {
					rt.Fatal(err)
				}
			}
			if rapid.IntRange(0, 9).Draw(rt, "forget") == 0 {
				id, from := base+1, at-rapid.Int64Range(0, 4000).Draw(rt, "from")*second
				for _, h := range both {
					if err := h.Delete(t.Context(), id, from, from+600*second); err != nil {
						rt.Fatal(err)
					}
				}
			}
		}
		for id := base + 1; id <= base+4; id++ {
			same(t, rt, both, id)
		}
		base += 4
	})
}

// messages draws what a gateway sends in one go: some readings of some tags of one pump.
func messages(rt *rapid.T, base historian.SeriesID, at *int64) []historian.Point {
	received := *at
	t := *at - rapid.SampledFrom([]int64{0, 0, 0, 61, 300, 7200, 90_000}).Draw(rt, "late")*second
	var ps []historian.Point
	for range rapid.IntRange(1, 15).Draw(rt, "readings") {
		for id := base + 1; id <= base+4; id++ {
			if rapid.IntRange(0, 5).Draw(rt, "silent") == 0 {
				continue
			}
			ps = append(ps, historian.Point{Series: id, Received: max(received, t), Sample: twin.Sample{
				T: t, V: value(rt), Q: twin.Quality(rapid.Uint8().Draw(rt, "quality")),
			}})
		}
		t += rapid.SampledFrom([]int64{second, second, second, 1, 120 * second, 0, -second}).Draw(rt, "step")
	}
	*at = max(*at, t) + rapid.Int64Range(0, 100).Draw(rt, "pause")*second
	return ps
}

func value(rt *rapid.T) twin.Value {
	switch rapid.IntRange(0, 9).Draw(rt, "kind") {
	case 0:
		return twin.Value{}
	case 1:
		return twin.IntValue(rapid.Int64().Draw(rt, "int"))
	case 2:
		return twin.BoolValue(rapid.Bool().Draw(rt, "bool"))
	case 3:
		return twin.StringValue(rapid.String().Draw(rt, "text"))
	case 4:
		return twin.FloatValue(rapid.SampledFrom([]float64{math.Inf(1), math.NaN(), math.MaxFloat64, 5e-324, math.Copysign(0, -1)}).Draw(rt, "odd"))
	}
	return twin.FloatValue(rapid.Float64().Draw(rt, "float"))
}

func same(t *testing.T, rt *rapid.T, both []historian.Historian, id historian.SeriesID) {
	want, err := both[0].Read(t.Context(), id, math.MinInt64, math.MaxInt64)
	if err != nil {
		rt.Fatal(err)
	}
	got, err := both[1].Read(t.Context(), id, math.MinInt64, math.MaxInt64)
	if err != nil {
		rt.Fatal(err)
	}
	if !slices.Equal(want.T, got.T) || !slices.Equal(want.Q, got.Q) || !slices.Equal(want.Late, got.Late) {
		rt.Fatalf("series %d: times, qualities or lateness differ:\n%v\n%v", id, want, got)
	}
	for i, v := range want.V {
		if !identical(v, got.V[i]) {
			rt.Fatalf("series %d at %d: %v %q here, %v %q in InfluxDB", id, want.T[i], v.Kind(), v.Text(), got.V[i].Kind(), got.V[i].Text())
		}
	}
	last := make([][]twin.Sample, len(both))
	for i, h := range both {
		if last[i], err = h.Last(t.Context(), []historian.SeriesID{id}); err != nil {
			rt.Fatal(err)
		}
	}
	if a, b := last[0][0], last[1][0]; a.T != b.T || a.Q != b.Q || !identical(a.V, b.V) {
		rt.Fatalf("last of series %d: %v here, %v in InfluxDB", id, a, b)
	}
}

func identical(a, b twin.Value) bool {
	if a.Kind() == twin.Float && b.Kind() == twin.Float {
		return math.Float64bits(a.Float()) == math.Float64bits(b.Float())
	}
	return a == b
}
