package server

import (
	"context"
	"encoding/base64"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/lineshaft/lineshaft/backend/api"
	"github.com/lineshaft/lineshaft/backend/fleet"
	"github.com/lineshaft/lineshaft/backend/intake"
	"github.com/lineshaft/lineshaft/backend/stream"
	"github.com/lineshaft/lineshaft/twin/wire"
)

// ledger shows gaps and dead letters to the API.
type ledger struct {
	intake *intake.Intake
	stream *stream.Stream
	fleet  *fleet.Fleet
}

// Gaps implements api.Ledger.
func (l ledger) Gaps(tenant string, f api.GapFilter) (items []api.LedgerGap, next string, err error) {
	ask := intake.GapFilter{Device: f.Device, Open: f.Open, After: f.After, Limit: f.Limit}
	if !f.From.IsZero() {
		ask.From = f.From.UnixNano()
	}
	if !f.To.IsZero() {
		ask.To = f.To.UnixNano()
	}
	gaps, next, err := l.intake.Gaps(tenant, ask)
	if err != nil {
		return nil, "", err
	}
	for _, g := range gaps {
		v := api.LedgerGap{
			ID: g.ID, DeviceID: g.Device, Epoch: g.Epoch, Channel: g.Channel, FromSeq: g.FromSeq, ToSeq: g.ToSeq, Count: g.Count,
			Detected: at(g.Detected), Cause: g.Cause, From: instant(g.After), To: instant(g.Before), HealedAt: instant(g.HealedAt),
			HealedHow: g.HealedHow, Missing: g.Missing, Gone: g.Gone, AskedAt: instant(g.Asked),
		}
		items = append(items, v)
	}
	return items, next, nil
}

// Letters implements api.Ledger.
func (l ledger) Letters(tenant string, f api.LetterFilter) (items []api.DeadLetter, next string, err error) {
	letters, next, err := l.intake.Letters(tenant, intake.LetterFilter{
		Device: f.Device, Reason: wire.Reason(f.Reason), After: f.After, Limit: f.Limit,
	})
	if err != nil {
		return nil, "", err
	}
	for _, x := range letters {
		items = append(items, api.DeadLetter{
			ID: x.ID, Received: at(x.Received), Topic: x.Topic, DeviceID: x.Device, Reason: string(x.Reason), Detail: x.Detail,
			Size: x.Size, Payload: base64.StdEncoding.EncodeToString(x.Payload[:min(len(x.Payload), wire.DeadLetterHead)]),
		})
	}
	return items, next, nil
}

// LetterGroups implements api.Ledger.
func (l ledger) LetterGroups(tenant string, f api.LetterFilter) ([]api.DeadLetterGroup, error) {
	var out []api.DeadLetterGroup
	for _, g := range l.intake.LetterGroups(tenant, intake.LetterFilter{Device: f.Device, Reason: wire.Reason(f.Reason)}) {
		out = append(out, api.DeadLetterGroup{
			Fingerprint: g.Fingerprint, DeviceType: g.DeviceType, Reason: string(g.Reason), Version: g.Version,
			Count: int(g.Count), Last: at(g.Last),
		})
	}
	return out, nil
}

// Preview implements api.Ledger.
func (l ledger) Preview(tenant, id string) (api.LetterPreview, error) {
	x, err := l.intake.Preview(tenant, id)
	if err != nil {
		return api.LetterPreview{}, err
	}
	v := api.LetterPreview{ID: id, DeviceID: x.Device, Version: x.Version, Seen: x.Seen}
	if x.Refusal != nil {
		v.Refused = &api.Refused{Reason: string(x.Refusal.Reason), Detail: x.Refusal.Detail}
	}
	for _, r := range x.Readings {
		v.Readings = append(v.Readings, api.PlacedValue{AssetID: r.Asset, Tag: r.Tag, V: api.Scalar{Value: r.V}, Q: r.Q, TS: at(r.T)})
	}
	for _, w := range x.Wrong {
		v.Wrong = append(v.Wrong, api.WrongValue{Tag: w.Tag, Detail: w.Detail})
	}
	return v, nil
}

// Replay implements api.Ledger.
func (l ledger) Replay(ctx context.Context, tenant string, o api.ReplayOrder) (api.ReplayResult, error) {
	f := intake.LetterFilter{
		IDs: o.IDs, Device: o.DeviceID, Reason: wire.Reason(o.Reason), Fingerprint: o.Fingerprint, Limit: o.Limit,
	}
	t, err := l.intake.Try(ctx, tenant, f)
	if err != nil {
		return api.ReplayResult{}, err
	}
	out := api.ReplayResult{
		Matched: t.Matched, AtDoor: t.AtDoor, Taken: t.Taken, Partly: t.Partly, Refused: t.Refused, DryRun: o.DryRun,
	}
	if !o.DryRun {
		if out.Replayed, err = l.intake.Replay(ctx, tenant, f, l.stream.Append); err != nil && out.Replayed == 0 {
			return out, err
		}
	}
	out.Left = out.Matched - out.AtDoor - out.Replayed
	return out, nil
}

// Report implements api.Ledger.
func (l ledger) Report(tenant string, from, to time.Time) []api.GapReportRow {
	var out []api.GapReportRow
	for _, r := range l.intake.Report(tenant, from.UnixNano(), to.UnixNano()) {
		out = append(out, api.GapReportRow(r))
	}
	return out
}

// Flow implements api.Ledger.
func (l ledger) Flow(tenant string) api.Flow {
	c := l.intake.Counters(tenant)
	out := api.Flow{Refused: c.Refused, Dropped: c.Dropped}
	for _, g := range stream.Groups() {
		records, messages := l.stream.Lag(g)
		out.Sinks = append(out.Sinks, api.FlowSink{Name: g, Records: records, Messages: messages})
	}
	now := l.fleet.Counts(tenant)
	gaps, missing := l.intake.OpenGaps(tenant)
	sites := map[string]bool{}
	for site := range c.Sites {
		sites[site] = true
	}
	for site := range now {
		sites[site] = true
	}
	for site := range gaps {
		sites[site] = true
	}
	for _, site := range slices.Sorted(maps.Keys(sites)) {
		n, f := c.Sites[site], now[site]
		out.Sites = append(out.Sites, api.FlowSite{
			Site: site, PerSecond: f.PerSecond, Messages: n.Messages, Readings: n.Readings, Duplicates: n.Duplicates,
			Untracked: n.Untracked, Letters: n.Letters, OpenGaps: gaps[site], Missing: missing[site], Buffered: f.Buffered,
		})
	}
	return out
}

// minute is how many samples of signalsEvery, both ends counted, make the last minute.
const minute = 13

// lately remembers the counts of the last minute, so that a rate can be told from totals.
type lately struct {
	mu   sync.Mutex
	past map[string][]map[string]uint64 // by tenant, oldest first: dead letters by site
}

// note adds the totals of now.
func (l *lately) note(tenant string, c intake.Counters) {
	now := map[string]uint64{}
	for site, n := range c.Sites {
		now[site] = n.Letters
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.past[tenant] = append(l.past[tenant], now)
	l.past[tenant] = l.past[tenant][max(0, len(l.past[tenant])-minute):]
}

// letters are those of about the last minute, by site.
func (l *lately) letters(tenant string, c intake.Counters) map[string]int {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := map[string]int{}
	if p := l.past[tenant]; len(p) > 0 {
		for site, n := range c.Sites {
			out[site] = int(n.Letters - p[0][site])
		}
	}
	return out
}
