package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/lineshaft/lineshaft/backend/api"
	"github.com/lineshaft/lineshaft/backend/historian/influx/influxtest"
	"github.com/lineshaft/lineshaft/backend/stream"
	"github.com/lineshaft/lineshaft/twin/clock"
	"github.com/lineshaft/lineshaft/twin/link"
	"github.com/lineshaft/lineshaft/twin/wire"
)

// behindInflux is a backend whose history is in an InfluxDB, with the vibration sensors of the press shop publishing.
type behindInflux struct {
	t       *testing.T
	parts   parts
	influx  *influxtest.Server
	senders []*sender
}

// sender is one sensor. Its messages are a millisecond or more apart, so that each is a sample of its own.
type sender struct {
	device, topic string
	link          *link.Client
	every         time.Duration

	mu     sync.Mutex
	sent   int
	acked  int
	failed error
	waits  []time.Duration // from publish to PUBACK
}

const pressSensors = 8

func startBehindInflux(t *testing.T, rate int) *behindInflux {
	t.Helper()
	b := &behindInflux{t: t, influx: influxtest.Start(t)}
	cfg := Defaults()
	cfg.HTTPListen, cfg.MQTTListen, cfg.Data = "127.0.0.1:0", "127.0.0.1:0", t.TempDir()
	cfg.History, cfg.InfluxURL, cfg.InfluxBucket = "influx", b.influx.URL, influxtest.Bucket
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	deps := Deps{Clock: clock.Wall{}, Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError}))}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	g, ctx := errgroup.WithContext(ctx)
	t.Cleanup(func() {
		stop()
		if err := errors.Join(g.Wait(), b.parts.close()); err != nil {
			t.Errorf("stop backend: %v", err)
		}
	})
	if err := b.parts.open(ctx, cfg, deps); err != nil {
		t.Fatal(err)
	}
	if err := b.parts.importPlants(ctx, []string{"../../build/e2e/testdata/press.yaml"}); err != nil {
		t.Fatal(err)
	}
	g.Go(func() error { return b.parts.run(ctx) })
	for i := range pressSensors {
		s := &sender{device: fmt.Sprintf("VI-%03d", i+1), every: time.Second * pressSensors / time.Duration(rate)}
		token, err := b.parts.fleet.Rotate(ctx, "e2e", s.device)
		if err != nil {
			t.Fatal(err)
		}
		topic, _ := b.parts.fleet.TopicOf("e2e", s.device)
		s.topic = topic.On(wire.Telemetry).String()
		s.link, err = link.New(link.Config{
			Broker: "tcp://" + b.parts.broker.Addr(), ClientID: wire.ClientID("e2e", s.device), Password: token,
			KeepAlive: time.Minute, Clock: clock.Wall{}, Log: deps.Log,
		})
		if err != nil {
			t.Fatal(err)
		}
		g.Go(func() error { return s.link.Run(ctx) })
		b.senders = append(b.senders, s)
	}
	return b
}

// run publishes until ctx ends.
func (s *sender) run(ctx context.Context) error {
	next := time.Now()
	var last int64
	for {
		if next = next.Add(s.every); time.Until(next) > 0 {
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(time.Until(next)):
			}
		}
		now := time.Now()
		last = max(last+1, now.UnixMilli())
		s.mu.Lock()
		n := s.sent
		s.mu.Unlock()
		body := fmt.Appendf(nil, `{"schema_version":"2.1","msg_id":%q,"device_id":%q,"ts":%d,"epoch":"01JZ8H0000000000000000000Z","seq":%d,`+
			`"d":{"velocity_rms":{"v":%d.5,"q":192},"accel_peak":{"v":14.25,"q":192},"temp_c":{"v":55.5,"q":192}}}`,
			wire.DerivedID(now, s.device, fmt.Sprint(n)), s.device, last, n+1, n)
		err := s.link.Publish(ctx, link.Message{Topic: s.topic, Payload: body}, func(err error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.waits = append(s.waits, time.Since(now))
			if s.acked++; err != nil {
				s.failed = err
			}
		})
		if ctx.Err() != nil && err != nil {
			return nil //nolint:nilerr // it was not sent
		}
		if err != nil {
			return err
		}
		s.mu.Lock()
		s.sent++
		s.mu.Unlock()
	}
}

func (b *behindInflux) eventually(within time.Duration, what string, holds func() bool) {
	b.t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	late := time.After(within)
	for !holds() {
		select {
		case <-tick.C:
		case <-late:
			b.t.Fatalf("not within %v: %s", within, what)
		}
	}
}

