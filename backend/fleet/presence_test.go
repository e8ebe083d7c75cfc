package fleet_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/lineshaft/lineshaft/backend/fleet"
	"github.com/lineshaft/lineshaft/backend/store"
	"github.com/lineshaft/lineshaft/twin/wire"
)

func TestAHostedPumpIsOnlineOnlyWithItsGateway(t *testing.T) {
	p := newPlant(t)
	p.load(gateway("gw-1"), pump("P-001", "gw-1"))
	p.wantOnline("before anything", "P-001", false)
	p.Seen("acme", "P-001", p.now(), 4)
	p.wantOnline("telemetry, gateway unheard of", "P-001", false)
	p.Status("acme", "gw-1", on("S1"), p.now(), false)
	p.wantOnline("telemetry and gateway", "P-001", true)
	p.clock.Advance(time.Second)
	p.Status("acme", "gw-1", will("S1"), p.now(), true)
	p.wantOnline("the gateway's will", "P-001", false)
	p.wantOnline("the gateway's will", "gw-1", false)
	p.clock.Advance(time.Second)
	p.Status("acme", "gw-1", on("S2"), p.now(), false)
	p.wantOnline("the gateway is back", "P-001", true)
	p.Status("acme", "P-001", wire.DeviceStatus{Session: "S2", Reason: "no answer"}, p.now(), false)
	p.wantOnline("the gateway cannot reach the pump", "P-001", false)
	p.clock.Advance(time.Second)
	p.Seen("acme", "P-001", p.now(), 4)
	p.wantOnline("the gateway sends bad readings for it", "P-001", false)
	p.Status("acme", "P-001", on("S2"), p.now(), false)
	p.wantOnline("the pump answers again", "P-001", true)
}

func TestAWillCountsOnlyForItsOwnSession(t *testing.T) {
	p := newPlant(t)
	p.load(gateway("gw-1"))
	p.Status("acme", "gw-1", on("S1"), p.now(), false)
	p.clock.Advance(time.Second)
	p.Status("acme", "gw-1", on("S2"), p.now(), false)
	p.clock.Advance(time.Second)
	p.Status("acme", "gw-1", will("S1"), p.now(), true) // the old connection times out after the new one began
	p.wantOnline("late will of the session before", "gw-1", true)
	if spans := p.Offline("acme", "gw-1", 0, p.now()); len(spans) != 0 {
		t.Errorf("spans %v", spans)
	}
	before := p.now() - int64(500*time.Millisecond)
	p.Status("acme", "gw-1", will("S2"), p.now(), true)
	p.wantOnline("the will of the living session", "gw-1", false)
	p.Status("acme", "gw-1", on("S2"), before, false)
	p.wantOnline("an older status told again", "gw-1", false)
}

func TestADeviceWithoutSessionIsOnlineWhileItSpeaks(t *testing.T) {
	p := newPlant(t)
	p.load(direct("V-1"))
	p.Seen("acme", "V-1", p.now(), 1)
	p.wantOnline("after a message", "V-1", true)
	if s, _ := p.State("acme", "V-1"); s.Lifecycle != fleet.Active {
		t.Errorf("the first message leaves it %s", s.Lifecycle)
	}
	last := p.now()
	p.clock.Advance(31 * time.Second)
	p.wantOnline("31 s of silence", "V-1", false)
	if s, _ := p.State("acme", "V-1"); s.Since != last {
		t.Errorf("offline since %v, want %v", s.Since, last)
	}
	if spans := p.Offline("acme", "V-1", 0, p.now()); len(spans) != 1 || spans[0].From != last || spans[0].To != 0 {
		t.Errorf("while it is silent: %v", spans)
	}
	p.Seen("acme", "V-1", p.now(), 1)
	p.wantOnline("it speaks again", "V-1", true)
	if spans := p.Offline("acme", "V-1", 0, p.now()); len(spans) != 1 || spans[0].From != last || spans[0].To != p.now() || spans[0].Cause != fleet.CauseSilence {
		t.Errorf("afterwards: %v", spans)
	}
}

func TestAWillProcessedBeforeOlderTelemetryStands(t *testing.T) {
	p := newPlant(t)
	p.load(direct("V-1"))
	p.Status("acme", "V-1", on("S1"), p.now(), false)
	p.clock.Advance(10 * time.Second)
	p.Status("acme", "V-1", will("S1"), p.now(), true)
	p.Seen("acme", "V-1", p.now()-int64(time.Second), 1) // telemetry and facts are two streams
	p.wantOnline("telemetry from before the will", "V-1", false)
	p.Seen("acme", "V-1", p.now()+1, 1)
	p.clock.Advance(time.Second)
	p.wantOnline("telemetry from after the will", "V-1", true)
}

