package api_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"go.uber.org/goleak"

	"github.com/lineshaft/lineshaft/backend/access"
	"github.com/lineshaft/lineshaft/backend/api"
	"github.com/lineshaft/lineshaft/twin"
	"github.com/lineshaft/lineshaft/twin/clock"
	"github.com/lineshaft/lineshaft/twin/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// now is the instant every test lives in.
var now = time.Date(2026, 3, 19, 11, 20, 0, 0, time.UTC)

const secret = "seven pumps and a tank"

// site is a running API over the small world, with an administrator and a viewer in each tenant.
type site struct {
	*world
	api    *api.API
	access *access.Access
	server *httptest.Server
	clock  *clock.Driven
	log    *lockedBuffer
	tokens map[string]string // by user
}

type option func(*api.Options)

func openSite(t *testing.T, options ...option) *site {
	t.Helper()
	s := &site{world: newWorld(), clock: clock.NewDriven(now), log: &lockedBuffer{}, tokens: map[string]string{}}
	log := slog.New(slog.NewJSONHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	var err error
	s.access, err = access.Open(access.Options{KV: &memory{m: map[string][]byte{}}, Clock: s.clock, Work: access.Work{Memory: 64, Time: 1, Threads: 1}})
	if err != nil {
		t.Fatalf("open access: %v", err)
	}
	o := api.Options{
		Access: s.access, Ports: s.ports(), CursorKey: bytes.Repeat([]byte{7}, 32), Version: "0.1.0-test", Clock: s.clock, Log: log,
		Console: fstest.MapFS{"index.html": {Data: []byte("<!doctype html><title>Lineshaft</title>")}},
	}
	for _, set := range options {
		set(&o)
	}
	if s.api, err = api.New(o); err != nil {
		t.Fatalf("make the API: %v", err)
	}
	s.server = httptest.NewServer(s.api)
	t.Cleanup(func() {
		s.api.Close()
		s.server.Close()
		s.server.Client().CloseIdleConnections()
	})
	for _, tenant := range []string{"acme", "globex"} {
		s.user(t, tenant, "admin", access.Membership{Role: access.TenantAdmin})
		s.user(t, tenant, "viewer", access.Membership{Role: access.Viewer})
	}
	s.user(t, "acme", "welder", access.Membership{Role: access.TenantAdmin, Path: "acme/detroit/body-shop/P-007"})
	return s
}

func (s *site) user(t *testing.T, tenant, name string, roles ...access.Membership) {
	t.Helper()
	if err := s.access.AddUser(t.Context(), tenant, name, secret, roles...); err != nil {
		t.Fatalf("add %s@%s: %v", name, tenant, err)
	}
	session, err := s.access.Login(t.Context(), name+"@"+tenant, secret, "10.0.0.7")
	if err != nil {
		t.Fatalf("log in %s@%s: %v", name, tenant, err)
	}
	s.tokens[name+"@"+tenant] = session.Token
}

// answer is what is left of a response once its body is read.
type answer struct {
	StatusCode int
	Header     http.Header
}

// call asks as a user, "" for nobody. Every answer is checked against the description.
func (s *site) call(t *testing.T, user, method, path, body string, headers ...string) (answer, []byte) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.server.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if user != "" {
		r.Header.Set("Authorization", "Bearer "+s.tokens[user])
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
		if headers[i] == "Host" {
			r.Host = headers[i+1]
		}
	}
	res, err := s.server.Client().Do(r)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	defer func() { _ = res.Body.Close() }()
	got, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatalf("%s %s: read: %v", method, path, err)
	}
	a := answer{res.StatusCode, res.Header}
	checkShape(t, s.api.OpenAPI(), r, a, got)
	return a, got
}

// get reads a 200 answer into a value.
func get[T any](t *testing.T, s *site, user, path string) T {
	t.Helper()
	res, body := s.call(t, user, http.MethodGet, path, "")
	if res.StatusCode != http.StatusOK {
		t.Fatalf("GET %s as %s: %d %s", path, user, res.StatusCode, body)
	}
	var v T
	if err := json.Unmarshal(body, &v); err != nil {
		t.Fatalf("GET %s: %v in %s", path, err, body)
	}
	return v
}

