package broker

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mochi-mqtt/server/v2/packets"

	"github.com/lineshaft/lineshaft/twin/wire"
)

// edgeNode is the Sparkplug edge node that a connection speaks for. What its messages mean depends on the births
// before them on this connection, so they are read here and go on as telemetry and status of the contract.
type edgeNode struct {
	mu   sync.Mutex // a will may be sent while the reader is still at it
	node *wire.SparkplugNode
}

// decideSparkplug says whether a Sparkplug message is taken from who: nil, or why not.
func decideSparkplug(who Identity, t wire.SparkplugTopic, size int, hosts Hosts) *wire.Refusal {
	no := func(reason wire.Reason, f string, args ...any) *wire.Refusal {
		return &wire.Refusal{Reason: reason, Detail: fmt.Sprintf(f, args...)}
	}
	switch {
	case t.Group != who.Tenant:
		return no(wire.ReasonDirection, "device %q of tenant %q published for group %q", who.Device, who.Tenant, t.Group)
	case who.Reader:
		return no(wire.ReasonDirection, "%q may only subscribe", who.Device)
	case t.Down():
		return no(wire.ReasonDirection, "%s goes to the edge node, %q may not publish it", t.Type, who.Device)
	case t.Edge != who.Device:
		return no(wire.ReasonDirection, "device %q published as edge node %q", who.Device, t.Edge)
	case !who.Gateway:
		return no(wire.ReasonDirection, "device %q is no gateway: an edge node is one", who.Device)
	case t.Device == t.Edge:
		return no(wire.ReasonTopic, "device %q has the id of its edge node", t.Device)
	}
	if _, registered := hosts.TopicOf(t.Group, t.Edge); !registered {
		return no(wire.ReasonTopic, "edge node %q is not registered", t.Edge)
	}
	if t.Device != "" {
		if _, registered := hosts.TopicOf(t.Group, t.Device); registered && !hosts.MayActFor(t.Group, who.Device, t.Device) {
			return no(wire.ReasonDirection, "gateway %q does not host device %q", who.Device, t.Device)
		}
	}
	return decideSize(size)
}

// decideSparkplugWill says whether a Sparkplug message may be left as the last will: only the node's own death.
func decideSparkplugWill(who Identity, topic string, size int, hosts Hosts) *wire.Refusal {
	t, err := wire.ParseSparkplug(topic)
	if err != nil {
		return &wire.Refusal{Reason: wire.ReasonTopic, Detail: err.Error()}
	}
	if r := decideSparkplug(who, t, size, hosts); r != nil {
		return r
	}
	if t.Type != wire.NDeath {
		return &wire.Refusal{
			Reason: wire.ReasonDirection, Detail: fmt.Sprintf("last will on %q: an edge node leaves its %s", topic, wire.NDeath),
		}
	}
	return nil
}

// mayHear says whether who may listen on a filter below spBv1.0/: an edge node on its own commands and those of its
// devices.
func mayHear(who Identity, filter string) bool {
	if who.Reader || !who.Gateway {
		return false
	}
	own, ok := strings.CutPrefix(filter, wire.SparkplugTopic{Group: who.Tenant, Type: wire.NCmd, Edge: who.Device}.String())
	if ok && (own == "" || own == "/#") {
		return true
	}
	device, ok := strings.CutPrefix(filter, wire.SparkplugTopic{Group: who.Tenant, Type: wire.DCmd, Edge: who.Device}.String()+"/")
	return ok && (device == "+" || device == "#" || device != "" && !strings.ContainsAny(device, "+#/"))
}

// sparkplug takes a Sparkplug message: what it means is stored, what cannot be read is refused, and it is
// acknowledged in its turn.
func (s *session) sparkplug(p wire.Publish, qos byte, id uint16) {
	ps, refusal := s.translate(p)
	if refusal != nil {
		s.b.refuse(p, refusal)
	}
	kind := packets.Puback
	if qos == 2 {
		kind = packets.Pubrec
	}
	if len(ps) == 0 {
		if qos > 0 {
			s.settle(kind, id, refusal != nil)
		}
		return
	}
	s.b.counts.accepted.Add(1)
	stored := s.b.storedUnacknowledged
	if qos > 0 {
		if qos == 2 {
			s.unreleased[id] = struct{}{}
		}
		number, ok := s.acks.add(kind, id, 0)
		if !ok {
			return
		}
		var left atomic.Int64
		left.Store(int64(len(ps)))
		stored = func(err error) {
			if err != nil {
				s.b.counts.failed.Add(1)
				s.fail(err)
			} else if left.Add(-1) == 0 {
				s.acks.done(number)
			}
		}
	}
	for _, out := range ps {
		s.b.tap(out)
		s.b.stream.Append(out, stored)
	}
}

