package uplink_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"
	"github.com/valyala/fastjson"
	"go.uber.org/goleak"
	"golang.org/x/sync/errgroup"

	"github.com/lineshaft/lineshaft/gateway/outbox"
	"github.com/lineshaft/lineshaft/gateway/uplink"
	"github.com/lineshaft/lineshaft/twin"
	"github.com/lineshaft/lineshaft/twin/clock"
	"github.com/lineshaft/lineshaft/twin/link"
	"github.com/lineshaft/lineshaft/twin/link/linktest"
	"github.com/lineshaft/lineshaft/twin/wire"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/golang/glog.(*fileSink).flushDaemon"))
}

func device(id, class string) uplink.Device {
	line := "cw"
	if class == wire.GatewayClass {
		line = "_"
	}
	return uplink.Device{ID: id, Type: class, Topic: wire.Topic{
		Tenant: "acme", Site: "detroit", Area: "utilities", Line: line, Class: class, Device: id,
	}}
}

// rig is an uplink on its outbox, speaking to a broker.
type rig struct {
	t   *testing.T
	box *outbox.Outbox
	up  *uplink.Uplink
	in  chan []uplink.Reading
	s   *link.Client
}

func newRig(t *testing.T, broker string, opts outbox.Options) *rig {
	t.Helper()
	box, err := outbox.Open(t.TempDir(), opts)
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	up := uplink.New(uplink.Config{
		Gateway: device("gw-1", wire.GatewayClass), Hosted: []uplink.Device{device("P-1", "pump"), device("P-2", "pump")},
		Flush: 20 * time.Millisecond, Report: time.Hour, Clock: clock.Wall{}, Log: log,
	}, box)
	s, err := link.New(link.Config{Broker: broker, ClientID: "acme::gw-1", Window: 20, Will: up.Will, Hello: up.Hello, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, box: box, up: up, s: s, in: make(chan []uplink.Reading)}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var g errgroup.Group
	for _, stage := range []func() error{
		func() error { return up.Collect(r.in) }, func() error { return box.Run(ctx) }, func() error { return up.Send(ctx, s) },
		func() error { return up.Speak(ctx, s) }, func() error { return s.Run(ctx) },
	} {
		g.Go(stage)
	}
	t.Cleanup(func() {
		close(r.in)
		cancel()
		if err := errors.Join(g.Wait(), box.Close()); err != nil {
			t.Error(err)
		}
	})
	return r
}

func (r *rig) read(dev int, tag string, v float64, q twin.Quality) {
	s := twin.Sample{T: time.Now().UnixNano(), V: twin.FloatValue(v), Q: q}
	if q.IsBad() {
		s.V = twin.Value{}
	}
	r.in <- []uplink.Reading{{Device: dev, Reading: wire.Reading{Tag: tag, Sample: s}}}
}

func TestReadingsOfADeviceGoTogether(t *testing.T) {
	broker := linktest.StartScripted(t)
	r := newRig(t, broker.URL(), outbox.Options{})
	peer := broker.Accept(packets.Accepted)
	hello := peer.Publish()
	if hello.TopicName != "acme/detroit/utilities/_/gateway/gw-1/status" || !hello.Retain || !fastjson.GetBool(hello.Payload, "online") {
		t.Fatalf("the first word is %s %s", hello.TopicName, hello.Payload)
	}
	at := time.Now().Truncate(time.Millisecond).UnixNano()
	tag := func(name string, ms int64, v float64) uplink.Reading {
		return uplink.Reading{Reading: wire.Reading{Tag: name, Sample: twin.Sample{T: at + ms*1e6, V: twin.FloatValue(v), Q: twin.Good}}}
	}
	r.in <- []uplink.Reading{tag("flow", 0, 1), tag("temp", 0, 20), tag("flow", 2, 3), tag("flow", 1, 2)}
	pub := peer.Publish()
	if strings.HasSuffix(pub.TopicName, "status") {
		pub = peer.Publish()
	}
	var m wire.Message
	if err := wire.DecodeTelemetry(pub.Payload, &m); err != nil {
		t.Fatalf("%v in %s", err, pub.Payload)
	}
	if m.SchemaVersion != wire.Schema22 || m.DeviceID != "P-1" || m.Seq != 1 || m.Epoch != r.box.Epoch() || m.Gateway != "gw-1" || len(m.Readings) != 4 {
		t.Errorf("got %s", pub.Payload)
	}
	for i, want := range []float64{1, 2, 3} {
		if got := m.Readings[i]; got.Tag != "flow" || got.V.Float() != want || got.T != at+int64(i)*1e6 {
			t.Errorf("reading %d is %+v", i, got)
		}
	}
}

func TestAHostedDeviceThatDoesNotAnswerIsOffline(t *testing.T) {
	broker := linktest.StartMosquitto(t)
	var h linktest.Heard
	ear, err := link.New(link.Config{Broker: broker.URL(), ClientID: "acme::ear"})
	if err != nil {
		t.Fatal(err)
	}
	if err := ear.Subscribe("acme/+/+/+/pump/P-1/status", h.Take); err != nil {
		t.Fatal(err)
	}
	linktest.Start(t, ear)
	r := newRig(t, broker.URL(), outbox.Options{})
	said := func(want string) {
		t.Helper()
		linktest.Await(t, want, func() bool {
			all := h.All()
			return len(all) > 0 && strings.Contains(string(all[len(all)-1].Payload), want)
		})
	}
	r.read(0, "flow", 1, twin.Good)
	said(`"online":true`)
	r.read(0, "flow", 0, twin.CommFailure)
	said(`"reason":"no answer"`)
	r.read(0, "flow", 1, twin.Good)
	said(`"online":true`)
}

func TestAnOutageIsMadeUpForWithoutHoldingLiveDataBack(t *testing.T) {
	broker := linktest.StartScripted(t)
	r := newRig(t, broker.URL(), outbox.Options{})
	// Two hundred messages wait from the outage.
	const backlog = 200
	for range backlog {
		entry := outbox.Entry{
			Device: "P-1", Channel: wire.Telemetry, Topic: device("P-1", "pump").Topic.On(wire.Telemetry).String(),
			Payload: func(b []byte, s outbox.Stamp) []byte { return fmt.Appendf(b, `{"seq":%d,"old":true}`, s.Seq) },
		}
		if _, err := r.box.Put(entry); err != nil {
			t.Fatal(err)
		}
	}
	peer := broker.Accept(packets.Accepted)
	var mu sync.Mutex
	var order []string
	lost := false
	done := make(chan struct{})
	go func() {
		defer close(done)
		pace := time.NewTicker(2 * time.Millisecond) // a thin line
		defer pace.Stop()
		for old := 0; old < backlog; <-pace.C {
			pub := peer.Publish()
			if !strings.HasSuffix(pub.TopicName, "telemetry") {
				peer.Ack(pub.MessageID)
				continue
			}
			mu.Lock()
			topic, err := wire.ParseTopic(pub.TopicName)
			if err != nil {
				t.Error(err)
			}
			order = append(order, fmt.Sprintf("%s %d", topic.Device, fastjson.GetInt(pub.Payload, "seq")))
			n := len(order)
			mu.Unlock()
			if n == 50 && !lost { // the connection drops on twenty that were not acknowledged
				lost = true
				peer.Drop()
				peer = broker.Accept(packets.Accepted)
				old = 0
				continue
			}
			if n > 30 && n < 50 {
				continue
			}
			peer.Ack(pub.MessageID)
			if fastjson.GetBool(pub.Payload, "old") {
				old = fastjson.GetInt(pub.Payload, "seq")
			}
		}
	}()
	for n := 0; ; n++ {
		r.read(1, "flow", float64(n), twin.Good)
		select {
		case <-done:
		case <-time.After(10 * time.Millisecond):
			continue
		}
		break
	}
	mu.Lock()
	defer mu.Unlock()
	seen := map[string]bool{}
	live := 0
	for _, o := range order {
		seen[o] = true
		if strings.HasPrefix(o, "P-2") {
			live++
		}
	}
	for seq := 1; seq <= backlog; seq++ {
		if !seen[fmt.Sprintf("P-1 %d", seq)] {
			t.Errorf("message %d of the outage was never sent", seq)
		}
	}
	if live < 5 {
		t.Errorf("only %d live messages among %d", live, len(order))
	}
}

func TestWhatWasDroppedIsTold(t *testing.T) {
	entry, ok := uplink.LossEvent(outbox.Loss{
		Device: "P-1", Channel: "telemetry", Epoch: "01J00000000000000000000000", Reason: "full", Ranges: [][2]uint64{{4, 9}, {11, 11}},
		Topic: "acme/detroit/utilities/cw/pump/P-1/telemetry", From: time.UnixMilli(1000), To: time.UnixMilli(2000),
	})
	if !ok || entry.Topic != "acme/detroit/utilities/cw/pump/P-1/events" || entry.Channel != wire.Events || entry.Priority != outbox.Facts {
		t.Fatalf("%+v", entry)
	}
	body := string(entry.Payload(nil, outbox.Stamp{Epoch: "01J00000000000000000000001", Seq: 3, TS: time.UnixMilli(3000)}))
	for _, want := range []string{`"event":"data_loss"`, `"ranges":[[4,9],[11,11]]`, `"count":7`, `"reason":"full"`, `"seq":3`, `"from":1000`} {
		if !strings.Contains(body, want) {
			t.Errorf("%s lacks %s", body, want)
		}
	}
}
