package wire_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/lineshaft/lineshaft/twin"
	"github.com/lineshaft/lineshaft/twin/wire"
	"github.com/lineshaft/lineshaft/twin/wire/sparkplugpb"
)

type sparkMetric = sparkplugpb.Metric

func double(name string, alias uint64, v float64) *sparkMetric {
	return &sparkMetric{Name: &name, Alias: &alias, Datatype: new(uint32(10)), Value: &sparkplugpb.Metric_DoubleValue{DoubleValue: v}}
}

func byAlias(alias uint64, v float64) *sparkMetric {
	return &sparkMetric{Alias: &alias, Value: &sparkplugpb.Metric_DoubleValue{DoubleValue: v}}
}

func bdSeq(n uint64) *sparkMetric {
	return &sparkMetric{Name: new("bdSeq"), Datatype: new(uint32(8)), Value: &sparkplugpb.Metric_LongValue{LongValue: n}}
}

// edge is a Sparkplug edge node under test, its time in milliseconds.
type edge struct {
	t    *testing.T
	node *wire.SparkplugNode
	now  int64
	out  wire.SparkplugOutput
}

func newEdge(t *testing.T) *edge {
	return &edge{t: t, node: wire.NewSparkplugNode("acme", "gw-1"), now: 1710844800000}
}

// send publishes "DDATA/P-007" at the next second, and returns why it was refused.
func (e *edge) send(what string, seq int, ms ...*sparkMetric) string {
	e.t.Helper()
	e.now += 1000
	kind, device, _ := strings.Cut(what, "/")
	topic := wire.SparkplugTopic{Group: "acme", Type: wire.SparkplugType(kind), Edge: "gw-1", Device: device}
	p := &sparkplugpb.Payload{Timestamp: new(uint64(e.now)), Metrics: ms}
	if seq >= 0 {
		p.Seq = new(uint64(seq))
	}
	var r *wire.Refusal
	e.out, r = e.node.Take(topic, marshal(e.t, p), e.now*1e6)
	if r != nil {
		return r.Error()
	}
	return ""
}

// says lists the output: "gw-1#2 temp=1.5/192", statuses as "P-007 online".
func (e *edge) says() []string {
	var out []string
	for _, s := range e.out.Status {
		out = append(out, fmt.Sprintf("%s %s", s.Device, map[bool]string{true: "online", false: "offline"}[s.Online]))
	}
	for _, m := range e.out.Messages {
		line := m.DeviceID
		if m.HasSeq {
			line += fmt.Sprintf("#%d", m.Seq)
		}
		for _, r := range m.Readings {
			line += fmt.Sprintf(" %s=%s/%d", r.Tag, strings.TrimSuffix(string(r.V.AppendJSON(nil)), ".0"), r.Q)
		}
		for _, w := range m.Wrong {
			line += fmt.Sprintf(" wrong %s: %s", w.Tag, w.Detail)
		}
		out = append(out, line)
	}
	if e.out.Rebirth {
		out = append(out, "rebirth")
	}
	return out
}

