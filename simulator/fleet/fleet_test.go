package fleet_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/lineshaft/lineshaft/assets"
	"github.com/lineshaft/lineshaft/gateway/agent"
	"github.com/lineshaft/lineshaft/simulator/fleet"
	"github.com/lineshaft/lineshaft/simulator/plc"
	"github.com/lineshaft/lineshaft/twin/clock"
	"github.com/lineshaft/lineshaft/twin/exchange"
	"github.com/lineshaft/lineshaft/twin/fault"
	"github.com/lineshaft/lineshaft/twin/link"
	"github.com/lineshaft/lineshaft/twin/link/linktest"
	"github.com/lineshaft/lineshaft/twin/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func acme(t *testing.T) exchange.Plant {
	t.Helper()
	classes, err := exchange.ReadClasses(assets.FS, "classes")
	if err != nil {
		t.Fatal(err)
	}
	f, err := assets.FS.Open("plants/acme.yaml")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	p, err := exchange.ReadPlant(f, classes)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func config(t *testing.T) fleet.Config {
	return fleet.Config{
		Seed: 1, Dir: t.TempDir(), Login: plc.Login{User: "gateway", Password: "correct horse"}, Clock: clock.Wall{},
		Log: slog.New(slog.DiscardHandler), Version: "1.2.3",
	}
}

// start opens the plant and runs it until the test ends.
func start(t *testing.T, p exchange.Plant, cfg fleet.Config) *fleet.Fleet {
	t.Helper()
	f, err := fleet.Open(p, assets.FS, cfg)
	if err != nil {
		t.Fatal(err)
	}
	run(t, f.Run)
	return f
}

// run starts a long-running part and returns what stops it and waits; the end of the test does so too.
func run(t *testing.T, part func(context.Context) error) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- part(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("ended with %v", err)
		}
	})
	t.Cleanup(stop)
	return stop
}

// listener collects what a broker passes on.
type listener struct {
	mu   sync.Mutex
	msgs []link.Message
	news chan struct{}
}