// fresh measures how old what the twin of the first sensor shows is, until ctx ends.
func (b *behindInflux) fresh(ctx context.Context) []time.Duration {
	sub := b.parts.twins.Subscribe("e2e", "")
	defer sub.Close()
	var ages []time.Duration
	for {
		updates, err := sub.Next(ctx)
		if err != nil {
			return ages
		}
		for _, u := range updates {
			if v, ok := u.Reported["velocity_rms"]; ok {
				ages = append(ages, time.Since(v.TS))
			}
		}
	}
}

// TestInfluxDBIsAwayForAWhile stops InfluxDB under load. Nothing is lost, the lag is there to be seen, and the live
// side does not notice.
func TestInfluxDBIsAwayForAWhile(t *testing.T) {
	rate, away := 400, 6*time.Second
	if os.Getenv("LINESHAFT_PROVE") != "" {
		rate, away = 5000, 2*time.Minute
	}
	b := startBehindInflux(t, rate)
	load, endLoad := context.WithCancel(t.Context())
	defer endLoad()
	senders, load := errgroup.WithContext(load)
	for _, s := range b.senders {
		senders.Go(func() error { return s.run(load) })
	}
	b.eventually(20*time.Second, "readings in InfluxDB", func() bool { return b.stored("VI-001") > 20 })

	b.influx.Stop(t)
	b.eventually(10*time.Second, "a write that failed", func() bool { return b.parts.trouble() != "" })
	outage, back := context.WithTimeout(t.Context(), away)
	ages := b.fresh(outage)
	back()
	_, behind := b.parts.stream.Lag(stream.Historian)
	_, live := b.parts.stream.Lag(stream.Live)
	t.Logf("after %v without InfluxDB history is %d messages behind, the live side %d", away, behind, live)
	if want := rate * int(away/time.Second) / 2; behind < want || live > want/2 {
		t.Errorf("history is %d messages behind and the live side %d; at least %d wait for history", behind, live, want)
	}
	if records, _ := b.parts.stream.Lag(stream.Historian); records > maxLag {
		var n *api.NotReadyError
		if err := b.parts.ready(t.Context()); !errors.As(err, &n) || n.Part != stream.Historian {
			t.Errorf("%d records behind, and ready says %v", records, err)
		}
	}
	b.inTime("what the twins show", ages, rate)
	for _, s := range b.senders {
		s.mu.Lock()
		b.inTime("acknowledgements of "+s.device, slices.Clone(s.waits), rate/pressSensors)
		s.mu.Unlock()
	}

	b.influx.Start(t)
	endLoad()
	if err := senders.Wait(); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	b.eventually(10*time.Second+2*away, "every message acknowledged and committed", func() bool {
		for _, s := range b.senders {
			s.mu.Lock()
			open := s.acked < s.sent
			s.mu.Unlock()
			if open {
				return false
			}
		}
		_, n := b.parts.stream.Lag(stream.Historian)
		return n == 0
	})
	t.Logf("caught up after %v", time.Since(began).Round(time.Millisecond))
	for _, s := range b.senders {
		if s.failed != nil || s.sent == 0 {
			t.Errorf("%s sent %d, and: %v", s.device, s.sent, s.failed)
		}
		if n := b.stored(s.device); n != s.sent {
			t.Errorf("InfluxDB has %d of the %d readings of %s", n, s.sent, s.device)
		}
	}
	if why := b.parts.trouble(); why != "" {
		t.Errorf("caught up, and yet:%s", why)
	}
}

// inTime wants 99 of 100 within two seconds.
func (b *behindInflux) inTime(what string, waits []time.Duration, atLeast int) {
	b.t.Helper()
	if len(waits) < atLeast {
		b.t.Errorf("%s: only %d were seen", what, len(waits))
		return
	}
	slices.Sort(waits)
	if p99 := waits[len(waits)*99/100]; p99 > 2*time.Second {
		b.t.Errorf("%s: 1 in 100 takes longer than %v", what, p99)
	}
}

// stored counts a sensor's readings as history has them.
func (b *behindInflux) stored(device string) int {
	b.t.Helper()
	d, _ := b.parts.fleet.Device("e2e", device)
	s, ok := b.parts.series.SeriesOf("e2e", d.Asset, "velocity_rms")
	if !ok {
		return 0
	}
	c, err := b.parts.history.Tenant("e2e").Read(b.t.Context(), s.ID, 0, time.Now().Add(time.Hour).UnixNano())
	if err != nil {
		b.t.Fatal(err)
	}
	return len(c.T)
}
