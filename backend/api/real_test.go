package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/lineshaft/lineshaft/assets"
	"github.com/lineshaft/lineshaft/backend/api"
	"github.com/lineshaft/lineshaft/backend/server"
	"github.com/lineshaft/lineshaft/twin/clock"
	"github.com/lineshaft/lineshaft/twin/link"
)

// backend is the real thing: every part as in production, on loopback.
type backend struct {
	server.Ready
	client *http.Client
	spec   *huma.OpenAPI
	tokens map[string]string // by tenant
}

func startBackend(t *testing.T) *backend {
	t.Helper()
	cfg := server.Defaults()
	cfg.HTTPListen, cfg.MQTTListen, cfg.Data, cfg.Tenants = "127.0.0.1:0", "127.0.0.1:0", t.TempDir(), []string{"acme", "globex"}
	ctx, stop := context.WithCancel(t.Context())
	ready, done := make(chan server.Ready, 1), make(chan error, 1)
	go func() {
		done <- server.Run(ctx, cfg, server.Deps{
			Clock: clock.Wall{}, Log: slog.New(slog.DiscardHandler), Ready: func(r server.Ready) { ready <- r },
		})
	}()
	b := &backend{client: &http.Client{Transport: &http.Transport{}}, tokens: map[string]string{}}
	t.Cleanup(func() {
		b.client.CloseIdleConnections()
		stop()
		if err := <-done; err != nil {
			t.Errorf("run backend: %v", err)
		}
	})
	select {
	case b.Ready = <-ready:
	case err := <-done:
		done <- nil
		t.Fatalf("run backend: %v", err)
	case <-time.After(30 * time.Second):
		t.Fatal("the backend is not ready after 30 s")
	}
	var err error
	if b.spec, err = api.Describe(); err != nil {
		t.Fatal(err)
	}
	for _, f := range b.FirstPasswords {
		body, err := json.Marshal(api.Credentials{User: f.User, Password: f.Password})
		if err != nil {
			t.Fatal(err)
		}
		var in api.Login
		b.want(t, "", "POST", "/api/v1/login", "application/json", body, http.StatusOK, &in)
		b.tokens[f.Tenant] = in.Token
	}
	return b
}

// want asks as a tenant's administrator, holds the answer to the description and a status, and reads it into out.
func (b *backend) want(t *testing.T, tenant, method, path, contentType string, body []byte, status int, out any) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, b.HTTP+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if tenant != "" {
		r.Header.Set("Authorization", "Bearer "+b.tokens[tenant])
	}
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	res, err := b.client.Do(r)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	defer func() { _ = res.Body.Close() }()
	got, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	checkShape(t, b.spec, r, answer{res.StatusCode, res.Header}, got)
	if res.StatusCode != status {
		t.Fatalf("%s %s as %s: %d, want %d: %s", method, path, tenant, res.StatusCode, status, got)
	}
	if out != nil {
		if err := json.Unmarshal(got, out); err != nil {
			t.Fatalf("%s %s: %v in %s", method, path, err, got)
		}
	}
}

func (b *backend) get(t *testing.T, tenant, path string, out any) {
	t.Helper()
	b.want(t, tenant, http.MethodGet, "/api/v1"+path, "", nil, http.StatusOK, out)
}

// A plant engineer imports two plants, registers a device, and finds what it says in the twin, in history and on
// the stream. Every answer on the way is what the description says, and none is another tenant's.
func TestTheAPIOverTheRealParts(t *testing.T) {
	b := startBackend(t)
	b.importPlants(t)
	other, err := fs.ReadFile(assets.FS, "plants/globex.yaml")
	if err != nil {
		t.Fatal(err)
	}
	b.want(t, "acme", "POST", "/api/v1/models/import", "application/yaml", other, http.StatusUnprocessableEntity, nil)
	b.everyRead(t)
	b.paging(t)
	b.oneReading(t)
}

