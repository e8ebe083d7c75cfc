package broker

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/lineshaft/lineshaft/twin"
	"github.com/lineshaft/lineshaft/twin/wire"
	"github.com/lineshaft/lineshaft/twin/wire/sparkplugpb"
)

func TestDecideSparkplug(t *testing.T) {
	const taken = wire.Reason("")
	for _, c := range []struct {
		story string
		who   Identity
		topic string
		want  wire.Reason
	}{
		{"a gateway is born", gateway, "spBv1.0/acme/NBIRTH/gw-det-01", taken},
		{"a device it hosts", gateway, "spBv1.0/acme/DDATA/gw-det-01/P-001", taken},
		{"a device nobody registered yet", gateway, "spBv1.0/acme/DBIRTH/gw-det-01/P-900", taken},
		{"a device of another gateway", gateway, "spBv1.0/acme/DDATA/gw-det-01/P-002", wire.ReasonDirection},
		{"as another edge node", gateway, "spBv1.0/acme/NDATA/gw-det-02", wire.ReasonDirection},
		{"for another group", gateway, "spBv1.0/globex/NBIRTH/gw-det-01", wire.ReasonDirection},
		{"a command", gateway, "spBv1.0/acme/NCMD/gw-det-01", wire.ReasonDirection},
		{"a command to a device", gateway, "spBv1.0/acme/DCMD/gw-det-01/P-001", wire.ReasonDirection},
		{"a meter is no edge node", meter, "spBv1.0/acme/NBIRTH/M-100", wire.ReasonDirection},
		{"a reader", reader, "spBv1.0/acme/NBIRTH/uns", wire.ReasonDirection},
		{"a device with the id of its node", gateway, "spBv1.0/acme/DBIRTH/gw-det-01/gw-det-01", wire.ReasonTopic},
		{"a node nobody registered", Identity{Tenant: "acme", Device: "gw-9", Gateway: true}, "spBv1.0/acme/NBIRTH/gw-9", wire.ReasonTopic},
	} {
		topic, err := wire.ParseSparkplug(c.topic)
		if err != nil {
			t.Fatal(err)
		}
		got := taken
		r := decideSparkplug(c.who, topic, 10, detroit)
		if r != nil {
			got = r.Reason
		}
		if got != c.want {
			t.Errorf("%s: %v, want %q", c.story, r, c.want)
		}
	}
	if r := decideSparkplug(gateway, wire.SparkplugTopic{Group: "acme", Type: wire.NData, Edge: "gw-det-01"}, wire.MaxPayload+1, detroit); r == nil || r.Reason != wire.ReasonSize {
		t.Errorf("too large: %v", r)
	}
	for topic, ok := range map[string]bool{
		"spBv1.0/acme/NDEATH/gw-det-01": true, "spBv1.0/acme/NDEATH/gw-det-02": false, "spBv1.0/acme/NDATA/gw-det-01": false, "spBv1.0/acme": false,
		"spBv1.0/acme/DDEATH/gw-det-01/P-001": false,
	} {
		if r := decideWill(gateway, topic, 10, detroit); (r == nil) != ok {
			t.Errorf("a will on %s: %v", topic, r)
		}
	}
}

func TestWhoHearsSparkplugCommands(t *testing.T) {
	for filter, ok := range map[string]bool{
		"spBv1.0/acme/NCMD/gw-det-01": true, "spBv1.0/acme/NCMD/gw-det-01/#": true, "spBv1.0/acme/DCMD/gw-det-01/+": true, "spBv1.0/acme/DCMD/gw-det-01/#": true,
		"spBv1.0/acme/DCMD/gw-det-01/P-001": true, "$share/g/spBv1.0/acme/NCMD/gw-det-01": true,
		"spBv1.0/acme/NCMD/gw-det-02": false, "spBv1.0/acme/NCMD/gw-det-011": false, "spBv1.0/acme/NCMD/+": false, "spBv1.0/acme/NCMD/#": false, "spBv1.0/#": false,
		"spBv1.0/globex/NCMD/gw-det-01": false, "spBv1.0/acme/DDATA/gw-det-01/+": false, "spBv1.0/acme/DCMD/gw-det-01": false, "spBv1.0/acme/DCMD/gw-det-01/": false,
		"spBv1.0/acme/DCMD/gw-det-01/+/x": false, "spBv1.0/+/NCMD/gw-det-01": false, "$share/g/spBv1.0/acme/NCMD/gw-det-02": false,
	} {
		if maySubscribe(gateway, filter, detroit) != ok {
			t.Errorf("%s: want %v", filter, ok)
		}
	}
	if maySubscribe(meter, "spBv1.0/acme/NCMD/M-100", detroit) || maySubscribe(reader, "spBv1.0/acme/#", detroit) {
		t.Error("a meter or a reader hears Sparkplug")
	}
}

