package intake

import (
	"cmp"
	"slices"
)

// ReportRow sums up the gaps of one site with one cause.
type ReportRow struct {
	Site, Cause string
	Gaps        uint64 // holes
	Messages    uint64 // in them
	Missing     uint64 // of those, still missing
	Gone        uint64 // of the missing, those that nobody has any more
	Healed      uint64 // holes of which nothing is missing any more; of them
	Late        uint64 // by themselves
	Resent      uint64 // because the sender was asked
	Replayed    uint64 // as dead letters let in again
}

// Report sums up a tenant's gaps that begin at from <= t < to, ns, by site and cause. A device that is registered no
// more has no site.
func (in *Intake) Report(tenant string, from, to int64) []ReportRow {
	gs := in.ledger.gaps(tenant, GapFilter{From: from, To: to})
	in.offline(tenant, gs)
	type place struct{ site, cause string }
	rows := map[place]*ReportRow{}
	for _, g := range gs {
		if begin := cmp.Or(g.After, g.Before); begin < from || begin >= to {
			continue
		}
		d, _ := in.ports.Registry.Device(tenant, g.Device)
		at := place{d.Site, g.Cause}
		r := rows[at]
		if r == nil {
			r = &ReportRow{Site: d.Site, Cause: g.Cause}
			rows[at] = r
		}
		r.Gaps, r.Messages, r.Missing, r.Gone = r.Gaps+1, r.Messages+g.Count, r.Missing+g.Missing, r.Gone+g.Gone
		if g.HealedAt == 0 {
			continue
		}
		r.Healed++
		switch g.HealedHow {
		case HealedResend:
			r.Resent++
		case HealedReplay:
			r.Replayed++
		default:
			r.Late++
		}
	}
	out := make([]ReportRow, 0, len(rows))
	for _, r := range rows {
		out = append(out, *r)
	}
	slices.SortFunc(out, func(a, b ReportRow) int {
		return cmp.Or(cmp.Compare(a.Site, b.Site), cmp.Compare(a.Cause, b.Cause))
	})
	return out
}

// OpenGaps counts a tenant's gaps of which something is missing, and the numbers that are, by site.
func (in *Intake) OpenGaps(tenant string) (gaps, missing map[string]uint64) {
	gaps, missing = map[string]uint64{}, map[string]uint64{}
	in.ledger.mu.Lock()
	byDevice := map[string][2]uint64{}
	for k, s := range in.ledger.sequences {
		if k.tenant != tenant {
			continue
		}
		for i := range s.Gaps {
			if g := &s.Gaps[i]; g.HealedAt == 0 {
				n := byDevice[k.device]
				byDevice[k.device] = [2]uint64{n[0] + 1, n[1] + g.Missing}
			}
		}
	}
	in.ledger.mu.Unlock()
	for device, n := range byDevice {
		d, _ := in.ports.Registry.Device(tenant, device)
		gaps[d.Site] += n[0]
		missing[d.Site] += n[1]
	}
	return gaps, missing
}