// importPlants brings both tenants' plants in, twice.
func (b *backend) importPlants(t *testing.T) {
	t.Helper()
	for _, tenant := range []string{"acme", "globex"} {
		plant, err := fs.ReadFile(assets.FS, "plants/"+tenant+".yaml")
		if err != nil {
			t.Fatal(err)
		}
		var first, again api.Imported
		b.want(t, tenant, "POST", "/api/v1/models/import", "application/yaml", plant, http.StatusOK, &first)
		b.want(t, tenant, "POST", "/api/v1/models/import", "application/yaml", plant, http.StatusOK, &again)
		if first.Created == 0 || again.Created+again.Changed != 0 || again.Unchanged == 0 {
			t.Errorf("%s: first %d created, again %d created, %d changed", tenant, first.Created, again.Created, again.Changed)
		}
	}
}

// everyRead asks everything there is to read of every asset, and the same as the other tenant.
func (b *backend) everyRead(t *testing.T) {
	t.Helper()
	var tree api.AssetTree
	b.get(t, "acme", "/assets/tree", &tree)
	for i, id := range tree.ID {
		if i%10 != 0 { // some of each level
			continue
		}
		for _, path := range []string{"", "/twin", "/relations"} {
			b.get(t, "acme", "/assets/"+id+path, nil)
			b.want(t, "globex", http.MethodGet, "/api/v1/assets/"+id+path, "", nil, http.StatusNotFound, nil)
		}
	}
	for _, path := range []string{"/overview", "/classes", "/devices?limit=1000", "/devices?online=false&kind=gateway", "/gaps", "/deadletters", "/me"} {
		b.get(t, "acme", path, nil)
	}
	for _, path := range []string{"/metrics", "/openapi.json"} {
		b.want(t, "acme", http.MethodGet, path, "", nil, http.StatusOK, nil)
	}
	b.want(t, "", http.MethodGet, "/readyz", "", nil, http.StatusOK, nil)
	b.want(t, "globex", http.MethodGet, "/api/v1/devices/gw-det-01", "", nil, http.StatusNotFound, nil)
	b.want(t, "globex", http.MethodGet, "/api/v1/history?tag=acme/detroit:freshness_pct", "", nil, http.StatusNotFound, nil)
}

// paging walks lists in small steps and finds what one large page has.
func (b *backend) paging(t *testing.T) {
	t.Helper()
	for _, list := range []string{"/assets?class=centrifugal_pump&", "/assets?under=acme/detroit&level=equipment&", "/devices?"} {
		var whole, page struct {
			Items      []map[string]any `json:"items"`
			NextCursor string           `json:"next_cursor"`
			Total      int              `json:"total"`
		}
		b.get(t, "acme", list+"limit=1000", &whole)
		walked, second := 0, ""
		for next := ""; ; next = page.NextCursor {
			page.Items, page.NextCursor = nil, ""
			b.get(t, "acme", list+"limit=7&cursor="+next, &page)
			walked += len(page.Items)
			if second == "" {
				second = page.NextCursor
			}
			if page.NextCursor == "" {
				break
			}
		}
		if walked != len(whole.Items) || whole.Total != walked {
			t.Errorf("%s: walked %d of %d, total %d", list, walked, len(whole.Items), whole.Total)
		}
		if second == "" {
			t.Errorf("%s: one page holds it all", list)
		}
		for _, tenant := range []string{"acme", "globex"} { // another filter, and (refused or not there) another tenant
			path := strings.ReplaceAll(list, "acme/detroit", tenant) + "q=x&cursor=" + second
			b.want(t, tenant, http.MethodGet, "/api/v1"+path, "", nil, http.StatusBadRequest, nil)
		}
	}
}

