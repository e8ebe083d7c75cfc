package historiantest

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/lineshaft/lineshaft/backend/historian"
	"github.com/lineshaft/lineshaft/backend/historian/query"
	"github.com/lineshaft/lineshaft/twin"
)

// randomHistories does the same to the historian and to the model: appends of live, late, repeated and corrected
// samples, commits, deletions and restarts; and asks both the same questions in between.
func randomHistories(t *testing.T, s *Subject) {
	base := historian.SeriesID(0)
	rapid.Check(t, func(rt *rapid.T) {
		h := &history{s: s, model: NewModel(), base: base, outer: t, now: noon}
		if s.Reopen != nil { // it costs: one history in three is interrupted, once
			h.opens = rapid.IntRange(0, 2).Draw(rt, "restarts") - 1
		}
		base += 4
		rt.Repeat(map[string]func(*rapid.T){
			"append":  h.append,
			"append2": h.append,
			"append3": h.append,
			"commit": func(t *rapid.T) {
				h.both(t, "commit", func(x historian.Historian) error { return x.Commit(h.outer.Context()) })
			},
			"delete": h.delete,
			"reopen": h.reopen,
			"read":   h.read,
			"ask":    h.ask,
			"roll":   func(*rapid.T) { s.roll(t) },
			"":       func(*rapid.T) {},
		})
		h.readAll(rt)
		s.roll(t)
		h.readAll(rt)
	})
}

type history struct {
	s     *Subject
	model *Model
	base  historian.SeriesID
	outer *testing.T
	now   int64
	opens int // restarts to come
}

