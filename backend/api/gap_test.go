package api_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/lineshaft/lineshaft/backend/api"
	"github.com/lineshaft/lineshaft/twin"
)

// Where a trend has no line, and what it says there. Times are minutes of one hour.
func TestGapsSayWhy(t *testing.T) {
	start := now.Add(-time.Hour)
	at := func(minute int) time.Time { return start.Add(time.Duration(minute) * time.Minute) }
	span := func(from, to int) api.Span { return api.Span{From: at(from), To: at(to)} }
	lost := func(from, to int, cause string) api.LedgerGap {
		return api.LedgerGap{DeviceID: "P-007", FromSeq: 10, ToSeq: 14, Count: 5, Cause: cause, From: new(at(from)), To: new(at(to))}
	}
	healed := lost(10, 12, "offline")
	healed.HealedAt, healed.HealedHow = new(at(20)), "sent late"
	for name, c := range map[string]struct {
		onChange bool
		readings []int
		holes    []api.Span
		bad      []api.Span
		offline  []api.Span
		lost     []api.LedgerGap
		want     string
	}{
		"all is there":                       {want: ""},
		"nobody knows why":                   {holes: []api.Span{span(10, 20)}, want: "10-20 unknown"},
		"the device was away":                {holes: []api.Span{span(10, 20)}, offline: []api.Span{span(9, 21)}, want: "10-20 offline"},
		"it was away and sent it later":      {offline: []api.Span{span(9, 21)}, want: ""},
		"it is away":                         {holes: []api.Span{span(50, 60)}, offline: []api.Span{{From: at(50)}}, want: "50-60 offline open"},
		"messages were lost":                 {holes: []api.Span{span(10, 20)}, lost: []api.LedgerGap{lost(10, 20, "buffer_overrun")}, want: "10-20 buffer_overrun open 5"},
		"lost while away":                    {holes: []api.Span{span(10, 20)}, offline: []api.Span{span(9, 21)}, lost: []api.LedgerGap{lost(11, 12, "buffer_overrun")}, want: "10-20 buffer_overrun open 5"},
		"a message lost between others":      {lost: []api.LedgerGap{lost(10, 10, "x"), lost(11, 12, "dead_letter")}, want: "10-10 unknown open 5, 11-12 dead_letter open 5"},
		"healed":                             {lost: []api.LedgerGap{healed}, want: "10-12 offline 5 healed"},
		"a cause with a new name":            {lost: []api.LedgerGap{lost(11, 12, "gremlins")}, want: "11-12 unknown open 5"},
		"bad readings left out":              {bad: []api.Span{span(5, 6)}, want: "5-6 quality"},
		"two, in order":                      {holes: []api.Span{span(30, 40)}, bad: []api.Span{span(5, 6)}, want: "5-6 quality, 30-40 unknown"},
		"a switch while its device was away": {onChange: true, readings: []int{5, 50}, offline: []api.Span{span(10, 20)}, want: "10-20 offline"},
		"a switch that spoke meanwhile":      {onChange: true, readings: []int{15}, offline: []api.Span{span(10, 20)}, want: ""},
	} {
		t.Run(name, func(t *testing.T) {
			tag := twin.Tag{Name: "flow", Interval: time.Second}
			if c.onChange {
				tag.Interval = 0
			}
			col := api.Column{Tag: api.TagRef{Tag: tag}, Holes: c.holes, Bad: c.bad}
			for _, m := range c.readings {
				col.T = append(col.T, at(m).UnixNano())
			}
			var got []string
			for _, g := range api.GapsOf(col, "P-007", c.lost, c.offline, start, now, now) {
				s := fmt.Sprintf("%d-%d %s", int(g.From.Sub(start).Minutes()), int(g.To.Sub(start).Minutes()), g.Cause)
				if g.Open {
					s += " open"
				}
				if g.Count != nil {
					s += fmt.Sprint(" ", *g.Count)
				}
				if g.HealedAt != nil {
					s += " healed"
				}
				got = append(got, s)
			}
			if all := strings.Join(got, ", "); all != c.want {
				t.Errorf("got %q, want %q", all, c.want)
			}
		})
	}
}