// payload is a Sparkplug message with one double under an alias, named in a birth.
func payload(t *testing.T, seq int, name string, alias uint64, v float64, bdSeq uint64) string {
	t.Helper()
	m := &sparkplugpb.Metric{Alias: &alias, Value: &sparkplugpb.Metric_DoubleValue{DoubleValue: v}}
	if name != "" {
		m.Name, m.Datatype = &name, new(uint32(10))
	}
	bd := &sparkplugpb.Metric{Name: new("bdSeq"), Datatype: new(uint32(8)), Value: &sparkplugpb.Metric_LongValue{LongValue: bdSeq}}
	p := &sparkplugpb.Payload{Timestamp: new(uint64(1773309600000)), Metrics: []*sparkplugpb.Metric{m, bd}}
	if seq >= 0 {
		p.Seq = new(uint64(seq))
	}
	b, err := proto.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func telemetryOf(t *testing.T, p wire.Publish) wire.Message {
	t.Helper()
	var m wire.Message
	if err := wire.DecodeTelemetry(p.Payload, &m); err != nil {
		t.Fatalf("%v in %s", err, p.Payload)
	}
	return m
}

// A whole life over a real connection: birth, data by alias, a lost message, and the connection lost.
func TestASparkplugGatewayOverMQTT(t *testing.T) {
	x := start(t, Config{})
	c := open(t, x)
	const id = "acme::gw-det-01"
	c.connectWill(id, "spBv1.0/acme/NDEATH/gw-det-01", payload(t, -1, "x", 0, 0, 7))
	if p := c.packet(); p.kind != connack || p.body[1] != 0 {
		t.Fatalf("connect: %x", p)
	}
	c.subscribe("spBv1.0/acme/NCMD/gw-det-01", 0)
	c.publish("spBv1.0/acme/NBIRTH/gw-det-01", payload(t, 0, "cpu_pct", 1, 12, 7), 0, 0)
	c.publish("spBv1.0/acme/DBIRTH/gw-det-01/P-001", payload(t, 1, "flow_m3h", 2, 118, 7), 0, 0)
	c.publish("spBv1.0/acme/DDATA/gw-det-01/P-001", payload(t, 2, "", 2, 119, 7), 1, 9)
	if p := c.packet(); p.kind != puback || p.id() != 9 {
		t.Fatalf("QoS 1 is acknowledged: %x", p)
	}
	ps := x.shelf.until(t, "births and data", func(ps []wire.Publish) bool { return len(ps) == 7 })
	want := []string{gate1 + "status", gate1 + "telemetry", pump1 + "status", gate1 + "telemetry", pump1 + "telemetry", gate1 + "telemetry", pump1 + "telemetry"}
	for i, p := range ps {
		if p.Topic != want[i] || p.Client != id {
			t.Errorf("message %d is on %s from %s, want %s", i, p.Topic, p.Client, want[i])
		}
	}
	flow := telemetryOf(t, ps[6])
	if r := flow.Readings[0]; flow.DeviceID != "P-001" || r.Tag != "flow_m3h" || r.V != twin.FloatValue(119) || r.Q != twin.Good || r.T != 1773309600000e6 {
		t.Errorf("data by alias: %+v", flow)
	}
	if n := telemetryOf(t, ps[5]); !n.HasSeq || n.Seq != 3 || n.Epoch != telemetryOf(t, ps[1]).Epoch {
		t.Errorf("the node's numbers: %+v", n)
	}

	c.publish("spBv1.0/acme/DDATA/gw-det-01/P-001", payload(t, 5, "", 2, 120, 7), 0, 0) // two were lost
	if topic, body := c.message(); topic != "spBv1.0/acme/NCMD/gw-det-01" || !strings.Contains(body, "Node Control/Rebirth") {
		t.Errorf("heard %q on %s", body, topic)
	}
	ps = x.shelf.until(t, "data behind the hole", func(ps []wire.Publish) bool { return len(ps) == 9 })
	if n := telemetryOf(t, ps[7]); n.Seq != 6 {
		t.Errorf("behind the hole stands number %d", n.Seq)
	}

	c.close()
	ps = x.shelf.until(t, "the death", func(ps []wire.Publish) bool { return len(ps) == 13 })[9:]
	for i, topic := range []string{gate1 + "status", pump1 + "status", gate1 + "telemetry", pump1 + "telemetry"} {
		if ps[i].Topic != topic || !ps[i].Will {
			t.Errorf("death %d is on %s", i, ps[i].Topic)
		}
	}
	s, err := wire.DecodeStatus(ps[0].Payload)
	if err != nil || s.Online || s.Session != flow0(t, x) {
		t.Errorf("status %+v, %v", s, err)
	}
	if r := telemetryOf(t, ps[3]).Readings[0]; r.V != twin.FloatValue(120) || r.Q != twin.LastKnown {
		t.Errorf("the pump's flow is stale: %+v", r)
	}
}

// flow0 is the session that the first status named.
func flow0(t *testing.T, x *bench) string {
	t.Helper()
	ps := x.shelf.until(t, "a status", func(ps []wire.Publish) bool { return len(ps) > 0 })
	s, err := wire.DecodeStatus(ps[0].Payload)
	if err != nil {
		t.Fatal(err)
	}
	return s.Session
}

func TestSparkplugThatIsRefusedIsKept(t *testing.T) {
	x := start(t, Config{})
	c := dial(t, x, "gw-det-01", 4)
	for _, m := range []struct {
		topic, body string
		want        wire.Reason
	}{
		{"spBv1.0/acme/NDATA/gw-det-01", payload(t, 0, "", 1, 1, 1), wire.ReasonSchema}, // no birth before
		{"spBv1.0/globex/NBIRTH/gw-det-01", "", wire.ReasonDirection},
		{"spBv1.0/acme/NBIRTH/gw-det-02", "", wire.ReasonDirection},
		{"spBv1.0/acme/STATE/gw-det-01", "", wire.ReasonTopic},
		{"spBv1.0/STATE/host", "", wire.ReasonTopic},
		{"spBv1.0/acme/NBIRTH/gw-det-01", "{}", wire.ReasonEncoding},
	} {
		c.publish(m.topic, m.body, 1, 5)
		r := x.refusals.next(t)
		if r.r.Reason != m.want || r.p.Topic != m.topic || !bytes.Equal(r.p.Payload, []byte(m.body)) {
			t.Errorf("%s: %v, want %s", m.topic, r.r, m.want)
		}
		if p := c.packet(); p.kind != puback || p.id() != 5 {
			t.Errorf("%s: not acknowledged: %x", m.topic, p)
		}
	}
	// An alias nobody declared costs its own reading; the payload is kept as it came.
	c.publish("spBv1.0/acme/NBIRTH/gw-det-01", payload(t, 0, "cpu_pct", 1, 12, 7), 0, 0)
	body := payload(t, 1, "", 44, 1, 7)
	c.publish("spBv1.0/acme/NDATA/gw-det-01", body, 0, 0)
	if r := x.refusals.next(t); r.r.Reason != wire.ReasonValue || !strings.Contains(r.r.Detail, "alias 44") || string(r.p.Payload) != body {
		t.Errorf("%v", r.r)
	}
	if x.Stats().Rebirths != 2 {
		t.Errorf("%+v", x.Stats())
	}
}

// A birth of many metrics is longer as JSON: it goes on in several messages, and loses nothing.
func TestALargeBirthIsCutUp(t *testing.T) {
	m := &wire.Message{DeviceID: "gw-det-01", MsgID: wire.DerivedID(time0, "x"), Epoch: wire.DerivedID(time0, "y"), Seq: 1, HasSeq: true, TS: time0.UnixNano()}
	for i := range 60_000 {
		m.Readings = append(m.Readings, wire.Reading{Tag: strings.Repeat("t", 10) + string(rune('a'+i%26)) + strings.Repeat("x", i/26%50) + strings.Repeat("y", i/1300), Sample: twin.Sample{T: m.TS, V: twin.FloatValue(1.5), Q: twin.Good}})
	}
	n, ids := 0, map[string]bool{}
	for i, b := range envelopes(m) {
		if len(b) > wire.MaxPayload {
			t.Errorf("%d bytes", len(b))
		}
		got := telemetryOf(t, wire.Publish{Payload: b})
		n += len(got.Readings)
		if ids[got.MsgID] || got.HasSeq != (i == 0) {
			t.Errorf("message %d has id %s, seq %v", i, got.MsgID, got.HasSeq)
		}
		ids[got.MsgID] = true
	}
	if n != len(m.Readings) || len(ids) < 2 {
		t.Errorf("%d readings in %d messages", n, len(ids))
	}
}

var time0 = time.Date(2026, 3, 12, 10, 0, 0, 0, time.UTC)

// connectWill connects with a last will of QoS 1.
func (c *client) connectWill(id, topic, body string) {
	b := append(text("MQTT"), 4, 0xCE)
	b = binary.BigEndian.AppendUint16(b, 0)
	for _, s := range []string{id, topic, body, id, password} {
		b = append(b, text(s)...)
	}
	c.write(frame(0x10, b))
}
