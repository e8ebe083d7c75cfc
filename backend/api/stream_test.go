package api_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/lineshaft/lineshaft/backend/access"
	"github.com/lineshaft/lineshaft/backend/api"
	"github.com/lineshaft/lineshaft/twin"
)

// quick is a stream's pace in a test: events at once, no comment unless asked for.
func quick(s *site) {
	s.api.Pace(time.Millisecond, time.Hour, time.Hour, time.Hour, 5*time.Second)
}

// listener is a client that reads a stream.
type listener struct {
	t      *testing.T
	res    *http.Response
	lines  *bufio.Scanner
	cancel context.CancelFunc
	lastID string
}

type heard struct{ id, name, data string }

// listen opens a stream; lastID resumes one.
func (s *site) listen(t *testing.T, user, query, lastID string) *listener {
	t.Helper()
	return listenTo(t, s.server.Client(), s.server.URL, s.tokens[user], query, lastID)
}

func listenTo(t *testing.T, client *http.Client, server, token, query, lastID string) *listener {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, server+"/api/v1/stream?"+query, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	if lastID != "" {
		r.Header.Set("Last-Event-ID", lastID)
	}
	res, err := client.Do(r) //nolint:bodyclose // hangUp closes it
	if err != nil {
		t.Fatalf("open stream: %v", err)
	}
	if res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("open stream: %d %v", res.StatusCode, res.Header)
	}
	l := &listener{t: t, res: res, lines: bufio.NewScanner(res.Body), cancel: cancel}
	l.lines.Buffer(nil, 4<<20)
	t.Cleanup(l.hangUp)
	return l
}

func (l *listener) hangUp() {
	l.cancel()
	_ = l.res.Body.Close()
}

// next reads one event; a comment is an event named "comment". ok is false at the end of the stream.
func (l *listener) next() (e heard, ok bool) {
	for l.lines.Scan() {
		line := l.lines.Text()
		switch field, value, _ := strings.Cut(line, ": "); {
		case line == "" && e.name != "":
			return e, true
		case field == "" && strings.HasPrefix(line, ": "):
			e.name = "comment"
		case field == "id":
			e.id, l.lastID = value, value
		case field == "event":
			e.name = value
		case field == "data":
			e.data = value
		}
	}
	return e, false
}

// want reads the next event and holds it to a name.
func (l *listener) want(name string) heard {
	l.t.Helper()
	e, ok := l.next()
	if !ok || e.name != name {
		l.t.Fatalf("heard %q %s, want %q (%v)", e.name, e.data, name, l.lines.Err())
	}
	return e
}

// flow reads a twin event with one reading of flow.
func (l *listener) flow() float64 {
	l.t.Helper()
	var e struct {
		Items []struct {
			Reported map[string]struct{ V float64 } `json:"reported"`
		} `json:"items"`
	}
	if err := json.Unmarshal([]byte(l.want("twin").data), &e); err != nil || len(e.Items) != 1 {
		l.t.Fatalf("%v in %+v", err, e)
	}
	return e.Items[0].Reported["flow"].V
}

func (s *site) reportFlow(tenant string, asset int, v float64) {
	s.report(tenant, api.ValueUpdate{
		Asset: s.assets[tenant][asset], Tag: "flow", Sample: twin.Sample{T: now.UnixNano(), V: twin.FloatValue(v), Q: twin.Good},
	})
}

