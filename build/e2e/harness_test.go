package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// binaries is where TestMain put the programs under test.
var binaries string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "lineshaft-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	binaries = dir
	code := 1
	if err := buildPrograms(dir); err == nil {
		code = m.Run()
	} else {
		fmt.Fprintln(os.Stderr, err)
	}
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

func buildPrograms(dir string) error {
	for name, pkg := range map[string]string{"lineshaft": "backend", "lineshaft-gateway": "gateway", "lineshaft-sim": "simulator", "lineshaft-demo": "build/demo"} {
		cmd := exec.Command("go", "build", "-o", filepath.Join(dir, name), "./"+pkg)
		cmd.Dir = "../.."
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("build %s: %w\n%s", name, err, out)
		}
	}
	return nil
}

// program is a running program of ours; its output goes to the test's log when the test fails.
type program struct {
	cmd    *exec.Cmd
	exited chan struct{}
	out    *safeBuffer
	err    error
}

// start runs a program and ends it with the test.
func start(t *testing.T, name string, args ...string) *program {
	t.Helper()
	cmd := exec.Command(filepath.Join(binaries, name), args...)
	p := &program{cmd: cmd, exited: make(chan struct{}), out: &safeBuffer{}}
	cmd.Stdout, cmd.Stderr = p.out, p.out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.err = cmd.Wait()
		close(p.exited)
	}()
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("output of %s %v:\n%s", name, args, tail(p.out.String(), 8000))
		}
	})
	return p
}

// kill is kill -9: no part of the program gets a last word.
func (p *program) kill() {
	_ = p.cmd.Process.Kill()
	<-p.exited
}

// stop asks the program to drain and waits for it.
func (p *program) stop(t *testing.T) {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case <-p.exited:
		if p.err != nil {
			t.Fatalf("%s did not stop cleanly: %v\n%s", p.cmd.Path, p.err, tail(p.out.String(), 8000))
		}
	case <-time.After(30 * time.Second):
		t.Fatalf("%s did not stop within 30 s\n%s", p.cmd.Path, tail(p.out.String(), 8000))
	}
}

// line waits for a line of output that begins with prefix and returns it.
func (p *program) line(t *testing.T, prefix string, within time.Duration) string {
	t.Helper()
	var found string
	eventually(t, within, "a line "+prefix, func() error {
		sc := bufio.NewScanner(strings.NewReader(p.out.String()))
		sc.Buffer(nil, 1<<20)
		for sc.Scan() {
			if strings.HasPrefix(sc.Text(), prefix) {
				found = sc.Text()
				return nil
			}
		}
		select {
		case <-p.exited:
			t.Fatalf("%s ended: %v\n%s", p.cmd.Path, p.err, tail(p.out.String(), 8000))
		default:
		}
		return errors.New("not printed yet")
	})
	return found
}

type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func tail(s string, n int) string {
	if len(s) > n {
		return "…" + s[len(s)-n:]
	}
	return s
}

// eventually asks until try returns nil, and fails the test with its last error when the time is over.
func eventually(t *testing.T, within time.Duration, what string, try func() error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		err := try()
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%s did not come within %v: %v", what, within, err)
		case <-tick.C:
		}
	}
}

// freePort is a loopback port nobody listens on now: a program that must come back at the same address needs one.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// client talks to the HTTP API as a user would.
type client struct {
	base, token string
}

type apiError struct {
	status int
	body   string
}

func (e *apiError) Error() string { return fmt.Sprintf("HTTP %d: %s", e.status, tail(e.body, 600)) }

func (c client) do(ctx context.Context, method, path string, query url.Values, body, into any) error {
	u := c.base + path
	if len(query) > 0 {
		u += "?" + query.Encode()
	}
	var r io.Reader
	contentType := "application/json"
	switch b := body.(type) {
	case nil:
	case []byte:
		r, contentType = bytes.NewReader(b), "application/yaml"
	default:
		text, err := json.Marshal(b)
		if err != nil {
			return err
		}
		r = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, u, r)
	if err != nil {
		return err
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	if r != nil {
		req.Header.Set("Content-Type", contentType)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode >= 300 {
		return &apiError{res.StatusCode, string(text)}
	}
	if into == nil || len(text) == 0 {
		return nil
	}
	if raw, ok := into.(*string); ok {
		*raw = string(text)
		return nil
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("%s %s: %w in %s", method, path, err, tail(string(text), 300))
	}
	return nil
}

func (c client) get(ctx context.Context, path string, query url.Values, into any) error {
	return c.do(ctx, http.MethodGet, path, query, nil, into)
}

// login returns the client with a token of its own.
func (c client) login(ctx context.Context, user, password string) (client, error) {
	var s struct {
		Token string `json:"token"`
	}
	err := c.do(ctx, http.MethodPost, "/api/v1/login", nil, map[string]string{"user": user, "password": password}, &s)
	c.token = s.Token
	return c, err
}

// column is one series of a history answer.
type column struct {
	Path string  `json:"path"`
	Tag  string  `json:"tag"`
	TS   []int64 `json:"ts"`
	V    []any   `json:"v"`
	Q    []int   `json:"q"`
}

// history asks for raw samples or, with an interval, for an aggregate.
func (c client) history(ctx context.Context, tags []string, from, to time.Time, more url.Values) ([]column, error) {
	q := url.Values{"tag": tags, "from": {from.UTC().Format(time.RFC3339Nano)}, "to": {to.UTC().Format(time.RFC3339Nano)}}
	maps.Copy(q, more)
	var answer struct {
		Series []column `json:"series"`
	}
	err := c.get(ctx, "/api/v1/history", q, &answer)
	return answer.Series, err
}
