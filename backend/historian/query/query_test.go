package query_test

import (
	"context"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/lineshaft/lineshaft/backend/historian"
	"github.com/lineshaft/lineshaft/backend/historian/historiantest"
	"github.com/lineshaft/lineshaft/backend/historian/query"
	"github.com/lineshaft/lineshaft/twin"
	"github.com/lineshaft/lineshaft/twin/fault"
)

const second = int64(time.Second)

// minute is a quarter past noon, where the stories begin.
const minute = int64(1773749700) * 1e9

func column(samples ...twin.Sample) historian.Column {
	var c historian.Column
	for _, s := range samples {
		c.T, c.V, c.Q = append(c.T, s.T), append(c.V, s.V), append(c.Q, s.Q)
	}
	return c
}

func at(s int64, v float64, q twin.Quality) twin.Sample {
	return twin.Sample{T: minute + s*second, V: twin.FloatValue(v), Q: q}
}

func values() cmp.Options {
	return cmp.Options{
		cmp.Comparer(func(a, b twin.Value) bool {
			if a.Kind() != b.Kind() || a.Kind() == twin.String {
				return a == b
			}
			x, y := a.Float(), b.Float()
			return x == y || math.IsNaN(x) && math.IsNaN(y) || math.Abs(x-y) <= 1e-9*max(1, math.Abs(x), math.Abs(y))
		}),
		cmpopts.EquateEmpty(),
	}
}

func TestABadReadingIsNeverAveraged(t *testing.T) {
	c := column(
		at(0, 10, twin.Good), at(10, 20, twin.Good), at(20, 9999, twin.SensorFailure), at(30, 30, twin.Uncertain), // first minute
		at(60, 40, twin.Good),                                      // second
		at(130, 0, twin.CommFailure), at(140, 0, twin.CommFailure), // third: nothing good
		// no fourth
		at(240, 50, twin.Good),
	)
	f, none := twin.FloatValue, twin.Value{}
	for _, test := range []struct {
		name string
		agg  query.Agg
		all  bool
		want []twin.Value
	}{
		{"mean of the good", query.Avg, false, []twin.Value{f(15), f(40), none, f(50)}},
		{"mean of good and uncertain", query.Avg, true, []twin.Value{f(20), f(40), none, f(50)}},
		{"the good are counted", query.Count, false, []twin.Value{twin.IntValue(2), twin.IntValue(1), twin.IntValue(0), twin.IntValue(1)}},
		{"all are counted", query.Count, true, []twin.Value{twin.IntValue(4), twin.IntValue(1), twin.IntValue(2), twin.IntValue(1)}},
		{"greatest", query.Max, true, []twin.Value{f(30), f(40), none, f(50)}},
		{"smallest", query.Min, false, []twin.Value{f(10), f(40), none, f(50)}},
		{"sum", query.Sum, false, []twin.Value{f(30), f(40), none, f(50)}},
		{"first", query.First, false, []twin.Value{f(10), f(40), none, f(50)}},
		{"last", query.Last, true, []twin.Value{f(30), f(40), none, f(50)}},
		{"spread", query.Stddev, false, []twin.Value{f(math.Sqrt(50)), none, none, none}},
		// 10 holds 10 s, 20 holds 10 s, the bad reading ends it; 40 holds its minute and ends with the bad one.
		{"weighted by time", query.TWA, false, []twin.Value{f(15), f(40), f(40), f(50)}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := query.Aggregate(historian.Column{}, c, []query.Agg{test.agg},
				query.Buckets{From: minute, To: minute + 300*second, Interval: time.Minute, All: test.all})[0]
			if d := cmp.Diff(test.want, got.V, values()); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
			if d := cmp.Diff([]int64{minute, minute + 60*second, minute + 120*second, minute + 240*second}, got.T); d != "" {
				t.Errorf("starts of the intervals (-want +got)\n%s", d)
			}
			if (!got.Q[1].IsGood() && test.agg != query.Stddev) || got.Q[0].IsGood() || got.Q[0].IsBad() || (test.agg != query.TWA && !got.Q[2].IsBad()) {
				t.Errorf("qualities %v", got.Q)
			}
		})
	}
}

