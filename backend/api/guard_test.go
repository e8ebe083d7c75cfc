package api_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/lineshaft/lineshaft/backend/access"
	"github.com/lineshaft/lineshaft/backend/api"
)

// public are the operations anybody may call. Whoever adds one says so here, and why it tells nothing.
var public = []string{"GET /healthz", "GET /readyz", "POST /api/v1/login"}

// probe is a request to every operation, with ids of acme's.
func probes(s *site) map[string]string {
	p7 := s.assets["acme"][3].ID
	return map[string]string{
		"POST /api/v1/logout":                  "/api/v1/logout",
		"GET /api/v1/me":                       "/api/v1/me",
		"POST /api/v1/me/password":             "/api/v1/me/password",
		"GET /api/v1/overview":                 "/api/v1/overview",
		"GET /api/v1/assets":                   "/api/v1/assets?under=" + p7,
		"GET /api/v1/assets/tree":              "/api/v1/assets/tree",
		"GET /api/v1/assets/{id}":              "/api/v1/assets/" + p7,
		"GET /api/v1/assets/{id}/twin":         "/api/v1/assets/" + p7 + "/twin",
		"GET /api/v1/assets/{id}/relations":    "/api/v1/assets/" + p7 + "/relations",
		"GET /api/v1/classes":                  "/api/v1/classes",
		"POST /api/v1/models/import":           "/api/v1/models/import",
		"GET /api/v1/history":                  "/api/v1/history?tag=" + p7 + ":flow",
		"POST /api/v1/history/import":          "/api/v1/history/import",
		"GET /prom/api/v1/query":               "/prom/api/v1/query?query=lineshaft_tag",
		"POST /prom/api/v1/query":              "/prom/api/v1/query?query=lineshaft_tag",
		"GET /prom/api/v1/query_range":         "/prom/api/v1/query_range?query=lineshaft_tag&start=1773919140&end=1773919200&step=15",
		"POST /prom/api/v1/query_range":        "/prom/api/v1/query_range?query=lineshaft_tag&start=1773919140&end=1773919200&step=15",
		"GET /prom/api/v1/labels":              "/prom/api/v1/labels",
		"POST /prom/api/v1/labels":             "/prom/api/v1/labels",
		"GET /prom/api/v1/series":              "/prom/api/v1/series?match[]=lineshaft_tag",
		"POST /prom/api/v1/series":             "/prom/api/v1/series?match[]=lineshaft_tag",
		"GET /prom/api/v1/label/{name}/values": "/prom/api/v1/label/site/values",
		"GET /api/v1/gaps":                     "/api/v1/gaps",
		"GET /api/v1/deadletters":              "/api/v1/deadletters",

		"GET /api/v1/deadletters/{id}/preview": "/api/v1/deadletters/l1/preview",
		"POST /api/v1/deadletters/replay":      "/api/v1/deadletters/replay",
		"GET /api/v1/gaps/report":              "/api/v1/gaps/report?month=2026-03",
		"GET /api/v1/flow":                     "/api/v1/flow",
		"GET /api/v1/storage":                  "/api/v1/storage",

		"GET /api/v1/devices":             "/api/v1/devices",
		"POST /api/v1/devices":            "/api/v1/devices",
		"GET /api/v1/devices/{id}":        "/api/v1/devices/P-007",
		"POST /api/v1/devices/{id}/token": "/api/v1/devices/P-007/token",
		"GET /api/v1/stream":              "/api/v1/stream?topic=twin:" + p7,
		"GET /metrics":                    "/metrics",
		"GET /openapi.json":               "/openapi.json",
	}
}

// Every operation there is was registered with a permission, or stands in the list of public ones; and the list
// of probes below misses none.
func TestEveryOperationNeedsAPermission(t *testing.T) {
	s := openSite(t)
	asked := probes(s)
	var open []string
	for path, item := range s.api.OpenAPI().Paths {
		for method, op := range map[string]any{"GET": item.Get, "POST": item.Post, "PUT": item.Put, "PATCH": item.Patch, "DELETE": item.Delete} {
			if b, err := json.Marshal(op); err != nil || string(b) == "null" {
				continue
			}
			key := method + " " + path
			needs, registered := s.api.Needs()[key]
			switch {
			case !registered:
				t.Errorf("%s was registered past the guard", key)
			case needs == "":
				open = append(open, key)
			case !needs.Valid():
				t.Errorf("%s needs %q, which is no permission", key, needs)
			case asked[key] == "":
				t.Errorf("%s is not probed", key)
			}
		}
	}
	slices.Sort(open)
	if !slices.Equal(open, public) {
		t.Errorf("public are %v, agreed are %v", open, public)
	}
	if err := api.Unguarded(api.Options{}); err == nil {
		t.Error("an operation without a permission was taken")
	}
}