func (h *history) both(t *rapid.T, what string, do func(historian.Historian) error) {
	if err := do(h.model); err != nil {
		t.Fatalf("%s in the model: %v", what, err)
	}
	if err := do(h.s); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

func (h *history) id(t *rapid.T) historian.SeriesID {
	return h.base + historian.SeriesID(rapid.IntRange(1, 4).Draw(t, "series"))
}

func (h *history) append(t *rapid.T) {
	n := rapid.SampledFrom([]int{1, 3, 40, 200}).Draw(t, "points")
	id, spread := h.id(t), rapid.Bool().Draw(t, "spread")
	lateness := rapid.SampledFrom([]int64{0, 0, 90, 3600, 3 * 86400, 400 * 86400}).Draw(t, "lateness")
	start := h.now - lateness*second
	step := rapid.SampledFrom([]int64{second, second, second / 10, 60 * second, 7200 * second, 0, -second}).Draw(t, "step")
	text := rapid.IntRange(0, 9).Draw(t, "text") == 0
	var ps []historian.Point
	for i := range int64(n) {
		v := twin.FloatValue(math.Round(50+10*math.Sin(float64(start+i*step)/1e12)*100) / 100)
		switch {
		case text:
			v = twin.StringValue([]string{"RUN", "IDLE", "FAULT"}[i%3])
		case i%37 == 36:
			v = twin.Value{}
		case i%23 == 22:
			v = twin.FloatValue(float64(h.now+i) / 3)
		}
		q := twin.Good
		if i%31 == 30 {
			q = twin.CommFailure
		}
		p := historian.Point{Series: id, Sample: sample(start+i*step, v, q), Received: max(h.now, start+i*step)}
		if spread {
			p.Series = h.base + 1 + historian.SeriesID(i%4)
		}
		ps = append(ps, p)
	}
	h.both(t, "append", func(x historian.Historian) error { return x.Append(h.outer.Context(), ps) })
	if lateness == 0 && step > 0 {
		h.now = max(h.now, start+int64(n)*step)
	}
}

func (h *history) span(t *rapid.T) (from, to int64) {
	from = h.now - rapid.SampledFrom([]int64{0, 30, 600, 86400, 3 * 86400, 500 * 86400}).Draw(t, "before")*second
	to = from + rapid.SampledFrom([]int64{1, 5, 600, 86400, 900 * 86400}).Draw(t, "span")*second
	return from, to
}

func (h *history) delete(t *rapid.T) {
	id := h.id(t)
	from, to := h.span(t)
	h.both(t, "delete", func(x historian.Historian) error { return x.Delete(h.outer.Context(), id, from, to) })
}

func (h *history) reopen(t *rapid.T) {
	if h.opens <= 0 {
		t.Skip("no restart in this history")
	}
	h.opens--
	if err := h.s.Commit(h.outer.Context()); err != nil {
		t.Fatalf("commit: %v", err)
	}
	h.s.reopen(h.outer)
}

func (h *history) read(t *rapid.T) {
	id := h.id(t)
	from, to := h.span(t)
	h.compare(t, id, from, to)
}

func (h *history) readAll(t *rapid.T) {
	for id := h.base + 1; id <= h.base+4; id++ {
		h.compare(t, id, math.MinInt64, math.MaxInt64)
		if err := CheckRollups(h.outer.Context(), h.s.Historian, id); err != nil {
			t.Fatal(err)
		}
	}
}

// ask asks the historian and the model for aggregates of the same intervals; the answers are equal to the last bit.
func (h *history) ask(t *rapid.T) {
	from, to := h.span(t)
	q := query.Query{
		Tags: []query.Tag{{Series: h.id(t), Expected: rapid.SampledFrom([]time.Duration{0, time.Second, time.Minute}).Draw(t, "expected")}},
		From: from, To: to, Aggs: query.Aggs(), All: rapid.Bool().Draw(t, "all"),
		Interval: rapid.SampledFrom([]time.Duration{time.Minute, 15 * time.Minute, time.Hour, 24 * time.Hour}).Draw(t, "interval"),
	}
	if to-from > 86400*second {
		q.Interval = 24 * time.Hour
	}
	want, err := query.Run(h.outer.Context(), h.model, q)
	if err != nil {
		t.Fatal(err)
	}
	got, err := query.Run(h.outer.Context(), h.s, q)
	if err != nil {
		t.Fatal(err)
	}
	for i := range got {
		got[i].Rev = 0
		if slices.Equal(got[i].T, want[i].T) && slices.Equal(got[i].V, want[i].V) && slices.Equal(got[i].Q, want[i].Q) {
			got[i].T, got[i].V, got[i].Q = want[i].T, want[i].V, want[i].Q
		}
	}
	if d := cmp.Diff(want, got, same()); d != "" {
		t.Fatalf("%+v (-model +historian):\n%s", q, clip(d))
	}
}

func (h *history) compare(t *rapid.T, id historian.SeriesID, from, to int64) {
	ctx := h.outer.Context()
	want, err := h.model.Read(ctx, id, from, to)
	if err != nil {
		t.Fatal(err)
	}
	got, err := h.s.Read(ctx, id, from, to)
	if err != nil {
		t.Fatal(err)
	}
	if equal(want, got) {
		h.compareLast(t, id)
		return
	}
	if d := cmp.Diff(want, got, same()); d != "" {
		t.Fatalf("series %d from %d to %d (-model +historian):\n%s", id, from, to, clip(d))
	}
	t.Fatalf("series %d: columns of different length, %d and %d", id, len(want.T), len(got.T))
}

func (h *history) compareLast(t *rapid.T, id historian.SeriesID) {
	ctx := h.outer.Context()
	lastWant, err := h.model.Last(ctx, []historian.SeriesID{id})
	if err != nil {
		t.Fatal(err)
	}
	lastGot, err := h.s.Last(ctx, []historian.SeriesID{id})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(lastWant, lastGot, same()); d != "" {
		t.Fatalf("last of series %d (-model +historian):\n%s", id, d)
	}
}

// equal is what cmp.Diff would say, for columns of a size at which it takes long.
func equal(a, b historian.Column) bool {
	if len(a.T) != len(b.T) || len(a.V) != len(b.V) || len(a.Q) != len(b.Q) || !slices.Equal(a.Late, b.Late) {
		return false
	}
	return slices.Equal(a.T, b.T) && slices.Equal(a.Q, b.Q) && slices.Equal(a.V, b.V)
}

func clip(s string) string {
	if len(s) > 4000 {
		return fmt.Sprintf("%s… (%d bytes)", s[:4000], len(s))
	}
	return s
}