func TestAValueHoldsUntilTheNextButNotForEver(t *testing.T) {
	prior := column(at(-30, 100, twin.Good))
	c := column(at(15, 200, twin.Good), at(45, 0, twin.CommFailure))
	run := func(hold time.Duration) float64 {
		return query.Aggregate(prior, c, []query.Agg{query.TWA},
			query.Buckets{From: minute, To: minute + 60*second, Interval: time.Minute, Hold: hold})[0].V[0].Float()
	}
	if got, want := run(0), (15*100.0+30*200)/45; got != want {
		t.Errorf("mean is %v, not %v", got, want)
	}
	if got, want := run(35*time.Second), (5*100.0+30*200)/35; got != want {
		t.Errorf("mean is %v, not %v, where a value holds 35 s", got, want)
	}
}

func TestHolesAndBadSpansAreSaidHonestly(t *testing.T) {
	var c historian.Column
	for _, s := range []int64{0, 1, 2, 7, 8, 20, 21} { // five seconds are jitter, twelve are not
		c.T = append(c.T, minute+s*second)
	}
	got := query.Holes(c.T, time.Second, minute-10*second, minute+24*second)
	want := []query.Span{{minute - 10*second, minute}, {minute + 8*second, minute + 20*second}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("holes (-want +got)\n%s", d)
	}
	if got := query.Holes(nil, time.Second, minute, minute+60*second); len(got) != 1 || got[0] != (query.Span{From: minute, To: minute + 60*second}) {
		t.Errorf("a range without readings has the holes %v", got)
	}
	if got := query.Holes(c.T, 0, minute, minute+24*second); got != nil {
		t.Errorf("a tag that comes on change has the holes %v", got)
	}
	bad := query.NotGood(column(at(0, 1, twin.Good), at(1, 1, twin.Bad), at(2, 1, twin.Uncertain), at(3, 1, twin.Good), at(9, 1, twin.Bad)), minute+60*second)
	want = []query.Span{{minute + second, minute + 3*second}, {minute + 9*second, minute + 9*second + 1}}
	if d := cmp.Diff(want, bad); d != "" {
		t.Errorf("bad spans (-want +got)\n%s", d)
	}
}

func TestOneSpikeInADayIsSeenAtEveryZoom(t *testing.T) {
	var c historian.Column
	for i := range int64(86400) {
		v := 20 + math.Sin(float64(i)/1000)
		if i == 54321 {
			v = 95
		}
		c.T, c.V, c.Q = append(c.T, minute+i*second), append(c.V, twin.FloatValue(v)), append(c.Q, twin.Good)
	}
	for _, most := range []int{8, 100, 1200, 5000} {
		thin := query.Decimate(c, most)
		if len(thin.T) > most || len(thin.T) < most/3 {
			t.Errorf("%d readings where about %d were asked for", len(thin.T), most)
		}
		if !slices.Contains(thin.V, twin.FloatValue(95)) {
			t.Errorf("the spike is gone among %d readings", most)
		}
	}
}

func TestThinningKeepsTheExtremesOfEveryStretch(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var c historian.Column
		now := rapid.Int64Range(-1e15, 1e18).Draw(t, "start")
		for range rapid.IntRange(1, 500).Draw(t, "n") {
			now += rapid.Int64Range(1, 1e10).Draw(t, "step")
			v := twin.FloatValue(float64(rapid.IntRange(-50, 50).Draw(t, "v")))
			if rapid.IntRange(0, 20).Draw(t, "text") == 0 {
				v = twin.StringValue("RUN")
			}
			q := twin.Good
			if rapid.IntRange(0, 15).Draw(t, "bad") == 0 {
				q = twin.Bad
			}
			c.T, c.V, c.Q = append(c.T, now), append(c.V, v), append(c.Q, q)
		}
		most := rapid.IntRange(8, 200).Draw(t, "most")
		thin := query.Decimate(c, most)
		if thin.T[0] != c.T[0] || thin.T[len(thin.T)-1] != c.T[len(c.T)-1] {
			t.Fatal("an end is missing")
		}
		if len(thin.T) > most*3/2+4 {
			t.Fatalf("%d readings where about %d were asked for", len(thin.T), most)
		}
		extremes := func(c historian.Column) (low, high float64, odd bool) {
			low, high = math.Inf(1), math.Inf(-1)
			for i := range c.T {
				if f := c.V[i].Float(); c.Q[i].IsGood() && !math.IsNaN(f) {
					low, high = min(low, f), max(high, f)
				}
				odd = odd || !c.Q[i].IsGood()
			}
			return low, high, odd
		}
		l1, h1, o1 := extremes(c)
		l2, h2, o2 := extremes(thin)
		if l1 != l2 || h1 != h2 || o1 != o2 {
			t.Fatalf("%v to %v, bad %v, became %v to %v, bad %v", l1, h1, o1, l2, h2, o2)
		}
		for i, j := 0, 0; i < len(thin.T); i++ { // a subset, in order
			for j < len(c.T) && c.T[j] != thin.T[i] {
				j++
			}
			if j == len(c.T) || c.V[j] != thin.V[i] || c.Q[j] != thin.Q[i] {
				t.Fatalf("reading %d was invented", i)
			}
		}
	})
}

