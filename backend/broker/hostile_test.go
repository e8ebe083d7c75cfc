package broker

import (
	"bytes"
	"errors"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lineshaft/lineshaft/twin/wire"
)

// Every one of these is refused and acknowledged, and the sender goes on being served.
func TestRefusedIsAcknowledgedAndReported(t *testing.T) {
	x := start(t, Config{})
	big := strings.Repeat("x", 10<<20)
	for _, version := range []byte{4, 5} {
		c := dial(t, x, "M-100", version)
		for _, m := range []struct {
			topic, payload string
			want           wire.Reason
		}{
			{pump1 + "telemetry", "{}", wire.ReasonDirection},
			{meter1 + "config/desired", "{}", wire.ReasonDirection},
			{"globex/north/_/_/meter/X-1/telemetry", "{}", wire.ReasonDirection},
			{"$SYS/broker/uptime", "0", wire.ReasonTopic},
			{"$share/g/" + meter1 + "telemetry", "0", wire.ReasonTopic},
			{"acme/+/_/_/meter/M-100/telemetry", "{}", wire.ReasonTopic},
			{meter1 + "#", "{}", wire.ReasonTopic},
			{"hello", "{}", wire.ReasonTopic},
			{meter1 + "telemetry", big, wire.ReasonSize},
		} {
			for qos := range byte(3) {
				c.publish(m.topic, m.payload, qos, uint16(qos)+10)
				r := x.refusals.next(t)
				if r.r.Reason != m.want || r.p.Topic != m.topic || r.p.Client != "acme::M-100" {
					t.Errorf("v%d QoS %d on %s: refusal %v of %s by %s, want %s", version, qos, m.topic, r.r, r.p.Topic, r.p.Client, m.want)
				}
				if len(r.p.Payload) != min(len(m.payload), wire.DeadLetterHead) {
					t.Errorf("on %s: kept %d bytes", m.topic, len(r.p.Payload))
				}
				if qos == 0 {
					continue
				}
				p := c.packet()
				if p.kind != []byte{0, puback, pubrec}[qos] || p.id() != uint16(qos)+10 {
					t.Fatalf("v%d QoS %d on %s: answered %x", version, qos, m.topic, p)
				}
				if version == 5 && (len(p.body) != 3 || p.body[2] != 0x87) {
					t.Errorf("QoS %d on %s: MQTT 5 is not told: %x", qos, m.topic, p.body)
				}
			}
		}
		c.publish(meter1+"telemetry", "good", 1, 99)
		if p := c.packet(); p.kind != puback || p.id() != 99 {
			t.Fatalf("a good message after the bad ones: %x", p)
		}
		c.close()
	}
	ps := x.shelf.until(t, "good ones", func(ps []wire.Publish) bool { return len(ps) >= 2 })
	if len(ps) != 2 {
		t.Errorf("%d messages stored, want only the 2 good ones", len(ps))
	}
}

func TestWhoMayConnect(t *testing.T) {
	x := start(t, Config{})
	const accepted, badID, badLogin, notAllowed = 0, 2, 4, 5
	for _, c := range []struct {
		story, client, user, pw, will string
		want                          byte
	}{
		{"a meter", "acme::M-100", "acme::M-100", password, "", accepted},
		{"a meter with its will", "acme::M-100", "acme::M-100", password, meter1 + "status", accepted},
		{"a wrong password", "acme::M-100", "acme::M-100", "guess", "", badLogin},
		{"nobody", "acme::nobody", "acme::nobody", password, "", badLogin},
		{"a meter under another's client id", "acme::P-001", "acme::M-100", password, "", badID},
		{"a meter under no client id", "", "acme::M-100", password, "", badID},
		{"a will on another's status", "acme::M-100", "acme::M-100", password, pump1 + "status", notAllowed},
		{"a will on a command", "acme::M-100", "acme::M-100", password, meter1 + "commands/" + command, notAllowed},
		{"a will on $SYS", "acme::M-100", "acme::M-100", password, "$SYS/x", notAllowed},
	} {
		conn := open(t, x)
		conn.connect(4, c.client, c.user, c.pw, c.will, 0)
		if p := conn.packet(); p.kind != connack || p.body[1] != c.want {
			t.Errorf("%s: %x, want code %d", c.story, p, c.want)
		}
		if c.want == notAllowed {
			if r := x.refusals.next(t); !r.p.Will {
				t.Errorf("%s: refused as %+v", c.story, r)
			}
		}
		conn.close()
	}
}