// Nobody is told anything: no token, a wrong one and an expired one get the same 401, whatever is asked.
func TestWithoutATokenNothingIsTold(t *testing.T) {
	s := openSite(t)
	s.tokens["stranger"] = "not-a-token"
	for key, path := range probes(s) {
		method, _, _ := strings.Cut(key, " ")
		for _, who := range []string{"", "stranger"} {
			res, body := s.call(t, who, method, path, validBody(key), bodyType(key)...)
			if res.StatusCode != http.StatusUnauthorized || res.Header.Get("WWW-Authenticate") == "" {
				t.Errorf("%s as %q: %d %s", key, who, res.StatusCode, body)
			}
		}
	}
	s.clock.Advance(access.SessionTime)
	if res, _ := s.call(t, "admin@acme", http.MethodGet, "/api/v1/me", ""); res.StatusCode != http.StatusUnauthorized {
		t.Errorf("an expired session got %d", res.StatusCode)
	}
}

func validBody(key string) string {
	switch key {
	case "POST /api/v1/devices":
		return `{"device_id":"P-900","kind":"direct","device_type":"pump","site":"detroit","area":"body-shop","line":"_"}`
	case "POST /api/v1/deadletters/replay":
		return `{"reason":"schema"}`
	case "POST /api/v1/me/password":
		return `{"old":"` + secret + `","new":"eight tanks and a valve"}`
	case "POST /api/v1/models/import":
		return "tenant: acme\n"
	case "POST /api/v1/history/import":
		return "ts,path,tag,v\n2019-05-01T08:00:00Z,acme/detroit/body-shop/P-007,flow,1\n"
	}
	return ""
}

func bodyType(key string) []string {
	switch key {
	case "POST /api/v1/models/import":
		return []string{"Content-Type", "application/yaml"}
	case "POST /api/v1/history/import":
		return []string{"Content-Type", "text/csv"}
	}
	return nil
}

// A viewer is refused what changes things, and told which grant is missing.
func TestAViewerReadsAndChangesNothing(t *testing.T) {
	s := openSite(t)
	for key, path := range probes(s) {
		method, _, _ := strings.Cut(key, " ")
		needs := s.api.Needs()[key]
		if needs != access.DevicesWrite && needs != access.ModelsWrite && needs != access.HistoryWrite && needs != access.LedgerWrite {
			continue
		}
		res, body := s.call(t, "viewer@acme", method, path, validBody(key), bodyType(key)...)
		if res.StatusCode != http.StatusForbidden || !strings.Contains(string(body), string(needs)) {
			t.Errorf("%s: %d %s", key, res.StatusCode, body)
		}
	}
	if len(s.devices["acme"]) != 1 {
		t.Error("a refused viewer registered a device")
	}
	if len(s.recorded) != 0 {
		t.Error("a refused viewer wrote history")
	}
}

// What another tenant owns is answered like what never was, by every operation, and no answer names it.
func TestAnotherTenantIsNotThere(t *testing.T) {
	s := openSite(t)
	p7 := s.assets["acme"][3]
	fake := strings.Repeat("0", len(p7.ID))
	for _, user := range []string{"viewer@globex", "admin@globex"} {
		for key, path := range probes(s) {
			if key == "GET /openapi.json" || key == "POST /api/v1/logout" || strings.HasPrefix(key, "POST /api/v1/me") || path == "/api/v1/stream" {
				continue
			}
			method, _, _ := strings.Cut(key, " ")
			res, body := s.call(t, user, method, path, validBody(key), bodyType(key)...)
			if text := strings.ReplaceAll(string(body), p7.ID, "ASKED"); strings.Contains(text, "acme") && !strings.HasSuffix(key, "/import") {
				t.Errorf("%s as %s tells of acme: %s", key, user, body)
			}
			if !strings.Contains(path, p7.ID) {
				continue
			}
			if res.StatusCode != http.StatusNotFound {
				t.Errorf("%s as %s: %d %s", key, user, res.StatusCode, body)
			}
			_, never := s.call(t, user, method, strings.ReplaceAll(path, p7.ID, fake), validBody(key))
			if a, b := neutral(body, p7.ID), neutral(never, fake); a != b {
				t.Errorf("%s: the other tenant's asset reads\n%s\nan unknown one\n%s", key, a, b)
			}
		}
	}
	for _, name := range []string{"acme", "acme/detroit", "acme/detroit/body-shop/P-007"} {
		res, _ := s.call(t, "admin@globex", http.MethodGet, "/api/v1/assets/"+url.PathEscape(name), "")
		if res.StatusCode != http.StatusNotFound {
			t.Errorf("path %s: %d", name, res.StatusCode)
		}
	}
}

