package api_test

import (
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/lineshaft/lineshaft/backend/api"
)

// Logging in by hand: token, wrong password, and the wait after too many.
func TestLogin(t *testing.T) {
	s := openSite(t)
	login := func(user, password string) (answer, []byte) {
		body, err := json.Marshal(api.Credentials{User: user, Password: password})
		if err != nil {
			t.Fatal(err)
		}
		return s.call(t, "", http.MethodPost, "/api/v1/login", string(body))
	}
	res, body := login("admin@acme", secret)
	var in api.Login
	if err := json.Unmarshal(body, &in); err != nil || res.StatusCode != http.StatusOK || in.Tenant != "acme" || in.User != "admin@acme" ||
		!slices.Equal(in.Roles, []string{"tenant_admin"}) || res.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("%d %s", res.StatusCode, body)
	}
	s.tokens["me"] = in.Token
	if me := get[api.Me](t, s, "me", "/api/v1/me"); me.User != "admin@acme" || !me.ExpiresAt.Equal(in.ExpiresAt) {
		t.Errorf("me %+v", me)
	}
	if res, _ := s.call(t, "me", http.MethodPost, "/api/v1/logout", ""); res.StatusCode != http.StatusNoContent {
		t.Errorf("logout: %d", res.StatusCode)
	}
	if res, _ := s.call(t, "me", http.MethodGet, "/api/v1/me", ""); res.StatusCode != http.StatusUnauthorized {
		t.Errorf("after logout: %d", res.StatusCode)
	}
	answers := map[string]bool{}
	for _, user := range []string{"admin@acme", "ghost@acme", "admin@initech"} {
		res, body := login(user, "not it at all")
		answers[neutral(body, user)] = true
		if res.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s: %d %s", user, res.StatusCode, body)
		}
	}
	if len(answers) != 1 {
		t.Errorf("answers differ: %v", answers)
	}
	for range 5 {
		res, body = login("ghost@acme", "not it at all")
	}
	if res.StatusCode != http.StatusTooManyRequests || res.Header.Get("Retry-After") != "1" {
		t.Errorf("after many attempts: %d %s", res.StatusCode, body)
	}
	if strings.Contains(s.log.String(), secret) || strings.Contains(s.log.String(), in.Token) {
		t.Error("a secret stands in the log")
	}
}

func TestChangingThePassword(t *testing.T) {
	s := openSite(t)
	change := func(old, password string) answer {
		res, _ := s.call(t, "viewer@acme", http.MethodPost, "/api/v1/me/password", `{"old":"`+old+`","new":"`+password+`"}`)
		return res
	}
	if res := change("wrong", "eight tanks and a valve"); res.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("wrong old password: %d", res.StatusCode)
	}
	if res := change(secret, "aaaaaaaaaaaaa"); res.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("weak new password: %d", res.StatusCode)
	}
	if res := change(secret, "eight tanks and a valve"); res.StatusCode != http.StatusNoContent {
		t.Errorf("right: %d", res.StatusCode)
	}
	if _, err := s.access.Login(t.Context(), "viewer@acme", "eight tanks and a valve", "10.0.0.9"); err != nil {
		t.Errorf("log in with the new one: %v", err)
	}
}

// What failed inside stays inside: the user gets a request id, the log the rest.
func TestInternalErrorsDoNotLeak(t *testing.T) {
	s := openSite(t)
	s.broken = errors.New("badger: value log /var/lib/lineshaft truncated")
	res, body := s.call(t, "admin@acme", http.MethodGet, "/api/v1/assets", "")
	id := res.Header.Get("X-Request-ID")
	if res.StatusCode != http.StatusInternalServerError || strings.Contains(string(body), "badger") || !strings.Contains(string(body), id) {
		t.Errorf("%d %s", res.StatusCode, body)
	}
	if log := s.log.String(); !strings.Contains(log, "value log") || !strings.Contains(log, id) {
		t.Error("the cause is not in the log")
	}
	res, body = s.call(t, "", http.MethodGet, "/readyz", "")
	if res.StatusCode != http.StatusServiceUnavailable || strings.Contains(string(body), "badger") {
		t.Errorf("readyz: %d %s", res.StatusCode, body)
	}
	s.broken = &api.NotReadyError{Part: "historian", Err: errors.New("badger: no space left")}
	if _, body = s.call(t, "", http.MethodGet, "/readyz", ""); !strings.Contains(string(body), `"historian"`) || strings.Contains(string(body), "badger") {
		t.Errorf("readyz does not name the part: %s", body)
	}
	s.broken = nil
	s.panics = true
	res, body = s.call(t, "admin@acme", http.MethodGet, "/api/v1/assets", "")
	if res.StatusCode != http.StatusInternalServerError || strings.Contains(string(body), "a bug") || !strings.Contains(s.log.String(), "a bug in the graph") {
		t.Errorf("a panic: %d %s", res.StatusCode, body)
	}
	s.panics = false
	if res, _ = s.call(t, "admin@acme", http.MethodGet, "/api/v1/assets", ""); res.StatusCode != http.StatusOK {
		t.Errorf("after the panic: %d", res.StatusCode)
	}
}

