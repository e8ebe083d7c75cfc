package embedded_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"testing"

	"github.com/lineshaft/lineshaft/backend/historian"
	"github.com/lineshaft/lineshaft/backend/historian/embedded"
	"github.com/lineshaft/lineshaft/backend/historian/historiantest"
	"github.com/lineshaft/lineshaft/twin"
)

const (
	crashDir    = "LINESHAFT_CRASH_DIR"
	crashFrom   = "LINESHAFT_CRASH_FROM"
	crashSeries = 20
	perCommit   = 3 // batches
)

func crashOptions() embedded.Options {
	return embedded.Options{BlockPoints: 64, HeadPoints: 600, LogBytes: 64 << 10}
}

// crashBatch is batch n of a plant's life: live samples, late ones of the last three days, and corrections.
func crashBatch(n int) []historian.Point {
	rnd := rand.New(rand.NewPCG(7, uint64(n)))
	const start, second = int64(1773748800e9), int64(1e9)
	ps := make([]historian.Point, 0, 200)
	for k := range 200 {
		at := start + int64(n*10+k/crashSeries)*second
		switch rnd.IntN(10) {
		case 0:
			at -= rnd.Int64N(3*86400) * second
		case 1:
			at = start + rnd.Int64N(int64(n*10+10))*second
		}
		ps = append(ps, historian.Point{
			Series:   historian.SeriesID(k%crashSeries + 1),
			Sample:   twin.Sample{T: at, V: twin.IntValue(int64(n)*1000 + int64(k)), Q: twin.Good},
			Received: start + int64(n*10+10)*second,
		})
	}
	return ps
}

// crashChild appends and commits until it is killed, if this process was started for that. It says which batch was
// the last committed.
func crashChild() bool {
	dir := os.Getenv(crashDir)
	if dir == "" {
		return false
	}
	n, err := strconv.Atoi(os.Getenv(crashFrom))
	if err != nil {
		fail(err)
	}
	s, err := embedded.Open(dir, crashOptions())
	if err != nil {
		fail(err)
	}
	h, ctx := s.Tenant("acme"), context.Background()
	for {
		for range perCommit {
			if err := h.Append(ctx, crashBatch(n)); err != nil {
				fail(err)
			}
			n++
		}
		if n%10 == 0 { // a deletion of what never was, for its writes
			if err := h.Delete(ctx, historian.SeriesID(n%crashSeries+1), 0, 1); err != nil {
				fail(err)
			}
		}
		if err := h.Commit(ctx); err != nil {
			fail(err)
		}
		if n%4 == 0 {
			if err := s.Roll(ctx); err != nil {
				fail(err)
			}
		}
		if _, err := fmt.Fprintln(os.Stdout, n); err != nil {
			fail(err)
		}
	}
}

func fail(err error) {
	_, _ = fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// The process is killed again and again while it writes. Whatever was appended before the last commit it told of is
// there, once, with its last value; nothing is there that was never appended; and every rollup is that of the samples.
func TestKilledWhileWriting(t *testing.T) {
	kills := 10
	if os.Getenv("LINESHAFT_PROVE") != "" {
		kills = 200
	}
	var dir string
	var committed int
	rnd := rand.New(rand.NewPCG(11, 13))
	for kill := range kills {
		if kill%20 == 0 { // a new life, or checking the old one would take ever longer
			dir, committed = t.TempDir(), 0
		}
		committed = runUntilKilled(t, dir, committed, 1+rnd.IntN(12))
		checkAfterCrash(t, dir, committed)
		t.Logf("kill %d: %d batches of 200 committed", kill+1, committed)
	}
}

// runUntilKilled starts the child and kills it after some commits, in the middle of the next ones.
func runUntilKilled(t *testing.T, dir string, from, commits int) int {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), crashDir+"="+dir, crashFrom+"="+strconv.Itoa(from))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(io.Reader(out))
	committed := from
	for n := 0; lines.Scan(); n++ {
		if committed, err = strconv.Atoi(lines.Text()); err != nil {
			t.Fatal(err)
		}
		if n == commits {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := cmd.Wait(); err == nil || cmd.ProcessState.Exited() {
		t.Fatalf("the child was not killed but ended: %v", err)
	}
	return committed
}

// checkRollups compares every bucket with its samples.
func checkRollups(t *testing.T, s *embedded.Store) {
	t.Helper()
	for id := range historian.SeriesID(crashSeries) {
		if err := historiantest.CheckRollups(t.Context(), s.Tenant("acme"), id+1); err != nil {
			t.Fatal(err)
		}
	}
}

func checkAfterCrash(t *testing.T, dir string, committed int) {
	t.Helper()
	type place struct {
		id historian.SeriesID
		at int64
	}
	sure, maybe := map[place]int64{}, map[place]map[int64]bool{}
	for n := range committed + perCommit {
		for _, p := range crashBatch(n) {
			at := place{p.Series, p.T}
			if n < committed {
				sure[at] = p.V.Int()
				continue
			}
			if maybe[at] == nil {
				maybe[at] = map[int64]bool{}
			}
			maybe[at][p.V.Int()] = true
		}
	}
	s, err := embedded.Open(dir, crashOptions())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}()
	checkRollups(t, s)
	if err := s.Roll(t.Context()); err != nil {
		t.Fatal(err)
	}
	checkRollups(t, s)
	found := 0
	for id := range historian.SeriesID(crashSeries) {
		c, err := s.Tenant("acme").Read(t.Context(), id+1, math.MinInt64, math.MaxInt64)
		if err != nil {
			t.Fatal(err)
		}
		for i, at := range c.T {
			if i > 0 && c.T[i-1] >= at {
				t.Fatalf("series %d: time %d stands twice", id+1, at)
			}
			p, v := place{id + 1, at}, c.V[i].Int()
			want, ok := sure[p]
			if ok {
				found++
			}
			if (!ok || v != want) && !maybe[p][v] {
				t.Fatalf("series %d at %d is %d; committed %d (%v), since then %v", p.id, p.at, v, want, ok, maybe[p])
			}
		}
	}
	if found != len(sure) {
		t.Fatalf("%d of %d committed samples are missing", len(sure)-found, len(sure))
	}
}
