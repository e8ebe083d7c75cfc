package fleet_test

import (
	"testing"
	"time"

	"github.com/lineshaft/lineshaft/backend/fleet"
	"github.com/lineshaft/lineshaft/twin/wire"
)

func TestSignals(t *testing.T) {
	num := func(f float64) *float64 { return &f }
	count := func(n int64) *int64 { return &n }
	for name, c := range map[string]struct {
		in   fleet.Counts
		want fleet.Signals
	}{
		"nothing there":       {fleet.Counts{}, fleet.Signals{}},
		"no message yet":      {fleet.Counts{Devices: 4}, fleet.Signals{Connectivity: num(0), Throughput: num(0)}},
		"all is well":         {fleet.Counts{Devices: 4, Online: 4, PerSecond: 12.5, Messages: 750, Fresh: 10}, fleet.Signals{num(100), num(12.5), num(0), num(100), nil}},
		"one of four offline": {fleet.Counts{Devices: 4, Online: 3}, fleet.Signals{Connectivity: num(75), Throughput: num(0)}},
		"a dead letter":       {fleet.Counts{Devices: 1, Online: 1, Messages: 199, Letters: 1}, fleet.Signals{num(100), num(0), num(0.5), nil, nil}},
		"only dead letters":   {fleet.Counts{Letters: 3}, fleet.Signals{Errors: num(100)}},
		"late is not fresh":   {fleet.Counts{Fresh: 6, Late: 2, Stale: 2}, fleet.Signals{Freshness: num(60)}},
		"an empty outbox":     {fleet.Counts{Reporting: 1}, fleet.Signals{Buffered: count(0)}},
		"a backlog":           {fleet.Counts{Reporting: 2, Buffered: 512}, fleet.Signals{Buffered: count(512)}},
	} {
		got := c.in.Signals()
		same := func(what string, a, b *float64) {
			if (a == nil) != (b == nil) || a != nil && *a != *b {
				t.Errorf("%s: %s differs", name, what)
			}
		}
		same("connectivity", got.Connectivity, c.want.Connectivity)
		same("throughput", got.Throughput, c.want.Throughput)
		same("errors", got.Errors, c.want.Errors)
		same("freshness", got.Freshness, c.want.Freshness)
		if (got.Buffered == nil) != (c.want.Buffered == nil) || got.Buffered != nil && *got.Buffered != *c.want.Buffered {
			t.Errorf("%s: buffered differs", name)
		}
	}
	sum := fleet.Counts{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}.Plus(fleet.Counts{10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110})
	if sum != (fleet.Counts{11, 22, 33, 44, 55, 66, 77, 88, 99, 110, 121}) {
		t.Errorf("sum %+v", sum)
	}
}

func TestAges(t *testing.T) {
	for _, c := range []struct {
		age, interval time.Duration
		want          fleet.Age
	}{
		{-time.Second, time.Second, fleet.Fresh},
		{2 * time.Second, time.Second, fleet.Fresh},
		{2*time.Second + 1, time.Second, fleet.Late},
		{5 * time.Second, time.Second, fleet.Late},
		{5*time.Second + 1, time.Second, fleet.Stale},
		{20 * time.Second, 0, fleet.Fresh},
		{51 * time.Second, 0, fleet.Stale},
	} {
		if got := fleet.AgeOf(c.age, c.interval); got != c.want {
			t.Errorf("%v at an interval of %v is %v, want %v", c.age, c.interval, got, c.want)
		}
	}
}

func TestCountsBySite(t *testing.T) {
	p := newPlant(t)
	p.load(gateway("gw-1"), pump("P-001", "gw-1"), direct("V-1"))
	unsent := int64(7)
	p.Status("acme", "gw-1", wire.DeviceStatus{Online: true, Session: "S", Unsent: &unsent}, p.now(), false)
	for range 20 {
		for range 5 {
			p.Seen("acme", "P-001", p.now(), 4)
		}
		p.Seen("acme", "V-1", p.now(), 1)
		p.clock.Advance(time.Second)
	}
	got := p.Counts("acme")
	if want := (fleet.Counts{Devices: 2, Online: 2, PerSecond: 5, Messages: 100, Buffered: 7, Reporting: 1, Readings: 400}); got["detroit"] != want {
		t.Errorf("detroit %+v, want %+v", got["detroit"], want)
	}
	if want := (fleet.Counts{Devices: 1, Online: 1, PerSecond: 1, Messages: 20, Readings: 20}); got["rotterdam"] != want {
		t.Errorf("rotterdam %+v, want %+v", got["rotterdam"], want)
	}
	p.clock.Advance(2 * time.Minute)
	if c := p.Counts("acme")["detroit"]; c.PerSecond != 0 || c.Messages != 0 {
		t.Errorf("two silent minutes later: %+v", c)
	}
}
