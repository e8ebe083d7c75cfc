package broker

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/lineshaft/lineshaft/twin/wire"
)

func TestOnlyLoopbackWithoutTLS(t *testing.T) {
	for addr, ok := range map[string]bool{
		"127.0.0.1:0": true, "[::1]:1883": true, "localhost:0": true,
		"0.0.0.0:1883": false, ":1883": false, "192.168.1.5:1883": false, "1883": false, "example.com:1883": false,
	} {
		err := Config{Listen: addr}.Check()
		if (err == nil) != ok {
			t.Errorf("listen on %q: %v", addr, err)
		}
		if err != nil && !strings.Contains(err.Error(), addr) {
			t.Errorf("listen on %q: the error does not name it: %v", addr, err)
		}
	}
}

// The acknowledgement comes after the message is stored, not before.
func TestAcknowledgedMeansStored(t *testing.T) {
	x := start(t, Config{})
	x.shelf.hold = true
	c := dial(t, x, "M-100", 4)
	c.publish(meter1+"telemetry", "1", 1, 7)
	x.shelf.until(t, "append", func(ps []wire.Publish) bool { return len(ps) == 1 })
	c.ping() // answered at once, by a broker that has not acknowledged
	if p := c.packet(); p.kind != pingresp {
		t.Fatalf("before the message is stored came packet %x", p)
	}
	x.shelf.store(0)
	if p := c.packet(); p.kind != puback || p.id() != 7 {
		t.Fatalf("after the message was stored came %x, want PUBACK 7", p)
	}
}

func TestAcknowledgementsKeepTheOrderOfArrival(t *testing.T) {
	x := start(t, Config{})
	x.shelf.hold = true
	c := dial(t, x, "gw-det-01", 4)
	for id := range uint16(5) {
		c.publish(pump1+"telemetry", "x", 1, id+1)
	}
	c.publish(pump2+"telemetry", "refused", 1, 6)
	c.publish(pump1+"telemetry", "x", 2, 7)
	x.shelf.until(t, "append", func(ps []wire.Publish) bool { return len(ps) == 6 })
	for _, i := range []int{5, 3, 1, 4, 2, 0} { // stored in another order
		x.shelf.store(i)
	}
	for want := range uint16(7) {
		p := c.packet()
		kind := byte(puback)
		if want == 6 {
			kind = pubrec
		}
		if p.kind != kind || p.id() != want+1 {
			t.Fatalf("acknowledgement %d is %x", want+1, p)
		}
	}
}

func TestQoS2IsStoredOnce(t *testing.T) {
	x := start(t, Config{})
	c := dial(t, x, "M-100", 4)
	c.publish(meter1+"events", "door open", 2, 9)
	if p := c.packet(); p.kind != pubrec || p.id() != 9 {
		t.Fatalf("got %x, want PUBREC 9", p)
	}
	c.publish(meter1+"events", "door open", 2, 9) // the PUBREC was lost
	if p := c.packet(); p.kind != pubrec {
		t.Fatalf("got %x, want PUBREC 9 again", p)
	}
	c.raw(pubrel<<4|2, 2, 0, 9)
	if p := c.packet(); p.kind != pubcomp || p.id() != 9 {
		t.Fatalf("got %x, want PUBCOMP 9", p)
	}
	c.publish(meter1+"events", "door shut", 2, 9) // a new message under the same id
	c.packet()
	ps := x.shelf.until(t, "two", func(ps []wire.Publish) bool { return len(ps) >= 2 })
	if len(ps) != 2 || string(ps[1].Payload) != "door shut" {
		t.Errorf("stored %d messages, want 2", len(ps))
	}
}

func TestQoS0IsStoredToo(t *testing.T) {
	x := start(t, Config{})
	c := dial(t, x, "M-100", 4)
	c.publish(meter1+"telemetry", "hello", 0, 0)
	ps := x.shelf.until(t, "it", func(ps []wire.Publish) bool { return len(ps) == 1 })
	p := ps[0]
	if string(p.Payload) != "hello" || p.Client != "acme::M-100" || p.Topic != meter1+"telemetry" || p.Received == 0 || p.Will {
		t.Errorf("stored %+v", p)
	}
}

