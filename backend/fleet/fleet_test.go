package fleet_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/lineshaft/lineshaft/backend/fleet"
	"github.com/lineshaft/lineshaft/backend/store"
	"github.com/lineshaft/lineshaft/twin"
	"github.com/lineshaft/lineshaft/twin/clock"
	"github.com/lineshaft/lineshaft/twin/fault"
	"github.com/lineshaft/lineshaft/twin/wire"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/golang/glog.(*fileSink).flushDaemon"))
}

var start = time.Date(2026, 3, 19, 6, 0, 0, 0, time.UTC)

// plant is a fleet on a real store with a clock the test moves.
type plant struct {
	*fleet.Fleet
	t     testing.TB
	dir   string
	store *store.Store
	clock *clock.Driven
}

type assets map[string]bool

func (a assets) HasAsset(tenant, id string) bool { return a[tenant+" "+id] }

func newPlant(t testing.TB) *plant {
	t.Helper()
	p := &plant{t: t, dir: t.TempDir(), clock: clock.NewDriven(start)}
	p.open()
	t.Cleanup(p.stop)
	return p
}

func (p *plant) open() {
	p.t.Helper()
	log := slog.New(slog.DiscardHandler)
	var err error
	if p.store, err = store.Open(p.dir, log); err != nil {
		p.t.Fatal(err)
	}
	known := assets{"acme pump-7": true}
	if p.Fleet, err = fleet.Open(p.t.Context(), p.store.Space("fleet"), known, p.clock, log); err != nil {
		p.t.Fatal(err)
	}
}

func (p *plant) stop() {
	if err := p.store.Close(); err != nil {
		p.t.Error(err)
	}
}

// restart ends the backend and starts it again; what was not committed is lost, as with kill -9.
func (p *plant) restart(down time.Duration) {
	p.t.Helper()
	p.stop()
	p.clock.Advance(down)
	p.open()
}

func (p *plant) now() int64 { return p.clock.Now().UnixNano() }

func (p *plant) online(id string) bool {
	p.t.Helper()
	s, ok := p.State("acme", id)
	if !ok {
		p.t.Fatalf("%s is not registered", id)
	}
	return s.Online
}

func (p *plant) wantOnline(when string, id string, want bool) {
	p.t.Helper()
	if got := p.online(id); got != want {
		p.t.Errorf("%s: %s online = %v, want %v", when, id, got, want)
	}
}

func gateway(id string) twin.Device {
	return twin.Device{ID: id, Kind: twin.Gateway, Type: "gateway", Site: "detroit", Area: "body-shop", Line: "_"}
}

func pump(id, gw string) twin.Device {
	return twin.Device{
		ID: id, Kind: twin.Hosted, Type: "centrifugal_pump", Gateway: gw, Site: "detroit", Area: "body-shop", Line: "cooling-water",
		Interval: 2 * time.Second,
	}
}

func direct(id string) twin.Device {
	return twin.Device{ID: id, Kind: twin.Direct, Type: "vibration_sensor", Site: "rotterdam", Area: "process", Line: "cell-1", Interval: time.Second}
}

func (p *plant) load(devices ...twin.Device) fleet.Imported {
	p.t.Helper()
	in, err := p.Import(p.t.Context(), "acme", devices, "test")
	if err != nil {
		p.t.Fatal(err)
	}
	return in
}

func (p *plant) commit() {
	p.t.Helper()
	if err := p.Commit(p.t.Context()); err != nil {
		p.t.Fatal(err)
	}
}

func on(session string) wire.DeviceStatus { return wire.DeviceStatus{Online: true, Session: session} }

func will(session string) wire.DeviceStatus { return wire.DeviceStatus{Session: session} }

func TestATokenIsShownOnceAndOpensOnlyItsOwnDoor(t *testing.T) {
	p := newPlant(t)
	token, err := p.Register(t.Context(), "acme", direct("V-1"))
	if err != nil || len(token) < 40 {
		t.Fatalf("token %q, %v", token, err)
	}
	other, err := p.Register(t.Context(), "acme", gateway("gw-det-01"))
	if err != nil {
		t.Fatal(err)
	}
	check := func(client, user, password string, want bool) {
		t.Helper()
		tenant, id, isGateway, err := p.Authenticate(t.Context(), client, user, []byte(password))
		if want != (err == nil) {
			t.Errorf("%s as %s: %v", client, user, err)
		}
		if want && (tenant != "acme" || wire.ClientID(tenant, id) != user || isGateway != (id == "gw-det-01")) {
			t.Errorf("%s as %s is %s %s %v", client, user, tenant, id, isGateway)
		}
	}
	for range 2 {
		check("acme::V-1", "acme::V-1", token, true)
		check("acme::gw-det-01", "acme::gw-det-01", other, true)
		check("acme::V-1", "acme::V-1", other, false)
		check("acme::gw-det-01", "acme::V-1", token, false)
		check("globex::V-1", "globex::V-1", token, false)
		p.restart(time.Second)
	}
	next, err := p.Rotate(t.Context(), "acme", "V-1")
	if err != nil {
		t.Fatal(err)
	}
	check("acme::V-1", "acme::V-1", token, false)
	check("acme::V-1", "acme::V-1", next, true)
	if _, err := p.Rotate(t.Context(), "globex", "V-1"); !fault.Is(err, fault.NotFound) {
		t.Errorf("rotating another tenant's device: %v", err)
	}
}

