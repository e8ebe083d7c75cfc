package linktest

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"testing"

	"github.com/lineshaft/lineshaft/twin/link"
)

// Suite is what every Session does, shown against a real mosquitto.
func Suite(t *testing.T, open func(link.Config) (link.Session, error)) {
	t.Helper()
	t.Run("a thousand publishes arrive once each and in order", func(t *testing.T) { inOrder(t, open) })
	t.Run("publishes wait out a broker that is away", func(t *testing.T) { brokerAway(t, open) })
	t.Run("hello is retained and the will tells of a crash", func(t *testing.T) { helloAndWill(t, open) })
}

// Start runs a session until the test ends, or stop is called.
func Start(t testing.TB, s link.Session) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	stop = sync.OnceValue(func() error { cancel(); return <-ended })
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Errorf("session: %v", err)
		}
	})
	return stop
}

// Heard collects what a subscription hears.
type Heard struct {
	mu   sync.Mutex
	msgs []link.Message
}

// Take is the handler to subscribe with.
func (h *Heard) Take(m link.Message) { h.mu.Lock(); h.msgs = append(h.msgs, m); h.mu.Unlock() }

// All is what was heard so far.
func (h *Heard) All() []link.Message {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]link.Message(nil), h.msgs...)
}

func connect(t *testing.T, open func(link.Config) (link.Session, error), cfg link.Config) (link.Session, func() error) {
	t.Helper()
	s, err := open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	stop := Start(t, s)
	Await(t, cfg.ClientID+" is connected", s.Up)
	return s, stop
}

// listen subscribes and waits until the subscription hears its own probe.
func listen(t *testing.T, open func(link.Config) (link.Session, error), url, filter, probe string) *Heard {
	t.Helper()
	s, _ := connect(t, open, link.Config{Broker: url, ClientID: "acme::listener"})
	h := &Heard{}
	if err := s.Subscribe(filter, h.Take); err != nil {
		t.Fatal(err)
	}
	Await(t, "the subscription stands", func() bool {
		_ = s.Publish(t.Context(), link.Message{Topic: probe, Payload: []byte("probe")}, func(error) {})
		return len(h.All()) > 0
	})
	return h
}

func inOrder(t *testing.T, open func(link.Config) (link.Session, error)) {
	broker := StartMosquitto(t)
	h := listen(t, open, broker.URL(), "acme/+/telemetry", "acme/probe/telemetry")
	s, _ := connect(t, open, link.Config{Broker: broker.URL(), ClientID: "acme::gw-1", Window: 50})
	const n = 1000
	acks := make(chan error, n)
	for i := range n {
		m := link.Message{Topic: "acme/P-1/telemetry", Payload: fmt.Appendf(nil, "%d", i)}
		if err := s.Publish(t.Context(), m, func(err error) { acks <- err }); err != nil {
			t.Fatal(err)
		}
	}
	for range n {
		if err := <-acks; err != nil {
			t.Fatalf("not acknowledged: %v", err)
		}
	}
	var got []string
	Await(t, "everything was heard", func() bool {
		got = got[:0]
		for _, m := range h.All() {
			if m.Topic == "acme/P-1/telemetry" {
				got = append(got, string(m.Payload))
			}
		}
		return len(got) >= n
	})
	for i, p := range got {
		if p != strconv.Itoa(i) {
			t.Fatalf("message %d is %s", i, p)
		}
	}
}

func brokerAway(t *testing.T, open func(link.Config) (link.Session, error)) {
	broker := StartMosquitto(t)
	s, _ := connect(t, open, link.Config{Broker: broker.URL(), ClientID: "acme::gw-1"})
	broker.Kill()
	Await(t, "the session notices", func() bool { return !s.Up() })
	acked := make(chan error, 1)
	sent := make(chan error, 1)
	go func() {
		sent <- s.Publish(context.WithoutCancel(t.Context()), link.Message{Topic: "acme/P-1/telemetry"}, func(err error) { acked <- err })
	}()
	select {
	case err := <-sent:
		t.Fatalf("published without a broker: %v", err)
	case <-s.Connected():
		t.Fatal("connected without a broker")
	default:
	}
	broker.Start()
	if err := <-sent; err != nil {
		t.Fatal(err)
	}
	if err := <-acked; err != nil {
		t.Fatal(err)
	}
}

func helloAndWill(t *testing.T, open func(link.Config) (link.Session, error)) {
	broker := StartMosquitto(t)
	life := 0
	status := func(word string) func() link.Message {
		return func() link.Message {
			return link.Message{Topic: "acme/gw-1/status", Payload: fmt.Appendf(nil, "%s", word), Retained: true}
		}
	}
	cfg := link.Config{Broker: broker.URL(), ClientID: "acme::gw-1", Will: status("lost"), Hello: func() link.Message {
		life++
		return status("here")()
	}}
	_, stop := connect(t, open, cfg)
	h := listen(t, open, broker.URL(), "acme/#", "acme/probe/telemetry")
	last := func() string {
		word := ""
		for _, m := range h.All() {
			if m.Topic == "acme/gw-1/status" {
				word = string(m.Payload)
			}
		}
		return word
	}
	Await(t, "the retained hello is heard", func() bool { return last() == "here" })
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	// A clean goodbye sends no will; a second session with the same id throws the first one out, which does.
	first, _ := connect(t, open, cfg)
	if last() == "lost" {
		t.Fatal("a clean disconnect sent the will")
	}
	thief, stopThief := connect(t, open, link.Config{Broker: broker.URL(), ClientID: "acme::gw-1"})
	Await(t, "the will is heard", func() bool { return last() == "lost" })
	_ = thief.Up()
	if err := stopThief(); err != nil {
		t.Fatal(err)
	}
	Await(t, "the first is back", first.Up)
	Await(t, "and says so", func() bool { return last() == "here" })
}
