package agent_test

import (
	"bufio"
	"context"
	"errors"
	"log/slog"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"
	"github.com/valyala/fastjson"
	"go.uber.org/goleak"

	"github.com/lineshaft/lineshaft/gateway/agent"
	"github.com/lineshaft/lineshaft/gateway/outbox"
	"github.com/lineshaft/lineshaft/twin/clock"
	"github.com/lineshaft/lineshaft/twin/link"
	"github.com/lineshaft/lineshaft/twin/link/linktest"
	"github.com/lineshaft/lineshaft/twin/wire"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/golang/glog.(*fileSink).flushDaemon"))
}

// plc runs Debian's pymodbus with the registers the Modbus driver's tests know.
func plc(t *testing.T) (addr string) {
	t.Helper()
	addr = linktest.FreeAddr(t)
	_, port, _ := net.SplitHostPort(addr)
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), "/usr/bin/python3", "../modbus/testdata/plc.py", port)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
		t.Fatalf("pymodbus is not ready (apt install python3-pymodbus): %q %v", line, err)
	}
	return addr
}

func modbusGateway(t *testing.T, broker, plc string) agent.Config {
	t.Helper()
	c := pump()
	c.Broker, c.DataDir, c.Flush = broker, t.TempDir(), 100*time.Millisecond
	c.Sources = c.Sources[:1]
	c.Sources[0].Endpoint = plc
	c.Devices = c.Devices[:1]
	d := &c.Devices[0]
	d.Unit, d.Interval = 1, 100*time.Millisecond
	d.Tags = []agent.Tag{
		{Name: "pressure", Modbus: &agent.ModbusTag{Address: 0, Encoding: "float32"}},
		{Name: "temp", Scale: 0.1, Unit: "Cel", Modbus: &agent.ModbusTag{Table: "input", Address: 0, Encoding: "int16"}},
		{Name: "running", Type: "bool", Modbus: &agent.ModbusTag{Table: "coil", Address: 3}},
	}
	return c
}

// start runs a gateway until stop is called or the test ends.
func start(t *testing.T, c agent.Config) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() {
		ended <- agent.Run(ctx, c, agent.Deps{Clock: clock.Wall{}, Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Version: "1.2.3"})
	}()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("gateway: %v", err)
		}
	})
	t.Cleanup(stop)
	return stop
}

// listen hears everything a broker carries.
func listen(t *testing.T, broker string) *linktest.Heard {
	t.Helper()
	s, err := link.New(link.Config{Broker: broker, ClientID: "acme::listener"})
	if err != nil {
		t.Fatal(err)
	}
	h := &linktest.Heard{}
	if err := s.Subscribe("acme/#", h.Take); err != nil {
		t.Fatal(err)
	}
	linktest.Start(t, s)
	return h
}

const pumpTopic = "acme/detroit/utilities/cw/centrifugal_pump/P-007/"

func bodies(h *linktest.Heard, topic string) []string {
	var out []string
	for _, m := range h.All() {
		if m.Topic == topic {
			out = append(out, string(m.Payload))
		}
	}
	return out
}