func TestOfflineSpansExplainGaps(t *testing.T) {
	p := newPlant(t)
	p.load(gateway("gw-1"), pump("P-001", "gw-1"))
	p.Status("acme", "gw-1", on("S1"), p.now(), false)
	p.Status("acme", "P-001", on("S1"), p.now(), false)
	p.clock.Advance(time.Hour)
	p.Seen("acme", "gw-1", p.now(), 1)
	p.Seen("acme", "P-001", p.now(), 1)
	heard := p.now()
	p.clock.Advance(15 * time.Second)
	p.Status("acme", "gw-1", will("S1"), p.now(), true)
	noticed := p.now()
	p.commit()
	p.clock.Advance(time.Minute)
	spans := p.Offline("acme", "P-001", 0, p.now())
	if len(spans) != 1 || spans[0].From != heard || spans[0].To != 0 {
		t.Fatalf("while the gateway is away the pump's spans are %+v, want one from %d that lasts", spans, heard)
	}
	p.Status("acme", "gw-1", on("S2"), p.now(), false)
	back := p.now()
	p.clock.Advance(10 * time.Second)
	p.Seen("acme", "P-001", p.now(), 1)
	p.commit()
	p.restart(0)
	g := p.Offline("acme", "gw-1", 0, back)
	want := fleet.Span{From: heard, Detected: noticed, To: back, Cause: fleet.CauseLost}
	if len(g) == 0 || g[0] != want {
		t.Errorf("after a restart the gateway's spans are %+v, want first %+v", g, want)
	}
	for _, c := range []struct {
		from, to int64
		want     int
	}{{0, heard - 1, 0}, {0, heard, 1}, {noticed, noticed, 1}} {
		if got := p.Offline("acme", "P-001", c.from, c.to); len(got) != c.want {
			t.Errorf("between %d and %d: %+v, want %d", c.from, c.to, got, c.want)
		}
	}
}

func TestARestartOfTheBackendEndsEverySession(t *testing.T) {
	p := newPlant(t)
	p.load(gateway("gw-1"), pump("P-001", "gw-1"), direct("V-1"))
	p.Status("acme", "gw-1", on("S1"), p.now(), false)
	p.Status("acme", "P-001", on("S1"), p.now(), false)
	p.clock.Advance(20 * time.Second)
	p.commit()
	alive := p.now()
	p.restart(3 * time.Second)
	p.wantOnline("just restarted", "gw-1", false)
	p.wantOnline("just restarted", "P-001", false)
	p.Status("acme", "gw-1", on("S2"), p.now(), false)
	p.wantOnline("the gateway is back", "gw-1", true)
	p.wantOnline("the gateway is back", "P-001", true)
	spans := p.Offline("acme", "P-001", 0, p.now())
	if len(spans) != 1 || spans[0].From != alive || spans[0].To != p.now() {
		t.Errorf("spans %+v, want from the last sign of life %d to now %d", spans, alive, p.now())
	}
	p.Status("acme", "gw-1", will("S1"), p.now(), true)
	p.wantOnline("a will of the life before", "gw-1", true)
}

func TestSpansAreBounded(t *testing.T) {
	p := newPlant(t)
	p.load(gateway("gw-1"))
	flaps := 300
	for range flaps {
		p.Status("acme", "gw-1", on("S"), p.now(), false)
		p.clock.Advance(time.Second)
		p.Status("acme", "gw-1", wire.DeviceStatus{Session: "S", Reason: "stopped"}, p.now(), false)
		p.clock.Advance(time.Second)
		if p.now()%7 == 0 {
			p.commit()
		}
	}
	p.commit()
	before := p.Offline("acme", "gw-1", 0, p.now())
	p.restart(0)
	after := p.Offline("acme", "gw-1", 0, p.now())
	if len(before) != 256 || len(after) != 256 || before[0] != after[0] || before[255] != after[255] {
		t.Errorf("%d spans before a restart, %d after it, want 256 equal ones", len(before), len(after))
	}
}

