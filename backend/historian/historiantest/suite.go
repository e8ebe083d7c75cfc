// Package historiantest is the suite every historian passes: what the comments of historian.Historian promise, and a
// comparison with a model on random histories.
package historiantest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"golang.org/x/sync/errgroup"

	"github.com/lineshaft/lineshaft/backend/historian"
	"github.com/lineshaft/lineshaft/twin"
)

// Subject is a historian under test.
type Subject struct {
	historian.Historian
	// Reopen closes the historian and returns it opened again on what it kept. Nil if it keeps nothing.
	Reopen func(t testing.TB) historian.Historian
	// Roll rolls up all that was committed. Nil if the historian keeps no rollups, or always has them.
	Roll func(t testing.TB)
}

func (s *Subject) roll(t testing.TB) {
	t.Helper()
	if s.Roll != nil {
		s.Roll(t)
	}
}

func (s *Subject) reopen(t testing.TB) {
	t.Helper()
	if s.Reopen != nil {
		s.Historian = s.Reopen(t)
	}
}

// Run holds the historian that open gives to the suite. open cleans up by itself.
func Run(t *testing.T, open func(t testing.TB) *Subject) {
	for name, test := range map[string]func(*testing.T, *Subject){
		"EveryKindOfValueComesBack":         everyKind,
		"TheLastAppendedWins":               lastAppendedWins,
		"ARangeIsHalfOpen":                  halfOpen,
		"ASampleThreeYearsLateIsInPlace":    threeYearsLate,
		"BackfilledSamplesAreMarked":        backfilled,
		"LastIsTheNewestNotTheLatest":       newest,
		"WhatIsDeletedStaysDeleted":         deleted,
		"NothingIsKnownOfAnUnknownSeries":   unknown,
		"ASeriesWithoutNumberIsRefused":     withoutNumber,
		"ACancelledCallSaysSo":              cancelled,
		"ReadersAndWritersAtTheSameTime":    concurrent,
		"RandomHistoriesEqualTheModel":      randomHistories,
		"RollupsAreRightAgainAfterAnOutage": rollupsAfterOutage,
		"TheRevisionTellsOfThePastAlone":    revisions,
		"AThousandSeriesThroughAnOvernight": overnight,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

// noon is where the stories of the suite begin.
const noon = int64(1773748800) * 1e9

const second = int64(time.Second)

func sample(at int64, v twin.Value, q twin.Quality) twin.Sample {
	return twin.Sample{T: at, V: v, Q: q}
}

func live(id historian.SeriesID, s twin.Sample) historian.Point {
	return historian.Point{Series: id, Sample: s, Received: s.T + second/4}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// same compares floats by their bits, so that a NaN equals itself and −0 differs from 0.
func same() cmp.Options {
	return cmp.Options{
		cmp.Comparer(func(a, b twin.Value) bool {
			return a.Kind() == b.Kind() && a.Text() == b.Text() && math.Float64bits(a.Float()) == math.Float64bits(b.Float())
		}),
		cmpopts.EquateEmpty(),
	}
}

func expect(t testing.TB, h historian.Historian, id historian.SeriesID, from, to int64, want ...twin.Sample) {
	t.Helper()
	got, err := h.Read(context.Background(), id, from, to)
	must(t, err)
	var have []twin.Sample
	for i := range got.T {
		have = append(have, sample(got.T[i], got.V[i], got.Q[i]))
	}
	if d := cmp.Diff(want, have, same()); d != "" {
		t.Fatalf("series %d (-want +got):\n%s", id, d)
	}
}

func everyKind(t *testing.T, s *Subject) {
	var want []twin.Sample
	for i, v := range []twin.Value{
		twin.FloatValue(72.4), twin.FloatValue(1.0 / 3), twin.FloatValue(math.Copysign(0, -1)), twin.FloatValue(float64(float32(0.1))),
		twin.IntValue(math.MinInt64), twin.IntValue(math.MaxInt64), twin.BoolValue(true), twin.BoolValue(false),
		twin.StringValue("RUN"), twin.StringValue(""), twin.StringValue("Störung ⚠"),
		{},
	} {
		want = append(want, sample(noon+int64(i)*second, v, twin.Quality(i*20)))
	}
	for _, w := range want {
		must(t, s.Append(t.Context(), []historian.Point{live(1, w)}))
	}
	expect(t, s, 1, noon, noon+60*second, want...)
	must(t, s.Commit(t.Context()))
	expect(t, s, 1, noon, noon+60*second, want...)
	s.reopen(t)
	expect(t, s, 1, noon, noon+60*second, want...)
}

func lastAppendedWins(t *testing.T, s *Subject) {
	read := func(v float64) twin.Sample { return sample(noon, twin.FloatValue(v), twin.Good) }
	must(t, s.Append(t.Context(), []historian.Point{live(7, read(1)), live(7, read(2))}))
	expect(t, s, 7, noon, noon+1, read(2))
	must(t, s.Commit(t.Context()))
	must(t, s.Append(t.Context(), []historian.Point{live(7, read(3))}))
	expect(t, s, 7, noon, noon+1, read(3))
	must(t, s.Commit(t.Context()))
	s.reopen(t)
	expect(t, s, 7, noon, noon+1, read(3))
	corrected := sample(noon, twin.StringValue("off scale"), twin.EngUnitsExceeded)
	must(t, s.Append(t.Context(), []historian.Point{live(7, corrected)}))
	must(t, s.Commit(t.Context()))
	s.reopen(t)
	expect(t, s, 7, noon, noon+1, corrected)
}

func halfOpen(t *testing.T, s *Subject) {
	a, b, c := sample(noon, twin.IntValue(1), twin.Good), sample(noon+1, twin.IntValue(2), twin.Good), sample(noon+2, twin.IntValue(3), twin.Good)
	must(t, s.Append(t.Context(), []historian.Point{live(2, c), live(2, a), live(2, b)}))
	must(t, s.Commit(t.Context()))
	expect(t, s, 2, noon, noon+2, a, b)
	expect(t, s, 2, noon+1, noon+3, b, c)
	expect(t, s, 2, noon, noon)
	expect(t, s, 2, noon+3, noon)
	expect(t, s, 2, math.MinInt64, math.MaxInt64, a, b, c)
}

func threeYearsLate(t *testing.T, s *Subject) {
	now := sample(noon, twin.FloatValue(20), twin.Good)
	old := sample(noon-3*365*24*3600*second, twin.FloatValue(19.5), twin.Good)
	older := sample(-second, twin.FloatValue(19), twin.Uncertain)
	must(t, s.Append(t.Context(), []historian.Point{live(3, now)}))
	must(t, s.Commit(t.Context()))
	must(t, s.Append(t.Context(), []historian.Point{{Series: 3, Sample: old, Received: noon}, {Series: 3, Sample: older, Received: noon}}))
	must(t, s.Commit(t.Context()))
	s.reopen(t)
	expect(t, s, 3, math.MinInt64, math.MaxInt64, older, old, now)
}

func backfilled(t *testing.T, s *Subject) {
	// The gateway was cut off for five minutes and delivered two minutes after it came back.
	back := noon + 420*second
	var ps []historian.Point
	for i := range int64(600) {
		p := live(4, sample(noon+i*second, twin.FloatValue(float64(i)), twin.Good))
		if i < 300 {
			p.Received = back + i*second/100
		}
		ps = append(ps, p)
	}
	must(t, s.Append(t.Context(), ps[300:]))
	must(t, s.Commit(t.Context()))
	must(t, s.Append(t.Context(), ps[:300]))
	must(t, s.Commit(t.Context()))
	s.reopen(t)
	got, err := s.Read(t.Context(), 4, noon, noon+600*second)
	must(t, err)
	if len(got.T) != 600 {
		t.Fatalf("%d samples of 600", len(got.T))
	}
	// Arrived is kept to the second, downward.
	want := []historian.LateSpan{{From: noon, To: noon + 299*second, Arrived: back + 2*second}}
	if d := cmp.Diff(want, got.Late); d != "" {
		t.Fatalf("late spans (-want +got):\n%s", d)
	}
}

func newest(t *testing.T, s *Subject) {
	a, b := sample(noon, twin.FloatValue(1), twin.Good), sample(noon-10*second, twin.FloatValue(2), twin.Good)
	must(t, s.Append(t.Context(), []historian.Point{live(5, a), live(5, b), live(9, b)}))
	for range 2 {
		got, err := s.Last(t.Context(), []historian.SeriesID{9, 5, 6})
		must(t, err)
		if d := cmp.Diff([]twin.Sample{b, a, {}}, got, same()); d != "" {
			t.Fatalf("last (-want +got):\n%s", d)
		}
		must(t, s.Commit(t.Context()))
		s.reopen(t)
	}
}

func deleted(t *testing.T, s *Subject) {
	var all []twin.Sample
	for i := range int64(100) {
		all = append(all, sample(noon+i*second, twin.IntValue(i), twin.Good))
		must(t, s.Append(t.Context(), []historian.Point{live(11, all[i]), live(12, all[i])}))
		if i%10 == 0 {
			must(t, s.Commit(t.Context()))
		}
	}
	must(t, s.Delete(t.Context(), 11, noon+20*second, noon+100*second))
	check := func() {
		t.Helper()
		expect(t, s, 11, noon, noon+1000*second, all[:20]...)
		last, err := s.Last(t.Context(), []historian.SeriesID{11})
		must(t, err)
		if last[0].T != all[19].T {
			t.Fatalf("last is of %s after the deletion", time.Unix(0, last[0].T).UTC())
		}
	}
	check()
	s.reopen(t)
	check()
	expect(t, s, 12, noon, noon+1000*second, all...)
	must(t, s.Append(t.Context(), []historian.Point{live(11, all[50])}))
	must(t, s.Commit(t.Context()))
	s.reopen(t)
	expect(t, s, 11, noon, noon+1000*second, append(all[:20:20], all[50])...)
	must(t, s.Delete(t.Context(), 12, math.MinInt64, math.MaxInt64))
	s.reopen(t)
	expect(t, s, 12, math.MinInt64, math.MaxInt64)
	last, err := s.Last(t.Context(), []historian.SeriesID{12})
	must(t, err)
	if last[0] != (twin.Sample{}) {
		t.Fatalf("an emptied series still has the last value %v", last[0])
	}
}

func unknown(t *testing.T, s *Subject) {
	expect(t, s, 999, math.MinInt64, math.MaxInt64)
	must(t, s.Delete(t.Context(), 999, math.MinInt64, math.MaxInt64))
	must(t, s.Append(t.Context(), nil))
	must(t, s.Commit(t.Context()))
	must(t, s.Commit(t.Context()))
}

func withoutNumber(t *testing.T, s *Subject) {
	good := live(1, sample(noon, twin.IntValue(1), twin.Good))
	bad := good
	bad.Series = 0
	if err := s.Append(t.Context(), []historian.Point{good, bad}); err == nil {
		t.Fatal("series 0 was taken")
	}
	expect(t, s, 1, noon, noon+1)
}

func cancelled(t *testing.T, s *Subject) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Append(ctx, []historian.Point{live(1, sample(noon, twin.IntValue(1), twin.Good))}); !errors.Is(err, context.Canceled) {
		t.Fatalf("Append: %v", err)
	}
	if _, err := s.Read(ctx, 1, noon, noon+1); !errors.Is(err, context.Canceled) {
		t.Fatalf("Read: %v", err)
	}
}

// concurrent has writers, readers, a committer and a deleter at work; under -race. Each reader sees what was there
// before it asked.
func concurrent(t *testing.T, s *Subject) {
	const rounds, batch = 60, 50
	g, ctx := errgroup.WithContext(t.Context())
	for w := range historian.SeriesID(3) {
		id := w + 1
		g.Go(func() error {
			for r := range int64(rounds) {
				var ps []historian.Point
				for i := range int64(batch) {
					ps = append(ps, live(id, sample(noon+(r*batch+i)*second, twin.IntValue(r), twin.Good)))
				}
				if err := s.Append(ctx, ps); err != nil {
					return err
				}
				c, err := s.Read(ctx, id, noon, noon+(r+1)*batch*second)
				if err != nil {
					return err
				}
				if len(c.T) != int(r+1)*batch {
					return fmt.Errorf("series %d: %d samples after %d were appended", id, len(c.T), (r+1)*batch)
				}
				if r%5 == 0 {
					if err := s.Commit(ctx); err != nil {
						return err
					}
				}
			}
			return nil
		})
	}
	g.Go(func() error {
		for i := range int64(rounds) {
			err := s.Append(ctx, []historian.Point{live(4, sample(noon+i*second, twin.IntValue(i), twin.Good))})
			if err == nil && i%10 == 9 {
				err = s.Delete(ctx, 4, noon, noon+i*second)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	must(t, g.Wait())
	must(t, s.Commit(t.Context()))
	s.reopen(t)
	expect(t, s, 4, noon, noon+rounds*second, sample(noon+(rounds-1)*second, twin.IntValue(rounds-1), twin.Good))
}

// overnight writes a night of a thousand slow series with a commit every few samples: more checkpoints than memory
// should hold, and heads that never fill a block.
func overnight(t *testing.T, s *Subject) {
	const ids, rounds = 1000, 40
	for r := range int64(rounds) {
		ps := make([]historian.Point, 0, ids)
		for id := range historian.SeriesID(ids) {
			ps = append(ps, live(id+1, sample(noon+r*900*second, twin.FloatValue(float64(r)+float64(id)/10), twin.Good)))
		}
		must(t, s.Append(t.Context(), ps))
		must(t, s.Commit(t.Context()))
		if r == rounds/2 {
			s.reopen(t)
		}
	}
	s.reopen(t)
	for _, id := range []historian.SeriesID{1, 500, ids} {
		c, err := s.Read(t.Context(), id, noon, noon+rounds*900*second)
		must(t, err)
		if len(c.T) != rounds {
			t.Fatalf("series %d has %d samples of %d", id, len(c.T), rounds)
		}
	}
}
