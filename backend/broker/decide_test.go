package broker

import (
	"testing"

	"github.com/lineshaft/lineshaft/twin/wire"
)

// plant is who is registered and who hosts whom: the registry of the tests.
type plant struct {
	topics map[string]string // tenant/device → base
	hosts  map[string]string // tenant/device → gateway
}

func (p plant) MayActFor(tenant, gateway, device string) bool {
	return p.hosts[tenant+"/"+device] == gateway
}

func (p plant) TopicOf(tenant, device string) (wire.Topic, bool) {
	base, ok := p.topics[tenant+"/"+device]
	if !ok {
		return wire.Topic{}, false
	}
	t, err := wire.ParseTopic(base + "/telemetry")
	return t.On(""), err == nil
}

var detroit = plant{
	topics: map[string]string{
		"acme/gw-det-01": "acme/detroit/_/_/gateway/gw-det-01",
		"acme/gw-det-02": "acme/detroit/_/_/gateway/gw-det-02",
		"acme/P-001":     "acme/detroit/body-shop/cooling/centrifugal_pump/P-001",
		"acme/P-002":     "acme/detroit/body-shop/cooling/centrifugal_pump/P-002",
		"acme/M-100":     "acme/detroit/body-shop/_/meter/M-100",
		"globex/X-1":     "globex/north/_/_/meter/X-1",
		"acme/uns":       "acme/_/_/_/reader/uns",
	},
	hosts: map[string]string{"acme/P-001": "gw-det-01", "acme/P-002": "gw-det-02"},
}

var (
	gateway = Identity{Tenant: "acme", Device: "gw-det-01", Gateway: true}
	meter   = Identity{Tenant: "acme", Device: "M-100"}
	reader  = Identity{Tenant: "acme", Device: "uns", Reader: true}
)

const (
	pump1   = "acme/detroit/body-shop/cooling/centrifugal_pump/P-001/"
	pump2   = "acme/detroit/body-shop/cooling/centrifugal_pump/P-002/"
	meter1  = "acme/detroit/body-shop/_/meter/M-100/"
	gate1   = "acme/detroit/_/_/gateway/gw-det-01/"
	command = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
)

func TestDecide(t *testing.T) {
	const taken = wire.Reason("")
	for _, c := range []struct {
		story string
		who   Identity
		topic string
		size  int
		want  wire.Reason
	}{
		{"a meter reports", meter, meter1 + "telemetry", 200, taken},
		{"a meter is online", meter, meter1 + "status", 50, taken},
		{"a meter acknowledges a command", meter, meter1 + "commands/" + command + "/ack", 50, taken},
		{"a meter sends a waveform chunk", meter, meter1 + "waveform/u1/chunk/12", 16384, taken},
		{"a gateway reports for a pump it hosts", gateway, pump1 + "telemetry", 200, taken},
		{"a gateway reports about itself", gateway, gate1 + "telemetry", 200, taken},
		{"a gateway reports for a pump of another gateway", gateway, pump2 + "telemetry", 200, wire.ReasonDirection},
		{"a gateway reports for a device that has its own session", gateway, meter1 + "telemetry", 200, wire.ReasonDirection},
		{"a gateway reports for a device nobody registered", gateway, "acme/detroit/_/_/pump/P-999/telemetry", 200, taken},
		{"a meter reports for a device nobody registered", meter, "acme/detroit/_/_/pump/P-999/telemetry", 200, wire.ReasonDirection},
		{"a meter reports as another device", meter, pump1 + "telemetry", 200, wire.ReasonDirection},
		{"a meter reports for another tenant", meter, "globex/north/_/_/meter/X-1/telemetry", 200, wire.ReasonDirection},
		{"a gateway reports for another tenant", gateway, "globex/north/_/_/meter/X-1/telemetry", 200, wire.ReasonDirection},
		{"a meter forges its configuration", meter, meter1 + "config/desired", 200, wire.ReasonDirection},
		{"a meter forges a command to itself", meter, meter1 + "commands/" + command, 200, wire.ReasonDirection},
		{"a gateway forges a command to its pump", gateway, pump1 + "commands/" + command, 200, wire.ReasonDirection},
		{"a meter says it is elsewhere", meter, "acme/rotterdam/_/_/meter/M-100/telemetry", 200, wire.ReasonTopic},
		{"a reader writes", reader, "acme/_/_/_/reader/uns/telemetry", 200, wire.ReasonDirection},
		{"a topic of the broker itself", meter, "$SYS/broker/uptime", 5, wire.ReasonTopic},
		{"a wildcard", meter, "acme/detroit/body-shop/_/+/M-100/telemetry", 5, wire.ReasonTopic},
		{"a hash", meter, meter1 + "#", 5, wire.ReasonTopic},
		{"nothing", meter, "", 5, wire.ReasonTopic},
		{"a channel the contract does not have", meter, meter1 + "gossip", 5, wire.ReasonTopic},
		{"a command id that is none", meter, meter1 + "commands/1/ack", 5, wire.ReasonTopic},
		{"exactly 1 MB", meter, meter1 + "telemetry", wire.MaxPayload, taken},
		{"a byte more", meter, meter1 + "telemetry", wire.MaxPayload + 1, wire.ReasonSize},
		{"10 MB for another device", meter, pump1 + "telemetry", 10 << 20, wire.ReasonDirection},
	} {
		got := taken
		if _, r := decide(c.who, c.topic, c.size, detroit); r != nil {
			got = r.Reason
			if r.Detail == "" {
				t.Errorf("%s: refused without a sentence", c.story)
			}
		}
		if got != c.want {
			t.Errorf("%s (%s on %s): got %q, want %q", c.story, c.who.Device, c.topic, got, c.want)
		}
	}
}