// oneReading registers a device, publishes as it, and looks for the value everywhere.
func (b *backend) oneReading(t *testing.T) {
	t.Helper()
	var pumps api.AssetPage
	b.get(t, "acme", "/assets?class=centrifugal_pump&limit=1", &pumps)
	pump, tag := pumps.Items[0], ""
	for _, c := range pump.Tags {
		if c.Type == "float64" && !c.Writable {
			tag = c.Name
			break
		}
	}
	var made api.RegisteredDevice
	body := fmt.Appendf(nil, `{"device_id":"X-900","kind":"direct","device_type":%q,"site":"detroit","area":"body-shop","line":"_","asset":%q}`, pump.Class, pump.Path)
	b.want(t, "acme", "POST", "/api/v1/devices", "application/json", body, http.StatusCreated, &made)
	b.want(t, "acme", "POST", "/api/v1/devices", "application/json", body, http.StatusConflict, nil)

	stream := b.listen(t, "acme", "topic="+url.QueryEscape("twin:"+pump.ID))
	stream.want("hello")
	sent := time.Now().Truncate(time.Millisecond)
	b.publish(t, made, fmt.Sprintf(`{"schema_version":"2.1","msg_id":"01ARZ3NDEKTSV4RRFFQ69G5FAV","device_id":"X-900","device_type":%q,"ts":%d,"d":{%q:{"v":73.25,"q":192}}}`,
		pump.Class, sent.UnixMilli(), tag))
	for {
		if e := stream.want("twin"); strings.Contains(e.data, `"v":73.25`) && strings.Contains(e.data, tag) {
			break
		}
	}
	var doc api.TwinDocument
	b.get(t, "acme", "/assets/"+pump.ID+"/twin", &doc)
	if r := doc.Reported[tag]; r.V.Float() != 73.25 || !r.TS.Equal(sent) || r.Stale || doc.Device == nil {
		t.Errorf("twin %+v", doc)
	}
	var h api.History
	for deadline := time.Now().Add(10 * time.Second); ; {
		b.get(t, "acme", "/history?from=now-1m&to=now%2B1m&tag="+pump.ID+":"+tag, &h)
		if len(h.Series) == 1 && len(h.Series[0].TS) > 0 || time.Now().After(deadline) {
			break
		}
		<-time.After(10 * time.Millisecond)
	}
	if len(h.Series) != 1 || len(h.Series[0].TS) != 1 || h.Series[0].TS[0] != sent.UnixMilli() || h.Series[0].V[0].Float() != 73.25 {
		t.Errorf("history %+v", h)
	}
	b.get(t, "acme", "/history?from=now-1m&interval=PT10S&agg=count,avg&tag="+pump.ID+":"+tag, &h)
	if len(h.Series) != 2 || len(h.Series[0].V) != 1 || h.Series[0].V[0].Int() != 1 || h.Series[1].V[0].Float() != 73.25 {
		t.Errorf("aggregates %+v", h)
	}
}

// publish sends one message as the device and waits for its acknowledgement.
func (b *backend) publish(t *testing.T, d api.RegisteredDevice, payload string) {
	t.Helper()
	client, err := link.New(link.Config{
		Broker: "tcp://" + b.MQTTAddr, ClientID: "acme::" + d.Device.DeviceID, Password: d.Token, Clock: clock.Wall{}, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
	done := make(chan error, 1)
	go func() { done <- client.Run(ctx) }()
	acked := make(chan error, 1)
	err = client.Publish(ctx, link.Message{Topic: d.Device.Topic + "/telemetry", Payload: []byte(payload)}, func(err error) { acked <- err })
	if err != nil {
		t.Fatalf("publish: %v", err)
	}
	if err := <-acked; err != nil {
		t.Fatalf("publish: %v", err)
	}
	stop()
	if err := <-done; err != nil {
		t.Errorf("device session: %v", err)
	}
}

func (b *backend) listen(t *testing.T, tenant, query string) *listener {
	t.Helper()
	return listenTo(t, b.client, b.HTTP, b.tokens[tenant], query, "")
}
