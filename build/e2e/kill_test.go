package e2e

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lineshaft/lineshaft/backend/historian"
	"github.com/lineshaft/lineshaft/backend/historian/embedded"
	"github.com/lineshaft/lineshaft/gateway/outbox/outboxtest"
)

// loadTime is how long the killing test sends.
const loadTime = 60 * time.Second

// TestNothingAcknowledgedIsLost sends a thousand messages a second from gateways and devices, kills the backend twice
// and a gateway once, and then accounts for every reading with the witnesses' own notes and the outboxes on disk.
func TestNothingAcknowledgedIsLost(t *testing.T) {
	p := newPress(t, 200*time.Millisecond)
	p.startGateway("gw-01")
	p.startGateway("gw-02")
	from := time.Now().Add(-10 * time.Second)
	ctx, cancel := context.WithTimeout(t.Context(), loadTime)
	defer cancel()
	var senders []*sender
	var wg sync.WaitGroup
	for i := range 8 {
		s := newSender(p, i+1, 9*time.Millisecond)
		senders = append(senders, s)
		wg.Go(func() { s.run(ctx) })
	}
	for _, strike := range []struct {
		at time.Duration
		do func()
	}{
		{15 * time.Second, func() { p.backend.kill(); p.startBackend() }},
		{30 * time.Second, func() { p.gateways["gw-01"].kill(); p.startGateway("gw-01") }},
		{45 * time.Second, func() { p.backend.kill(); p.startBackend() }},
	} {
		select {
		case <-time.After(time.Until(from.Add(10*time.Second + strike.at))):
			strike.do()
		case <-t.Context().Done():
			t.Fatal(t.Context().Err())
		}
	}
	wg.Wait()
	for _, s := range senders {
		s.finish(t)
	}
	for _, g := range p.gateways {
		g.stop(t)
	}
	p.account(senders, from, time.Now().Add(time.Minute))
	if n := len(senders[0].w.ackedSet()); n < int(loadTime/(20*time.Millisecond)) {
		t.Errorf("a device published %d messages: too few to prove anything", n)
	}
	p.tamper(senders, from, time.Now().Add(time.Minute))
}

// account waits until history has everything, and prints the counts.
func (p *press) account(senders []*sender, from, to time.Time) {
	t := p.t
	rows, unsent := p.outboxes()
	sent := map[spot]float64{}
	acked := 0
	for _, s := range senders {
		acked += len(s.w.ackedSet())
		maps.Copy(sent, s.sent)
	}
	var devices []string
	for d := range p.tags {
		devices = append(devices, d)
	}
	slices.Sort(devices)
	var history map[spot]float64
	var counted int
	eventually(t, 60*time.Second, "every reading in history", func() error {
		var err error
		if history, err = p.history(devices, from, to); err != nil {
			return err
		}
		bad := missing(sent, history)
		more, n := holes(rows, history, nil)
		if counted = n; len(bad)+len(more) > 0 {
			return fmt.Errorf("%d devices' readings and %d of gateways are wrong: %s; dead letters: %s", len(bad), len(more),
				strings.Join(append(head(bad, 3), head(more, 3)...), "; "), p.letters())
		}
		return nil
	})
	t.Logf("witnesses: %d messages, %d PUBACKs; gateways: %d rows on disk, %d readings in them, %d unsent; history: %d readings",
		len(sent), acked, len(rows), counted, unsent, len(history))
	if unsent > 0 {
		t.Errorf("%d rows wait in the outboxes", unsent)
	}
	if counted < 10_000 {
		t.Errorf("the load was too small to prove anything")
	}
	all := maps.Clone(sent)
	for _, r := range rows {
		if r.channel == "telemetry" {
			rs, err := readings(r.payload)
			if err != nil {
				t.Fatal(err)
			}
			maps.Copy(all, rs)
		}
	}
	if err := p.counts(all, from, to); err != nil {
		t.Error(err)
	}
	if n := len(history); n != len(all) {
		t.Errorf("history has %d readings, %d were sent", n, len(all))
	}
}