func TestDecideWill(t *testing.T) {
	for topic, want := range map[string]bool{
		meter1 + "status":                       true,
		meter1 + "telemetry":                    false,
		pump1 + "status":                        false,
		"globex/north/_/_/meter/X-1/status":     false,
		meter1 + "config/desired":               false,
		"$SYS/broker/x":                         false,
		"acme/rotterdam/_/_/meter/M-100/status": false,
	} {
		if r := decideWill(meter, topic, 10, detroit); (r == nil) != want {
			t.Errorf("will on %s: refusal %v, want taken=%v", topic, r, want)
		}
	}
	if r := decideWill(gateway, pump1+"status", 10, detroit); r == nil {
		t.Error("a gateway left a will for its pump")
	}
}

func TestMaySubscribe(t *testing.T) {
	for _, c := range []struct {
		who    Identity
		filter string
		want   bool
	}{
		{meter, meter1 + "config/desired", true},
		{meter, meter1 + "commands/+", true},
		{meter, meter1 + "commands/" + command, true},
		{meter, "$share/g/" + meter1 + "commands/+", true},
		{gateway, pump1 + "commands/+", true},
		{gateway, pump1 + "resend/request", true},
		{gateway, gate1 + "ota/notification", true},
		{meter, "$share/g/" + pump1 + "commands/+", false},
		{meter, "$SHARE/g/" + pump1 + "commands/+", false},
		{meter, "$share/" + pump1 + "commands/+", false},
		{meter, meter1 + "telemetry", false},
		{meter, meter1 + "#", false},
		{meter, meter1 + "commands/#", false},
		{meter, meter1 + "commands/+/ack", false},
		{meter, "#", false},
		{meter, "+/+/+/+/+/+/commands/+", false},
		{meter, "acme/+/+/+/+/M-100/commands/+", false},
		{meter, "$SYS/#", false},
		{meter, pump1 + "commands/+", false},
		{gateway, pump2 + "commands/+", false},
		{gateway, "globex/north/_/_/meter/X-1/commands/+", false},
		{reader, "acme/#", true},
		{reader, "acme/+/+/+/+/+/telemetry", true},
		{reader, "$share/g/acme/#", true},
		{reader, "+/#", false},
		{reader, "#", false},
		{reader, "globex/#", false},
		{reader, "$share/acme/globex/#", false},
	} {
		if got := maySubscribe(c.who, c.filter, detroit); got != c.want {
			t.Errorf("%s on %s: got %v, want %v", c.who.Device, c.filter, got, c.want)
		}
	}
}

func FuzzDecide(f *testing.F) {
	for _, s := range []string{meter1 + "telemetry", pump1 + "commands/+", "$share/a/b", "", "////////"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, topic string) {
		tp, r := decide(meter, topic, 1, detroit)
		if r == nil && (tp.Tenant != "acme" || tp.Device != "M-100" || tp.Channel.Direction() != wire.Up) {
			t.Errorf("taken: %q", topic)
		}
		if maySubscribe(meter, topic, detroit) {
			rest, _ := unshare(topic)
			if len(rest) < len(meter1) || rest[:len(meter1)] != meter1 {
				t.Errorf("subscribed: %q", topic)
			}
		}
	})
}