func TestSubscribersAreToldWhatChanged(t *testing.T) {
	p := newPlant(t)
	p.load(gateway("gw-1"), pump("P-001", "gw-1"), pump("P-002", "gw-1"), direct("V-1"))
	p.Seen("acme", "P-001", p.now(), 1)
	sub := p.Subscribe("acme")
	defer sub.Close()
	unsent := int64(12)
	p.Status("acme", "gw-1", wire.DeviceStatus{Online: true, Session: "S1", Firmware: "2.3.1", Unsent: &unsent}, p.now(), false)
	unsent = 99 // the fleet keeps what it was told, not the teller's variable
	got, err := sub.Next(t.Context())
	if err != nil || len(got) != 3 {
		t.Fatalf("told of %v, %v, want the gateway and its two pumps", got, err)
	}
	for _, s := range got {
		switch s.ID {
		case "gw-1":
			if !s.Online || s.Firmware != "2.3.1" || *s.Unsent != 12 || !strings.HasSuffix(s.Topic, "/_/gateway/gw-1") {
				t.Errorf("gateway %+v", s)
			}
		case "P-001":
			if !s.Online {
				t.Errorf("pump %+v", s)
			}
		}
	}
	p.Status("acme", "gw-1", will("S1"), p.now(), true)
	p.Status("acme", "gw-1", on("S2"), p.now(), false)
	if got, err := sub.Next(t.Context()); err != nil || len(got) != 3 {
		t.Errorf("a slow reader is told of %v, %v, want each device once", got, err)
	}
}

func TestADeviceThatFallsSilentIsTold(t *testing.T) {
	p := newPlant(t)
	p.load(direct("V-1"), direct("V-2"))
	p.Seen("acme", "V-1", p.now(), 1)
	sub := p.Subscribe("acme")
	defer sub.Close()
	p.clock.Advance(20 * time.Second)
	p.Seen("acme", "V-2", p.now(), 1)
	p.commit()
	if got, err := sub.Next(t.Context()); err != nil || len(got) != 1 || got[0].ID != "V-2" || !got[0].Online {
		t.Errorf("told of %v, %v", got, err)
	}
	p.clock.Advance(20 * time.Second)
	p.commit()
	if got, err := sub.Next(t.Context()); err != nil || len(got) != 1 || got[0].ID != "V-1" || got[0].Online {
		t.Errorf("told of %v, %v, want that V-1 is silent", got, err)
	}
}

func TestAShortRestartIsTheBackendsAbsenceNotTheDevices(t *testing.T) {
	p := newPlant(t)
	p.load(direct("V-1"))
	for range 29 { // the last message is stored at leisure
		p.Seen("acme", "V-1", p.now(), 1)
		p.commit()
		p.clock.Advance(time.Second)
	}
	p.restart(10 * time.Second)
	p.Seen("acme", "V-1", p.now(), 1)
	spans := p.Offline("acme", "V-1", 0, p.now())
	if len(spans) != 1 || spans[0].Cause != fleet.CauseBackend || spans[0].To != p.now() || spans[0].To-spans[0].From > int64(16*time.Second) {
		t.Errorf("spans %+v, want one of the backend, no longer than it was away and its sign of life is old", spans)
	}
}

func TestAFullDiskLosesNoPresence(t *testing.T) {
	p := newPlant(t)
	p.load(gateway("gw-1"))
	disk := &flaky{Space: p.store.Space("fleet")}
	f, err := fleet.Open(t.Context(), disk, nil, p.clock, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	f.Status("acme", "gw-1", on("S1"), p.now(), false)
	f.Seen("acme", "gw-1", p.now(), 1)
	disk.full = true
	if err := f.Commit(t.Context()); err == nil {
		t.Fatal("a commit to a full disk says it is done")
	}
	if _, err := f.Register(t.Context(), "acme", direct("V-1")); err == nil {
		t.Fatal("a registration to a full disk says it is done")
	}
	disk.full = false
	if err := f.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.restart(0)
	if s, _ := p.State("acme", "gw-1"); s.Session != "S1" || s.Lifecycle != fleet.Active || s.LastSeen == 0 {
		t.Errorf("%+v", s)
	}
	if _, there := p.Device("acme", "V-1"); there {
		t.Error("the refused device is registered")
	}
}

// flaky is a store whose disk is full for a while.
type flaky struct {
	*store.Space
	full bool
}

func (f *flaky) Write(ctx context.Context, puts []store.Pair) error {
	if f.full {
		return errors.New("no space left on device")
	}
	return f.Space.Write(ctx, puts)
}
