package server

import (
	"encoding/base64"
	"sync"

	"github.com/lineshaft/lineshaft/backend/api"
	"github.com/lineshaft/lineshaft/backend/intake"
	"github.com/lineshaft/lineshaft/twin/wire"
)

// ledger shows gaps and dead letters to the API.
type ledger struct{ intake *intake.Intake }

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
		}
		if g.HealedAt != 0 {
			v.HealedHow = "late messages"
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

// minute is how many samples of signalsEvery make the last minute.
const minute = 12

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
	p := append(l.past[tenant], now)
	l.past[tenant] = p[max(0, len(p)-minute):]
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