// The console loads from its own origin alone; its hashed files are kept for ever, its page is asked for again.
func TestTheConsoleIsServed(t *testing.T) {
	script := strings.Repeat("export const pump = 7;\n", 200)
	s := openSite(t, func(o *api.Options) {
		o.Console = fstest.MapFS{
			"index.html":               {Data: []byte("<!doctype html><title>Lineshaft</title>")},
			"assets/index-D3adB33f.js": {Data: []byte(script)},
			"brand/mark.svg":           {Data: []byte("<svg/>")},
			".gitkeep":                 {},
		}
	})
	for path, want := range map[string]struct {
		status           int
		kind, cache, has string
	}{
		"/":                               {200, "text/html; charset=utf-8", "no-cache", "Lineshaft"},
		"/assets-view/acme/detroit?t=now": {200, "text/html; charset=utf-8", "no-cache", "Lineshaft"},
		"/assets/index-D3adB33f.js":       {200, "text/javascript; charset=utf-8", "public, max-age=31536000, immutable", "pump"},
		"/brand/mark.svg":                 {200, "image/svg+xml", "no-cache", "<svg/>"},
		"/assets/gone-D3adB33f.js":        {404, "text/plain; charset=utf-8", "no-store", "nothing"},
		"/.gitkeep":                       {404, "text/plain; charset=utf-8", "no-store", "nothing"},
		"/../../etc/passwd.txt":           {404, "text/plain; charset=utf-8", "no-store", "nothing"},
	} {
		res, body := s.call(t, "", http.MethodGet, path, "")
		if res.StatusCode != want.status || res.Header.Get("Content-Type") != want.kind || res.Header.Get("Cache-Control") != want.cache || !strings.Contains(string(body), want.has) {
			t.Errorf("%s: %d %v %.80s", path, res.StatusCode, res.Header, body)
		}
	}
	res, _ := s.call(t, "", http.MethodGet, "/", "")
	policy := res.Header.Get("Content-Security-Policy")
	for _, part := range []string{"default-src 'self'", "script-src 'self';", "frame-ancestors 'none'", "connect-src 'self';", "object-src 'none'"} {
		if !strings.Contains(policy, part) {
			t.Errorf("the policy lacks %s: %s", part, policy)
		}
	}
	if strings.Contains(policy, "unsafe-eval") || strings.Contains(policy, "http") {
		t.Errorf("the policy lets more in than its origin: %s", policy)
	}
	if again, _ := s.call(t, "", http.MethodGet, "/", "", "If-None-Match", res.Header.Get("ETag")); again.StatusCode != http.StatusNotModified {
		t.Errorf("asked again: %d", again.StatusCode)
	}
	packed, body := s.call(t, "", http.MethodGet, "/assets/index-D3adB33f.js", "", "Accept-Encoding", "br, gzip")
	if packed.Header.Get("Content-Encoding") != "gzip" || len(body) > len(script)/4 {
		t.Errorf("not compressed: %v, %d bytes", packed.Header, len(body))
	}
	if _, err := api.New(api.Options{Access: s.access, CursorKey: make([]byte, 32), Console: fstest.MapFS{}}); err == nil {
		t.Error("a console without a page was taken")
	}
}

// Every answer carries the headers that keep a browser from being talked into things.
func TestSecurityHeaders(t *testing.T) {
	s := openSite(t)
	for _, path := range []string{"/", "/api/v1/me", "/api/v1/nowhere", "/healthz", "/metrics"} {
		res, _ := s.call(t, "viewer@acme", http.MethodGet, path, "")
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer", "Cross-Origin-Opener-Policy": "same-origin",
		} {
			if got := res.Header.Get(name); got != want {
				t.Errorf("%s: %s is %q", path, name, got)
			}
		}
		if p := res.Header.Get("Content-Security-Policy"); !strings.Contains(p, "frame-ancestors 'none'") {
			t.Errorf("%s: policy %q", path, p)
		}
		if path != "/" && res.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s may be cached: %q", path, res.Header.Get("Cache-Control"))
		}
	}
}

// A page elsewhere that had its name pointed at this machine gets nothing.
func TestAForeignHostNameIsRefusedOnLoopback(t *testing.T) {
	s := openSite(t, func(o *api.Options) { o.Hosts = []string{"plant.example"} })
	for host, want := range map[string]int{
		"evil.example": 421, "localhost.evil.example": 421, "192.168.1.7": 421, "": 200,
		"localhost": 200, "LOCALHOST:8080": 200, "127.0.0.1:1": 200, "[::1]:8080": 200, "plant.example": 200,
	} {
		headers := []string{}
		if host != "" {
			headers = []string{"Host", host}
		}
		if res, body := s.call(t, "", http.MethodGet, "/healthz", "", headers...); res.StatusCode != want {
			t.Errorf("%q: %d %s", host, res.StatusCode, body)
		}
	}
}