// Nobody can find out which devices exist by trying to log in.
func TestWrongTokenAndUnknownDeviceGetOneAnswer(t *testing.T) {
	p := newPlant(t)
	p.load(gateway("gw-det-01"), pump("P-001", "gw-det-01"))
	answer := func(user string) string {
		_, _, _, err := p.Authenticate(t.Context(), user, user, []byte("guess"))
		f, ok := errors.AsType[*fault.Error](err)
		if !ok || f.Kind != fault.Denied {
			t.Fatalf("%s: got %v, want denied", user, err)
		}
		return f.Error() + f.Hint
	}
	want := answer("acme::gw-det-01")
	for _, user := range []string{"acme::gw-det-99", "globex::gw-det-01", "acme::P-001", "", "::", "acme"} {
		if got := answer(user); got != want {
			t.Errorf("%q is told %q, a wrong token %q", user, got, want)
		}
	}
}

func TestImportTwiceChangesNothing(t *testing.T) {
	p := newPlant(t)
	devices := []twin.Device{pump("P-001", "gw-det-01"), gateway("gw-det-01"), direct("V-1")}
	preview, err := p.Preview("acme", devices)
	if err != nil || preview.Created != 3 || p.Tenant("acme") {
		t.Fatalf("preview %+v, %v", preview, err)
	}
	if in := p.load(devices...); in.Created != 3 || len(in.Tokens) != 2 || in.Tokens["P-001"] != "" {
		t.Errorf("first import: %+v", in)
	}
	if in := p.load(devices...); in.Unchanged != 3 || in.Created+in.Changed+len(in.Tokens)+len(in.Lines) != 0 {
		t.Errorf("second import: %+v", in)
	}
	p.load(gateway("gw-det-02"))
	moved := pump("P-001", "gw-det-02")
	moved.TagMap = map[string]string{"T1": "temp_inlet_c"}
	if in := p.load(moved); in.Changed != 1 {
		t.Errorf("moving a pump: %+v", in)
	}
	p.restart(time.Second)
	if d, ok := p.Device("acme", "P-001"); !ok || d.Gateway != "gw-det-02" || d.TagMap["T1"] != "temp_inlet_c" || d.Interval != 2*time.Second {
		t.Errorf("after a restart P-001 is %+v, %v", d, ok)
	}
	if !p.MayActFor("acme", "gw-det-02", "P-001") || p.MayActFor("acme", "gw-det-01", "P-001") {
		t.Error("the pump's speaker is not its new gateway")
	}
}