// naive computes an aggregate of one interval from its readings, as a first-year student would.
func naive(agg query.Agg, vs []float64, count int) twin.Value {
	if agg == query.Count {
		return twin.IntValue(int64(count))
	}
	if len(vs) == 0 {
		return twin.Value{}
	}
	sum := 0.0
	for _, v := range vs {
		sum += v
	}
	mean := sum / float64(len(vs))
	switch agg {
	case query.Avg:
		return twin.FloatValue(mean)
	case query.Sum:
		return twin.FloatValue(sum)
	case query.Min:
		return twin.FloatValue(slices.Min(vs))
	case query.Max:
		return twin.FloatValue(slices.Max(vs))
	case query.First:
		return twin.FloatValue(vs[0])
	case query.Last:
		return twin.FloatValue(vs[len(vs)-1])
	case query.Stddev:
		if len(vs) < 2 {
			return twin.Value{}
		}
		m2 := 0.0
		for _, v := range vs {
			m2 += (v - mean) * (v - mean)
		}
		return twin.FloatValue(math.Sqrt(m2 / float64(len(vs)-1)))
	case query.Count, query.TWA:
	}
	return twin.Value{}
}

func TestAggregatesEqualTheNaiveOnes(t *testing.T) {
	aggs := []query.Agg{query.Avg, query.Min, query.Max, query.Count, query.First, query.Last, query.Sum, query.Stddev}
	rapid.Check(t, func(t *rapid.T) {
		var c historian.Column
		now := rapid.Int64Range(-1e12, 1e12).Draw(t, "start")
		from := now
		for range rapid.IntRange(0, 300).Draw(t, "n") {
			now += rapid.Int64Range(1, 4e9).Draw(t, "step")
			c.T = append(c.T, now)
			c.V = append(c.V, twin.FloatValue(float64(rapid.IntRange(-5000, 5000).Draw(t, "v"))/100))
			c.Q = append(c.Q, rapid.SampledFrom([]twin.Quality{twin.Good, twin.Good, twin.Good, twin.Uncertain, twin.Bad}).Draw(t, "q"))
		}
		all := rapid.Bool().Draw(t, "all")
		step := rapid.SampledFrom([]time.Duration{time.Second, 7 * time.Second, time.Minute}).Draw(t, "interval")
		got := query.Aggregate(historian.Column{}, c, aggs, query.Buckets{From: from, To: now + 1, Interval: step, All: all})

		type interval struct {
			vs    []float64
			count int
		}
		groups := map[int64]*interval{}
		var starts []int64
		for i, at := range c.T {
			start := int64(math.Floor(float64(at)/float64(step))) * int64(step)
			g := groups[start]
			if g == nil {
				g = &interval{}
				groups[start] = g
				starts = append(starts, start)
			}
			if all || c.Q[i].IsGood() {
				g.count++
			}
			if c.Q[i].IsGood() || all && c.Q[i].IsUncertain() {
				g.vs = append(g.vs, c.V[i].Float())
			}
		}
		for k, agg := range aggs {
			var want []twin.Value
			for _, s := range starts {
				want = append(want, naive(agg, groups[s].vs, groups[s].count))
			}
			if d := cmp.Diff(starts, got[k].T, cmpopts.EquateEmpty()); d != "" {
				t.Fatalf("intervals of %s: %s", agg, d)
			}
			if d := cmp.Diff(want, got[k].V, values()); d != "" {
				t.Fatalf("%s (-naive +got):\n%s", agg, d)
			}
		}
	})
}