func neutral(body []byte, id string) string {
	var p map[string]any
	_ = json.Unmarshal(body, &p)
	delete(p, "request_id")
	b, _ := json.Marshal(p)
	return strings.ReplaceAll(string(b), id, "ID")
}

// A role on one pump reaches that pump: everything else of the tenant is not there.
func TestARoleOnASubtreeSeesOnlyThat(t *testing.T) {
	s := openSite(t)
	const user = "welder@acme"
	page := get[api.AssetPage](t, s, user, "/api/v1/assets")
	tree := get[api.AssetTree](t, s, user, "/api/v1/assets/tree")
	if page.Total != 1 || len(page.Items) != 1 || page.Items[0].Name != "P-007" || !slices.Equal(tree.Name, []string{"P-007"}) || tree.Parent[0] != -1 {
		t.Errorf("assets %+v, tree %+v", page, tree)
	}
	p7, p8 := s.assets["acme"][3], s.assets["acme"][4]
	if twin := get[api.TwinDocument](t, s, user, "/api/v1/assets/"+p7.ID+"/twin"); twin.Path != p7.Path {
		t.Errorf("twin %+v", twin)
	}
	if rel := get[api.RelationList](t, s, user, "/api/v1/assets/"+p7.ID+"/relations"); len(rel.Items) != 0 {
		t.Errorf("relations lead outside: %+v", rel)
	}
	if o := get[api.Overview](t, s, user, "/api/v1/overview"); len(o.Sites) != 0 || len(o.Worst) != 1 || o.Signals.Connectivity.V != nil {
		t.Errorf("overview %+v", o)
	}
	if d := get[api.DevicePage](t, s, user, "/api/v1/devices"); len(d.Items) != 1 || d.Total != 1 {
		t.Errorf("devices %+v", d)
	}
	for path, want := range map[string]int{
		"/api/v1/assets/" + p8.ID:                   http.StatusNotFound,
		"/api/v1/assets/" + p8.ID + "/twin":         http.StatusNotFound,
		"/api/v1/history?tag=" + p8.ID + ":flow":    http.StatusNotFound,
		"/api/v1/assets?under=acme":                 http.StatusNotFound,
		"/api/v1/stream?topic=twin:" + p8.ID:        http.StatusNotFound,
		"/api/v1/stream?topic=twin:acme/detroit/**": http.StatusNotFound,
	} {
		if res, body := s.call(t, user, http.MethodGet, path, ""); res.StatusCode != want {
			t.Errorf("%s: %d %s", path, res.StatusCode, body)
		}
	}
	body := `{"device_id":"P-900","kind":"direct","device_type":"pump","site":"detroit","area":"body-shop","line":"_"}`
	if res, got := s.call(t, user, http.MethodPost, "/api/v1/devices", body); res.StatusCode != http.StatusForbidden {
		t.Errorf("a device of the whole site: %d %s", res.StatusCode, got)
	}
}

// The description is complete: a client that reads it knows which permission each call needs.
func TestTheDescriptionNamesPermissions(t *testing.T) {
	s := openSite(t)
	var spec struct {
		Paths map[string]map[string]map[string]any `json:"paths"`
	}
	_, body := s.call(t, "viewer@acme", http.MethodGet, "/openapi.json", "")
	if err := json.Unmarshal(body, &spec); err != nil {
		t.Fatal(err)
	}
	for path, verbs := range spec.Paths {
		for verb, op := range verbs {
			key := strings.ToUpper(verb) + " " + path
			if _, ok := op["x-permission"]; ok == slices.Contains(public, key) {
				t.Errorf("%s: x-permission %v", key, op["x-permission"])
			}
		}
	}
	if len(slices.Collect(maps.Keys(spec.Paths))) < 15 {
		t.Errorf("only %d paths", len(spec.Paths))
	}
}

// Metrics are the caller's tenant's own, and of the whole of it.
func TestMetricsAreTheTenantsOwn(t *testing.T) {
	s := openSite(t)
	for user, want := range map[string]string{"viewer@acme": "lineshaft_assets acme\n", "viewer@globex": "lineshaft_assets globex\n"} {
		if _, body := s.call(t, user, http.MethodGet, "/metrics", ""); string(body) != want {
			t.Errorf("%s: %q", user, body)
		}
	}
	if res, _ := s.call(t, "welder@acme", http.MethodGet, "/metrics", ""); res.StatusCode != http.StatusForbidden {
		t.Errorf("a role on one pump: %d", res.StatusCode)
	}
}
