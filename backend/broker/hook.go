package broker

import (
	"context"
	"errors"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"

	"github.com/lineshaft/lineshaft/twin/fault"
	"github.com/lineshaft/lineshaft/twin/wire"
)

// hook is where the MQTT server asks. It takes every PUBLISH away from the server as soon as it is read, because
// the server would drop some topics without an acknowledgement and acknowledge the rest before they are stored.
type hook struct {
	mqtt.HookBase
	b *Broker
}

// ID names the hook.
func (h *hook) ID() string { return "lineshaft" }

// Provides lists what is answered here.
func (h *hook) Provides(b byte) bool {
	switch b {
	case mqtt.OnConnect, mqtt.OnConnectAuthenticate, mqtt.OnSessionEstablish, mqtt.OnACLCheck, mqtt.OnPacketRead,
		mqtt.OnPublish, mqtt.OnSubscribe, mqtt.OnPublishDropped, mqtt.OnWillSent, mqtt.OnDisconnect, mqtt.OnClientExpired:
		return true
	}
	return false
}

func sessionOf(cl *mqtt.Client) *session {
	c, ok := cl.Net.Conn.(*conn)
	if !ok {
		return nil
	}
	return c.session.Load()
}

// OnConnect logs a client in or tells it why not. Sessions are kept by client id, so the id must be the identity's.
func (h *hook) OnConnect(cl *mqtt.Client, pk packets.Packet) error {
	c, ok := cl.Net.Conn.(*conn)
	if !ok {
		return packets.ErrServerUnavailable
	}
	who, code, err := h.admit(cl, pk)
	if err != nil {
		h.b.counts.denied.Add(1)
		h.b.log.Warn("mqtt_connect_refused", "client", cl.ID, "remote", cl.Net.Remote, "error", err)
		if old, ok := codes3[code]; ok && cl.Properties.ProtocolVersion < 5 {
			code = old
		}
		_ = h.b.mq.SendConnack(cl, code, false, nil)
		return code
	}
	// The will is published at once and never retained, and nothing is sent to the client under an alias.
	cl.Properties.Will.WillDelayInterval = 0
	cl.Properties.Will.Retain = false
	cl.Properties.Props.TopicAliasMaximum = 0
	c.session.Store(h.b.newSession(who, cl, c))
	return nil
}

// codes3 are the refusals in the words of MQTT 3.1.1.
var codes3 = map[packets.Code]packets.Code{
	packets.ErrServerUnavailable:        packets.Err3ServerUnavailable,
	packets.ErrBadUsernameOrPassword:    {Code: 4, Reason: packets.ErrBadUsernameOrPassword.Reason},
	packets.ErrClientIdentifierNotValid: packets.Err3ClientIdentifierNotValid,
	packets.ErrNotAuthorized:            packets.Err3NotAuthorized,
}

