package broker

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/lineshaft/lineshaft/twin/clock"
	"github.com/lineshaft/lineshaft/twin/fault"
	"github.com/lineshaft/lineshaft/twin/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const password = "a token"

// Authenticate lets in who is registered and knows the password.
func (p plant) Authenticate(_ context.Context, clientID, user string, pw []byte) (Identity, error) {
	tenant, device, _ := strings.Cut(user, "::")
	if _, ok := p.topics[tenant+"/"+device]; !ok || string(pw) != password {
		return Identity{}, fault.New(fault.Denied, "unknown device or wrong token")
	}
	return Identity{
		Tenant: tenant, Device: device, Gateway: strings.HasPrefix(device, "gw-"), Reader: device == "uns",
	}, nil
}

// shelf is a stream that stores in memory, at once or when told to.
type shelf struct {
	mu     sync.Mutex
	stored []wire.Publish
	hold   bool
	held   []func(error)
	err    error
	came   chan struct{}
}

func (s *shelf) Append(p wire.Publish, done func(error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.poke()
	if s.hold {
		s.stored = append(s.stored, p)
		s.held = append(s.held, done)
		return
	}
	if s.err == nil {
		s.stored = append(s.stored, p)
	}
	go done(s.err)
}

// store says that message i of those held is stored.
func (s *shelf) store(i int) {
	s.mu.Lock()
	done := s.held[i]
	s.mu.Unlock()
	done(nil)
}

func (s *shelf) poke() {
	select {
	case s.came <- struct{}{}:
	default:
	}
}

// until waits until the shelf satisfies cond.
func (s *shelf) until(t *testing.T, what string, cond func([]wire.Publish) bool) []wire.Publish {
	t.Helper()
	deadline := time.After(10 * time.Second)
	for {
		s.mu.Lock()
		ps := append([]wire.Publish(nil), s.stored...)
		s.mu.Unlock()
		if cond(ps) {
			return ps
		}
		select {
		case <-s.came:
		case <-time.After(20 * time.Millisecond):
		case <-deadline:
			t.Fatalf("waited 10 s for %s; stored: %d messages", what, len(ps))
		}
	}
}

// refusal is what was refused.
type refusal struct {
	p    wire.Publish
	r    *wire.Refusal
	size int
}

type refusalBook struct{ ch chan refusal }

func (b refusalBook) Refused(p wire.Publish, size int, r *wire.Refusal) {
	b.ch <- refusal{p, r, size}
}

func (b refusalBook) next(t *testing.T) refusal {
	t.Helper()
	select {
	case r := <-b.ch:
		return r
	case <-time.After(10 * time.Second):
		t.Fatal("waited 10 s for a refusal")
		return refusal{}
	}
}

type bench struct {
	*Broker
	shelf    *shelf
	refusals refusalBook
	log      *lockedBuffer
	stop     func()
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func start(t *testing.T, cfg Config) *bench {
	t.Helper()
	if cfg.Listen == "" {
		cfg.Listen = "127.0.0.1:0"
	}
	x := &bench{shelf: &shelf{came: make(chan struct{}, 1)}, refusals: refusalBook{make(chan refusal, 1000)}, log: &lockedBuffer{}}
	var err error
	x.Broker, err = Open(cfg, detroit, x.shelf, x.refusals, clock.Wall{}, slog.New(slog.NewTextHandler(x.log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- x.Run(ctx) }()
	x.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(x.stop)
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(x.log)
		}
	})
	return x
}

// eventually waits for what the broker does after it closed a connection.
func (x *bench) eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	for !cond() {
		select {
		case <-time.After(10 * time.Millisecond):
		case <-deadline:
			t.Fatalf("waited 10 s until %s: %+v", what, x.Stats())
		}
	}
}
