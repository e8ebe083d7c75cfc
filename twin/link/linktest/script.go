package linktest

import (
	"net"
	"testing"

	"github.com/eclipse/paho.mqtt.golang/packets"
)

// Scripted is a broker that does what a test tells it to, connection by connection.
type Scripted struct {
	t testing.TB
	l net.Listener
}

// StartScripted listens on a free loopback port until the test ends.
func StartScripted(t testing.TB) *Scripted {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return &Scripted{t, l}
}

// URL is what Config.Broker takes.
func (s *Scripted) URL() string { return "tcp://" + s.l.Addr().String() }

// Accept takes the next client and its CONNECT, and answers with CONNACK code.
func (s *Scripted) Accept(code byte) *Peer {
	s.t.Helper()
	nc, err := s.l.Accept()
	if err != nil {
		s.t.Fatalf("accept: %v", err)
	}
	p := &Peer{t: s.t, nc: nc}
	s.t.Cleanup(p.Drop)
	if _, ok := p.Read().(*packets.ConnectPacket); !ok {
		s.t.Fatal("the first packet is not CONNECT")
	}
	ack := packets.NewControlPacket(packets.Connack).(*packets.ConnackPacket)
	ack.ReturnCode = code
	p.Write(ack)
	return p
}

// Peer is the broker's end of one connection.
type Peer struct {
	t  testing.TB
	nc net.Conn
}

// Read takes the next packet.
func (p *Peer) Read() packets.ControlPacket {
	p.t.Helper()
	cp, err := packets.ReadPacket(p.nc)
	if err != nil {
		p.t.Fatalf("read from client: %v", err)
	}
	return cp
}

// Publish reads up to the next PUBLISH.
func (p *Peer) Publish() *packets.PublishPacket {
	p.t.Helper()
	for {
		if pub, ok := p.Read().(*packets.PublishPacket); ok {
			return pub
		}
	}
}

// Ack sends a PUBACK.
func (p *Peer) Ack(id uint16) {
	p.t.Helper()
	ack := packets.NewControlPacket(packets.Puback).(*packets.PubackPacket)
	ack.MessageID = id
	p.Write(ack)
}

// Write sends a packet.
func (p *Peer) Write(cp packets.ControlPacket) {
	p.t.Helper()
	if err := cp.Write(p.nc); err != nil {
		p.t.Fatalf("write to client: %v", err)
	}
}

// Serve hands every PUBLISH to take and acknowledges it, until the client leaves or the connection is dropped.
func (p *Peer) Serve(take func(*packets.PublishPacket)) {
	for {
		cp, err := packets.ReadPacket(p.nc)
		if err != nil {
			return
		}
		switch cp := cp.(type) {
		case *packets.PublishPacket:
			take(cp)
			ack := packets.NewControlPacket(packets.Puback).(*packets.PubackPacket)
			ack.MessageID = cp.MessageID
			err = ack.Write(p.nc)
		case *packets.PingreqPacket:
			err = packets.NewControlPacket(packets.Pingresp).Write(p.nc)
		case *packets.DisconnectPacket:
			return
		}
		if err != nil {
			return
		}
	}
}

// Drop closes the connection without a word.
func (p *Peer) Drop() { _ = p.nc.Close() }
