package api_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lineshaft/lineshaft/backend/api"
)

// The answers the console is tested with, too. They are written anew with -update, and read by a person.
func TestAnswersAreTheAgreedOnes(t *testing.T) {
	s := openSite(t)
	p7 := s.assets["acme"][3].ID
	for name, path := range map[string]string{
		"me":          "/me",
		"overview":    "/overview",
		"assets":      "/assets?level=equipment&limit=1",
		"asset":       "/assets/" + p7,
		"tree":        "/assets/tree",
		"twin":        "/assets/" + p7 + "/twin",
		"relations":   "/assets/" + p7 + "/relations",
		"classes":     "/classes",
		"history":     "/history?tag=" + p7 + ":flow&from=now-30m",
		"devices":     "/devices",
		"device":      "/devices/P-007",
		"gaps":        "/gaps",
		"deadletters": "/deadletters",
		"preview":     "/deadletters/l1/preview",
		"gap_report":  "/gaps/report?month=" + now.Format("2006-01"),
		"flow":        "/flow",
		"not_found":   "/assets/nowhere",
		"invalid":     "/history?tag=" + p7 + ":flow&from=yesterday",
	} {
		t.Run(name, func(t *testing.T) {
			_, body := s.call(t, "admin@acme", http.MethodGet, "/api/v1"+path, "")
			golden(t, name+".json", body)
		})
	}
}

// golden compares with testdata, the request id left out.
func golden(t *testing.T, name string, body []byte) {
	t.Helper()
	var v any
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	if err := dec.Decode(&v); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	if m, ok := v.(map[string]any); ok && m["request_id"] != nil {
		m["request_id"] = "REQUEST"
	}
	got, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not the agreed answer:\n%s", name, got)
	}
}

// An asset is found by its id, and by its path with the slashes written %2F.
func TestAnAssetIsNamedByIDOrPath(t *testing.T) {
	s := openSite(t)
	byPath := get[api.Asset](t, s, "viewer@acme", "/api/v1/assets/"+url.PathEscape("acme/detroit/body-shop/P-007"))
	byID := get[api.Asset](t, s, "viewer@acme", "/api/v1/assets/"+byPath.ID)
	if byPath.Path != "acme/detroit/body-shop/P-007" || byID.Path != byPath.Path || byID.ParentID == "" {
		t.Errorf("by path %+v, by id %+v", byPath, byID)
	}
}

// Paging visits every asset once, and a cursor goes nowhere but on.
func TestPagingVisitsEveryAssetOnce(t *testing.T) {
	s := openSite(t)
	seen := map[string]int{}
	next := ""
	for range 10 {
		page := get[api.AssetPage](t, s, "viewer@acme", "/api/v1/assets?limit=2&cursor="+next)
		for _, a := range page.Items {
			seen[a.Path]++
		}
		if page.Total != 5 {
			t.Errorf("total %d, want 5", page.Total)
		}
		if next = page.NextCursor; next == "" {
			break
		}
	}
	if len(seen) != 5 {
		t.Errorf("seen %v", seen)
	}
	first := get[api.AssetPage](t, s, "viewer@acme", "/api/v1/assets?limit=2").NextCursor
	for name, ask := range map[string]struct{ user, path string }{
		"another filter": {"viewer@acme", "/api/v1/assets?limit=2&level=site&cursor=" + first},
		"another tenant": {"viewer@globex", "/api/v1/assets?limit=2&cursor=" + first},
		"another list":   {"viewer@acme", "/api/v1/devices?cursor=" + first},
		"a forged one":   {"viewer@acme", "/api/v1/assets?limit=2&cursor=" + first[:len(first)-2] + "AA"},
		"no cursor":      {"viewer@acme", "/api/v1/assets?limit=2&cursor=%00"},
	} {
		if res, body := s.call(t, ask.user, http.MethodGet, ask.path, ""); res.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %d %s", name, res.StatusCode, body)
		}
	}
}