func TestRegistrationIsRefusedByFieldAndValue(t *testing.T) {
	p := newPlant(t)
	p.load(gateway("gw-det-01"), direct("V-1"))
	for name, c := range map[string]struct {
		change func(*twin.Device)
		field  string
		kind   fault.Kind
	}{
		"space in the id":        {func(d *twin.Device) { d.ID = "P 1" }, "device_id", fault.Invalid},
		"empty id":               {func(d *twin.Device) { d.ID = "" }, "device_id", fault.Invalid},
		"id of 41 bytes":         {func(d *twin.Device) { d.ID = strings.Repeat("P", 41) }, "device_id", fault.Invalid},
		"wildcard id":            {func(d *twin.Device) { d.ID = "+" }, "device_id", fault.Invalid},
		"registered already":     {func(d *twin.Device) { d.ID = "V-1" }, "device_id", fault.Conflict},
		"slash in the site":      {func(d *twin.Device) { d.Site = "detroit/2" }, "site", fault.Invalid},
		"no area":                {func(d *twin.Device) { d.Area = "" }, "area", fault.Invalid},
		"wildcard line":          {func(d *twin.Device) { d.Line = "#" }, "line", fault.Invalid},
		"no type":                {func(d *twin.Device) { d.Type = "" }, "device_type", fault.Invalid},
		"unknown kind":           {func(d *twin.Device) { d.Kind = "virtual" }, "kind", fault.Invalid},
		"hosted by nobody":       {func(d *twin.Device) { d.Gateway = "" }, "gateway", fault.Invalid},
		"hosted by the unknown":  {func(d *twin.Device) { d.Gateway = "gw-det-09" }, "gateway", fault.Invalid},
		"hosted by a sensor":     {func(d *twin.Device) { d.Gateway = "V-1" }, "gateway", fault.Invalid},
		"direct with a gateway":  {func(d *twin.Device) { d.Kind = twin.Direct }, "gateway", fault.Invalid},
		"gateway with a line":    {func(d *twin.Device) { *d = gateway("gw-2"); d.Line = "l1" }, "line", fault.Invalid},
		"gateway of other class": {func(d *twin.Device) { *d = gateway("gw-2"); d.Type = "router" }, "device_type", fault.Invalid},
		"realizes nothing":       {func(d *twin.Device) { d.Asset = "pump-8" }, "asset_id", fault.Invalid},
		"negative interval":      {func(d *twin.Device) { d.Interval = -1 }, "interval", fault.Invalid},
	} {
		d := pump("P-007", "gw-det-01")
		c.change(&d)
		_, err := p.Register(t.Context(), "acme", d)
		if f, ok := errors.AsType[*fault.Error](err); !ok || f.Field != c.field || f.Kind != c.kind {
			t.Errorf("%s: got %v, want field %s, %s", name, err, c.field, c.kind)
		}
	}
	for _, tenant := range []string{"", "_", "a/b", strings.Repeat("a", 21)} {
		if _, err := p.Register(t.Context(), tenant, direct("V-2")); !fault.Is(err, fault.Invalid) {
			t.Errorf("tenant %q: %v", tenant, err)
		}
	}
	d := pump("P-007", "gw-det-01")
	d.Asset = "pump-7"
	if token, err := p.Register(t.Context(), "acme", d); err != nil || token != "" {
		t.Errorf("a right one: %q, %v", token, err)
	}
	_, err := p.Import(t.Context(), "acme", []twin.Device{direct("V-8"), direct("V 9")}, "test")
	if _, there := p.Device("acme", "V-8"); err == nil || there {
		t.Errorf("half an import was made: %v", err)
	}
}

func TestTopicsAreTheRegisteredOnes(t *testing.T) {
	p := newPlant(t)
	p.load(gateway("gw-det-01"), pump("P-007", "gw-det-01"))
	for id, want := range map[string]string{
		"P-007":     "acme/detroit/body-shop/cooling-water/centrifugal_pump/P-007/telemetry",
		"gw-det-01": "acme/detroit/body-shop/_/gateway/gw-det-01/telemetry",
	} {
		topic, ok := p.TopicOf("acme", id)
		if got := topic.On(wire.Telemetry).String(); !ok || got != want {
			t.Errorf("got %s, %v, want %s", got, ok, want)
		}
	}
	if _, ok := p.TopicOf("globex", "P-007"); ok {
		t.Error("another tenant's device has a topic here")
	}
}

func TestTwoTenantsNeverMeet(t *testing.T) {
	p := newPlant(t)
	for _, tenant := range []string{"acme", "globex"} {
		if _, err := p.Import(t.Context(), tenant, []twin.Device{gateway("gw-1"), pump("P-001", "gw-1")}, "test"); err != nil {
			t.Fatal(err)
		}
	}
	sub := p.Subscribe("globex")
	defer sub.Close()
	p.Status("acme", "gw-1", on("S1"), p.now(), false)
	p.Seen("acme", "P-001", p.now(), 3)
	p.clock.Advance(time.Second)
	p.commit()
	if s, _ := p.State("globex", "P-001"); s.Online || s.LastSeen != 0 || s.Lifecycle != fleet.Provisioned {
		t.Errorf("globex hears of acme's pump: %+v", s)
	}
	if c := p.Counts("globex")["detroit"]; c.Online != 0 || c.Messages != 0 || c.Devices != 2 {
		t.Errorf("globex counts %+v", c)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got, err := sub.Next(ctx); err == nil {
		t.Errorf("globex was told of %v", got)
	}
	p.restart(0)
	if s, _ := p.State("globex", "gw-1"); s.Session != "" {
		t.Errorf("after a restart globex' gateway has acme's session %q", s.Session)
	}
	if s, _ := p.State("acme", "gw-1"); s.Session != "S1" || s.Lifecycle != fleet.Provisioned {
		t.Errorf("after a restart acme's gateway is %+v", s)
	}
}
