package broker

import (
	"fmt"

	"github.com/lineshaft/lineshaft/twin/wire"
)

// Identity is who speaks on a connection, as authenticated.
type Identity struct {
	Tenant, Device string
	Gateway        bool // may act for the devices it hosts
	Reader         bool // subscribes to its tenant's topics and publishes nothing
}

// Hosts answers what decide must know about other devices: who is registered, and who hosts whom now.
type Hosts interface {
	MayActFor(tenant, gateway, device string) bool    // hosting now
	TopicOf(tenant, device string) (wire.Topic, bool) // registered topic, channel empty; false if not registered
}

// decide says whether a message of size bytes on topic is taken from who: nil, or why not.
func decide(who Identity, topic string, size int, hosts Hosts) (wire.Topic, *wire.Refusal) {
	t, err := wire.ParseTopic(topic)
	if err != nil {
		return t, &wire.Refusal{Reason: wire.ReasonTopic, Detail: err.Error()}
	}
	if r := decideTopic(who, t, hosts); r != nil {
		return t, r
	}
	return t, decideSize(size)
}

func decideTopic(who Identity, t wire.Topic, hosts Hosts) *wire.Refusal {
	no := func(reason wire.Reason, f string, args ...any) *wire.Refusal {
		return &wire.Refusal{Reason: reason, Detail: fmt.Sprintf(f, args...)}
	}
	switch {
	case t.Tenant != who.Tenant:
		return no(wire.ReasonDirection, "device %q of tenant %q published for tenant %q", who.Device, who.Tenant, t.Tenant)
	case who.Reader:
		return no(wire.ReasonDirection, "%q may only subscribe", who.Device)
	case t.Channel.Direction() != wire.Up:
		return no(wire.ReasonDirection, "channel %q goes to the device, %q may not publish on it", t.Channel, who.Device)
	}
	at, registered := hosts.TopicOf(t.Tenant, t.Device)
	if t.Device != who.Device {
		switch {
		case !who.Gateway:
			return no(wire.ReasonDirection, "device %q published as device %q", who.Device, t.Device)
		case registered && !hosts.MayActFor(t.Tenant, who.Device, t.Device):
			return no(wire.ReasonDirection, "gateway %q does not host device %q", who.Device, t.Device)
		}
		// A device that nobody registered goes on: intake keeps its messages until somebody does.
	}
	if registered && at.On("") != t.On("") {
		return no(wire.ReasonTopic, "device %q is registered at %q, the topic says %q", t.Device, at.Base(), t.Base())
	}
	return nil
}

func decideSize(size int) *wire.Refusal {
	if size <= wire.MaxPayload {
		return nil
	}
	return &wire.Refusal{Reason: wire.ReasonSize, Detail: fmt.Sprintf("message of %d bytes, at most %d are taken", size, wire.MaxPayload)}
}

// decideWill says whether a last will may be left: only on the sender's own status, or its own death in Sparkplug.
func decideWill(who Identity, topic string, size int, hosts Hosts) *wire.Refusal {
	if wire.IsSparkplug(topic) {
		return decideSparkplugWill(who, topic, size, hosts)
	}
	t, r := decide(who, topic, size, hosts)
	if r != nil {
		return r
	}
	if t.Device != who.Device || t.Channel != wire.Status {
		return &wire.Refusal{
			Reason: wire.ReasonDirection,
			Detail: fmt.Sprintf("last will on %q: a will may only be left on the status of %q itself", topic, who.Device),
		}
	}
	return nil
}