func (e *edge) want(want ...string) {
	e.t.Helper()
	if got := e.says(); !slices.Equal(got, want) {
		e.t.Errorf("got\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

func (e *edge) born() *edge {
	e.t.Helper()
	e.send("NBIRTH", 0, bdSeq(4), double("cpu_pct", 1, 12), &sparkMetric{Name: new("Node Control/Rebirth"), Alias: new(uint64(9)), Datatype: new(uint32(11)), Value: &sparkplugpb.Metric_BooleanValue{}})
	e.want("gw-1 online", "gw-1#1 cpu_pct=12/192")
	e.send("DBIRTH/P-007", 1, double("flow", 2, 118.5), double("temp", 3, 22.5))
	e.want("P-007 online", "gw-1#2", "P-007 flow=118.5/192 temp=22.5/192")
	return e
}

func TestASparkplugNodeLivesAndDies(t *testing.T) {
	e := newEdge(t).born()
	e.send("DDATA/P-007", 2, byAlias(2, 119))
	e.want("gw-1#3", "P-007 flow=119/192")
	e.send("NDATA", 3, byAlias(1, 13), byAlias(9, 0))
	e.want("gw-1#4 cpu_pct=13/192")
	e.send("DDEATH/P-007", 4)
	e.want("P-007 offline", "gw-1#5", "P-007 flow=119/20 temp=22.5/20")
	e.send("DBIRTH/P-007", 5, double("flow", 2, 120))
	e.want("P-007 online", "gw-1#6", "P-007 flow=120/192")
	e.send("NDEATH", -1, bdSeq(4))
	e.want("gw-1 offline", "P-007 offline", "gw-1 cpu_pct=13/20", "P-007 flow=120/20")
	if r := e.send("DDATA/P-007", 6, byAlias(2, 1)); !strings.Contains(r, "NBIRTH: none came") || !e.out.Rebirth {
		t.Errorf("after its death: %q, %v", r, e.says())
	}
}

// A death that the broker sends late names the life it belongs to: the node has begun another.
func TestADeathOfAnEarlierLifeSaysNothing(t *testing.T) {
	e := newEdge(t).born()
	e.send("NDEATH", -1, bdSeq(3))
	e.want()
}

func TestAnUnknownAliasAsksForARebirth(t *testing.T) {
	e := newEdge(t).born()
	e.send("DDATA/P-007", 2, byAlias(77, 1), byAlias(2, 119))
	e.want("gw-1#3", "P-007 flow=119/192 wrong alias 77: alias 77 stands in no birth", "rebirth")
	e.send("DDATA/P-007", 3, byAlias(77, 1))
	e.want("gw-1#4", "P-007 wrong alias 77: alias 77 stands in no birth") // asked a second ago
	e.now += 10_000
	e.send("DDATA/P-007", 4, byAlias(1, 1)) // the node's own
	e.want("gw-1#5", "P-007 wrong alias 1: alias 1 stands in no birth", "rebirth")
}

// Nothing is promised for QoS 0: what was lost shows as a hole in the numbers, also where they begin again.
func TestLostMessagesAreAHoleInTheNumbers(t *testing.T) {
	e := newEdge(t).born()
	e.send("DDATA/P-007", 5, byAlias(2, 119))
	e.want("gw-1#6", "P-007 flow=119/192", "rebirth")
	for seq := 6; seq < 256; seq++ {
		e.send("NDATA", seq)
	}
	e.want("gw-1#256")
	e.send("NDATA", 0)
	e.want("gw-1#257")
	e.send("NDATA", 2)
	e.want("gw-1#259", "rebirth")
	e.send("NBIRTH", 0, bdSeq(4))
	e.want("gw-1 online", "gw-1#1")
}

func TestEachBirthOfANodeIsALifeOfItsOwn(t *testing.T) {
	e := newEdge(t).born()
	first := e.out.Messages[0].Epoch
	e.send("NBIRTH", 0, bdSeq(4), double("cpu_pct", 1, 1))
	if again := e.out.Messages[0].Epoch; again == first || !wire.ValidID(again) || e.out.Status[0].Session != again {
		t.Errorf("epochs %s and %s, session %s", first, again, e.out.Status[0].Session)
	}
	if r := e.send("DDATA/P-007", 1, byAlias(2, 1)); !strings.Contains(r, `DBIRTH: none came for device "P-007"`) || !e.out.Rebirth || len(e.out.Messages) != 1 {
		t.Errorf("%q, %v", r, e.says())
	}
}

func TestSparkplugValues(t *testing.T) {
	intOf := func(bits uint32) *sparkMetric {
		return &sparkMetric{Value: &sparkplugpb.Metric_IntValue{IntValue: bits}}
	}
	longOf := func(bits uint64) *sparkMetric {
		return &sparkMetric{Value: &sparkplugpb.Metric_LongValue{LongValue: bits}}
	}
	text := &sparkplugpb.Metric_StringValue{StringValue: "door-LH"}
	quality := func(q uint32) *sparkMetric {
		m := intOf(5)
		m.Properties = &sparkplugpb.PropertySet{Keys: []string{"engUnit", "Quality"}, Values: []*sparkplugpb.PropertyValue{{}, {Value: &sparkplugpb.PropertyValue_IntValue{IntValue: q}}}}
		return m
	}
	for _, c := range []struct {
		datatype uint32
		m        *sparkMetric
		want     string
	}{
		{1, intOf(0xFFFFFFFB), "a=-5/192"},
		{1, intOf(0xFB), "a=-5/192"},
		{2, intOf(0xFFFB), "a=-5/192"},
		{3, intOf(0xFFFFFFFB), "a=-5/192"},
		{4, longOf(math.MaxUint64), "a=-1/192"},
		{7, intOf(math.MaxUint32), "a=4294967295/192"},
		{8, longOf(math.MaxUint64), "wrong a: 18446744073709551615 does not fit"},
		{9, &sparkMetric{Value: &sparkplugpb.Metric_FloatValue{FloatValue: 1.5}}, "a=1.5/192"},
		{9, &sparkMetric{Value: &sparkplugpb.Metric_FloatValue{FloatValue: float32(math.NaN())}}, "wrong a: is not finite"},
		{10, &sparkMetric{Value: &sparkplugpb.Metric_DoubleValue{DoubleValue: math.Inf(1)}}, "wrong a: is not finite"},
		{11, &sparkMetric{Value: &sparkplugpb.Metric_BooleanValue{BooleanValue: true}}, "a=true/192"},
		{12, &sparkMetric{Value: text}, `a="door-LH"/192`},
		{14, &sparkMetric{Value: text}, `a="door-LH"/192`},
		{15, &sparkMetric{Value: text}, `a="door-LH"/192`},
		{13, longOf(1710844800000), "a=1710844800000/192"},
		{10, intOf(5), "wrong a: its value is not of datatype 10"},
		{3, &sparkMetric{Value: text}, "wrong a: its value is not of datatype 3"},
		{16, intOf(5), "wrong a: datatype 16 is not one"},
		{0, intOf(5), "wrong a: datatype 0 is not one"},
		{3, quality(0), "a=5/0"},
		{3, quality(500), "a=5/20"},
		{3, quality(68), "a=5/68"},
		{3, quality(300), "wrong a: Quality: wants 0 to 255"},
		{3, &sparkMetric{IsNull: new(true)}, "a=null/0"},
		{3, &sparkMetric{}, "a=null/0"},
		{3, &sparkMetric{Timestamp: new(uint64(math.MaxUint64)), Value: text}, "wrong a: timestamp"},
	} {
		e := newEdge(t)
		c.m.Name, c.m.Datatype = new("a"), new(c.datatype)
		e.send("NBIRTH", 0, c.m)
		if got := e.says(); len(got) != 2 || !strings.HasPrefix(got[1], "gw-1#1 "+c.want) {
			t.Errorf("datatype %d of %v: %q, want %q", c.datatype, c.m, got, c.want)
		}
	}
}

// The metric's own time counts, so that a node may send what it kept.
func TestSparkplugHistory(t *testing.T) {
	e := newEdge(t).born()
	old := byAlias(2, 100)
	old.Timestamp = new(uint64(1710800000000))
	e.send("DDATA/P-007", 2, old, byAlias(2, 101))
	rs := e.out.Messages[1].Readings
	if len(rs) != 2 || rs[0].T != 1710800000000e6 || rs[1].T != e.now*1e6 {
		t.Errorf("%v", rs)
	}
	got := decode(t, string(wire.AppendTelemetry(nil, &e.out.Messages[1])))
	if len(got.Readings) != 2 || got.DeviceID != "P-007" || got.Gateway != "gw-1" {
		t.Errorf("as telemetry: %+v", got)
	}
}

func TestSparkplugThatIsRefused(t *testing.T) {
	e := newEdge(t)
	if r := e.send("NDATA", 0); !strings.Contains(r, "NBIRTH: none came on this connection before NDATA") || !e.out.Rebirth {
		t.Errorf("before its birth: %q", r)
	}
	e = newEdge(t).born()
	for _, seq := range []int{-1, 256} {
		if r := e.send("NDATA", seq); !strings.Contains(r, "seq: wants 0 to 255") {
			t.Errorf("seq %d: %q", seq, r)
		}
	}
	for name, payload := range map[string]string{"no Protobuf": "{}", "cut": "\x0a\xff", "nested without end": strings.Repeat("\x13", 1000)} {
		_, r := e.node.Take(wire.SparkplugTopic{Group: "acme", Type: wire.NData, Edge: "gw-1"}, []byte(payload), e.now*1e6)
		if r == nil || r.Reason != wire.ReasonEncoding {
			t.Errorf("%s: %v", name, r)
		}
	}
	_, r := e.node.Take(wire.SparkplugTopic{Group: "acme", Type: wire.NData, Edge: "gw-1"}, make([]byte, wire.MaxPayload+1), e.now*1e6)
	if r == nil || r.Reason != wire.ReasonSize {
		t.Errorf("too large: %v", r)
	}
	e.send("DBIRTH/M-1", 2, double("a", 2, 1), double("b", 50, 1), double("b", 51, 1), double("", 52, 1), double("c\n", 53, 1))
	e.want("M-1 online", "gw-1#3", `M-1 b=1/192 wrong a: alias 2 belongs to "flow" already wrong b: stands twice in the birth wrong alias 52: a tag without a name wrong c`+"\n"+`: a control character in a tag's name`)
}

func TestSparkplugTopics(t *testing.T) {
	for _, good := range []string{"spBv1.0/acme/NBIRTH/gw-1", "spBv1.0/acme/DDATA/gw-1/P-007", "spBv1.0/acme/NCMD/gw-1", "spBv1.0/acme/DCMD/gw-1/P-007"} {
		topic, err := wire.ParseSparkplug(good)
		if err != nil || topic.String() != good || topic.Down() != strings.Contains(good, "CMD") {
			t.Errorf("%s: %+v, %v", good, topic, err)
		}
	}
	for _, bad := range []string{
		"", "spBv1.0", "spBv1.0/", "spBv1.0/acme", "spBv1.0/acme/NBIRTH", "spBv1.0/acme/NBIRTH/", "spBv1.0/acme/NBIRTH/gw-1/P-007", "spBv1.0/acme/DBIRTH/gw-1",
		"spBv1.0/acme/DDATA/gw-1/P-007/x", "spBv1.0/acme/nbirth/gw-1", "spBv1.0/STATE/host", "spBv1.0/acme/STATE/gw-1", "spBv1.0/+/NDATA/gw-1", "spBv1.0/acme/NDATA/#",
		"spBv1.0//NDATA/gw-1", "spBv1.0/acme/NDATA/_", "spAv1.0/acme/NDATA/gw-1", "spBv1.0/acme/NDATA/gw 1",
	} {
		if topic, err := wire.ParseSparkplug(bad); err == nil {
			t.Errorf("%q is taken as %+v", bad, topic)
		}
	}
}

func TestTheRebirthRequestIsASparkplugCommand(t *testing.T) {
	var p sparkplugpb.Payload
	if err := proto.Unmarshal(wire.SparkplugRebirth(1710844800000e6), &p); err != nil {
		t.Fatal(err)
	}
	m := p.GetMetrics()[0]
	if m.GetName() != "Node Control/Rebirth" || !m.GetBooleanValue() || m.GetDatatype() != 11 || p.GetTimestamp() != 1710844800000 {
		t.Errorf("%v", &p)
	}
}

func FuzzSparkplug(f *testing.F) {
	birth := marshal(f, &sparkplugpb.Payload{Seq: new(uint64(0)), Metrics: []*sparkMetric{bdSeq(1), double("a", 1, 1.5), {Name: new("q"), Datatype: new(uint32(3)), IsNull: new(true)}}})
	data := marshal(f, &sparkplugpb.Payload{Seq: new(uint64(1)), Timestamp: new(uint64(1710844800000)), Metrics: []*sparkMetric{byAlias(1, 2), byAlias(2, 3)}})
	f.Add(birth, data, data)
	f.Fuzz(func(t *testing.T, a, b, c []byte) {
		n := wire.NewSparkplugNode("acme", "gw-1")
		for i, p := range [][]byte{a, a, b, c} {
			topic := wire.SparkplugTopic{Group: "acme", Type: []wire.SparkplugType{wire.NBirth, wire.DBirth, wire.DData, wire.NDeath}[i], Edge: "gw-1"}
			if i == 1 || i == 2 {
				topic.Device = "P-007"
			}
			out, r := n.Take(topic, p, 1710844800000e6)
			if r != nil && r.Detail == "" {
				t.Fatal("refused without a reason")
			}
			for _, m := range out.Messages {
				for _, r := range m.Readings {
					if !r.V.IsFinite() || (r.V.Kind() == twin.None && r.Q.IsGood()) {
						t.Fatalf("a reading that is none: %+v", r)
					}
				}
				if b := wire.AppendTelemetry(nil, &m); len(b) <= wire.MaxPayload {
					decode(t, string(b))
				}
			}
		}
	})
}