func TestFromARegisterToTheBroker(t *testing.T) {
	broker := linktest.StartMosquitto(t)
	h := listen(t, broker.URL())
	c := modbusGateway(t, broker.URL(), plc(t))
	c.Report = time.Second
	stop := start(t, c)
	linktest.Await(t, "ten messages of the pump", func() bool { return len(bodies(h, pumpTopic+"telemetry")) >= 10 })
	body := bodies(h, pumpTopic+"telemetry")[5]
	v := fastjson.MustParse(body)
	d := v.Get("d")
	if string(v.GetStringBytes("device_id")) != "P-007" || !wire.ValidID(string(v.GetStringBytes("msg_id"))) || v.GetInt("seq") == 0 ||
		!wire.ValidID(string(v.GetStringBytes("epoch"))) || string(v.GetStringBytes("meta", "gw_id")) != "gw-det-01" ||
		!strings.Contains(d.String(), "72.4") || !strings.Contains(d.String(), "65.2") || !strings.Contains(d.String(), "true") {
		t.Errorf("the envelope is %s", body)
	}
	own := "acme/detroit/utilities/_/gateway/gw-det-01/"
	linktest.Await(t, "the gateway reports on itself", func() bool { return len(bodies(h, own+"telemetry")) > 0 })
	if b := bodies(h, own+"telemetry")[0]; !strings.Contains(b, "outbox_unsent") || !strings.Contains(b, "rss_mb") {
		t.Errorf("own telemetry is %s", b)
	}
	linktest.Await(t, "the pump's status", func() bool { return len(bodies(h, pumpTopic+"status")) > 0 })
	hello := bodies(h, own+"status")[0]
	session := fastjson.GetString([]byte(hello), "session")
	if !strings.Contains(hello, `"online":true`) || !wire.ValidID(session) || !strings.Contains(hello, `"fw":"1.2.3"`) {
		t.Errorf("hello is %s", hello)
	}
	stop()
	linktest.Await(t, "the goodbye", func() bool {
		all := bodies(h, own+"status")
		last := all[len(all)-1]
		return strings.Contains(last, `"online":false`) && strings.Contains(last, "shutdown") && strings.Contains(last, session)
	})
	rows, unsent := audit(t, c, h)
	if unsent != 0 {
		t.Errorf("%d of %d rows are unsent after a stop with the broker there", unsent, rows)
	}
}

// audit compares the outbox on disk with what was heard: each number from 1 to the last, once on disk, and what is
// marked sent was heard.
func audit(t *testing.T, c agent.Config, h *linktest.Heard) (rows, unsent int) {
	t.Helper()
	heard := map[string]bool{}
	for _, m := range h.All() {
		heard[m.Topic+" "+string(m.Payload)] = true
	}
	last := map[string]uint64{}
	for k, err := range outbox.Inspect(c.OutboxDir()) {
		if err != nil {
			t.Fatal(err)
		}
		rows++
		stream := k.Device + " " + k.Channel
		if k.Seq != last[stream]+1 {
			t.Errorf("%s jumps from %d to %d", stream, last[stream], k.Seq)
		}
		last[stream] = k.Seq
		if !k.Sent {
			unsent++
		} else if !heard[k.Topic+" "+string(k.Payload)] {
			t.Errorf("%s %d is marked sent and was never heard", stream, k.Seq)
		}
	}
	if rows == 0 {
		t.Error("the outbox is empty")
	}
	return rows, unsent
}

func TestABrokerThatIsAwayForAWhile(t *testing.T) {
	broker := linktest.StartScripted(t)
	h := &linktest.Heard{}
	c := modbusGateway(t, broker.URL(), plc(t))
	stop := start(t, c)
	first := broker.Accept(packets.Accepted)
	first.Serve(func(p *packets.PublishPacket) {
		if len(bodies(h, pumpTopic+"telemetry")) == 5 {
			first.Drop() // before its PUBACK: whatever the broker did with it, the gateway cannot know
			return
		}
		h.Take(link.Message{Topic: p.TopicName, Payload: p.Payload})
	})
	before := len(bodies(h, pumpTopic+"telemetry"))
	<-time.After(3 * time.Second) // nobody answers, and the outbox fills
	again := broker.Accept(packets.Accepted)
	served := make(chan struct{})
	go func() {
		defer close(served)
		again.Serve(func(p *packets.PublishPacket) { h.Take(link.Message{Topic: p.TopicName, Payload: p.Payload}) })
	}()
	linktest.Await(t, "what was kept arrives", func() bool { return len(bodies(h, pumpTopic+"telemetry")) > before+30 })
	stop()
	<-served
	rows, unsent := audit(t, c, h)
	t.Logf("%d rows, %d unsent", rows, unsent)
	if unsent != 0 || rows <= before+30 {
		t.Errorf("%d rows, %d unsent after the broker came back", rows, unsent)
	}
}

func TestAWrongPasswordFileIsNamed(t *testing.T) {
	c := modbusGateway(t, "tcp://127.0.0.1:1", "127.0.0.1:1")
	c.PasswordFile = filepath.Join(t.TempDir(), "none")
	err := agent.Run(t.Context(), c, agent.Deps{})
	if err == nil || !strings.Contains(err.Error(), "password_file: cannot be read") {
		t.Errorf("got %v", err)
	}
	if errors.Is(err, context.Canceled) {
		t.Error("hidden behind a cancellation")
	}
}