// A console that looks at one pump hears that pump, and neither its neighbour nor another tenant's.
func TestAStreamTellsWhatWasAskedFor(t *testing.T) {
	s := openSite(t)
	quick(s)
	p7 := s.assets["acme"][3]
	one := s.listen(t, "viewer@acme", "topic=twin:"+p7.ID, "")
	area := s.listen(t, "viewer@acme", "topic=twin:acme/detroit/body-shop/**&topic=devices", "")
	for _, l := range []*listener{one, area} {
		if hello := l.want("hello"); !strings.Contains(hello.data, "0.1.0-test") {
			t.Errorf("hello %s", hello.data)
		}
	}
	s.reportFlow("globex", 3, 1)
	s.reportFlow("acme", 4, 2)
	if got := area.flow(); got != 2 {
		t.Errorf("the area heard %v first", got)
	}
	s.reportFlow("acme", 3, 3)
	if a, b := one.flow(), area.flow(); a != 3 || b != 3 {
		t.Errorf("heard %v and %v", a, b)
	}
	s.change("globex", s.devices["globex"][0])
	s.change("acme", s.devices["acme"][0])
	if e := area.want("device"); !strings.Contains(e.data, "acme/detroit") || strings.Contains(e.data, "globex") {
		t.Errorf("device %s", e.data)
	}
}

// The fleet topic gives the overview at once and again and again; comments keep proxies from closing.
func TestFleetAndComments(t *testing.T) {
	s := openSite(t)
	s.api.Pace(time.Millisecond, 20*time.Millisecond, 30*time.Millisecond, time.Hour, 5*time.Second)
	l := s.listen(t, "viewer@acme", "topic=fleet", "")
	l.want("hello")
	fleet, comments := 0, 0
	for fleet < 3 || comments < 2 {
		e, ok := l.next()
		switch {
		case !ok:
			t.Fatal("the stream ended")
		case e.name == "comment":
			comments++
		case e.name == "fleet":
			fleet++
			var o api.Overview
			if err := json.Unmarshal([]byte(e.data), &struct{ Sites any }{}); err != nil || !strings.Contains(e.data, `"connectivity"`) {
				t.Fatalf("%v in %s %+v", err, e.data, o)
			}
		}
	}
}

// A console that lost its connection goes on where it was: what happened meanwhile comes, and nothing comes twice.
func TestAStreamGoesOnWhereItWas(t *testing.T) {
	s := openSite(t)
	quick(s)
	query := "topic=twin:" + s.assets["acme"][3].ID
	first := s.listen(t, "viewer@acme", query, "")
	first.want("hello")
	s.reportFlow("acme", 3, 1)
	first.flow()
	known := first.lastID
	s.reportFlow("acme", 3, 2)
	first.flow() // arrived, but the client forgets it: the network swallowed it
	first.hangUp()
	s.quiet(t, first)
	s.reportFlow("acme", 3, 3)
	second := s.listen(t, "viewer@acme", query, known)
	if got := second.flow(); got != 2 {
		t.Errorf("the swallowed event was %v", got)
	}
	second.want("hello")
	if got := second.flow(); got != 3 {
		t.Errorf("what happened meanwhile was %v", got)
	}
	if s.open() != 1 {
		t.Errorf("%d subscriptions for one client", s.open())
	}
}

// quiet waits until the server has noticed that a client is gone: its feed can be taken again.
func (s *site) quiet(t *testing.T, l *listener) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	for !s.api.Parked("acme") {
		select {
		case <-deadline:
			t.Fatal("the server did not notice that the client left")
		case <-time.After(time.Millisecond):
		}
	}
	_ = l
}

// Whoever cannot be told what was missed is told to read everything again: an unknown epoch, a number never given,
// another user's stream, other topics.
func TestAnUnknownEventMeansReset(t *testing.T) {
	s := openSite(t)
	quick(s)
	query := "topic=twin:" + s.assets["acme"][3].ID
	first := s.listen(t, "viewer@acme", query, "")
	id := first.want("hello").id
	first.hangUp()
	s.quiet(t, first)
	epoch, _, _ := strings.Cut(id, "-")
	for name, ask := range map[string]struct{ user, query, id string }{
		"unknown epoch": {"viewer@acme", query, "NOTTHATONE-1"},
		"future number": {"viewer@acme", query, epoch + "-9"},
		"no number":     {"viewer@acme", query, "garbage"},
		"another user":  {"admin@acme", query, id},
		"other topics":  {"viewer@acme", query + "&topic=fleet", id},
	} {
		l := s.listen(t, ask.user, ask.query, ask.id)
		l.want("hello")
		if e, _ := l.next(); e.name != "reset" {
			t.Errorf("%s: heard %q", name, e.name)
		}
	}
	again := s.listen(t, "viewer@acme", query, id)
	again.want("hello")
	s.reportFlow("acme", 3, 5)
	again.flow() // and no reset before it
}

