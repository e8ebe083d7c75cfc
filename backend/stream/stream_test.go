package stream_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/lineshaft/lineshaft/backend/stream"
	"github.com/lineshaft/lineshaft/twin/wire"
)

func TestMain(m *testing.M) {
	if runChild() {
		return
	}
	goleak.VerifyTestMain(m)
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func open(t *testing.T, cfg stream.Config) *stream.Stream {
	t.Helper()
	s, err := stream.Open(cfg, quiet())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func reading(n int) wire.Publish {
	return wire.Publish{
		Topic: "acme/detroit/body-shop/cooling/pump/P-001/telemetry", Payload: fmt.Appendf(nil, "%d", n),
		Client: "acme::gw-det-01", Received: int64(n),
	}
}

// appendAll appends and waits until all are durable.
func appendAll(t *testing.T, s *stream.Stream, ps ...wire.Publish) {
	t.Helper()
	var wg sync.WaitGroup
	for _, p := range ps {
		wg.Add(1)
		s.Append(p, func(err error) {
			if err != nil {
				t.Errorf("append %s: %v", p.Payload, err)
			}
			wg.Done()
		})
	}
	wg.Wait()
}

// sink is a handler that remembers what it was given, and what of it was committed.
type sink struct {
	mu        sync.Mutex
	changed   chan struct{}
	seqs      []uint64
	applied   []string
	committed int
	fail      error         // from Commit, while set
	slow      chan struct{} // Commit waits for it, while set
}

func newSink() *sink { return &sink{changed: make(chan struct{}, 1)} }

func (s *sink) Apply(_ context.Context, r stream.Record) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seqs = append(s.seqs, r.Seq)
	for _, p := range r.Publishes {
		s.applied = append(s.applied, string(p.Payload))
	}
	s.poke()
	return nil
}

func (s *sink) Commit(ctx context.Context) error {
	s.mu.Lock()
	fail, slow := s.fail, s.slow
	s.mu.Unlock()
	if slow != nil {
		select {
		case <-slow:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.poke()
	if fail != nil {
		return fail
	}
	s.committed = len(s.applied)
	return nil
}

func (s *sink) poke() {
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

func (s *sink) set(f func(*sink)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(s)
}

// until waits for a condition of the sink.
func (s *sink) until(t *testing.T, what string, cond func(*sink) bool) {
	t.Helper()
	deadline := time.After(15 * time.Second)
	for {
		s.mu.Lock()
		ok := cond(s)
		n, c := len(s.applied), s.committed
		s.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-s.changed:
		case <-time.After(50 * time.Millisecond):
		case <-deadline:
			t.Fatalf("waited 15 s for %s: applied %d, committed %d", what, n, c)
		}
	}
}

// consume runs a consumer; the function returned stops it and waits.
func consume(t *testing.T, s *stream.Stream, name, group string, h stream.Handler) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Consume(ctx, name, group, h) }()
	return func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("consume %s for %s: %v", name, group, err)
		}
	}
}

func numbers(from, to int) (ps []wire.Publish, want []string) {
	for n := from; n < to; n++ {
		ps = append(ps, reading(n))
		want = append(want, fmt.Sprint(n))
	}
	return ps, want
}

