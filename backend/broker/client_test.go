package broker

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"testing"
	"time"
)

// The packet types of MQTT that the tests read and write.
const (
	connack  = 2
	publish  = 3
	puback   = 4
	pubrec   = 5
	pubrel   = 6
	pubcomp  = 7
	suback   = 9
	pingresp = 13
)

// client speaks MQTT byte by byte, as an attacker may.
type client struct {
	net.Conn
	t *testing.T
	r *bufio.Reader

	is5 bool // a PUBLISH of MQTT 5 has properties
}

type packet struct {
	kind byte
	body []byte
}

func (p packet) id() uint16 { return binary.BigEndian.Uint16(p.body) }

func open(t *testing.T, x *bench) *client {
	t.Helper()
	var d net.Dialer
	nc, err := d.DialContext(t.Context(), "tcp", x.Addr())
	if err != nil {
		t.Fatal(err)
	}
	c := &client{Conn: nc, t: t, r: bufio.NewReader(nc)}
	t.Cleanup(c.close)
	return c
}

// small makes the client's receive buffer small, so that it is full soon.
func (c *client) small(t *testing.T) {
	t.Helper()
	if tc, ok := c.Conn.(*net.TCPConn); ok {
		if err := tc.SetReadBuffer(64 << 10); err != nil {
			t.Fatal(err)
		}
	}
}

// dial connects a device of tenant acme.
func dial(t *testing.T, x *bench, device string, version byte) *client {
	t.Helper()
	c := open(t, x)
	id := "acme::" + device
	c.connect(version, id, id, password, "", 0)
	if p := c.packet(); p.kind != connack || p.body[1] != 0 {
		t.Fatalf("connect %s: %x", id, p)
	}
	return c
}

func (c *client) close() { _ = c.Close() }

func text(s string) []byte { return append(binary.BigEndian.AppendUint16(nil, uint16(len(s))), s...) }

func frame(first byte, body []byte) []byte {
	return append(binary.AppendUvarint([]byte{first}, uint64(len(body))), body...)
}

func (c *client) connect(version byte, id, user, pw, will string, keepalive uint16) {
	flags := byte(0xC2)
	if will != "" {
		flags |= 0x2C // QoS 1, retained
	}
	b := append(text("MQTT"), version, flags)
	b = binary.BigEndian.AppendUint16(b, keepalive)
	if version == 5 {
		b = append(b, 0)
	}
	b = append(b, text(id)...)
	if will != "" {
		b = append(append(b, text(will)...), text("gone")...)
	}
	b = append(append(b, text(user)...), text(pw)...)
	c.is5 = version == 5
	c.write(frame(0x10, b))
}

func publishPacket(topic, payload string, qos byte, id uint16) []byte {
	b := text(topic)
	if qos > 0 {
		b = binary.BigEndian.AppendUint16(b, id)
	}
	return frame(0x30|qos<<1, append(b, payload...))
}

func (c *client) publish(topic, payload string, qos byte, id uint16) {
	if !c.is5 {
		c.write(publishPacket(topic, payload, qos, id))
		return
	}
	b := text(topic)
	if qos > 0 {
		b = binary.BigEndian.AppendUint16(b, id)
	}
	c.write(frame(0x30|qos<<1, append(append(b, 0), payload...)))
}

func (c *client) ping() { c.raw(0xC0, 0) }

func (c *client) raw(b ...byte) { c.write(b) }

func (c *client) write(b []byte) {
	c.t.Helper()
	_ = c.SetWriteDeadline(time.Now().Add(10 * time.Second))
	if _, err := c.Write(b); err != nil {
		c.t.Fatalf("write: %v", err)
	}
}

func (c *client) subscribe(filter string, want byte) {
	c.t.Helper()
	c.write(frame(0x82, append(append([]byte{0, 1}, text(filter)...), 1)))
	if p := c.packet(); p.kind != suback || p.body[len(p.body)-1] != want {
		c.t.Errorf("subscribe %s: %x, want %x", filter, p, want)
	}
}

// message reads a PUBLISH of QoS 0.
func (c *client) message() (topic, body string) {
	c.t.Helper()
	p := c.packet()
	if p.kind != publish {
		c.t.Fatalf("got %x, want a PUBLISH", p)
	}
	n := p.id()
	return string(p.body[2 : 2+n]), string(p.body[2+n:])
}

func (c *client) read() (packet, error) {
	_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
	first, err := c.r.ReadByte()
	if err != nil {
		return packet{}, err
	}
	n, err := binary.ReadUvarint(c.r)
	if err != nil {
		return packet{}, err
	}
	p := packet{kind: first >> 4, body: make([]byte, n)}
	_, err = io.ReadFull(c.r, p.body)
	return p, err
}

func (c *client) packet() packet {
	c.t.Helper()
	p, err := c.read()
	if err != nil {
		c.t.Fatalf("read: %v", err)
	}
	return p
}

func (c *client) wantClosed() {
	c.t.Helper()
	for {
		p, err := c.read()
		var ne net.Error
		switch {
		case errors.As(err, &ne) && ne.Timeout():
			c.t.Fatal("still connected after 10 s")
		case err != nil:
			return
		default:
			c.t.Logf("before the end: %x", p)
		}
	}
}
