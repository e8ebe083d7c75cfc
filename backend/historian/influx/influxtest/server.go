// Package influxtest runs a real InfluxDB 1.8 for tests: on loopback, in a folder of its own, reporting to nobody.
package influxtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Database is the database, and Bucket names it with its retention policy as the client wants it.
const (
	Database = "lineshaft"
	Bucket   = "lineshaft/autogen"
)

const config = `reporting-disabled = true
bind-address = "%[2]s"
[meta]
  dir = "%[1]s/meta"
[data]
  dir = "%[1]s/data"
  wal-dir = "%[1]s/wal"
  index-version = "tsi1"
  query-log-enabled = false
  max-series-per-database = 0
  max-values-per-tag = 0
[retention]
  enabled = false
[shard-precreation]
  enabled = false
[monitor]
  store-enabled = false
[http]
  bind-address = "%[3]s"
  auth-enabled = %[4]t
  log-enabled = false
[logging]
  level = "warn"
  suppress-logo = true
`

// Server is one InfluxDB. It can be stopped and started again on what it kept.
type Server struct {
	URL   string
	Token string // empty where nobody signs in

	bin, conf string
	cmd       *exec.Cmd
	exited    chan struct{}
	out       bytes.Buffer
}

// Start runs a server with an empty database until the test ends. Without one installed the test is skipped, but
// fails where CI is set.
func Start(t testing.TB) *Server { return start(t, false) }

// StartGuarded runs a server on which one has to sign in.
func StartGuarded(t testing.TB) *Server { return start(t, true) }

func start(t testing.TB, guarded bool) *Server {
	t.Helper()
	bin, err := installed()
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	dir := t.TempDir()
	listen, rpc := freePort(t), freePort(t)
	s := &Server{URL: "http://" + listen, bin: bin, conf: filepath.Join(dir, "influxdb.conf")}
	if err := os.WriteFile(s.conf, fmt.Appendf(nil, config, dir, rpc, listen, guarded), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Kill(t)
		if t.Failed() {
			t.Logf("output of influxd:\n%s", s.out.String())
		}
	})
	s.Start(t)
	if guarded {
		s.Query(t, "CREATE USER plant WITH PASSWORD 'correct-horse' WITH ALL PRIVILEGES")
		s.Token = "plant:correct-horse"
	}
	s.Query(t, "CREATE DATABASE "+Database)
	return s
}

// installed is where `make peers` puts the server.
func installed() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		if dir == filepath.Dir(dir) {
			return "", errors.New("the test does not run inside the module")
		}
		dir = filepath.Dir(dir)
	}
	bin := filepath.Join(dir, "bin", "peers", "influxd")
	if _, err := os.Stat(bin); err != nil {
		return "", fmt.Errorf("no InfluxDB to test with, run make peers: %w", err)
	}
	return bin, nil
}

// freePort is a loopback port nobody listens on now: a server that comes back at the same address needs one.
func freePort(t testing.TB) string {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// Start starts the server and waits until it answers.
func (s *Server) Start(t testing.TB) {
	t.Helper()
	s.cmd = exec.CommandContext(context.WithoutCancel(t.Context()), s.bin, "run", "-config", s.conf)
	s.cmd.Stdout, s.cmd.Stderr = &s.out, &s.out
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s.exited = make(chan struct{})
	go func() {
		_ = s.cmd.Wait()
		close(s.exited)
	}()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for s.ping(ctx) != nil {
		select {
		case <-s.exited:
			t.Fatalf("influxd ended:\n%s", s.out.String())
		case <-ctx.Done():
			t.Fatal("influxd does not answer")
		case <-tick.C:
		}
	}
}

func (s *Server) ping(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/ping", http.NoBody)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	return res.Body.Close()
}

// Stop asks the server to end, insists after a while, and waits. A server that is stopped stays so.
func (s *Server) Stop(t testing.TB) {
	t.Helper()
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-s.exited:
	case <-time.After(15 * time.Second):
		s.Kill(t)
	}
}

// Kill is kill -9.
func (s *Server) Kill(t testing.TB) {
	t.Helper()
	if s.exited == nil {
		return
	}
	_ = s.cmd.Process.Kill()
	<-s.exited
}

// Query sends a statement of InfluxQL and returns the answer as JSON.
func (s *Server) Query(t testing.TB, statement string) string {
	t.Helper()
	form := url.Values{"q": {statement}, "db": {Database}, "epoch": {"ns"}}
	req, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), http.MethodPost, s.URL+"/query", strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if s.Token != "" {
		req.Header.Set("Authorization", "Token "+s.Token)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	var b bytes.Buffer
	if _, err := b.ReadFrom(res.Body); err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != http.StatusOK || strings.Contains(b.String(), `"error"`) {
		t.Fatalf("%s: HTTP %d: %s", statement, res.StatusCode, b.String())
	}
	return b.String()
}