func TestEveryGroupSeesEveryMessageInOrderAndTheStreamEmpties(t *testing.T) {
	s := open(t, stream.Config{Dir: t.TempDir(), CommitEvery: 50 * time.Millisecond})
	ps, want := numbers(0, 5000)
	appendAll(t, s, ps...)
	if r, p := s.Lag(stream.Live); p != 5000 || r < 5 || r > 5000 {
		t.Errorf("lag before anyone reads: %d records, %d messages; want 5000 messages", r, p)
	}
	for _, g := range stream.Groups() {
		h := newSink()
		stop := consume(t, s, stream.Telemetry, g, h)
		h.until(t, "all committed", func(h *sink) bool { return h.committed == 5000 })
		stop()
		if !slices.Equal(h.applied, want) {
			t.Errorf("group %s: messages out of order or repeated", g)
		}
		if r, p := s.Lag(g); r != 0 || p != 0 {
			t.Errorf("group %s: lag %d records, %d messages after everything was committed", g, r, p)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestStatusAndTelemetryTakeDifferentStreams(t *testing.T) {
	s := open(t, stream.Config{Dir: t.TempDir()})
	defer s.Close()
	base := "acme/detroit/_/_/gateway/gw-det-01/"
	facts := []string{"status", "events", "config/reported", "commands/01HZZZZZZZZZZZZZZZZZZZZZZZ/ack"}
	bulk := []string{"telemetry", "waveform/u1/chunk/3"}
	for i, ch := range slices.Concat(facts, bulk) {
		appendAll(t, s, wire.Publish{Topic: base + ch, Payload: []byte(ch), Received: int64(i)})
	}
	for name, want := range map[string][]string{stream.Facts: facts, stream.Telemetry: bulk} {
		h := newSink()
		stop := consume(t, s, name, stream.Live, h)
		h.until(t, name, func(h *sink) bool { return len(h.applied) >= len(want) })
		stop()
		if !slices.Equal(h.applied, want) {
			t.Errorf("stream %s has %v, want %v", name, h.applied, want)
		}
	}
}

func TestASinkThatIsDownHoldsBackOnlyItsOwnGroup(t *testing.T) {
	s := open(t, stream.Config{Dir: t.TempDir(), CommitEvery: 20 * time.Millisecond, AckWait: 400 * time.Millisecond})
	defer s.Close()
	down, up := newSink(), newSink()
	down.fail = errors.New("history server is down")
	stopDown := consume(t, s, stream.Telemetry, stream.Historian, down)
	stopUp := consume(t, s, stream.Telemetry, stream.Live, up)
	ps, want := numbers(0, 300)
	appendAll(t, s, ps...)
	up.until(t, "the group that works", func(h *sink) bool { return h.committed == 300 })
	// Longer than AckWait with nothing acknowledged, and still nothing is repeated or lost.
	time.AfterFunc(1200*time.Millisecond, func() { down.set(func(h *sink) { h.fail = nil }) })
	down.until(t, "the group that was down", func(h *sink) bool { return h.committed == 300 })
	stopDown()
	stopUp()
	if !slices.Equal(down.applied, want) {
		t.Errorf("after the outage: %d messages applied, want each of 300 once and in order", len(down.applied))
	}
}

func TestASlowCommitKeepsItsRecords(t *testing.T) {
	s := open(t, stream.Config{Dir: t.TempDir(), CommitEvery: 10 * time.Millisecond, AckWait: 300 * time.Millisecond})
	defer s.Close()
	h := newSink()
	h.slow = make(chan struct{})
	stop := consume(t, s, stream.Facts, stream.Live, h)
	appendAll(t, s, wire.Publish{Topic: "status", Payload: []byte("online")})
	h.until(t, "apply", func(h *sink) bool { return len(h.applied) == 1 })
	time.AfterFunc(time.Second, func() { close(h.slow) })
	h.until(t, "commit", func(h *sink) bool { return h.committed == 1 })
	stop()
	if len(h.seqs) != 1 {
		t.Errorf("a commit longer than AckWait made the record come %d times", len(h.seqs))
	}
}

// A consumer that dies between Apply and Commit gets the same records again, before newer ones.
func TestUncommittedRecordsComeAgainFirst(t *testing.T) {
	dir := t.TempDir()
	s := open(t, stream.Config{Dir: dir, CommitEvery: time.Minute, AckWait: 500 * time.Millisecond, LastCommit: time.Millisecond})
	defer func() { _ = s.Close() }()
	lost := newSink()
	lost.fail = errors.New("power is about to go")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Consume(ctx, stream.Telemetry, stream.Live, brief{lost}) }()
	ps, _ := numbers(0, 100)
	for _, p := range ps {
		appendAll(t, s, p) // one record each
	}
	lost.until(t, "apply", func(h *sink) bool { return len(h.applied) == 100 })
	cancel()
	<-done

	more, _ := numbers(100, 110)
	appendAll(t, s, more...)
	_, want := numbers(0, 110)
	h := newSink()
	stop := consume(t, s, stream.Telemetry, stream.Live, h)
	h.until(t, "all", func(h *sink) bool { return len(h.applied) == 110 })
	stop()
	if !slices.Equal(h.applied, want) {
		t.Errorf("after the crash came %v…, want 0…109 in order", h.applied[:min(12, len(h.applied))])
	}
}

// brief is a handler whose last commit, after the end of ctx, fails at once.
type brief struct{ *sink }

func (b brief) Commit(context.Context) error { return b.fail }

func TestReopenedStreamGoesOnWhereItStopped(t *testing.T) {
	dir := t.TempDir()
	s := open(t, stream.Config{Dir: dir})
	ps, _ := numbers(0, 2000)
	appendAll(t, s, ps...)
	h := newSink()
	stop := consume(t, s, stream.Telemetry, stream.Live, h)
	h.until(t, "apply", func(h *sink) bool { return len(h.applied) == 2000 })
	stop() // commits
	life := s.Incarnation(stream.Telemetry)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s.Append(reading(0), func(err error) {
		if !errors.Is(err, stream.ErrClosed) {
			t.Errorf("append after close: %v, want ErrClosed", err)
		}
	})

	s = open(t, stream.Config{Dir: dir})
	defer s.Close()
	if got := s.Incarnation(stream.Telemetry); got != life || life == "" {
		t.Errorf("incarnation was %q, is %q after reopening", life, got)
	}
	if _, p := s.Lag(stream.Historian); p != 2000 {
		t.Errorf("historian's lag after reopening is %d messages, want 2000", p)
	}
	if _, p := s.Lag(stream.Live); p != 0 {
		t.Errorf("live's lag after reopening is %d messages, want 0", p)
	}
	appendAll(t, s, reading(2000))
	again := newSink()
	stop = consume(t, s, stream.Telemetry, stream.Live, again)
	again.until(t, "the new message", func(h *sink) bool { return h.committed == 1 })
	stop()
	if again.applied[0] != "2000" || again.seqs[0] <= h.seqs[len(h.seqs)-1] {
		t.Errorf("after reopening came %v with seq %v, want message 2000 after seq %d", again.applied, again.seqs, h.seqs[len(h.seqs)-1])
	}
}

func TestALaterFormatIsRefused(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, dir+"/FORMAT", "lineshaft stream 2\n")
	_, err := stream.Open(stream.Config{Dir: dir}, quiet())
	if err == nil {
		t.Fatal("a stream of a later format was opened")
	}
	t.Log(err)
}

func TestAFullStreamRefusesAndSaysSo(t *testing.T) {
	s := open(t, stream.Config{Dir: t.TempDir(), MaxBytes: 1 << 20})
	defer s.Close()
	refused := make(chan error, 64)
	for n := range 64 {
		p := reading(n)
		p.Payload = make([]byte, 64<<10)
		s.Append(p, func(err error) { refused <- err })
	}
	failed := 0
	for range 64 {
		if err := <-refused; err != nil {
			failed++
		}
	}
	if failed == 0 || failed == 64 {
		t.Errorf("4 MB into a stream of 1 MB: %d of 64 refused", failed)
	}
}
