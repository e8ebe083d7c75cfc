package wire_test

import (
	"strings"
	"testing"

	"github.com/lineshaft/lineshaft/twin"
	"github.com/lineshaft/lineshaft/twin/wire"
)

const pumpBase = "acme/detroit/body-shop/cooling-water/centrifugal_pump/P-007"

func TestChannelsAndTheirDirections(t *testing.T) {
	const id = "01HSC5VZ8K3N4Q6R7S8T9V0W1X"
	for _, c := range []struct {
		channel string
		want    wire.Direction
		bulk    bool
	}{
		{"telemetry", wire.Up, true},
		{"status", wire.Up, false},
		{"events", wire.Up, false},
		{"waveform/w1/chunk/0", wire.Up, true},
		{"waveform/w1/complete", wire.Up, true},
		{"commands/" + id, wire.Down, false},
		{"commands/" + id + "/ack", wire.Up, false},
		{"config/desired", wire.Down, false},
		{"config/reported", wire.Up, false},
		{"ota/notification", wire.Down, false},
		{"ota/status", wire.Up, false},
		{"diagnostics/request", wire.Down, false},
		{"diagnostics/response", wire.Up, false},
		{"resend/request", wire.Down, false},
		{"resend/result", wire.Up, false},
	} {
		topic, err := wire.ParseTopic(pumpBase + "/" + c.channel)
		if err != nil {
			t.Error(err)
			continue
		}
		if got := topic.Channel.Direction(); got != c.want || topic.Channel.Bulk() != c.bulk {
			t.Errorf("%s goes %d, bulk %v", c.channel, got, topic.Channel.Bulk())
		}
	}
}

func TestTopicsThatAreNone(t *testing.T) {
	for _, topic := range []string{
		"", "/", "telemetry", pumpBase, pumpBase + "/", pumpBase + "/telemetry/", pumpBase + "/telemetry/x", "/" + pumpBase + "/telemetry",
		pumpBase + "/Telemetry", pumpBase + "/waveform", pumpBase + "/commands", pumpBase + "/commands/", pumpBase + "/commands/42",
		pumpBase + "/commands/01HSC5VZ8K3N4Q6R7S8T9V0W1X/nack", pumpBase + "/waveform/w1/chunk/x", pumpBase + "/waveform/w1/chunk/1234567",
		pumpBase + "/waveform//complete", pumpBase + "/config", pumpBase + "/config/desired/x",
		"acme/detroit/body-shop/line/pump/+/telemetry", "acme/detroit/body-shop/line/#/P-007/telemetry",
		"acme/detroit/body shop/line/pump/P-007/telemetry", "acme/detroit/-/line/pump/P-007/telemetry", "$SYS/a/b/c/d/e/telemetry",
		"acme//body-shop/line/pump/P-007/telemetry", "acme/detroit/body-shop/line/pump/P\x00007/telemetry", "acme/d\xff/b/l/p/P-007/telemetry",
		strings.Repeat("a", 21) + "/detroit/body-shop/line/pump/P-007/telemetry", "acme/detroit/body-shop/line/pump/" + strings.Repeat("P", 41) + "/telemetry",
	} {
		if got, err := wire.ParseTopic(topic); err == nil {
			t.Errorf("%q is taken as %+v", topic, got)
		}
	}
}

func TestAWrongTopicIsNamedShort(t *testing.T) {
	_, err := wire.ParseTopic(strings.Repeat("x\xff", 30000) + "/a/b/c/d/e/f")
	if err == nil || len(err.Error()) > 1000 || strings.ToValidUTF8(err.Error(), "") != err.Error() {
		t.Errorf("%d bytes", len(err.Error()))
	}
}

func TestTheTopicsOfADevice(t *testing.T) {
	d := twin.Device{ID: "P-007", Type: "centrifugal_pump", Site: "detroit", Area: "body-shop", Line: "cooling-water"}
	topic := wire.DeviceTopic("acme", d)
	if topic.Base() != pumpBase || topic.On(wire.Telemetry).String() != pumpBase+"/telemetry" || topic.Channel != "" {
		t.Errorf("%+v", topic)
	}
	if wire.ClientID("acme", "P-007") != "acme::P-007" {
		t.Error(wire.ClientID("acme", "P-007"))
	}
}

func FuzzParseTopic(f *testing.F) {
	f.Add(pumpBase + "/telemetry")
	f.Add(pumpBase + "/commands/01HSC5VZ8K3N4Q6R7S8T9V0W1X/ack")
	f.Add("acme/_/_/_/gateway/gw-1/waveform/a/chunk/1")
	f.Fuzz(func(t *testing.T, s string) {
		topic, err := wire.ParseTopic(s)
		if err != nil {
			return
		}
		if topic.String() != s || topic.Channel.Direction() == wire.Unknown || strings.ContainsAny(s, "+#") {
			t.Fatalf("%q became %+v", s, topic)
		}
	})
}
