package stream_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lineshaft/lineshaft/backend/stream"
)

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

const childDir = "LINESHAFT_STREAM_CHILD"

// runChild is the process that is killed: it appends numbered messages as fast as it can, prints the number of each
// one acknowledged, and consumes for group live into a file that it syncs at each commit.
func runChild() bool {
	dir := os.Getenv(childDir)
	if dir == "" {
		return false
	}
	from, _ := strconv.Atoi(os.Getenv(childDir + "_FROM"))
	s, err := stream.Open(stream.Config{Dir: filepath.Join(dir, "stream"), CommitEvery: 5 * time.Millisecond}, quiet())
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	j, err := openJournal(filepath.Join(dir, "committed"))
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	go func() { _ = s.Consume(context.Background(), stream.Telemetry, stream.Live, j) }()
	var mu sync.Mutex
	tokens := make(chan struct{}, 3000)
	for n := from; ; n++ {
		tokens <- struct{}{}
		s.Append(reading(n), func(err error) {
			<-tokens
			if err != nil {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			_, _ = os.Stdout.WriteString(strconv.Itoa(n) + "\n")
		})
	}
}

// journal is a sink on disk.
type journal struct {
	f   *os.File
	buf []byte
}

func openJournal(path string) (*journal, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	return &journal{f: f}, err
}

func (j *journal) Apply(_ context.Context, r stream.Record) error {
	for _, p := range r.Publishes {
		j.buf = append(append(j.buf, p.Payload...), '\n')
	}
	return nil
}

func (j *journal) Commit(context.Context) error {
	if _, err := j.f.Write(j.buf); err != nil {
		return err
	}
	j.buf = j.buf[:0]
	return j.f.Sync()
}

// TestKillLosesNothingAcknowledged kills the process at several points under load. LINESHAFT_PROVE runs many more.
func TestKillLosesNothingAcknowledged(t *testing.T) {
	kills := 10
	if os.Getenv("LINESHAFT_PROVE") != "" {
		kills = 50
	} else if testing.Short() {
		kills = 1
	}
	dir := t.TempDir()
	acked := map[int]bool{}
	next := 0
	for k := range kills {
		got := killAfter(t, dir, next, 5000+7919*k%30000)
		for _, n := range got {
			acked[n] = true
			next = max(next, n+1)
		}
		next += 100_000 // clear of what was sent and not acknowledged
	}

	seen := map[int]bool{}
	b, err := os.ReadFile(filepath.Join(dir, "committed"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if n, err := strconv.Atoi(strings.TrimSpace(line)); err == nil && strings.HasSuffix(line, "\n") {
			seen[n] = true
		}
	}
	s := open(t, stream.Config{Dir: filepath.Join(dir, "stream"), CommitEvery: 20 * time.Millisecond})
	defer s.Close()
	for _, g := range stream.Groups() {
		h := newSink()
		stop := consume(t, s, stream.Telemetry, g, h)
		h.until(t, "everything that is left", func(*sink) bool { r, _ := s.Lag(g); return r == 0 })
		stop()
		of := map[int]bool{}
		for _, p := range h.applied {
			n, _ := strconv.Atoi(p)
			of[n] = true
		}
		lost := 0
		for n := range acked {
			if !of[n] && (g != stream.Live || !seen[n]) {
				lost++
			}
		}
		if lost > 0 {
			t.Errorf("group %s: %d of %d acknowledged messages lost", g, lost, len(acked))
		}
	}
	t.Logf("%d kills, %d messages acknowledged, %d of them committed by group live before its last kill", kills, len(acked), len(seen))
}

// killAfter runs a child until it has acknowledged n messages, kills it with signal 9, and returns all it acknowledged.
func killAfter(t *testing.T, dir string, from, n int) []int {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), childDir+"="+dir, childDir+"_FROM="+strconv.Itoa(from))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var got []int
	sc := bufio.NewScanner(out)
	for sc.Scan() {
		v, err := strconv.Atoi(sc.Text())
		if err != nil {
			continue // the line that the kill cut
		}
		got = append(got, v)
		if len(got) == n {
			_ = cmd.Process.Kill()
		}
	}
	_ = cmd.Wait()
	if len(got) < n {
		t.Fatalf("child acknowledged %d messages before it ended, want %d", len(got), n)
	}
	return got
}
