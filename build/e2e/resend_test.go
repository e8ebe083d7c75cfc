package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/lineshaft/lineshaft/backend/server"
	"github.com/lineshaft/lineshaft/gateway/outbox"
	"github.com/lineshaft/lineshaft/gateway/uplink"
	"github.com/lineshaft/lineshaft/twin"
	"github.com/lineshaft/lineshaft/twin/clock"
	"github.com/lineshaft/lineshaft/twin/link"
	"github.com/lineshaft/lineshaft/twin/link/linktest"
	contract "github.com/lineshaft/lineshaft/twin/wire"
)

// ahead is the machine's clock, set forward.
type ahead struct {
	clock.Wall
	by atomic.Int64
}

func (a *ahead) Now() time.Time { return a.Wall.Now().Add(time.Duration(a.by.Load())) }

// restored is a backend and a gateway that hosts one pump, each of which outlives the other's restarts.
type restored struct {
	t         *testing.T
	clk       *ahead
	cfg       server.Config
	outbox    string
	retention time.Duration
	password  string // the gateway's
	value     float64

	api string
	box *outbox.Outbox
	in  chan []uplink.Reading
}

func newRestored(t *testing.T) *restored {
	cfg := server.Defaults()
	cfg.HTTPListen, cfg.MQTTListen = linktest.FreeAddr(t), linktest.FreeAddr(t)
	cfg.Data, cfg.Tenants = filepath.Join(t.TempDir(), "data"), []string{"acme"}
	return &restored{t: t, clk: &ahead{}, cfg: cfg, outbox: t.TempDir(), retention: 24 * time.Hour, api: "http://" + cfg.HTTPListen}
}

// up runs the backend and the gateway while body runs.
func (s *restored) up(body func()) {
	s.t.Helper()
	ctx, stop := context.WithCancel(context.WithoutCancel(s.t.Context()))
	log := slog.New(slog.NewTextHandler(s.t.Output(), &slog.HandlerOptions{Level: slog.LevelInfo}))
	var backend errgroup.Group
	ready := make(chan struct{})
	backend.Go(func() error {
		return server.Run(ctx, s.cfg, server.Deps{
			Clock: s.clk, Log: log, Ready: func(server.Ready) { close(ready) }, LocalToken: "local", LocalTenant: "acme",
		})
	})
	<-ready
	if s.password == "" {
		s.register()
	}
	edge := s.gateway(log)
	body()
	edge()
	stop()
	if err := backend.Wait(); err != nil {
		s.t.Fatal(err)
	}
}

func (s *restored) register() {
	for _, d := range []string{
		`{"device_id":"gw-1","kind":"gateway","device_type":"gateway","site":"detroit","area":"utilities","line":"_"}`,
		`{"device_id":"P-1","kind":"hosted","device_type":"pump","site":"detroit","area":"utilities","line":"cw","gateway":"gw-1"}`,
	} {
		var out struct {
			Token string `json:"token"`
		}
		s.call(http.MethodPost, "/devices", d, &out)
		if s.password == "" {
			s.password = out.Token
		}
	}
}

func (s *restored) call(method, path, body string, into any) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.api+"/api/v1"+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer local")
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode/100 == 2 {
		err = json.Unmarshal(text, into)
	}
	if err != nil || res.StatusCode/100 != 2 {
		s.t.Fatalf("%s %s: %d %s %v", method, path, res.StatusCode, text, err)
	}
}