func listen(t *testing.T, broker, filter string) *listener {
	t.Helper()
	l := &listener{news: make(chan struct{}, 1)}
	s, err := link.New(link.Config{Broker: broker, ClientID: "acme::listener", Clock: clock.Wall{}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	err = s.Subscribe(filter, func(m link.Message) {
		l.mu.Lock()
		l.msgs = append(l.msgs, link.Message{Topic: m.Topic, Payload: slices.Clone(m.Payload), Retained: m.Retained})
		l.mu.Unlock()
		select {
		case l.news <- struct{}{}:
		default:
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	run(t, s.Run)
	return l
}

// until waits for the messages to satisfy enough.
func (l *listener) until(t *testing.T, what string, enough func([]link.Message) bool) {
	t.Helper()
	end := time.After(time.Minute)
	for {
		l.mu.Lock()
		ok := enough(l.msgs)
		n := len(l.msgs)
		l.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-l.news:
		case <-end:
			t.Fatalf("after a minute and %d messages: no %s", n, what)
		}
	}
}

func only(msgs []link.Message, suffix string) []link.Message {
	var out []link.Message
	for _, m := range msgs {
		if strings.HasSuffix(m.Topic, suffix) {
			out = append(out, m)
		}
	}
	return out
}

func TestADirectDeviceSpeaksForItself(t *testing.T) {
	broker := linktest.StartMosquitto(t)
	heard := listen(t, broker.URL(), "acme/+/+/+/vibration_sensor/VI-001/#")
	cfg := config(t)
	cfg.Broker = broker.URL()
	p := acme(t)
	p.PLCs = nil
	f, err := fleet.Open(p, assets.FS, cfg)
	if err != nil {
		t.Fatal(err)
	}
	stop := run(t, f.Run)
	if n := len(f.Direct()); n != 30 {
		t.Errorf("%d devices speak for themselves, want 30", n)
	}
	heard.until(t, "three messages of VI-001", func(m []link.Message) bool { return len(only(m, "/telemetry")) >= 3 })
	stop()
	heard.until(t, "farewell", func(m []link.Message) bool {
		s := only(m, "/status")
		return len(s) >= 2
	})
	heard.mu.Lock()
	defer heard.mu.Unlock()

	var epoch string
	for i, m := range only(heard.msgs, "/telemetry") {
		if want := "acme/detroit/body-shop/cooling-water/vibration_sensor/VI-001/telemetry"; m.Topic != want {
			t.Fatalf("it publishes on %s, want %s", m.Topic, want)
		}
		var got wire.Message
		if err := wire.DecodeTelemetry(m.Payload, &got); err != nil {
			t.Fatal(err)
		}
		if got.DeviceID != "VI-001" || got.DeviceType != "vibration_sensor" || got.Firmware != "1.2.3" || got.SchemaVersion != wire.Schema21 {
			t.Errorf("message %d is %+v", i+1, got)
		}
		if got.Seq != uint64(i+1) || !got.HasSeq || (epoch != "" && got.Epoch != epoch) || !wire.ValidID(got.Epoch) {
			t.Errorf("message %d has seq %d in epoch %s, before it was %s", i+1, got.Seq, got.Epoch, epoch)
		}
		epoch = got.Epoch
		if len(got.Readings) != 3 {
			t.Errorf("message %d has %d readings, want its three tags", i+1, len(got.Readings))
		}
	}
	states := only(heard.msgs, "/status")
	var first, last wire.DeviceStatus
	for m, to := range map[int]*wire.DeviceStatus{0: &first, len(states) - 1: &last} {
		if err := json.Unmarshal(states[m].Payload, to); err != nil {
			t.Fatal(err)
		}
	}
	if !first.Online || last.Online || last.Reason != "stopped" || first.Session != last.Session || first.Epoch != epoch {
		t.Errorf("status began as %+v and ended as %+v", first, last)
	}
}

func TestWhatTheBrokerDidNotAcknowledgeComesAgain(t *testing.T) {
	broker := linktest.StartScripted(t)
	l := fleet.Load{
		Tenant: "load", Site: "bench", Area: "_", Line: "_", Class: "sensor", Prefix: "sim", Devices: 1, Tags: 3,
		Interval: 20 * time.Millisecond, Seed: 1, Link: link.Config{Broker: broker.URL()}, Clock: clock.Wall{}, Log: slog.New(slog.DiscardHandler),
	}
	stop := run(t, l.Run)
	stored := map[uint64]bool{}
	take := func(peer *linktest.Peer, ack bool) {
		m := peer.Publish()
		if strings.HasSuffix(m.TopicName, "/telemetry") && ack {
			var got wire.Message
			if err := wire.DecodeTelemetry(m.Payload, &got); err != nil {
				t.Fatal(err)
			}
			stored[got.Seq] = true
		}
		if ack {
			peer.Ack(m.MessageID)
		}
	}
	peer := broker.Accept(0)
	for range 6 {
		take(peer, true)
	}
	for range 4 { // taken and forgotten
		take(peer, false)
	}
	peer.Drop()
	peer = broker.Accept(0)
	highest := func() uint64 { return slices.Max(slices.Collect(maps.Keys(stored))) }
	for range 300 {
		if take(peer, true); len(stored) >= 40 && uint64(len(stored)) == highest() {
			break
		}
	}
	if uint64(len(stored)) != highest() {
		t.Errorf("the broker stored %d messages, the highest has number %d", len(stored), highest())
	}
	peer.Drop()
	stop()
}

func TestTheGatewaysAreConfiguredForEveryTag(t *testing.T) {
	p := acme(t)
	f := start(t, p, config(t))
	hosted := map[string]int{}
	for _, c := range p.PLCs {
		for _, d := range c.Devices {
			hosted[d] = 0
		}
	}
	dir := t.TempDir()
	secretFile := filepath.Join(dir, "opcua")
	files, err := f.WriteGatewayConfigs(dir, fleet.GatewayOptions{
		Broker: "tcp://127.0.0.1:1883", PasswordFile: filepath.Join(dir, "mqtt"), OPCUAPasswordFile: secretFile,
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != 4 {
		t.Fatalf("%d gateways, want 4", len(files))
	}
	endpoints := f.Endpoints()
	for _, file := range files {
		cfg, err := agent.ReadConfig(file)
		if err != nil {
			t.Fatalf("a gateway cannot read its own configuration: %v", err)
		}
		for _, s := range cfg.Sources {
			if s.Endpoint != endpoints[s.Name] {
				t.Errorf("%s is polled at %s, it answers at %s", s.Name, s.Endpoint, endpoints[s.Name])
			}
			if s.Protocol == agent.OPCUA && (s.OPCUA.User != "gateway" || s.OPCUA.PasswordFile != secretFile || !strings.HasPrefix(s.OPCUA.Trust, "sha256:")) {
				t.Errorf("%s is met as %+v", s.Name, s.OPCUA)
			}
		}
		for _, d := range cfg.Devices {
			hosted[d.DeviceID] = len(d.Tags)
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "correct horse") {
			t.Errorf("%s holds the password itself", file)
		}
	}
	for d, tags := range hosted {
		if tags == 0 {
			t.Errorf("no gateway reads %s", d)
		}
	}
	if _, err := f.GatewayConfig("gw-nowhere", fleet.GatewayOptions{}); !fault.Is(err, fault.NotFound) {
		t.Errorf("a gateway that is not in the plant: %v", err)
	}
}

func TestTheWordOrderOfTheControllerIsInTheConfiguration(t *testing.T) {
	f := start(t, acme(t), config(t))
	cfg, err := f.GatewayConfig("gw-det-01", fleet.GatewayOptions{})
	if err != nil {
		t.Fatal(err)
	}
	orders := map[string]map[string]bool{"plc-det-cw-1": {}, "plc-det-cw-2": {}}
	for _, d := range cfg.Devices {
		for _, tag := range d.Tags {
			if tag.Modbus.Encoding == "float32" {
				orders[d.Source][tag.Modbus.WordOrder] = true
			}
		}
	}
	if !orders["plc-det-cw-1"][""] || len(orders["plc-det-cw-1"]) != 1 || !orders["plc-det-cw-2"]["CDAB"] || len(orders["plc-det-cw-2"]) != 1 {
		t.Errorf("word orders are %v", orders)
	}
}

func TestTheWorldMovesWithTheClockItIsGiven(t *testing.T) {
	p := acme(t)
	p.PLCs = nil
	driven := clock.NewDriven(time.Date(2026, 3, 12, 6, 0, 0, 0, time.UTC))
	cfg := config(t)
	cfg.Clock = driven
	f := start(t, p, cfg)
	begin := f.World().Now()
	linktest.Await(t, "the world to live through an hour", func() bool {
		driven.Advance(30 * time.Second)
		return f.World().Now().Sub(begin) >= time.Hour
	})
	if f.World().Now().After(driven.Now()) {
		t.Errorf("the world is at %v, its clock at %v", f.World().Now(), driven.Now())
	}
}

func TestWhatAFleetRefusesNamesFieldAndValue(t *testing.T) {
	p := acme(t)
	cfg := config(t)
	cfg.Login.Password = ""
	if _, err := fleet.Open(p, assets.FS, cfg); !fault.Is(err, fault.Invalid) {
		t.Errorf("OPC UA without a password: %v", err)
	}
	p.Replay[0].Recording = "nowhere.dat"
	if _, err := fleet.Open(p, assets.FS, config(t)); err == nil || !strings.Contains(err.Error(), "nowhere.dat") {
		t.Errorf("a recording that is not there: %v", err)
	}
	l := fleet.Load{Tenant: "load", Site: "bench", Area: "_", Line: "_", Class: "sensor", Prefix: "sim", Devices: 5, Tags: 3, Interval: time.Second}
	for field, change := range map[string]func(*fleet.Load){
		"devices": func(l *fleet.Load) { l.Devices = 0 }, "tags": func(l *fleet.Load) { l.Tags = -1 },
		"interval": func(l *fleet.Load) { l.Interval = 0 }, "topic": func(l *fleet.Load) { l.Site = "a/b" },
	} {
		bad := l
		change(&bad)
		if err := bad.Validate(); err == nil || !strings.HasPrefix(err.Error(), field) {
			t.Errorf("%s: %v", field, err)
		}
	}
}