// Only the configured origins may call from another page, and by default none.
func TestOrigins(t *testing.T) {
	s := openSite(t, func(o *api.Options) { o.Origins = []string{"wails://wails.localhost"} })
	for origin, want := range map[string]string{"wails://wails.localhost": "wails://wails.localhost", "https://evil.example": "", "null": ""} {
		res, _ := s.call(t, "", http.MethodOptions, "/api/v1/me", "", "Origin", origin, "Access-Control-Request-Method", "GET", "Access-Control-Request-Headers", "authorization")
		if got := res.Header.Get("Access-Control-Allow-Origin"); got != want {
			t.Errorf("preflight from %s: %q", origin, got)
		}
		if want != "" && (res.StatusCode != http.StatusNoContent || !strings.Contains(res.Header.Get("Access-Control-Allow-Headers"), "Authorization")) {
			t.Errorf("preflight from %s: %d %v", origin, res.StatusCode, res.Header)
		}
		res, _ = s.call(t, "viewer@acme", http.MethodGet, "/api/v1/me", "", "Origin", origin)
		if got := res.Header.Get("Access-Control-Allow-Origin"); got != want {
			t.Errorf("call from %s: %q", origin, got)
		}
	}
	none := openSite(t)
	if res, _ := none.call(t, "", http.MethodOptions, "/api/v1/me", "", "Origin", "wails://wails.localhost", "Access-Control-Request-Method", "GET"); res.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Error("an origin nobody configured was let in")
	}
}

// The desktop's token is its own, from this machine, for its tenant; without one set, an empty token is nobody's.
func TestTheLocalToken(t *testing.T) {
	s := openSite(t, func(o *api.Options) { o.LocalToken, o.LocalTenant = "made-at-this-start", "acme" })
	s.tokens["desktop"] = "made-at-this-start"
	me := get[api.Me](t, s, "desktop", "/api/v1/me")
	if me.User != "desktop@acme" || !slices.Equal(me.Roles, []string{"tenant_admin"}) {
		t.Errorf("me %+v", me)
	}
	if res, body := s.call(t, "desktop", http.MethodPost, "/api/v1/me/password", `{"old":"x","new":"eight tanks and a valve"}`); res.StatusCode != http.StatusConflict {
		t.Errorf("a password for the desktop: %d %s", res.StatusCode, body)
	}
	away := recorded(s, "203.0.113.9:5000", "made-at-this-start")
	if away.Code != http.StatusUnauthorized {
		t.Errorf("from another machine: %d", away.Code)
	}
	if home := recorded(s, "127.0.0.1:5000", "made-at-this-start"); home.Code != http.StatusOK {
		t.Errorf("from this machine: %d", home.Code)
	}
	none := openSite(t)
	none.tokens["empty"] = ""
	if res, _ := none.call(t, "empty", http.MethodGet, "/api/v1/me", ""); res.StatusCode != http.StatusUnauthorized {
		t.Errorf("an empty token: %d", res.StatusCode)
	}
}

// Large answers are compressed for who takes it, and say the same.
func TestLargeAnswersAreCompressed(t *testing.T) {
	s := openSite(t)
	_, plain := s.call(t, "viewer@acme", http.MethodGet, "/openapi.json", "", "Accept-Encoding", "identity")
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.server.URL+"/openapi.json", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+s.tokens["viewer@acme"])
	r.Header.Set("Accept-Encoding", "gzip")
	res, err := s.server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	z, err := gzip.NewReader(res.Body)
	if err != nil {
		t.Fatalf("%v, %v", err, res.Header)
	}
	got, err := io.ReadAll(z)
	if err != nil || string(got) != string(plain) {
		t.Errorf("compressed differs: %v", err)
	}
}

func TestUnknownAddressesAndVerbs(t *testing.T) {
	s := openSite(t)
	for _, ask := range []struct {
		method, path string
		want         int
		allow        string
	}{
		{"GET", "/api/v1/nowhere", 404, ""},
		{"GET", "/api/v2/assets", 404, ""},
		{"DELETE", "/api/v1/assets", 405, "GET"},
		{"GET", "/api/v1/login", 405, "POST"},
		{"PUT", "/api/v1/devices", 405, "GET, POST"},
		{"POST", "/", 405, "GET, HEAD"},
		{"GET", "/api/v1/assets?q=" + strings.Repeat("x", 40<<10), 414, ""},
		{"GET", "/docs", 200, ""}, // a view of the console, not a page from a CDN
	} {
		res, body := s.call(t, "viewer@acme", ask.method, ask.path, "")
		if res.StatusCode != ask.want || res.Header.Get("Allow") != ask.allow {
			t.Errorf("%s %.40s: %d, Allow %q, %.100s", ask.method, ask.path, res.StatusCode, res.Header.Get("Allow"), body)
		}
	}
	if res, body := s.call(t, "", http.MethodHead, "/healthz", ""); res.StatusCode != http.StatusOK || len(body) != 0 {
		t.Errorf("HEAD: %d", res.StatusCode)
	}
}
