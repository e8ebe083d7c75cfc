package api

import (
	"fmt"
	"slices"
	"time"
)

// offlineGaps are the spans in which a device was away.
func offlineGaps(device string, spans []Span, from, to, now time.Time) []Gap {
	out := []Gap{}
	for _, s := range spans {
		g := Gap{From: s.From, To: s.To, Cause: "offline", Open: s.To.IsZero(), Detail: device + " was offline"}
		if g.Open {
			g.To, g.Detail = now, device+" is offline"
		}
		if g.From.Before(to) && g.To.After(from) {
			out = append(out, clip(g, from, to))
		}
	}
	return out
}

// ledgerGaps are the holes in the sequence numbers that can be placed in time.
func ledgerGaps(holes []LedgerGap, from, to time.Time) []Gap {
	out := []Gap{}
	for _, h := range holes {
		if h.From == nil || h.To == nil || !h.From.Before(to) || !h.To.After(from) {
			continue
		}
		count := int(h.Count)
		g := Gap{
			From: *h.From, To: *h.To, Cause: causeOf(h.Cause), Count: &count, Open: h.HealedAt == nil, HealedAt: h.HealedAt,
			Detail: fmt.Sprintf("messages %d to %d of %s", h.FromSeq, h.ToSeq, h.DeviceID),
		}
		if h.HealedHow != "" {
			g.Detail += ", " + h.HealedHow
		}
		out = append(out, clip(g, from, to))
	}
	return out
}

// qualityGaps are the spans whose readings were left out because they were not good.
func qualityGaps(spans []Span) []Gap {
	out := []Gap{}
	for _, s := range spans {
		out = append(out, Gap{From: s.From, To: s.To, Cause: "quality", Detail: "readings that are not good"})
	}
	return out
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

// mergeGaps puts two lists into the order of time; none is dropped, since each has its own cause.
func mergeGaps(a, b []Gap) []Gap {
	out := append(slices.Clone(a), b...)
	slices.SortStableFunc(out, func(x, y Gap) int { return x.From.Compare(y.From) })
	return out
}
