package broker

import (
	"bytes"
	"sync/atomic"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
	"golang.org/x/time/rate"

	"github.com/lineshaft/lineshaft/twin/wire"
)

// session is one connected client.
type session struct {
	b      *Broker
	who    Identity
	client string
	cl     *mqtt.Client
	conn   *conn
	acks   *acks
	rate   *rate.Limiter
	slowed atomic.Int64 // when it was last said, Unix s
	begun  bool         // guarded by the broker's mu

	// Packet ids of QoS 2 stored and not yet released; used by the connection's reader alone.
	unreleased map[uint16]struct{}

	edge edgeNode // if the client speaks Sparkplug
}

func (b *Broker) newSession(who Identity, cl *mqtt.Client, c *conn) *session {
	s := &session{
		b: b, who: who, client: cl.ID, cl: cl, conn: c,
		rate: rate.NewLimiter(rate.Limit(b.cfg.Rate), max(1, int(b.cfg.Rate/2))), unreleased: map[uint16]struct{}{},
	}
	s.acks = newAcks(b.cfg.Window, &b.wg, s.write, s.fail)
	return s
}

// write puts whole packets on the connection, between the server's own.
func (s *session) write(p []byte) error {
	s.cl.Lock()
	defer s.cl.Unlock()
	_, err := s.conn.Write(p)
	return err
}

// fail ends the connection: the client sends again what was not acknowledged. The connection is closed under the
// server, which would forget the last will of a client that it stops itself.
func (s *session) fail(err error) {
	select {
	case <-s.conn.closed:
	default:
		s.b.log.Warn("mqtt_connection_ended", "client", s.client, "error", err)
	}
	_ = s.conn.Close()
}

// begin makes the session the one of its client id and returns the one before.
func (s *session) begin() (old *session) {
	s.b.mu.Lock()
	defer s.b.mu.Unlock()
	select {
	case <-s.conn.closed:
		return nil
	default:
	}
	old = s.b.sessions[s.client]
	s.b.sessions[s.client] = s
	s.begun = true
	if s.who.Reader {
		s.b.readers.Add(1)
	}
	return old
}

// end forgets the session once its connection is closed.
func (s *session) end() {
	s.acks.close()
	s.b.mu.Lock()
	defer s.b.mu.Unlock()
	if s.b.sessions[s.client] == s {
		delete(s.b.sessions, s.client)
	}
	if s.begun && s.who.Reader {
		s.b.readers.Add(-1)
	}
	s.begun = false
}

// publish takes a PUBLISH: it is stored or refused, and acknowledged in its turn.
func (s *session) publish(pk packets.Packet) {
	if s.b.draining.Load() {
		return // not acknowledged: it comes again
	}
	s.pace()
	p := wire.Publish{Topic: pk.TopicName, Payload: pk.Payload, Client: s.client, Received: s.b.clk.Now().UnixNano()}
	qos := pk.FixedHeader.Qos
	if qos == 2 {
		if _, again := s.unreleased[pk.PacketID]; again {
			s.settle(packets.Pubrec, pk.PacketID, false)
			return
		}
	}
	if wire.IsSparkplug(p.Topic) {
		s.sparkplug(p, qos, pk.PacketID)
		return
	}
	_, refusal := decide(s.who, p.Topic, len(p.Payload), s.b.reg)
	if refusal != nil {
		s.b.refuse(p, refusal)
		switch qos {
		case 1:
			s.settle(packets.Puback, pk.PacketID, true)
		case 2:
			s.settle(packets.Pubrec, pk.PacketID, true)
		}
		return
	}
	s.b.counts.accepted.Add(1)
	s.b.tap(p)
	if qos == 0 {
		s.b.stream.Append(p, s.b.storedUnacknowledged)
		return
	}
	kind := packets.Puback
	if qos == 2 {
		kind = packets.Pubrec
		s.unreleased[pk.PacketID] = struct{}{}
	}
	number, ok := s.acks.add(kind, pk.PacketID, 0)
	if !ok {
		return
	}
	s.b.stream.Append(p, func(err error) {
		if err != nil {
			s.b.counts.failed.Add(1)
			s.fail(err)
			return
		}
		s.acks.done(number)
	})
}

// release answers a PUBREL.
func (s *session) release(id uint16) {
	delete(s.unreleased, id)
	s.settle(packets.Pubcomp, id, false)
}

// settle acknowledges at once, in its turn.
func (s *session) settle(kind byte, id uint16, refused bool) {
	var reason byte
	if refused && s.cl.Properties.ProtocolVersion == 5 {
		reason = packets.ErrNotAuthorized.Code
	}
	if number, ok := s.acks.add(kind, id, reason); ok {
		s.acks.done(number)
	}
}

// pace makes a client that sends too fast wait, on its own connection.
func (s *session) pace() {
	wait := s.rate.Reserve().Delay()
	if wait <= 0 {
		return
	}
	s.b.counts.slowed.Add(1)
	now := time.Now().Unix()
	if last := s.slowed.Load(); now-last >= 60 && s.slowed.CompareAndSwap(last, now) {
		s.b.log.Warn("mqtt_client_slowed", "client", s.client, "messages_per_s", s.b.cfg.Rate)
	}
	select {
	case <-time.After(wait):
	case <-s.conn.closed:
	}
}

func (b *Broker) storedUnacknowledged(err error) {
	if err != nil {
		b.counts.failed.Add(1)
	}
}

// refuse reports a message that is not taken, with the head of a large one.
func (b *Broker) refuse(p wire.Publish, r *wire.Refusal) {
	b.counts.refused.Add(1)
	size := len(p.Payload)
	if size > wire.DeadLetterHead {
		p.Payload = bytes.Clone(p.Payload[:wire.DeadLetterHead])
	}
	b.refusals.Refused(p, size, r)
}

// tap passes a message on to the readers of the tenant, at QoS 0 and without a promise.
func (b *Broker) tap(p wire.Publish) {
	if b.readers.Load() > 0 {
		_ = b.mq.Publish(p.Topic, p.Payload, false, 0)
	}
}