// tamper takes one reading from history and one row from an outbox, on disk: the account must miss exactly those.
func (p *press) tamper(senders []*sender, from, to time.Time) {
	t := p.t
	p.backend.stop(t)
	var gone spot
	for gone = range senders[0].sent {
		break
	}
	p.forget(gone, senders[0].sent[gone])
	p.startBackend()
	p.backend.line(t, "lineshaft ready ", 60*time.Second)
	var history map[spot]float64
	eventually(t, 30*time.Second, "history after the restart", func() (err error) {
		history, err = p.history([]string{gone.device}, from, to)
		return err
	})
	if bad := missing(senders[0].sent, history); len(bad) != 1 {
		t.Errorf("one reading was taken from history, the account misses %d: %v", len(bad), head(bad, 3))
	}
	if err := outboxtest.Remove(filepath.Join(p.dir, "gw-01", "outbox"), "P-003", "telemetry", 10); err != nil {
		t.Fatal(err)
	}
	rows, _ := p.outboxes()
	bad, _ := holes(rows, nil, nil)
	bad = slices.DeleteFunc(bad, func(s string) bool { return !strings.Contains(s, "jumps") })
	if len(bad) != 1 {
		t.Errorf("one row was taken from an outbox, the account sees the holes %v", bad)
	}
}

// forget deletes one reading from the historian of a backend that has stopped.
func (p *press) forget(s spot, v float64) {
	store, err := embedded.Open(filepath.Join(p.dir, "backend", "history"), embedded.Options{})
	if err != nil {
		p.t.Fatal(err)
	}
	defer store.Close()
	at := s.ts * int64(time.Millisecond)
	for id := historian.SeriesID(1); id < 1000; id++ {
		col, err := store.Tenant("e2e").Read(p.t.Context(), id, at, at+1)
		if err != nil {
			p.t.Fatal(err)
		}
		if len(col.V) == 1 && col.V[0].Float() == v {
			if err := store.Tenant("e2e").Delete(p.t.Context(), id, at, at+1); err != nil {
				p.t.Fatal(err)
			}
			return
		}
	}
	p.t.Fatalf("history has no series with %v at %d", v, s.ts)
}

func head(s []string, n int) []string { return s[:min(n, len(s))] }

// sender is a device that publishes through a witness and sends again whatever has no PUBACK.
type sender struct {
	p      *press
	device string
	topic  string
	step   time.Duration
	w      *witness
	begin  time.Time
	next   int
	sent   map[spot]float64
	epoch  string
	base   float64 // keeps the values of devices apart
}

func newSender(p *press, number int, step time.Duration) *sender {
	device := fmt.Sprintf("VI-%03d", number)
	return &sender{
		p: p, base: 1000 * float64(number), device: device, step: step, begin: time.Now().Truncate(time.Millisecond), sent: map[spot]float64{},
		topic: p.topics[device] + "/telemetry",
		w:     newWitness(p.mqtt, "e2e::"+device, p.tokens[device]),
		epoch: "01KDVDNA00RD908FMZFACEX6" + device[len(device)-2:],
	}
}

func (s *sender) payload(n int) []byte {
	ts := s.begin.Add(time.Duration(n) * s.step).UnixMilli()
	v := s.base + float64(n%1000)/8
	s.sent[spot{s.device, "velocity_rms", ts}] = v
	return fmt.Appendf(nil, `{"schema_version":"2.1","msg_id":"01KDVDNA00%016X","device_id":%q,"ts":%d,"epoch":%q,"seq":%d,"d":{"velocity_rms":{"v":%v,"q":192}}}`,
		n, s.device, ts, s.epoch, n+1, v)
}

// run publishes on time until ctx ends, reconnecting and repeating as a device does.
func (s *sender) run(ctx context.Context) {
	tick := time.NewTicker(s.step)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if _, up, _ := s.w.inFlight(); !up && !s.again() {
			continue
		}
		for time.Since(s.begin) >= time.Duration(s.next)*s.step {
			payload := s.payload(s.next)
			s.next++
			if s.w.publish(s.next-1, s.topic, payload) != nil {
				break
			}
		}
	}
}

// again connects and repeats what is not acknowledged.
func (s *sender) again() bool {
	if s.w.connect() != nil {
		return false
	}
	acked := s.w.ackedSet()
	for n := range s.next {
		if !acked[n] && s.w.publish(n, s.topic, s.payload(n)) != nil {
			return false
		}
	}
	return true
}

// finish repeats until every message has its PUBACK.
func (s *sender) finish(t *testing.T) {
	t.Helper()
	eventually(t, 60*time.Second, s.device+" having all PUBACKs", func() error {
		n, up, _ := s.w.inFlight()
		if !up {
			s.again()
			return errors.New("reconnected")
		}
		if n > 0 || len(s.w.ackedSet()) != s.next {
			return fmt.Errorf("%d in flight, %d of %d acknowledged", n, len(s.w.ackedSet()), s.next)
		}
		return nil
	})
	s.w.close()
}
