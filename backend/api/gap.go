package api

import (
	"fmt"
	"slices"
	"time"
)

// causes are what is known of why data of a device may be missing.
type causes struct {
	device  string
	lost    []LedgerGap // holes in its sequence numbers
	offline []Span      // when it was away
}

// gapsOf says where a column has no data, and why. A stretch without data is one gap, with the best cause known:
// lost messages, then the device being away, then none. Lost messages that left no such stretch are told too,
// also healed ones; the device having been away is not, where its data came later. A tag that reports on change
// leaves no stretches, so for it being away counts unless it spoke meanwhile.
func gapsOf(c Column, why causes, from, to, now time.Time) []Gap {
	lost := lostGaps(why.lost, from, to)
	away := awayGaps(why, from, to, now)
	told := make([]bool, len(lost))
	out := []Gap{}
	for _, h := range c.Holes {
		g := Gap{From: h.From, To: h.To, Cause: "unknown", Detail: "no readings came", Open: !h.To.Before(minTime(to, now))}
		if g = clip(g, from, minTime(to, now)); !g.From.Before(g.To) {
			continue
		}
		if i := overlap(away, g); i >= 0 {
			g.Cause, g.Detail = away[i].Cause, away[i].Detail
		}
		if i := overlap(lost, g); i >= 0 {
			g.Cause, g.Detail, g.Count, g.HealedAt = lost[i].Cause, lost[i].Detail, lost[i].Count, lost[i].HealedAt
			g.Open, told[i] = g.Open || lost[i].Open, true
		}
		out = append(out, g)
	}
	for i, g := range lost {
		if !told[i] {
			out = append(out, g)
		}
	}
	if c.Tag.Tag.Interval <= 0 {
		for _, g := range away {
			if !speaks(c.T, g) && overlap(out, g) < 0 {
				out = append(out, g)
			}
		}
	}
	for _, s := range c.Bad {
		out = append(out, Gap{From: s.From, To: s.To, Cause: "quality", Detail: "readings that are not good"})
	}
	slices.SortStableFunc(out, func(x, y Gap) int { return x.From.Compare(y.From) })
	return out
}

// awayGaps are the spans in which a device was away.
func awayGaps(why causes, from, to, now time.Time) []Gap {
	var out []Gap
	for _, s := range why.offline {
		g := Gap{From: s.From, To: s.To, Cause: "offline", Open: s.To.IsZero(), Detail: why.device + " was offline"}
		if g.Open {
			g.To, g.Detail = now, why.device+" is offline"
		}
		if g.From.Before(to) && g.To.After(from) {
			out = append(out, clip(g, from, to))
		}
	}
	return out
}

// lostGaps are the holes in the sequence numbers that can be placed in time.
func lostGaps(holes []LedgerGap, from, to time.Time) []Gap {
	var out []Gap
	for _, h := range holes {
		if h.From == nil || h.To == nil || !h.From.Before(to) || !h.To.After(from) {
			continue
		}
		count := int(h.Count)
		g := Gap{
			From: *h.From, To: *h.To, Cause: causeOf(h.Cause), Count: &count, Open: h.HealedAt == nil, HealedAt: h.HealedAt,
			Detail: fmt.Sprintf("messages %d to %d of %s", h.FromSeq, h.ToSeq, h.DeviceID),
		}
		switch h.HealedHow {
		case "late":
			g.Detail += ", healed by late messages"
		case "resend":
			g.Detail += ", sent again on request"
		case "replay":
			g.Detail += ", dead letters let in again"
		}
		if h.Gone > 0 {
			g.Detail += fmt.Sprintf(", %d of them gone for good", h.Gone)
		}
		out = append(out, clip(g, from, to))
	}
	return out
}

// overlap is the index of the first gap that shares time with g, -1 if none does.
func overlap(gaps []Gap, g Gap) int {
	return slices.IndexFunc(gaps, func(o Gap) bool { return o.From.Before(g.To) && g.From.Before(o.To) })
}

// speaks says whether a reading lies within a gap; its edges do not count.
func speaks(ts []int64, g Gap) bool {
	i, _ := slices.BinarySearch(ts, g.From.UnixNano()+1)
	return i < len(ts) && ts[i] < g.To.UnixNano()
}

// causeOf keeps to the words the API promises.
func causeOf(cause string) string {
	switch cause {
	case "offline", "buffer_overrun", "dead_letter", "clock", "quality":
		return cause
	}
	return "unknown"
}

func clip(g Gap, from, to time.Time) Gap {
	if g.From.Before(from) {
		g.From = from
	}
	if g.To.After(to) {
		g.To = to
	}
	return g
}

func minTime(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