// filled is a historian with readings every ten seconds for five minutes, the third minute missing.
func filled(t *testing.T) historian.Historian {
	h := historiantest.NewModel()
	for s := int64(0); s < 300; s += 10 {
		if s >= 120 && s < 180 {
			continue
		}
		p := historian.Point{Series: 1, Sample: at(s, float64(s), twin.Good)}
		if err := h.Append(t.Context(), []historian.Point{p}); err != nil {
			t.Fatal(err)
		}
	}
	return h
}

func TestOnlyWhatIsAskedIsFilled(t *testing.T) {
	f := twin.FloatValue
	h := filled(t)
	for _, test := range []struct {
		fill query.Fill
		want []twin.Value
		q    twin.Quality
	}{
		{query.FillNone, []twin.Value{f(25), f(85), f(205), f(265)}, twin.Good},
		{query.FillNull, []twin.Value{f(25), f(85), {}, f(205), f(265)}, twin.Bad},
		{query.FillPrevious, []twin.Value{f(25), f(85), f(85), f(205), f(265)}, twin.LastUsable},
		{query.FillLinear, []twin.Value{f(25), f(85), f(145), f(205), f(265)}, twin.SubNormal},
	} {
		got, err := query.Run(t.Context(), h, query.Query{
			Tags: []query.Tag{{Series: 1, Expected: 10 * time.Second}}, From: minute, To: minute + 300*second, Interval: time.Minute, Fill: test.fill,
		})
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(test.want, got[0].V, values()); d != "" || got[0].Q[2] != test.q {
			t.Errorf("fill %q: quality %v (-want +got)\n%s", test.fill, got[0].Q, d)
		}
		if d := cmp.Diff([]query.Span{{minute + 110*second, minute + 180*second}}, got[0].Holes); d != "" {
			t.Errorf("holes (-want +got)\n%s", d)
		}
	}
}

func TestOneCallAnswersManyTagsAndAggregates(t *testing.T) {
	got, err := query.Run(t.Context(), filled(t), query.Query{
		Tags: []query.Tag{{Series: 1}, {Series: 2}}, From: minute + 15*second, To: minute + 300*second, Interval: time.Minute,
		Aggs: []query.Agg{query.Count, query.TWA},
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 4 || got[1].Agg != query.TWA || got[2].Tag != 1 || len(got[2].T) != 0 || got[0].Resolution != "1m0s" {
		t.Fatalf("%+v", got)
	}
	// From 12:15:15 on: 10 holds 5 s, then 20, 30, 40 and 50 for ten.
	if v := got[1].V[0].Float(); math.Abs(v-(5*10+10*(20+30+40+50))/45.0) > 1e-9 {
		t.Fatalf("the mean weighted by time begins with %v", v)
	}
}

func TestReadingsComeRawOrThinned(t *testing.T) {
	h := filled(t)
	if err := h.Append(context.Background(), []historian.Point{{Series: 1, Sample: at(5, -1, twin.SensorFailure)}}); err != nil {
		t.Fatal(err)
	}
	ask := func(q query.Query) query.Result {
		t.Helper()
		q.Tags, q.From, q.To = []query.Tag{{Series: 1, Expected: 10 * time.Second}}, minute, minute+300*second
		got, err := query.Run(t.Context(), h, q)
		if err != nil {
			t.Fatal(err)
		}
		return got[0]
	}
	if r := ask(query.Query{}); len(r.T) != 24 || len(r.Bad) != 1 || r.Resolution != "raw" {
		t.Errorf("good readings: %d, bad spans %v, %s", len(r.T), r.Bad, r.Resolution)
	}
	if r := ask(query.Query{All: true}); len(r.T) != 25 || len(r.Bad) != 0 {
		t.Errorf("all readings: %d, bad spans %v", len(r.T), r.Bad)
	}
	if r := ask(query.Query{MaxPoints: 10}); len(r.T) > 10 || r.Resolution != "min-max" {
		t.Errorf("thinned readings: %d, %s", len(r.T), r.Resolution)
	}
}

func TestASenselessQuestionIsRefused(t *testing.T) {
	for name, q := range map[string]query.Query{
		"to":       {From: 2, To: 1},
		"interval": {From: 0, To: 1e18, Interval: time.Millisecond},
		"agg":      {From: 0, To: 1, Interval: 1, Aggs: []query.Agg{"median"}},
		"fill":     {From: 0, To: 1, Interval: 1, Fill: "magic"},
	} {
		_, err := query.Run(t.Context(), historiantest.NewModel(), q)
		if !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}
