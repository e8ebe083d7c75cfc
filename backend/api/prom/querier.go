package prom

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/util/annotations"
)

// maxSamples is how many samples one question may read.
const maxSamples = 10_000_000

var errTooMany = errors.New("the question reads more than 10,000,000 samples: ask for a shorter span or fewer tags")

// queryable shows a source to the engine. It is made for one question.
type queryable struct {
	source Source
	read   int // samples so far
}

// Querier implements storage.Queryable.
func (q *queryable) Querier(mint, maxt int64) (storage.Querier, error) {
	return &querier{queryable: q, mint: mint, maxt: maxt}, nil
}

type querier struct {
	*queryable
	mint, maxt int64 // ms, both included
}

// found are the tags that match, by their labels.
type found struct {
	labels labels.Labels
	ref    int
}

func (q *queryable) find(matchers []*labels.Matcher) ([]found, error) {
	var out []found
	b := labels.NewBuilder(labels.EmptyLabels())
	err := q.source.Tags(func(t Tag) bool {
		for _, m := range matchers {
			if !m.Matches(t.label(m.Name)) {
				return true
			}
		}
		b.Reset(labels.EmptyLabels())
		for _, name := range names() {
			b.Set(name, t.label(name))
		}
		out = append(out, found{b.Labels(), t.Ref})
		return true
	})
	return out, err
}

// Select implements storage.Querier.
func (q *querier) Select(ctx context.Context, _ bool, hints *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
	from, to := q.mint, q.maxt
	if hints != nil {
		from, to = hints.Start, hints.End
	}
	tags, err := q.find(matchers)
	if err != nil {
		return storage.ErrSeriesSet(err)
	}
	slices.SortFunc(tags, func(a, b found) int { return labels.Compare(a.labels, b.labels) })
	set := &seriesSet{at: -1}
	for _, t := range tags {
		s := &series{labels: t.labels}
		if hints == nil || hints.Func != "series" { // labels alone were asked for
			err := q.source.Read(ctx, t.ref, time.UnixMilli(from), time.UnixMilli(to+1), func(ts []int64, vs []float64) error {
				if q.read += len(ts); q.read > maxSamples {
					return errTooMany
				}
				for i, at := range ts {
					s.add(at/int64(time.Millisecond), vs[i])
				}
				return nil
			})
			if err != nil {
				return storage.ErrSeriesSet(err)
			}
		}
		set.all = append(set.all, s)
	}
	return set
}

// LabelValues implements storage.LabelQuerier.
func (q *querier) LabelValues(_ context.Context, name string, _ *storage.LabelHints, matchers ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	seen := map[string]bool{}
	err := q.each(matchers, func(l labels.Labels) {
		if v := l.Get(name); v != "" {
			seen[v] = true
		}
	})
	return sorted(seen), nil, err
}

// LabelNames implements storage.LabelQuerier.
func (q *querier) LabelNames(_ context.Context, _ *storage.LabelHints, matchers ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	seen := map[string]bool{}
	err := q.each(matchers, func(l labels.Labels) { l.Range(func(l labels.Label) { seen[l.Name] = true }) })
	return sorted(seen), nil, err
}

func (q *queryable) each(matchers []*labels.Matcher, fn func(labels.Labels)) error {
	tags, err := q.find(matchers)
	for _, t := range tags {
		fn(t.labels)
	}
	return err
}

// Close implements storage.LabelQuerier.
func (*querier) Close() error { return nil }

func sorted(set map[string]bool) []string {
	out := make([]string, 0, len(set))
	for v := range set {
		out = append(out, v)
	}
	slices.Sort(out)
	return out
}

type seriesSet struct {
	all []*series
	at  int
}

// Next implements storage.SeriesSet.
func (s *seriesSet) Next() bool { s.at++; return s.at < len(s.all) }

// At implements storage.SeriesSet.
func (s *seriesSet) At() storage.Series { return s.all[s.at] }

// Err implements storage.SeriesSet.
func (*seriesSet) Err() error { return nil }

// Warnings implements storage.SeriesSet.
func (*seriesSet) Warnings() annotations.Annotations { return nil }

// series is the samples of a tag in order of time.
type series struct {
	labels  labels.Labels
	samples samples
}

// add takes the next sample, t in ms. Prometheus knows milliseconds: of two samples within one the later stays.
func (s *series) add(t int64, v float64) {
	if n := len(s.samples); n > 0 && s.samples[n-1].t == t {
		s.samples[n-1].v = v
		return
	}
	s.samples = append(s.samples, sample{t, v})
}

// Labels implements storage.Series.
func (s *series) Labels() labels.Labels { return s.labels }

// Iterator implements storage.Series.
func (s *series) Iterator(chunkenc.Iterator) chunkenc.Iterator {
	return storage.NewListSeriesIterator(s.samples)
}

type samples []sample

// Get implements storage.Samples.
func (s samples) Get(i int) chunks.Sample { return &s[i] }

// Len implements storage.Samples.
func (s samples) Len() int { return len(s) }

type sample struct {
	t int64 // ms
	v float64
}

// T implements chunks.Sample.
func (s *sample) T() int64 { return s.t }

// ST implements chunks.Sample; no sample has a start.
func (*sample) ST() int64 { return 0 }

// F implements chunks.Sample.
func (s *sample) F() float64 { return s.v }

// H implements chunks.Sample; there are no histograms.
func (*sample) H() *histogram.Histogram { return nil }

// FH implements chunks.Sample.
func (*sample) FH() *histogram.FloatHistogram { return nil }

// Type implements chunks.Sample.
func (*sample) Type() chunkenc.ValueType { return chunkenc.ValFloat }

// Copy implements chunks.Sample.
func (s *sample) Copy() chunks.Sample {
	c := *s
	return &c
}
