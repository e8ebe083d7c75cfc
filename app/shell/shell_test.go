package shell

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("github.com/golang/glog.(*fileSink).flushDaemon"),
		goleak.IgnoreTopFunction("net/http.(*persistConn).readLoop"), goleak.IgnoreTopFunction("net/http.(*persistConn).writeLoop"))
}

// answer is what a request of the page got.
type answer struct {
	status int
	cors   string
	body   []byte
}

// ask is one request of the page in the window. Of a stream it reads the first line.
func ask(t *testing.T, url, token, origin string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Origin", origin)
	got, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatalf("GET %s: %v", url, err)
	}
	defer func() { _ = got.Body.Close() }()
	a := answer{status: got.StatusCode, cors: got.Header.Get("Access-Control-Allow-Origin")}
	if got.Header.Get("Content-Type") == "text/event-stream" {
		a.body, err = bufio.NewReader(got.Body).ReadBytes('\n')
	} else {
		a.body, err = io.ReadAll(got.Body)
	}
	if err != nil {
		t.Fatalf("read %s: %v", url, err)
	}
	return a
}

func open(t *testing.T, o Options) *Shell {
	t.Helper()
	s, hooks := New(o)
	hooks.Started(context.Background())
	t.Cleanup(func() { hooks.Stop(context.Background()) })
	return s
}

// Somebody opens the window on a machine of their own, and a colleague's window connects to it.
func TestAWindowAloneRunsABackendAndAnotherConnectsToIt(t *testing.T) {
	dir := t.TempDir()
	alone := open(t, Options{Data: dir, MQTTListen: "127.0.0.1:0", Open: "/a/acme"})
	if got := alone.Start(); got.State != "choose" || got.Open != "/a/acme" {
		t.Fatalf("first start = %+v, want a question", got)
	}
	here := alone.RunHere(true)
	if here.State != "ready" || here.Token == "" {
		t.Fatalf("run here = %+v", here)
	}
	if again := alone.Start(); again != here {
		t.Errorf("a page loaded again got %+v, want %+v", again, here)
	}

	me := ask(t, here.URL+"/api/v1/me", here.Token, "wails://wails")
	if me.status != http.StatusOK || me.cors != "wails://wails" {
		t.Fatalf("me: %d, CORS %q", me.status, me.cors)
	}
	if got := ask(t, here.URL+"/api/v1/me", "guessed", "wails://wails").status; got != http.StatusUnauthorized {
		t.Errorf("a guessed token got %d", got)
	}
	var tree struct {
		ID []string `json:"id"`
	}
	if err := json.Unmarshal(ask(t, here.URL+"/api/v1/assets/tree", here.Token, "wails://wails").body, &tree); err != nil {
		t.Fatal(err)
	}
	if len(tree.ID) < 100 {
		t.Errorf("the demo plant has %d assets", len(tree.ID))
	}

	tokenFile := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(tokenFile, []byte(here.Token+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	colleague := open(t, Options{Data: t.TempDir(), Server: here.URL + "/", TokenFile: tokenFile})
	there := colleague.Start()
	if there.State != "ready" || there.Token != here.Token || there.URL == here.URL {
		t.Fatalf("connect = %+v", there)
	}
	relayed := ask(t, there.URL+"/api/v1/me", there.Token, "wails://wails")
	if relayed.status != http.StatusOK || relayed.cors != "wails://wails" {
		t.Errorf("me by relay: %d, CORS %q", relayed.status, relayed.cors)
	}
	if got := ask(t, there.URL+"/api/v1/me", there.Token, "https://elsewhere.example").status; got != http.StatusForbidden {
		t.Errorf("a page from elsewhere got %d from the relay", got)
	}
	events := ask(t, there.URL+"/api/v1/stream?topic=fleet", there.Token, "wails://wails")
	if events.status != http.StatusOK || len(events.body) == 0 {
		t.Errorf("stream by relay: %d, %q", events.status, events.body)
	}
}

func TestTheChoiceIsRememberedAndForgotten(t *testing.T) {
	dir := t.TempDir()
	first := open(t, Options{Data: dir, MQTTListen: "127.0.0.1:0"})
	if got := first.RunHere(false); got.State != "ready" {
		t.Fatalf("run here = %+v", got)
	}
	first.stop()

	second := open(t, Options{Data: dir, MQTTListen: "127.0.0.1:0"})
	if got := second.Start(); got.State != "ready" {
		t.Fatalf("second start = %+v, want the backend of before", got)
	}
	if got := second.Forget(); got.State != "choose" {
		t.Errorf("forget = %+v", got)
	}
	if got := open(t, Options{Data: dir}).Start(); got.State != "choose" {
		t.Errorf("start after forgetting = %+v", got)
	}
}

func TestAnAddressThatIsNoBackendIsSaidSo(t *testing.T) {
	for address, want := range map[string]string{
		"127.0.0.1:8080":     "http://host:port",
		"ftp://plant":        "http://host:port",
		"http://127.0.0.1:1": "ask http://127.0.0.1:1",
		"":                   "http://host:port",
	} {
		got := open(t, Options{Data: t.TempDir()}).Connect(address)
		if got.State != "failed" || !strings.Contains(got.Error, want) {
			t.Errorf("connect %q = %+v, want an error with %q", address, got, want)
		}
	}
}

func TestASpoiledChoiceIsNoReasonNotToStart(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(choiceFile(dir), []byte(`{"local":tru`), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := open(t, Options{Data: dir}).Start(); got.State != "choose" {
		t.Errorf("start = %+v", got)
	}
}

func TestTheLanguageIsOneScriptsCanUse(t *testing.T) {
	for _, c := range []struct{ lang, all, wantLang, wantAll string }{
		{"", "", "en_US.UTF-8", ""},
		{"C", "", "en_US.UTF-8", ""},
		{"C.UTF-8", "", "en_US.UTF-8", ""},
		{"POSIX", "", "en_US.UTF-8", ""},
		{"de_DE.UTF-8", "", "de_DE.UTF-8", ""},
		{"de_DE.UTF-8", "C.UTF-8", "de_DE.UTF-8", "en_US.UTF-8"},
	} {
		env := map[string]string{"LANG": c.lang, "LC_ALL": c.all}
		FixLanguage(func(k string) string { return env[k] }, func(k, v string) error { env[k] = v; return nil })
		if env["LANG"] != c.wantLang || env["LC_ALL"] != c.wantAll {
			t.Errorf("LANG=%q LC_ALL=%q became %q, %q", c.lang, c.all, env["LANG"], env["LC_ALL"])
		}
	}
}
