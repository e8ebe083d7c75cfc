package server

import (
	"context"
	"math"
	"time"

	"github.com/lineshaft/lineshaft/backend/api"
	"github.com/lineshaft/lineshaft/backend/historian"
	"github.com/lineshaft/lineshaft/backend/historian/query"
	"github.com/lineshaft/lineshaft/backend/historian/registry"
	"github.com/lineshaft/lineshaft/twin/wire"
)

// past answers the API's questions from history.
type past struct {
	series  *registry.Registry
	history func(tenant string) historian.Historian
}

// Query implements api.Historian. A tag nothing was ever recorded of has an empty column.
func (p past) Query(ctx context.Context, tenant string, q api.HistoryQuery) ([]api.Column, error) {
	ask := query.Query{
		From: q.From.UnixNano(), To: q.To.UnixNano(), Interval: q.Interval, All: q.BadToo, MaxPoints: q.MaxPoints,
		Fill: query.Fill(q.Fill),
	}
	var born []int64 // when each series began
	for _, a := range q.Aggs {
		ask.Aggs = append(ask.Aggs, query.Agg(a))
	}
	for _, t := range q.Tags {
		var id historian.SeriesID
		if s, ok := p.series.SeriesOf(tenant, t.Asset.ID, t.Tag.Name); ok {
			id = s.ID
			born = append(born, wire.IDTime(s.ULID).UnixNano())
		} else {
			born = append(born, math.MaxInt64)
		}
		ask.Tags = append(ask.Tags, query.Tag{Series: id, Expected: t.Tag.Interval})
	}
	results, err := query.Run(ctx, p.history(tenant), ask)
	if err != nil {
		return nil, err
	}
	out := make([]api.Column, len(results))
	for i, r := range results {
		out[i] = api.Column{
			Tag: q.Tags[r.Tag], Agg: string(r.Agg), Resolution: r.Resolution, T: r.T, V: r.V, Q: r.Q, Bad: spans(r.Bad),
			Holes: spans(since(r, born[r.Tag])), Rev: r.Rev,
		}
		for _, l := range r.Late {
			out[i].Late = append(out[i].Late, api.Backfill{From: at(l.From), To: at(l.To), Arrived: at(l.Arrived)})
		}
	}
	return out, nil
}

// since are the holes in a result without what came before its series began: nothing was expected then. Between older
// readings that came later a hole is one.
func since(r query.Result, born int64) []query.Span {
	var out []query.Span
	for _, h := range r.Holes {
		switch {
		case h.From >= born || len(r.T) > 0 && h.To > r.T[0]: // of the series' time, or between its readings
		case len(r.T) > 0 || h.To <= born:
			continue
		default:
			h.From = born
		}
		out = append(out, h)
	}
	return out
}

func spans(ss []query.Span) []api.Span {
	out := make([]api.Span, len(ss))
	for i, s := range ss {
		out[i] = api.Span{From: at(s.From), To: at(s.To)}
	}
	return out
}

func at(ns int64) time.Time { return time.Unix(0, ns).UTC() }