func TestAMessageThatIsNotStoredIsNotAcknowledged(t *testing.T) {
	x := start(t, Config{})
	x.shelf.err = context.DeadlineExceeded
	c := dial(t, x, "M-100", 4)
	c.publish(meter1+"telemetry", "1", 1, 7)
	c.wantClosed()
	x.eventually(t, "it is counted", func() bool { return x.Stats().Failed == 1 })
}

func TestTakeover(t *testing.T) {
	x := start(t, Config{})
	first := dial(t, x, "M-100", 4)
	second := dial(t, x, "M-100", 4)
	first.wantClosed()
	second.publish(meter1+"telemetry", "x", 1, 1)
	if p := second.packet(); p.kind != puback {
		t.Fatalf("after the takeover: %x", p)
	}
	x.eventually(t, "one connection is left", func() bool { s := x.Stats(); return s.Connections == 1 && s.Takeovers == 1 })
	if !x.Connected("acme", "M-100") || x.Connected("acme", "P-001") {
		t.Error("Connected is wrong")
	}
}

func TestSendReachesOnlyTheDevice(t *testing.T) {
	x := start(t, Config{})
	if err := x.Send(t.Context(), meter1+"config/desired", []byte("{}")); err == nil || !strings.Contains(err.Error(), ErrOffline.Error()) {
		t.Errorf("send to nobody: %v", err)
	}
	if err := x.Send(t.Context(), meter1+"telemetry", nil); err == nil {
		t.Error("sent on an up-channel")
	}
	c, g := dial(t, x, "M-100", 4), dial(t, x, "gw-det-01", 4)
	c.subscribe(meter1+"config/desired", 0)
	c.subscribe(pump1+"config/desired", 0x80)
	c.subscribe("#", 0x80)
	g.subscribe(pump1+"commands/+", 0)
	g.subscribe(meter1+"config/desired", 0x80)
	if err := x.Send(t.Context(), meter1+"config/desired", []byte("v2")); err != nil {
		t.Fatal(err)
	}
	if err := x.Send(t.Context(), pump1+"commands/"+command, []byte("go")); err != nil {
		t.Fatal(err)
	}
	if topic, body := c.message(); topic != meter1+"config/desired" || body != "v2" {
		t.Errorf("the meter got %s %s", topic, body)
	}
	if topic, body := g.message(); topic != pump1+"commands/"+command || body != "go" {
		t.Errorf("the gateway got %s %s", topic, body)
	}
}

func TestAReaderSeesItsTenantOnly(t *testing.T) {
	x := start(t, Config{})
	r := dial(t, x, "uns", 4)
	r.subscribe("acme/#", 0)
	r.subscribe("globex/#", 0x80)
	other := open(t, x)
	other.connect(4, "globex::X-1", "globex::X-1", password, "", 0)
	other.packet()
	other.publish("globex/north/_/_/meter/X-1/telemetry", "secret", 1, 1)
	other.packet()
	c := dial(t, x, "M-100", 4)
	c.publish(meter1+"telemetry", "mine", 1, 1)
	c.packet()
	if topic, body := r.message(); topic != meter1+"telemetry" || body != "mine" {
		t.Errorf("the reader got %s %s", topic, body)
	}
	if err := x.Send(t.Context(), meter1+"config/desired", nil); err == nil {
		t.Error("a reader of everything counts as the device listening")
	}
}

func TestClosingAcknowledgesWhatIsStored(t *testing.T) {
	x := start(t, Config{})
	x.shelf.hold = true
	c := dial(t, x, "M-100", 4)
	c.publish(meter1+"telemetry", "x", 1, 1)
	x.shelf.until(t, "append", func(ps []wire.Publish) bool { return len(ps) == 1 })
	time.AfterFunc(100*time.Millisecond, func() { x.shelf.store(0) })
	x.stop()
	if p := c.packet(); p.kind != puback || p.id() != 1 {
		t.Errorf("when closing came %x, want PUBACK 1", p)
	}
	if x.owed() != 0 {
		t.Errorf("owed %d after closing", x.owed())
	}
}