func (h *hook) admit(cl *mqtt.Client, pk packets.Packet) (Identity, packets.Code, error) {
	if h.b.draining.Load() {
		return Identity{}, packets.ErrServerUnavailable, errors.New("broker is closing")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	who, err := h.b.reg.Authenticate(ctx, cl.ID, string(pk.Connect.Username), pk.Connect.Password)
	if fault.Is(err, fault.Unavailable) {
		return who, packets.ErrServerUnavailable, err
	}
	if err != nil {
		return who, packets.ErrBadUsernameOrPassword, err
	}
	if cl.ID != wire.ClientID(who.Tenant, who.Device) {
		return who, packets.ErrClientIdentifierNotValid, errors.New("client id is not the one of the device that logged in")
	}
	if !pk.Connect.WillFlag {
		return who, packets.CodeSuccess, nil
	}
	if r := decideWill(who, pk.Connect.WillTopic, len(pk.Connect.WillPayload), h.b.reg); r != nil {
		h.b.refuse(wire.Publish{
			Topic: pk.Connect.WillTopic, Payload: pk.Connect.WillPayload, Client: cl.ID,
			Received: h.b.clk.Now().UnixNano(), Will: true,
		}, r)
		return who, packets.ErrNotAuthorized, r
	}
	return who, packets.CodeSuccess, nil
}

// OnConnectAuthenticate has been decided in OnConnect.
func (h *hook) OnConnectAuthenticate(cl *mqtt.Client, _ packets.Packet) bool {
	return sessionOf(cl) != nil
}

// OnSessionEstablish ends the connection that the client id had, which may be one that no longer reads.
func (h *hook) OnSessionEstablish(cl *mqtt.Client, _ packets.Packet) {
	if old := sessionOf(cl).begin(); old != nil {
		h.b.counts.takeovers.Add(1)
		_ = old.conn.Close()
	}
}

// OnACLCheck is asked for subscriptions, and again for every delivery, because a device may move to another gateway.
func (h *hook) OnACLCheck(cl *mqtt.Client, topic string, write bool) bool {
	if write {
		return true // decided in OnPacketRead; a refusal here would cost the connection
	}
	s := sessionOf(cl)
	if s == nil {
		return false
	}
	ok := maySubscribe(s.who, topic, h.b.reg)
	if !ok {
		h.b.counts.unheard.Add(1)
	}
	return ok
}

// OnPacketRead takes what a client publishes, and leaves the server a packet that it ignores.
func (h *hook) OnPacketRead(cl *mqtt.Client, pk packets.Packet) (packets.Packet, error) {
	s := sessionOf(cl)
	if s == nil {
		return pk, nil
	}
	switch pk.FixedHeader.Type {
	case packets.Publish:
		if pk.FixedHeader.Qos > 0 && pk.PacketID == 0 {
			return pk, nil // a protocol violation, which the server answers
		}
		s.publish(pk)
		return ignored, nil
	case packets.Pubrel:
		s.release(pk.PacketID)
		return ignored, nil
	}
	return pk, nil
}

// ignored is an acknowledgement of nothing.
var ignored = packets.Packet{FixedHeader: packets.FixedHeader{Type: packets.Puback}}

// OnPublish lets only the backend's own messages reach subscribers.
func (h *hook) OnPublish(cl *mqtt.Client, pk packets.Packet) (packets.Packet, error) {
	if cl.Net.Inline {
		return pk, nil
	}
	return pk, packets.ErrRejectPacket
}

// OnSubscribe grants QoS 0: nothing relies on the server's memory of a client.
func (h *hook) OnSubscribe(_ *mqtt.Client, pk packets.Packet) packets.Packet {
	for i := range pk.Filters {
		pk.Filters[i].Qos = 0
	}
	return pk
}

// OnPublishDropped ends a subscriber that is too slow, so that it knows it missed something.
func (h *hook) OnPublishDropped(cl *mqtt.Client, _ packets.Packet) {
	h.b.counts.laggards.Add(1)
	if s := sessionOf(cl); s != nil {
		s.fail(packets.ErrPendingClientWritesExceeded)
	}
}

// OnWillSent stores the will of a client that was lost; wills never pass as a PUBLISH.
func (h *hook) OnWillSent(cl *mqtt.Client, pk packets.Packet) {
	h.b.counts.wills.Add(1)
	p := wire.Publish{Topic: pk.TopicName, Payload: pk.Payload, Received: h.b.clk.Now().UnixNano(), Will: true}
	if s := sessionOf(cl); s != nil && wire.IsSparkplug(p.Topic) {
		s.sparkplugWill(p)
		return
	}
	h.b.stream.Append(p, func(err error) {
		if err != nil {
			h.b.counts.failed.Add(1)
			h.b.log.Error("mqtt_will_not_stored", "client", cl.ID, "error", err)
		}
	})
}

// OnDisconnect says why a connection ended where the client broke a rule.
func (h *hook) OnDisconnect(cl *mqtt.Client, err error, _ bool) {
	var code packets.Code
	switch {
	case errors.Is(err, packets.ErrPacketTooLarge):
		h.b.counts.oversized.Add(1)
		h.b.log.Warn("mqtt_packet_too_large", "client", cl.ID, "limit_bytes", MaxPacket)
	case errors.As(err, &code) && code.Code >= packets.ErrUnspecifiedError.Code && !h.b.draining.Load() &&
		!errors.Is(err, packets.ErrSessionTakenOver):
		h.b.counts.malformed.Add(1)
		h.b.log.Warn("mqtt_protocol_error", "client", cl.ID, "error", err)
	}
}

// OnClientExpired removes what an expired session left in the subscription index.
func (h *hook) OnClientExpired(cl *mqtt.Client) { h.b.mq.UnsubscribeClient(cl) }
