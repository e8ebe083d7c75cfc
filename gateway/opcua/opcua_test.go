package opcua_test

import (
	"bufio"
	"context"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/lineshaft/lineshaft/gateway/driver/drivertest"
	"github.com/lineshaft/lineshaft/gateway/opcua"
	"github.com/lineshaft/lineshaft/twin"
	"github.com/lineshaft/lineshaft/twin/clock"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const peer = "../../build/e2e/peers/opcua"

// server is node-opcua, told what to do over its standard input.
type server struct {
	t                     *testing.T
	port, pki             string
	endpoint, certificate string

	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Scanner
}

func startServer(t *testing.T) *server {
	t.Helper()
	if _, err := os.Stat(filepath.Join(peer, "node_modules")); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("node-opcua is not installed: make peers")
		}
		t.Skip("node-opcua is not installed: make peers")
	}
	_, port, err := net.SplitHostPort(drivertest.FreeAddr(t))
	if err != nil {
		t.Fatal(err)
	}
	s := &server{t: t, port: port, pki: t.TempDir()}
	s.start()
	t.Cleanup(s.kill)
	return s
}

func (s *server) start() {
	s.t.Helper()
	s.cmd = exec.CommandContext(context.WithoutCancel(s.t.Context()), "node", "server.mjs")
	s.cmd.Dir = peer
	s.cmd.Env = append(os.Environ(), "PORT="+s.port, "PKI="+s.pki, "OPCUA_USER=plant", "OPCUA_PASSWORD=secret")
	var err error
	if s.in, err = s.cmd.StdinPipe(); err != nil {
		s.t.Fatal(err)
	}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.out = bufio.NewScanner(out)
	for s.out.Scan() {
		var ready struct{ Endpoint, Certificate string }
		if json.Unmarshal(s.out.Bytes(), &ready) == nil {
			s.endpoint, s.certificate = ready.Endpoint, ready.Certificate
			return
		}
	}
	s.t.Fatalf("node-opcua did not start: %v", s.out.Err())
}

// tell gives a command and waits until it is done.
func (s *server) tell(format string, args ...any) {
	s.t.Helper()
	if _, err := fmt.Fprintf(s.in, format+"\n", args...); err != nil {
		s.t.Fatal(err)
	}
	for s.out.Scan() {
		if line := s.out.Text(); line == "ok" {
			return
		} else if strings.HasPrefix(line, "failed") {
			s.t.Fatal(line)
		}
	}
	s.t.Fatal("the server is gone")
}

func (s *server) kill() {
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
}

func (s *server) der() []byte {
	block, _ := pem.Decode([]byte(s.certificate))
	return block.Bytes
}