// sparkplugWill takes the death of a node that was lost. The death of a connection that another has taken over says
// nothing of the node.
func (s *session) sparkplugWill(p wire.Publish) {
	s.b.mu.Lock()
	now := s.b.sessions[s.client]
	s.b.mu.Unlock()
	if now != nil && now != s {
		return
	}
	ps, refusal := s.translate(p)
	if refusal != nil {
		s.b.refuse(p, refusal)
	}
	for _, out := range ps {
		s.b.stream.Append(out, s.b.storedUnacknowledged)
	}
}

// translate is a Sparkplug message as messages of the contract, and why some of it, or all, is refused.
func (s *session) translate(p wire.Publish) ([]wire.Publish, *wire.Refusal) {
	t, err := wire.ParseSparkplug(p.Topic)
	if err != nil {
		return nil, &wire.Refusal{Reason: wire.ReasonTopic, Detail: err.Error()}
	}
	if r := decideSparkplug(s.who, t, len(p.Payload), s.b.reg); r != nil {
		return nil, r
	}
	s.edge.mu.Lock()
	defer s.edge.mu.Unlock()
	if s.edge.node == nil {
		s.edge.node = wire.NewSparkplugNode(t.Group, t.Edge)
	}
	out, refusal := s.edge.node.Take(t, p.Payload, p.Received)
	var ps []wire.Publish
	add := func(device string, c wire.Channel, payload []byte) {
		at := s.topicOf(device).On(c)
		ps = append(ps, wire.Publish{Topic: at.String(), Payload: payload, Client: p.Client, Received: p.Received, Will: p.Will})
	}
	for _, st := range out.Status {
		add(st.Device, wire.Status, wire.AppendStatus(nil, st.DeviceStatus))
	}
	for i := range out.Messages {
		m := &out.Messages[i]
		for _, payload := range envelopes(m) {
			add(m.DeviceID, wire.Telemetry, payload)
		}
		if len(m.Wrong) > 0 && refusal == nil {
			refusal = &wire.Refusal{Reason: wire.ReasonValue, Detail: fmt.Sprintf("%s: %s", m.Wrong[0].Tag, m.Wrong[0].Detail)}
			if more := len(m.Wrong) - 1; more > 0 {
				refusal.Detail += fmt.Sprintf("; and %d more", more)
			}
		}
	}
	if out.Rebirth {
		s.b.counts.rebirths.Add(1)
		ask := wire.SparkplugTopic{Group: t.Group, Type: wire.NCmd, Edge: t.Edge}
		_ = s.b.mq.Publish(ask.String(), wire.SparkplugRebirth(p.Received), false, 0)
	}
	return ps, refusal
}

// envelopes is m as telemetry of the contract, in as many messages as it takes. The first one has the number.
func envelopes(m *wire.Message) [][]byte {
	b := wire.AppendTelemetry(nil, m)
	if len(b) <= wire.MaxPayload || len(m.Readings) < 2 {
		return [][]byte{b}
	}
	first, rest := *m, *m
	half := len(m.Readings) / 2
	first.Readings, rest.Readings = m.Readings[:half], m.Readings[half:]
	rest.Epoch, rest.HasSeq = "", false
	rest.MsgID = wire.DerivedID(time.Unix(0, m.TS), m.MsgID, strconv.Itoa(half))
	return append(envelopes(&first), envelopes(&rest)...)
}

// topicOf is where a device is registered; one that nobody registered yet stands at its gateway's site, and intake
// keeps its messages until somebody does.
func (s *session) topicOf(device string) wire.Topic {
	if at, ok := s.b.reg.TopicOf(s.who.Tenant, device); ok {
		return at
	}
	at, _ := s.b.reg.TopicOf(s.who.Tenant, s.who.Device)
	return wire.Topic{Tenant: s.who.Tenant, Site: at.Site, Area: "_", Line: "_", Class: "_", Device: device}
}
