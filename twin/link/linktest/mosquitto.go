// Package linktest is the suite every link.Session passes, and the brokers to run it against: a real mosquitto, and
// one that misbehaves by script.
package linktest

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// Mosquitto is a real broker on a free loopback port.
type Mosquitto struct {
	t    testing.TB
	addr string
	conf string
	cmd  *exec.Cmd
}

// StartMosquitto runs Debian's mosquitto until the test ends. Without it the test fails: apt install mosquitto.
func StartMosquitto(t testing.TB) *Mosquitto {
	t.Helper()
	path, err := exec.LookPath("mosquitto")
	if err != nil {
		path = "/usr/sbin/mosquitto"
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("mosquitto is not installed (apt install mosquitto): %v", err)
	}
	m := &Mosquitto{t: t, addr: FreeAddr(t), conf: filepath.Join(t.TempDir(), "mosquitto.conf")}
	_, port, _ := net.SplitHostPort(m.addr)
	text := fmt.Sprintf("listener %s 127.0.0.1\nallow_anonymous true\nmax_inflight_messages 0\nmax_queued_messages 0\n", port)
	if err := os.WriteFile(m.conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Kill)
	m.Start()
	return m
}

// URL is what Config.Broker takes.
func (m *Mosquitto) URL() string { return "tcp://" + m.addr }

// Addr is host:port.
func (m *Mosquitto) Addr() string { return m.addr }

// Start runs the broker again after Kill, on the same port, and waits until it answers.
func (m *Mosquitto) Start() {
	m.t.Helper()
	path, err := exec.LookPath("mosquitto")
	if err != nil {
		path = "/usr/sbin/mosquitto"
	}
	m.cmd = exec.CommandContext(context.WithoutCancel(m.t.Context()), path, "-c", m.conf)
	if err := m.cmd.Start(); err != nil {
		m.t.Fatalf("start mosquitto: %v", err)
	}
	Await(m.t, "mosquitto answers", func() bool {
		nc, err := (&net.Dialer{Timeout: time.Second}).DialContext(m.t.Context(), "tcp", m.addr)
		if err == nil {
			_ = nc.Close()
		}
		return err == nil
	})
}

// Kill ends the broker at once, as a power cut would. It may be killed twice.
func (m *Mosquitto) Kill() {
	if m.cmd != nil {
		_ = m.cmd.Process.Kill()
		_ = m.cmd.Wait()
		m.cmd = nil
	}
}

// FreeAddr is a loopback address nobody listens on.
func FreeAddr(t testing.TB) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// Await polls until ok says so, and fails the test after 15 s.
func Await(t testing.TB, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(15 * time.Second)
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("waited 15 s in vain: %s", what)
		}
	}
}