// Bad input is named: the field, what was given, and what to do.
func TestBadInputNamesFieldAndValue(t *testing.T) {
	s := openSite(t)
	p7 := s.assets["acme"][3].ID
	for _, ask := range []struct{ method, path, body, field string }{
		{"GET", "/assets?limit=1001", "", "limit"},
		{"GET", "/assets?limit=ten", "", "limit"},
		{"GET", "/assets?level=floor", "", "level"},
		{"GET", "/assets?colour=red", "", "colour"},
		{"GET", "/history", "", "tag"},
		{"GET", "/history?tag=flow", "", "tag"},
		{"GET", "/history?tag=" + p7 + ":flow&to=now-2h", "", "to"},
		{"GET", "/history?tag=" + p7 + ":flow&interval=5", "", "interval"},
		{"GET", "/history?tag=" + p7 + ":flow&interval=PT1S&from=now-3000h", "", "interval"},
		{"GET", "/history?tag=" + p7 + ":flow&agg=avg", "", "agg"},
		{"GET", "/history?tag=" + p7 + ":flow&agg=median&interval=PT1M", "", "agg[0]"},
		{"GET", "/stream?topic=weather", "", "topic"},
		{"POST", "/devices", `{"device_id":"P 9","kind":"direct","device_type":"pump","site":"detroit","area":"_","line":"_"}`, "device_id"},
		{"POST", "/devices", `{"device_id":"P-9","kind":"hosted","device_type":"pump","site":"detroit","area":"_","line":"_"}`, "gateway"},
		{"POST", "/devices", `{"device_id":"P-9","kind":"direct","device_type":"pump","site":"detroit","area":"_","line":"_","asset":"globex/detroit"}`, "asset"},
		{"POST", "/devices", `{"device_id":"P-9","kind":"toaster","device_type":"pump","site":"detroit","area":"_","line":"_"}`, "kind"},
		{"POST", "/devices", `{"device_id":"P-9","colour":"red"}`, "colour"},
	} {
		res, body := s.call(t, "admin@acme", ask.method, "/api/v1"+ask.path, ask.body)
		var p api.Problem
		if err := json.Unmarshal(body, &p); err != nil {
			t.Fatal(err)
		}
		named := false
		for _, e := range p.Errors {
			named = named || e.Field == ask.field
		}
		if res.StatusCode != http.StatusUnprocessableEntity || !named || p.RequestID == "" || p.RequestID != res.Header.Get("X-Request-ID") {
			t.Errorf("%s %s %s: %d %s", ask.method, ask.path, ask.body, res.StatusCode, body)
		}
	}
	for _, ask := range []struct {
		body string
		want int
	}{{`{"user":"admin@acme","password":"` + secret, 400}, {`[1]`, 422}, {"", 400}, {`{"user":"a","password":"` + strings.Repeat("x", 2<<20) + `"}`, 413}} {
		res, body := s.call(t, "", http.MethodPost, "/api/v1/login", ask.body, "Content-Type", "application/json")
		if res.StatusCode != ask.want || strings.Contains(string(body), secret) {
			t.Errorf("login %.30q: %d %.300s", ask.body, res.StatusCode, body)
		}
	}
}

// A table is asked for as CSV; a text that a spreadsheet would run is made inert.
func TestHistoryAsCSV(t *testing.T) {
	s := openSite(t)
	s.assets["acme"][3].Tags[0].Unit = "=cmd|'/c calc'"
	p7 := s.assets["acme"][3].ID
	res, body := s.call(t, "viewer@acme", http.MethodGet, "/api/v1/history?tag="+p7+":flow", "", "Accept", "text/csv")
	want := "ts,path,tag,agg,unit,v,q,quality\n" +
		"2026-03-19T11:19:58.000Z,acme/detroit/body-shop/P-007,flow,,'=cmd|'/c calc',72.4,192,good\n" +
		"2026-03-19T11:19:59.000Z,acme/detroit/body-shop/P-007,flow,,'=cmd|'/c calc',,16,sensor failure\n"
	if res.StatusCode != http.StatusOK || string(body) != want {
		t.Errorf("%d:\n%s", res.StatusCode, body)
	}
}

func TestImportTakesYAML(t *testing.T) {
	s := openSite(t)
	res, body := s.call(t, "admin@acme", http.MethodPost, "/api/v1/models/import?dry_run=true", "tenant: acme\n", "Content-Type", "application/yaml")
	var done api.Imported
	if err := json.Unmarshal(body, &done); err != nil || res.StatusCode != http.StatusOK || done.Unchanged != 3 || !done.DryRun {
		t.Errorf("%d %s", res.StatusCode, body)
	}
	res, body = s.call(t, "admin@acme", http.MethodPost, "/api/v1/models/import", "tenant: globex\n", "Content-Type", "application/yaml")
	if res.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(string(body), "tenant") {
		t.Errorf("%d %s", res.StatusCode, body)
	}
}
