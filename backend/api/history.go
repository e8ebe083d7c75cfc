package api

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/lineshaft/lineshaft/twin"
	"github.com/lineshaft/lineshaft/twin/fault"
)

const (
	maxTags   = 64
	maxPoints = 1_000_000 // of one answer
)

type historyIn struct {
	Tag       []string `query:"tag,explode" required:"true" maxItems:"64" doc:"<asset id or path>:<tag>, many"`
	From      string   `query:"from" default:"now-1h" doc:"RFC 3339 or now-8h"`
	To        string   `query:"to" default:"now" doc:"RFC 3339 or now; not included"`
	Interval  string   `query:"interval" doc:"ISO 8601 duration of the buckets; without it the readings themselves"`
	Agg       []string `query:"agg" enum:"avg,min,max,count,last,first,sum,stddev,twa" doc:"of each bucket; several give one series each; avg if not said"`
	Quality   string   `query:"quality" enum:"good,all" default:"good" doc:"all gives readings that are not good too"`
	MaxPoints int      `query:"max_points" minimum:"0" maximum:"1000000" default:"1200" doc:"per series; readings are thinned without losing extremes; 0 gives every reading, and so does a file where nothing is said"`
	Fill      string   `query:"fill" enum:"null,previous,linear" doc:"what stands in an interval without readings; left out if not said"`
	Format    string   `query:"format" enum:"json,csv,parquet,xlsx" doc:"the same as the Accept header"`
	Accept    string   `header:"Accept" hidden:"true"`
}

// Resolve implements huma.Resolver: a file has every reading unless the caller says how many.
func (in *historyIn) Resolve(hc huma.Context) []error {
	if _, file := in.fileFormat(); file && hc.Query("max_points") == "" {
		in.MaxPoints = 0
	}
	return nil
}

const aggCount = "count"

func (p *plant) history(ctx context.Context, in *historyIn) (*rawOut, error) {
	q, err := p.historyQuery(in)
	if err != nil {
		return nil, err
	}
	if f, ok := in.fileFormat(); ok {
		return p.historyFile(ctx, q, f)
	}
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	columns, err := p.ports.History.Query(ctx, p.tenant(), q)
	if err != nil {
		return nil, err
	}
	out := History{From: q.From, To: q.To, ServerTime: p.now(), Series: make([]Series, len(columns))}
	known := map[string]causes{}
	for i, c := range columns {
		why, seen := known[c.Tag.Asset.ID]
		if !seen {
			if why, err = p.causesOf(c.Tag.Asset, q.From, q.To); err != nil {
				return nil, err
			}
			known[c.Tag.Asset.ID] = why
		}
		out.Series[i] = seriesView(c, gapsOf(c, why, q.From, q.To, p.now()))
	}
	return &rawOut{Body: func(hc huma.Context) {
		hc.SetHeader("Content-Type", "application/json")
		hc.SetStatus(http.StatusOK)
		_ = p.api.huma.Marshal(hc.BodyWriter(), "application/json", out)
	}}, nil
}

// historyQuery reads and checks the question.
func (p *plant) historyQuery(in *historyIn) (HistoryQuery, error) {
	q := HistoryQuery{BadToo: in.Quality == "all", MaxPoints: in.MaxPoints, Aggs: in.Agg, Fill: in.Fill}
	var err error
	if q.From, err = parseInstant("from", in.From, p.now()); err != nil {
		return q, err
	}
	if q.To, err = parseInstant("to", in.To, p.now()); err != nil {
		return q, err
	}
	if !q.From.Before(q.To) {
		return q, fault.Field("to", in.To, "must be after from (%s)", q.From.Format(time.RFC3339))
	}
	if in.Interval != "" {
		span, ok := parseSpan(in.Interval)
		if !ok || span < time.Millisecond {
			return q, fault.Field("interval", in.Interval, "is no duration").WithHint("Write PT1M, PT10S or P1D.")
		}
		q.Interval = span
		if len(q.Aggs) == 0 {
			q.Aggs = []string{"avg"}
		}
		buckets := int64(q.To.Sub(q.From)/span) + 1
		if points := buckets * int64(len(in.Tag)*len(q.Aggs)); points > maxPoints {
			return q, fault.Field("interval", in.Interval, "would give %d points, at most %d", points, maxPoints)
		}
	} else if len(q.Aggs) > 0 {
		return q, fault.Field("agg", strings.Join(q.Aggs, ","), "an aggregate needs an interval")
	} else if q.Fill != "" {
		return q, fault.Field("fill", q.Fill, "needs an interval")
	}
	for _, name := range in.Tag {
		ref, err := p.tagRef(name)
		if err != nil {
			return q, err
		}
		q.Tags = append(q.Tags, ref)
	}
	return q, nil
}

// tagRef finds <asset id or path>:<tag>.
func (p *plant) tagRef(name string) (TagRef, error) {
	i := strings.LastIndexByte(name, ':')
	if i <= 0 || i == len(name)-1 {
		return TagRef{}, fault.Field("tag", name, "write <asset id or path>:<tag>")
	}
	a, err := p.asset(name[:i])
	if err != nil {
		return TagRef{}, err
	}
	t, ok := a.Tag(name[i+1:])
	if !ok {
		e := fault.New(fault.NotFound, "%s has no tag %q.", a.Path, name[i+1:]).WithHint("Its tags are in GET %s/assets/%s.", base, a.ID)
		e.Field, e.Value = "tag", name
		return TagRef{}, e
	}
	return TagRef{Asset: a, Tag: t}, nil
}

func seriesView(c Column, gaps []Gap) Series {
	a, t := c.Tag.Asset, c.Tag.Tag
	s := Series{
		AssetID: a.ID, Path: a.Path, Name: a.Name(), Tag: t.Name, Title: t.Title, Unit: t.Unit, Decimals: t.Decimals,
		Type: t.Type, Agg: c.Agg, Resolution: c.Resolution, Rev: c.Rev,
		TS: make(Millis, len(c.T)), V: orValues(c.V), Q: orQualities(c.Q), Gaps: orNone(gaps), Backfilled: orNone(c.Late),
	}
	if s.Type == "" {
		s.Type = twin.Float.String()
	}
	if c.Agg == aggCount {
		s.Unit, s.Decimals, s.Type = "1", 0, twin.Int.String()
	}
	for i, ns := range c.T {
		s.TS[i] = time.Unix(0, ns).UnixMilli()
	}
	return s
}

func orValues(vs []twin.Value) Values         { return Values(orNone(vs)) }
func orQualities(qs []twin.Quality) Qualities { return Qualities(orNone(qs)) }

// causesOf is what ledger and register know of an asset's data between two instants.
func (p *plant) causesOf(a twin.Asset, from, to time.Time) (causes, error) {
	d, ok := p.ports.Fleet.DeviceOf(p.tenant(), a.ID)
	if !ok {
		return causes{}, nil
	}
	holes, _, err := p.ports.Ledger.Gaps(p.tenant(), GapFilter{Device: d.DeviceID, From: from, To: to, Limit: maxLimit})
	if err != nil {
		return causes{}, fmt.Errorf("read gaps of %s: %w", d.DeviceID, err)
	}
	return causes{device: d.DeviceID, lost: holes, offline: p.ports.Fleet.Offline(p.tenant(), d.DeviceID, from, to)}, nil
}