// A reader that takes nothing is cut off; the plant goes on, and no goroutine stays.
func TestASlowReaderIsCutOff(t *testing.T) {
	s := openSite(t)
	s.api.Pace(time.Millisecond, time.Millisecond, time.Hour, time.Hour, 200*time.Millisecond)
	for range 400 { // an overview of some size fills the buffers soon
		s.assets["acme"] = append(s.assets["acme"], s.assets["acme"][3])
	}
	conn, err := net.Dial("tcp", s.server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	fmt.Fprintf(conn, "GET /api/v1/stream?topic=fleet HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n\r\n", s.tokens["viewer@acme"])
	s.quiet(t, nil)
	if res, _ := s.call(t, "viewer@acme", http.MethodGet, "/api/v1/me", ""); res.StatusCode != http.StatusOK {
		t.Errorf("another caller: %d", res.StatusCode)
	}
}

// Feeds nobody comes back for are let go, and all when the server stops.
func TestFeedsAreLetGo(t *testing.T) {
	s := openSite(t)
	quick(s)
	l := s.listen(t, "viewer@acme", "topic=twin:**&topic=devices", "")
	l.want("hello")
	if s.open() != 2 {
		t.Errorf("%d subscriptions, want 2", s.open())
	}
	l.hangUp()
	s.quiet(t, l)
	s.clock.Advance(2 * time.Hour)
	s.api.Sweep()
	if s.open() != 0 {
		t.Errorf("%d subscriptions stay", s.open())
	}
	open := s.listen(t, "viewer@globex", "topic=twin:**", "")
	open.want("hello")
	s.api.Close()
	if e, ok := open.next(); ok {
		t.Errorf("after the stop: %q", e.name)
	}
	deadline := time.Now().Add(10 * time.Second)
	for s.open() != 0 && time.Now().Before(deadline) {
		<-time.After(time.Millisecond)
	}
	if s.open() != 0 {
		t.Errorf("%d subscriptions stay after the stop", s.open())
	}
}

// A stream ends with the session it was opened with, and when its roles change.
func TestAStreamEndsWithItsSession(t *testing.T) {
	s := openSite(t)
	s.api.Pace(time.Millisecond, time.Hour, 10*time.Millisecond, time.Hour, 5*time.Second)
	out := s.listen(t, "viewer@acme", "topic=twin:**", "")
	narrowed := s.listen(t, "admin@acme", "topic=twin:**", "")
	out.want("hello")
	narrowed.want("hello")
	if err := s.access.Logout(t.Context(), s.tokens["viewer@acme"]); err != nil {
		t.Fatal(err)
	}
	err := s.access.SetRoles(t.Context(), "acme", "admin", access.Membership{Role: access.Viewer, Path: "acme/detroit"})
	if err != nil {
		t.Fatal(err)
	}
	for name, l := range map[string]*listener{"logged out": out, "narrowed": narrowed} {
		for {
			e, ok := l.next()
			if !ok {
				break
			}
			if e.name != "comment" {
				t.Errorf("%s: heard %q", name, e.name)
			}
		}
	}
}

// A browser's shell sends what the desktop's page needs: Run serves, and stops when told.
func TestRunServesUntilItsContextEnds(t *testing.T) {
	s := openSite(t)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.api.Run(ctx, ln) }()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+ln.Addr().String()+"/api/v1/stream?topic=twin:**", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+s.tokens["viewer@acme"])
	res, err := s.server.Client().Do(r)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%v %v", res, err)
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("run: %v", err)
	}
	_ = res.Body.Close()
}
