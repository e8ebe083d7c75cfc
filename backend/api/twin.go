package api

import (
	"context"
	"time"

	"github.com/lineshaft/lineshaft/twin"
)

// staleAfter is how many intervals old a reading may be before it is called stale (domain contract §14).
const staleAfter = 5

// defaultInterval is expected of tags that declare none.
const defaultInterval = 10 * time.Second

type twinOut struct {
	Body TwinDocument
}

func (p *plant) getTwin(_ context.Context, in *assetIn) (*twinOut, error) {
	a, err := p.asset(in.ID)
	if err != nil {
		return nil, err
	}
	s, err := p.ports.Twins.Twin(p.tenant(), a.ID)
	if err != nil {
		return nil, assetError(in.ID, err)
	}
	doc := TwinDocument{
		ID: a.ID, Path: a.Path, Level: string(a.Level), Class: a.Class, Title: a.Title, Nameplate: orEmpty(a.Nameplate),
		Reported: readingViews(a, s.Reported, p.now()), Computed: readingViews(a, s.Computed, p.now()),
		Desired: map[string]Scalar{}, Version: s.Version, ServerTime: p.now(),
	}
	for tag, v := range s.Desired {
		doc.Desired[tag] = Scalar{v}
	}
	if d, ok := p.ports.Fleet.DeviceOf(p.tenant(), a.ID); ok {
		doc.Device = &TwinDevice{
			DeviceID: d.DeviceID, Kind: d.Kind, Gateway: d.Gateway, Online: d.Online, LastSeen: d.LastSeen, Firmware: d.Firmware,
		}
	}
	return &twinOut{Body: doc}, nil
}

func readingViews(a twin.Asset, rs map[string]Reading, now time.Time) map[string]Reported {
	out := make(map[string]Reported, len(rs))
	for name, r := range rs {
		tag, _ := a.Tag(name)
		out[name] = Reported{
			V: Scalar{r.V}, Q: r.Q, Quality: r.Q.String(), TS: instant(r.T), Received: instant(r.Received), Unit: tag.Unit,
			LimitState: string(limitState(tag, r.Sample)), Stale: stale(tag, r.T, now),
		}
	}
	return out
}

// limitState is where a reading stands; only one that is good stands anywhere.
func limitState(t twin.Tag, s twin.Sample) twin.LimitState {
	switch s.V.Kind() {
	case twin.Float, twin.Int:
		if s.Q.IsGood() {
			return t.Limits.State(s.V.Float())
		}
	case twin.None, twin.Bool, twin.String:
	}
	return twin.Within
}

// stale says whether a reading is older than five of its tag's intervals, ten seconds where it declares none.
func stale(t twin.Tag, at int64, now time.Time) bool {
	interval := t.Interval
	if interval <= 0 {
		interval = defaultInterval
	}
	return now.Sub(instant(at)) > staleAfter*interval
}

// instant is a stored time as the API writes it.
func instant(ns int64) time.Time { return time.Unix(0, ns).UTC() }

func (p *plant) assetView(a twin.Asset) Asset {
	v := Asset{
		ID: a.ID, Path: a.Path, Name: a.Name(), Level: string(a.Level), Class: a.Class, Title: a.Title, TimeZone: a.TimeZone,
		Nameplate: orEmpty(a.Nameplate), Tags: tagViews(a.Tags), Version: 1,
	}
	if up := a.Parent(); up != "" && p.grant.Covers(up) {
		if parent, err := p.ports.Twins.Asset(p.tenant(), up); err == nil {
			v.ParentID = parent.ID
		}
	}
	return v
}

func refView(a twin.Asset) AssetRef {
	return AssetRef{ID: a.ID, Path: a.Path, Name: a.Name(), Level: string(a.Level), Class: a.Class, Title: a.Title}
}

func tagViews(ts []twin.Tag) []Tag {
	out := make([]Tag, len(ts))
	for i, t := range ts {
		out[i] = Tag{
			Name: t.Name, Title: t.Title, Type: t.Type, Unit: t.Unit, Decimals: t.Decimals, Range: t.Range, Normal: t.Normal,
			Limits: t.Limits, States: append([]string{}, t.States...), IntervalMS: t.Interval.Milliseconds(),
			Writable: t.Writable, Setpoint: t.Setpoint,
		}
		if out[i].Type == "" {
			out[i].Type = twin.Float.String()
		}
	}
	return out
}

func orEmpty(m map[string]any) map[string]any {
	if m == nil {
		return map[string]any{}
	}
	return m
}