// gateway runs the gateway on its outbox until the function returned is called.
func (s *restored) gateway(log *slog.Logger) (stop func()) {
	s.t.Helper()
	box, err := outbox.Open(s.outbox, outbox.Options{SentRetention: s.retention, Clock: s.clk, Log: log})
	if err != nil {
		s.t.Fatal(err)
	}
	device := func(id, line, class string) uplink.Device {
		return uplink.Device{ID: id, Type: class, Topic: contract.Topic{
			Tenant: "acme", Site: "detroit", Area: "utilities", Line: line, Class: class, Device: id,
		}}
	}
	up := uplink.New(uplink.Config{
		Gateway: device("gw-1", "_", contract.GatewayClass), Hosted: []uplink.Device{device("P-1", "cw", "pump")},
		Flush: 10 * time.Millisecond, Report: time.Hour, Clock: s.clk, Log: log,
	}, box)
	session, err := link.New(link.Config{
		Broker: "tcp://" + s.cfg.MQTTListen, ClientID: "acme::gw-1", Password: s.password, Clock: s.clk, Log: log, Will: up.Will, Hello: up.Hello,
	})
	if err == nil {
		err = up.Listen(session)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	s.box, s.in = box, make(chan []uplink.Reading)
	ctx, cancel := context.WithCancel(context.WithoutCancel(s.t.Context()))
	var g errgroup.Group
	for _, stage := range []func() error{
		func() error { return up.Collect(s.in) }, func() error { return box.Run(ctx) }, func() error { return up.Send(ctx, session) },
		func() error { return up.Speak(ctx, session) }, func() error { return up.Resend(ctx, session) }, func() error { return session.Run(ctx) },
	} {
		g.Go(stage)
	}
	return func() {
		close(s.in)
		cancel()
		if err := errors.Join(g.Wait(), box.Close()); err != nil {
			s.t.Error(err)
		}
	}
}

// read has the gateway read the pump n times, each a message of its own that is acknowledged before the next.
func (s *restored) read(n int) {
	s.t.Helper()
	for range n {
		s.value++
		before := s.box.Stats().Rows
		s.in <- []uplink.Reading{{Reading: contract.Reading{Tag: "flow", Sample: twin.Sample{
			T: s.clk.Now().Truncate(time.Millisecond).UnixNano(), V: twin.FloatValue(s.value), Q: twin.Good,
		}}}}
		linktest.Await(s.t, "the message is acknowledged", func() bool { st := s.box.Stats(); return st.Rows > before && st.Unsent == 0 })
	}
}

type missed struct {
	DeviceID  string `json:"device_id"`
	FromSeq   uint64 `json:"from_seq"`
	ToSeq     uint64 `json:"to_seq"`
	Missing   uint64 `json:"missing"`
	Gone      uint64 `json:"gone"`
	HealedHow string `json:"healed_how"`
}

func (s *restored) gaps() []missed {
	s.t.Helper()
	var page struct {
		Items []missed `json:"items"`
	}
	s.call(http.MethodGet, "/gaps?device=P-1", "", &page)
	return page.Items
}

func (s *restored) messages() uint64 {
	s.t.Helper()
	var flow struct {
		Sites []struct {
			Messages uint64 `json:"messages"`
		} `json:"sites"`
	}
	s.call(http.MethodGet, "/flow", "", &flow)
	n := uint64(0)
	for _, x := range flow.Sites {
		n += x.Messages
	}
	return n
}

// lose has the backend acknowledge ten messages and then fall back to before them, as after a restored backup.
func (s *restored) lose() {
	s.t.Helper()
	earlier := filepath.Join(s.t.TempDir(), "earlier")
	s.up(func() {
		s.read(5)
		linktest.Await(s.t, "five messages are counted", func() bool { return s.messages() >= 5 })
	})
	if err := os.CopyFS(earlier, os.DirFS(s.cfg.Data)); err != nil {
		s.t.Fatal(err)
	}
	s.up(func() { s.read(10) })
	if err := errors.Join(os.RemoveAll(s.cfg.Data), os.Rename(earlier, s.cfg.Data)); err != nil {
		s.t.Fatal(err)
	}
}

// A backend is restored from a backup: what was acknowledged since is missing. It asks the gateway for exactly that,
// the gateway sends it again, and the hole is healed.
func TestWhatABackupDoesNotHaveIsSentAgain(t *testing.T) {
	t.Parallel()
	s := newRestored(t)
	s.lose()
	s.up(func() {
		s.read(1)
		linktest.Await(t, "the hole is seen", func() bool { return len(s.gaps()) == 1 })
		if g := s.gaps()[0]; g.FromSeq != 6 || g.ToSeq != 15 || g.Missing != 10 || g.HealedHow != "" {
			t.Errorf("the hole is %+v", g)
		}
		s.clk.by.Add(int64(time.Minute)) // it has had its time to close by itself
		linktest.Await(t, "the hole is healed", func() bool { return s.gaps()[0].Missing == 0 })
		if g := s.gaps(); len(g) != 1 || g[0].HealedHow != "resend" {
			t.Errorf("healed: %+v", g)
		}
	})
}

// The same, and the gateway has let go of it meanwhile: it says so, the hole is told to be for good, and the gateway
// is not asked again.
func TestWhatNobodyHasAnyMoreIsGone(t *testing.T) {
	t.Parallel()
	s := newRestored(t)
	s.lose()
	s.retention = time.Second
	s.clk.by.Add(int64(3 * time.Minute))
	s.up(func() {
		linktest.Await(t, "the outbox lets go", func() bool { return s.box.Stats().Rows <= 1 })
		s.read(1)
		linktest.Await(t, "the hole is seen", func() bool { return len(s.gaps()) == 1 })
		s.clk.by.Add(int64(time.Minute))
		linktest.Await(t, "the gateway says that it is gone", func() bool { return s.gaps()[0].Gone == 10 })
		if g := s.gaps()[0]; g.Missing != 10 || g.HealedHow != "" {
			t.Errorf("gone: %+v", g)
		}
	})
}
