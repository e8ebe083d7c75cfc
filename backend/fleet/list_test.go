package fleet_test

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/lineshaft/lineshaft/backend/fleet"
	"github.com/lineshaft/lineshaft/twin"
	"github.com/lineshaft/lineshaft/twin/fault"
	"github.com/lineshaft/lineshaft/twin/wire"
)

func TestListPagesAndFilters(t *testing.T) {
	p := newPlant(t)
	p.load(gateway("gw-det-01"), pump("P-003", "gw-det-01"), pump("P-001", "gw-det-01"), pump("P-002", "gw-det-01"), direct("V-1"))
	p.Status("acme", "gw-det-01", on("S1"), p.now(), false)
	p.Seen("acme", "P-002", p.now(), 1)
	yes := true
	for name, c := range map[string]struct {
		f    fleet.Filter
		want string
	}{
		"all":      {fleet.Filter{}, "P-001 P-002 P-003 V-1 gw-det-01"},
		"site":     {fleet.Filter{Site: "rotterdam"}, "V-1"},
		"kind":     {fleet.Filter{Kind: twin.Gateway}, "gw-det-01"},
		"hosted":   {fleet.Filter{Gateway: "gw-det-01"}, "P-001 P-002 P-003"},
		"online":   {fleet.Filter{Online: &yes}, "P-002 gw-det-01"},
		"words":    {fleet.Filter{Query: "VIBR"}, "V-1"},
		"two only": {fleet.Filter{Limit: 2, After: "P-001"}, "P-002 P-003"},
	} {
		page, err := p.List("acme", c.f)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, s := range page.Items {
			got = append(got, s.ID)
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: got %v, want %s", name, got, c.want)
		}
	}
	var all []string
	for next, f := "", (fleet.Filter{Limit: 2}); ; f.After = next {
		page, err := p.List("acme", f)
		if err != nil || page.Total != 5 {
			t.Fatalf("%+v, %v", page, err)
		}
		for _, s := range page.Items {
			all = append(all, s.ID)
		}
		if next = page.Next; next == "" {
			break
		}
	}
	if strings.Join(all, " ") != "P-001 P-002 P-003 V-1 gw-det-01" {
		t.Errorf("pages give %v", all)
	}
	if _, err := p.List("acme", fleet.Filter{Limit: 1001}); !fault.Is(err, fault.Invalid) {
		t.Errorf("limit 1001: %v", err)
	}
	if page, err := p.List("nobody", fleet.Filter{}); err != nil || page.Items == nil || page.Total != 0 {
		t.Errorf("an unknown tenant: %+v, %v", page, err)
	}
}

func TestEverybodyAtOnce(t *testing.T) {
	p := newPlant(t)
	p.load(gateway("gw-1"), pump("P-001", "gw-1"), pump("P-002", "gw-1"))
	sub := p.Subscribe("acme")
	ctx, cancel := context.WithCancel(t.Context())
	var wg, reader sync.WaitGroup
	reader.Go(func() {
		for {
			if _, err := sub.Next(ctx); err != nil {
				return
			}
		}
	})
	base := p.now()
	for w := range 4 {
		wg.Go(func() {
			for i := range int64(200) {
				p.Seen("acme", []string{"P-001", "P-002"}[w%2], base+i, 1)
				p.Status("acme", "gw-1", wire.DeviceStatus{Online: i%2 == 0, Session: "S"}, base+i, i%3 == 0)
				p.State("acme", "P-001")
				p.Offline("acme", "P-001", 0, base)
				p.Counts("acme")
			}
		})
	}
	wg.Go(func() {
		for range 10 {
			p.commit()
			if _, err := p.Rotate(t.Context(), "acme", "gw-1"); err != nil {
				t.Error(err)
			}
		}
	})
	wg.Wait()
	cancel()
	reader.Wait()
	sub.Close()
	p.commit()
	if s, _ := p.State("acme", "P-001"); s.LastSeen != base+199 {
		t.Errorf("last seen %d, want %d", s.LastSeen-base, 199)
	}
	p.restart(0)
	if s, _ := p.State("acme", "P-001"); s.LastSeen < base || s.Lifecycle != fleet.Active { // the last message is stored at leisure
		t.Errorf("after the restart %+v", s)
	}
}