// text collects a log.
type text struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *text) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *text) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// read runs a driver on variables of the pump.
func read(t *testing.T, s *server, change func(*opcua.Config), names ...string) (*drivertest.Log, *text) {
	t.Helper()
	dir := t.TempDir()
	id, err := opcua.ReadIdentity(dir, "gw-det-01", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	log := &text{}
	cfg := opcua.Config{
		Endpoint: s.endpoint, Timeout: 5 * time.Second, Secure: true, User: "plant", Password: "secret", Identity: id,
		Trust: opcua.Trust{Pin: opcua.Fingerprint(s.der()), Rejected: filepath.Join(dir, "rejected")},
		Clock: clock.Wall{}, Log: slog.New(slog.NewTextHandler(io.MultiWriter(log, t.Output()), nil)),
	}
	for _, n := range names {
		cfg.Points = append(cfg.Points, opcua.Point{Node: "ns=1;s=P-007." + n, Interval: 100 * time.Millisecond})
	}
	if change != nil {
		change(&cfg)
	}
	d, err := opcua.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return drivertest.Run(t, d), log
}

func TestAServerByOtherAuthors(t *testing.T) {
	s := startServer(t)
	for _, c := range []struct {
		name string
		run  func(*testing.T, *server)
	}{
		{"values, qualities and times", values},
		{"subscriptions lost behind our back are made again", lostSubscriptions},
		{"who is not trusted is not read", notTrusted},
		{"the first certificate seen is remembered", firstUse},
		{"a node that comes later is found", laterNode},
		{"a server that restarts is found again", restart},
	} {
		t.Run(c.name, func(t *testing.T) {
			s.t = t
			c.run(t, s)
		})
	}
}

func good(s twin.Sample) bool { return s.Q == twin.Good }

func values(t *testing.T, s *server) {
	l, log := read(t, s, nil, "flow", "temp", "running", "nonsense", "state", "count", "batch", "setpoint", "spectrum")
	for n, want := range map[int]twin.Value{
		1: twin.FloatValue(72.4), 2: twin.BoolValue(true), 4: twin.IntValue(3), 5: twin.IntValue(42), 6: twin.StringValue("B-17"),
		7: twin.FloatValue(50),
	} {
		if got := l.Await(n, good); got.V != want {
			t.Errorf("point %d is %s, want %s", n, got.V.Text(), want.Text())
		}
	}
	// One bad node has its own quality and delays nobody.
	if got := l.Await(3, func(twin.Sample) bool { return true }); got.Q != twin.ConfigurationError || got.V.Kind() != twin.None {
		t.Errorf("a node that is not there: %v", got)
	}
	if got := l.Await(8, func(twin.Sample) bool { return true }); got.Q != twin.ConfigurationError {
		t.Errorf("an array: %v", got)
	}
	if !strings.Contains(log.String(), "opcua node refused") || !strings.Contains(log.String(), "nonsense") {
		t.Error("the bad node is not in the log")
	}
	// Changes come with the source's time.
	a := l.Next(0)
	b := l.Next(0)
	if d := b.V.Float() - a.V.Float() - float64(b.T-a.T)/1e9; d > 0.06 || d < -0.06 {
		t.Errorf("flow rose by %v in %v of source time", b.V.Float()-a.V.Float(), time.Duration(b.T-a.T))
	}
	// A value that does not change is repeated at its interval: the server says nothing, its clock ticks.
	before := l.Count(1)
	l.Next(1)
	again := l.Next(1)
	if l.Count(1) <= before || again.V != twin.FloatValue(72.4) || again.T <= l.All(1)[0].T {
		t.Errorf("the steady value is %v after %d readings", again, l.Count(1))
	}
	s.tell("set setpoint 61.5")
	l.Await(7, func(s twin.Sample) bool { return s.V == twin.FloatValue(61.5) })
	for code, q := range map[string]twin.Quality{
		"BadSensorFailure": twin.SensorFailure, "BadDeviceFailure": twin.DeviceFailure, "BadOutOfService": twin.OutOfService,
		"UncertainLastUsableValue": twin.LastUsable, "UncertainEngineeringUnitsExceeded": twin.EngUnitsExceeded,
		"GoodLocalOverride": twin.GoodLocalOverride, "BadNoCommunication": twin.CommFailure,
	} {
		s.tell("status setpoint %s", code)
		l.Await(7, func(s twin.Sample) bool { return s.Q == q })
	}
}

func lostSubscriptions(t *testing.T, s *server) {
	l, log := read(t, s, nil, "flow", "temp")
	l.Await(0, good)
	s.tell("drop")
	// The library says nothing of it; the watchdog does.
	l.Await(0, func(s twin.Sample) bool { return s.Q == twin.CommFailure })
	l.Await(0, good)
	l.Await(1, good)
	if strings.Count(log.String(), "opcua session up") != 2 {
		t.Errorf("the log says\n%s", log)
	}
}

func restart(t *testing.T, s *server) {
	l, _ := read(t, s, func(c *opcua.Config) { c.Timeout, c.Clock = 2*time.Second, &quick{} }, "flow", "temp")
	l.Await(1, good)
	s.kill()
	l.Await(1, func(s twin.Sample) bool { return s.Q == twin.CommFailure && s.V.Kind() == twin.None })
	s.start() // with the certificate it had
	l.Await(1, func(s twin.Sample) bool { return s.Q == twin.Good && s.V == twin.FloatValue(72.4) })
}

func notTrusted(t *testing.T, s *server) {
	refused := func(name string, change func(*opcua.Config), want string) string {
		t.Helper()
		var dir string
		l, log := read(t, s, func(c *opcua.Config) {
			c.Trust.Dir = filepath.Join(filepath.Dir(c.Trust.Rejected), "trusted")
			dir = c.Trust.Rejected
			change(c)
		}, "flow")
		if got := l.Await(0, func(twin.Sample) bool { return true }); got.Q != twin.NotConnected {
			t.Errorf("%s: quality %v", name, got.Q)
		}
		if !strings.Contains(log.String(), want) {
			t.Errorf("%s: the log does not say %q:\n%s", name, want, log)
		}
		return dir
	}
	rejected := refused("an empty trust directory", func(c *opcua.Config) { c.Trust.Pin = "" }, "is not trusted")
	left, err := filepath.Glob(filepath.Join(rejected, "*.pem"))
	if err != nil || len(left) != 1 {
		t.Fatalf("the refused certificate is not left for the operator: %v %v", left, err)
	}
	refused("another pin", func(c *opcua.Config) { c.Trust.Pin = strings.Repeat("0", 64) }, "is not the pinned one")
	refused("a wrong password", func(c *opcua.Config) { c.Password = "guess" }, "the server refuses user plant")
	refused("no security where it is on", func(c *opcua.Config) { c.Secure = false }, "offers no endpoint")

	// What the operator does about it.
	l, _ := read(t, s, func(c *opcua.Config) {
		c.Trust = opcua.Trust{Dir: t.TempDir(), Rejected: t.TempDir()}
		text, err := os.ReadFile(left[0])
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(c.Trust.Dir, "plc.pem"), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}, "flow")
	l.Await(0, good)
}

func firstUse(t *testing.T, s *server) {
	trust := opcua.Trust{FirstUse: true, Dir: t.TempDir(), Source: "plc-1", Rejected: t.TempDir()}
	l, _ := read(t, s, func(c *opcua.Config) { c.Trust = trust }, "flow")
	l.Await(0, good)
	// Another server at the same address: what was remembered is not what is shown.
	l, log := read(t, s, func(c *opcua.Config) {
		c.Trust = trust
		other := t.TempDir()
		if _, err := opcua.ReadIdentity(other, "someone-else", time.Now()); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(filepath.Join(other, "own.pem"), filepath.Join(trust.Dir, "first-use-plc-1.pem")); err != nil {
			t.Fatal(err)
		}
	}, "flow")
	if got := l.Await(0, func(twin.Sample) bool { return true }); got.Q != twin.NotConnected {
		t.Errorf("another server at the same source is read with quality %v", got.Q)
	}
	if !strings.Contains(log.String(), "is not the one seen first") {
		t.Errorf("the log says\n%s", log)
	}
}

func laterNode(t *testing.T, s *server) {
	l, _ := read(t, s, func(c *opcua.Config) { c.Clock = &quick{} }, "flow", "later")
	l.Await(1, func(s twin.Sample) bool { return s.Q == twin.ConfigurationError })
	s.tell("add later 7")
	l.Await(1, func(s twin.Sample) bool { return s.V == twin.FloatValue(7) })
}

// quick is a wall clock that waits two seconds at most, so that what is done each minute is done in a test.
type quick struct{ clock.Wall }

func (q *quick) After(d time.Duration) <-chan time.Time { return q.Wall.After(min(d, 2*time.Second)) }