func newWorld() *world {
	w := &world{
		assets: map[string][]twin.Asset{}, readings: map[string]map[string]api.Reading{}, edges: map[string][]api.Edge{},
		devices: map[string][]api.Device{}, gaps: map[string][]api.LedgerGap{}, letters: map[string][]api.DeadLetter{},
		offline: map[string][]api.Span{}, subs: map[*subscription]bool{},
	}
	since := now.Add(-24 * time.Hour)
	pump := []twin.Tag{
		{
			Name: "flow", Title: "Flow", Type: "float64", Unit: "m3/h", Decimals: 1, Interval: time.Second,
			Range: twin.Band{Low: new(0.0), High: new(200.0)}, Normal: twin.Band{Low: new(80.0), High: new(140.0)},
		},
		{
			Name: "vibration", Title: "Vibration", Type: "float64", Unit: "mm/s", Decimals: 2, Interval: time.Second,
			Normal: twin.Band{Low: new(0.0), High: new(4.5)}, Limits: twin.Limits{Hi: new(7.1), HiHi: new(11.2)},
		},
		{Name: "mode", Title: "Mode", Type: "enum", States: []string{"off", "auto", "manual"}, Writable: true},
	}
	for _, tenant := range []string{"acme", "globex"} {
		add := func(path string, level twin.Level, class, title string, tags ...twin.Tag) twin.Asset {
			a := twin.Asset{ID: wire.DerivedID(since, tenant, path), Path: tenant + path, Level: level, Class: class, Title: title, Tags: tags}
			if level == twin.Site {
				a.TimeZone = "America/Detroit"
			}
			w.assets[tenant] = append(w.assets[tenant], a)
			return a
		}
		add("", twin.Enterprise, "enterprise", strings.ToUpper(tenant))
		add("/detroit", twin.Site, "site", "Detroit")
		add("/detroit/body-shop", twin.Area, "area", "Body shop")
		p7 := add("/detroit/body-shop/P-007", twin.Equipment, "centrifugal_pump", "Cooling pump 7", pump...)
		p8 := add("/detroit/body-shop/P-008", twin.Equipment, "centrifugal_pump", "Cooling pump 8", pump...)
		w.assets[tenant][3].Nameplate = map[string]any{"manufacturer": "Flowserve", "power_kw": 37}
		w.edges[p7.ID] = []api.Edge{{Type: twin.Feeds, Out: true, Other: p8, Attributes: map[string]any{"medium": "water"}}}
		at := now.UnixNano()
		w.readings[p7.ID] = map[string]api.Reading{
			"flow":      {Sample: twin.Sample{T: at - 400e6, V: twin.FloatValue(120), Q: twin.Good}, Received: at - 300e6},
			"vibration": {Sample: twin.Sample{T: at - 400e6, V: twin.FloatValue(7.5), Q: twin.Good}, Received: at - 300e6},
			"mode":      {Sample: twin.Sample{T: at - 3600e9, V: twin.IntValue(1), Q: twin.Good}, Received: at - 3600e9},
		}
		w.devices[tenant] = []api.Device{{
			DeviceID: "P-007", Kind: "hosted", DeviceType: "centrifugal_pump", Gateway: "gw-det-01", Site: "detroit", Area: "body-shop", Line: "_",
			AssetID: p7.ID, AssetPath: p7.Path, Online: true, LastSeen: new(now.Add(-time.Second)), Firmware: "2.3.1",
			Topic: tenant + "/detroit/body-shop/_/centrifugal_pump/P-007",
		}}
		w.gaps[tenant] = []api.LedgerGap{{
			ID: "g1", DeviceID: "P-007", Epoch: "01ARZ3NDEKTSV4RRFFQ69G5FAV", Channel: "telemetry", FromSeq: 40, ToSeq: 44, Count: 5,
			Detected: now.Add(-5 * time.Minute), Cause: "offline", From: new(now.Add(-10 * time.Minute)), To: new(now.Add(-9 * time.Minute)),
		}}
		w.letters[tenant] = []api.DeadLetter{{
			ID: "l1", Received: now.Add(-time.Minute), Topic: tenant + "/detroit/body-shop/_/pump/P-007/telemetry", DeviceID: "P-007",
			Reason: "schema", Detail: "schema_version 9.9 is unknown", Size: 7, Payload: "eyJ4IjoxfQ==",
		}}
	}
	w.offline["P-007"] = []api.Span{{From: now.Add(-20 * time.Minute), To: now.Add(-15 * time.Minute)}}
	return w
}

// lockedBuffer is a log that may be read while it is written.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
