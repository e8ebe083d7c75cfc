package server

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lineshaft/lineshaft/backend/historian/query"
)

func TestNothingIsMissingBeforeASeriesBegan(t *testing.T) {
	for _, c := range []struct {
		story string
		born  int64
		ts    []int64
		holes []query.Span
		want  []query.Span
	}{
		{"a plant that began in the middle of the range", 100, []int64{101, 102}, []query.Span{{From: 0, To: 101}}, nil},
		{"a tag that was never heard of", 1 << 60, nil, []query.Span{{From: 0, To: 500}}, nil},
		{"a series that began and was not heard since", 100, nil, []query.Span{{From: 0, To: 500}}, []query.Span{{From: 100, To: 500}}},
		{"a line cut later", 100, []int64{101, 200}, []query.Span{{From: 0, To: 101}, {From: 101, To: 200}}, []query.Span{{From: 101, To: 200}}},
		{"an old series that was silent at first", 10, []int64{150}, []query.Span{{From: 50, To: 150}}, []query.Span{{From: 50, To: 150}}},
		{"history that came in late, with a hole in it", 1000, []int64{50, 300}, []query.Span{{From: 50, To: 300}}, []query.Span{{From: 50, To: 300}}},
		{"history that came in late, and a cut since", 1000, []int64{50, 1500}, []query.Span{{From: 50, To: 1500}}, []query.Span{{From: 50, To: 1500}}},
	} {
		t.Run(c.story, func(t *testing.T) {
			if d := cmp.Diff(c.want, since(query.Result{T: c.ts, Holes: c.holes}, c.born)); d != "" {
				t.Error(d)
			}
		})
	}
}