func TestALostClientsWillIsStored(t *testing.T) {
	x := start(t, Config{})
	c := open(t, x)
	c.connect(4, "acme::M-100", "acme::M-100", password, meter1+"status", 0)
	c.packet()
	_ = c.Close() // no DISCONNECT
	ps := x.shelf.until(t, "the will", func(ps []wire.Publish) bool { return len(ps) == 1 })
	if !ps[0].Will || ps[0].Topic != meter1+"status" || string(ps[0].Payload) != "gone" {
		t.Errorf("stored %+v", ps[0])
	}

	c = open(t, x)
	c.connect(4, "acme::M-100", "acme::M-100", password, meter1+"status", 0)
	c.packet()
	c.raw(0xE0, 0) // a clean goodbye takes the will back
	c.wantClosed()
	if ps := x.shelf.until(t, "nothing", func([]wire.Publish) bool { return true }); len(ps) != 1 {
		t.Errorf("after a clean goodbye %d messages are stored, want 1", len(ps))
	}
}

func TestInvalidPacketsEndTheConnectionAndAreCounted(t *testing.T) {
	x := start(t, Config{})
	c := dial(t, x, "M-100", 4)
	c.raw(0x32, 8, 0, 3, 'a', 0xff, 0xfe, 0, 1, 'x') // topic is not UTF-8
	c.wantClosed()

	c = dial(t, x, "M-100", 4)
	c.raw(0x32, 0xff, 0xff, 0xff, 0x7f) // 256 MB announced
	c.wantClosed()
	x.eventually(t, "the log names the sender, and it is counted", func() bool {
		s := x.log.String()
		return strings.Contains(s, "mqtt_packet_too_large") && strings.Contains(s, "acme::M-100") && x.Stats().Oversized == 1
	})

	n := open(t, x)
	n.raw(0x10, 0xff, 0xff, 0xff, 0x07) // a CONNECT of 16 MB from nobody
	n.wantClosed()
	n = open(t, x)
	n.raw('G', 'E', 'T', ' ', '/', ' ')
	n.wantClosed()
	c = dial(t, x, "M-100", 4)
	c.ping()
	c.packet()
}

// A client that sends and never reads blocks itself, nobody else, and is put out after a while.
func TestAClientThatNeverReadsHarmsNobodyElse(t *testing.T) {
	x := start(t, Config{WriteWithin: 300 * time.Millisecond, Window: 64, Rate: 1e6})
	deaf := open(t, x)
	deaf.small(t)
	deaf.connect(4, "acme::gw-det-01", "acme::gw-det-01", password, gate1+"status", 0)
	deaf.packet()
	ended := make(chan error, 1)
	go func() {
		p := publishPacket(pump1+"telemetry", "x", 1, 1)
		flood := bytes.Repeat(p, 1000)
		_ = deaf.SetWriteDeadline(time.Now().Add(30 * time.Second))
		for {
			if _, err := deaf.Write(flood); err != nil {
				ended <- err
				return
			}
		}
	}()
	c := dial(t, x, "M-100", 4)
	for i := range uint16(50) {
		c.publish(meter1+"telemetry", "x", 1, i+1)
		if p := c.packet(); p.kind != puback {
			t.Fatalf("beside a client that does not read: %x", p)
		}
	}
	select {
	case err := <-ended:
		if ne, ok := errors.AsType[net.Error](err); ok && ne.Timeout() {
			t.Error("a client that never reads was served for 30 s")
		}
	case <-time.After(20 * time.Second):
		t.Error("a client that never reads is still connected")
	}
	x.shelf.until(t, "its will", func(ps []wire.Publish) bool {
		return slices.ContainsFunc(ps, func(p wire.Publish) bool { return p.Will })
	})
}

// One that keeps more in flight than the window is read more slowly, and loses nothing.
func TestManyInFlightAreSlowedNotLost(t *testing.T) {
	x := start(t, Config{Window: 16})
	c := dial(t, x, "M-100", 4)
	go func() {
		for i := range 3000 {
			_, _ = c.Write(publishPacket(meter1+"telemetry", "x", 1, uint16(i+1)))
		}
	}()
	for i := range 3000 {
		if p := c.packet(); p.kind != puback || p.id() != uint16(i+1) {
			t.Fatalf("acknowledgement %d is %x", i+1, p)
		}
	}
	if n := x.Stats().Accepted; n != 3000 {
		t.Errorf("accepted %d of 3000", n)
	}
}

func TestATooFastClientIsSlowed(t *testing.T) {
	x := start(t, Config{Rate: 200})
	c := dial(t, x, "M-100", 4)
	began := time.Now()
	for i := range 200 {
		_, _ = c.Write(publishPacket(meter1+"telemetry", "x", 1, uint16(i+1)))
	}
	for range 200 {
		c.packet()
	}
	if d := time.Since(began); d < 400*time.Millisecond {
		t.Errorf("200 messages at a rate of 200/s and a burst of 100 took only %v", d)
	}
	if s := x.Stats(); s.Slowed == 0 || s.Accepted != 200 {
		t.Errorf("stats %+v", s)
	}
	if !strings.Contains(x.log.String(), "mqtt_client_slowed") {
		t.Error("nothing is said in the log")
	}
}
