package query_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/lineshaft/lineshaft/backend/historian"
	"github.com/lineshaft/lineshaft/backend/historian/historiantest"
	"github.com/lineshaft/lineshaft/backend/historian/query"
	"github.com/lineshaft/lineshaft/twin"
)

// Intervals of whole minutes are computed from buckets, others from readings; both mean the same.
func TestBucketsAndReadingsGiveTheSameAnswer(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := historiantest.NewModel()
		var c historian.Column
		now := minute + rapid.Int64Range(-3600, 0).Draw(t, "start")*second
		for range rapid.IntRange(0, 300).Draw(t, "n") {
			now += rapid.SampledFrom([]int64{1, 1, 1, 5, 13, 200, 4000}).Draw(t, "step") * second
			v := twin.FloatValue(float64(rapid.IntRange(-5000, 5000).Draw(t, "v")) / 100)
			q := rapid.SampledFrom([]twin.Quality{twin.Good, twin.Good, twin.Good, twin.Uncertain, twin.Bad}).Draw(t, "q")
			if err := h.Append(t.Context(), []historian.Point{{Series: 1, Sample: twin.Sample{T: now, V: v, Q: q}}}); err != nil {
				t.Fatal(err)
			}
			c.T, c.V, c.Q = append(c.T, now), append(c.V, v), append(c.Q, q)
		}
		tag := query.Tag{Series: 1, Expected: rapid.SampledFrom([]time.Duration{0, time.Second, time.Minute}).Draw(t, "expected")}
		from := minute + rapid.Int64Range(-4000, 4000).Draw(t, "from")*second
		to := from + rapid.Int64Range(1, 20000).Draw(t, "span")*second
		q := query.Query{
			Tags: []query.Tag{tag}, From: from, To: to, Aggs: query.Aggs(), All: rapid.Bool().Draw(t, "all"),
			Interval: rapid.SampledFrom([]time.Duration{time.Minute, 5 * time.Minute, time.Hour}).Draw(t, "interval"),
		}
		got, err := query.Run(t.Context(), h, q)
		if err != nil {
			t.Fatal(err)
		}
		i, _ := slices.BinarySearch(c.T, from)
		j, _ := slices.BinarySearch(c.T, to)
		k := 0
		if tag.Expected > 0 {
			k, _ = slices.BinarySearch(c.T, from-query.HoleAfter*int64(tag.Expected))
		}
		prior := historian.Column{T: c.T[k:i], V: c.V[k:i], Q: c.Q[k:i]}
		rest := historian.Column{T: c.T[i:j], V: c.V[i:j], Q: c.Q[i:j]}
		want := query.Aggregate(prior, rest, query.Aggs(), query.Buckets{
			From: from, To: to, Interval: q.Interval, All: q.All, Hold: query.HoleAfter * tag.Expected,
		})
		for k, agg := range query.Aggs() {
			if d := cmp.Diff(want[k], historian.Column{T: got[k].T, V: got[k].V, Q: got[k].Q}, values()); d != "" {
				t.Fatalf("%s (-of readings +of buckets):\n%s", agg, d)
			}
		}
	})
}

// What is told of holes, bad quality and lateness at an interval of a minute is what is told of readings, where a
// minute has one of each.
func TestHolesAndSpansSurviveTheRollup(t *testing.T) {
	h := historiantest.NewModel()
	for s := int64(-30); s < 600; s++ {
		p := historian.Point{Series: 1, Sample: at(s, 1, twin.Good)}
		switch {
		case s >= 90 && s < 210: // silence over three minutes
			continue
		case s >= 230 && s < 260: // the sensor fails over the turn of a minute
			p.Q = twin.SensorFailure
		case s >= 330 && s < 480: // back-filled
			p.Received = p.T + 3600*second
		}
		if err := h.Append(t.Context(), []historian.Point{p}); err != nil {
			t.Fatal(err)
		}
	}
	q := query.Query{Tags: []query.Tag{{Series: 1, Expected: time.Second}}, From: minute - 20*second, To: minute + 620*second}
	raw, err := query.Run(t.Context(), h, q)
	if err != nil {
		t.Fatal(err)
	}
	q.Interval = time.Minute
	rolled, err := query.Run(t.Context(), h, q)
	if err != nil {
		t.Fatal(err)
	}
	if len(raw[0].Holes) != 2 || len(raw[0].Bad) != 1 || len(raw[0].Late) != 1 {
		t.Fatalf("%+v", raw[0])
	}
	if d := cmp.Diff(raw[0].Holes, rolled[0].Holes); d != "" {
		t.Errorf("holes (-readings +minutes):\n%s", d)
	}
	if d := cmp.Diff(raw[0].Bad, rolled[0].Bad); d != "" {
		t.Errorf("bad spans (-readings +minutes):\n%s", d)
	}
	if d := cmp.Diff(raw[0].Late, rolled[0].Late); d != "" {
		t.Errorf("late spans (-readings +minutes):\n%s", d)
	}
}
