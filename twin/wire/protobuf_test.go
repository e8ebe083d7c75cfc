package wire_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/lineshaft/lineshaft/twin"
	"github.com/lineshaft/lineshaft/twin/wire"
	"github.com/lineshaft/lineshaft/twin/wire/telemetrypb"
)

const protobufID = "01HSC5VZ8K3N4Q6R7S8T9V0W1X"

func good(v any) *telemetrypb.Sample { return sample(v, nil, 0) }

func sample(v any, q *uint32, tNs int64) *telemetrypb.Sample {
	s := &telemetrypb.Sample{TNs: tNs, Q: q}
	switch v := v.(type) {
	case float64:
		s.V = &telemetrypb.Sample_Number{Number: v}
	case int64:
		s.V = &telemetrypb.Sample_Integer{Integer: v}
	case bool:
		s.V = &telemetrypb.Sample_Flag{Flag: v}
	case string:
		s.V = &telemetrypb.Sample_Text{Text: v}
	}
	return s
}

func pump(rs ...*telemetrypb.Reading) *telemetrypb.Telemetry {
	return &telemetrypb.Telemetry{Schema: 1, MsgId: protobufID, DeviceId: "P-007", Ts: 1000, D: rs}
}

func tagged(tag string, ss ...*telemetrypb.Sample) *telemetrypb.Reading {
	return &telemetrypb.Reading{Tag: tag, Samples: ss}
}

func marshal(t testing.TB, m proto.Message) []byte {
	t.Helper()
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// What a device says in Protobuf means what it would mean in JSON.
func TestProtobufMeansWhatJSONMeans(t *testing.T) {
	in := pump(
		tagged("flow", sample(1.5, proto.Uint32(192), 2e9), sample(1.25, proto.Uint32(68), -5e8)),
		tagged("running", good(true)), tagged("starts", good(int64(math.MaxInt64))), tagged("batch", good("door-LH")), tagged("temp", sample(nil, proto.Uint32(16), 0)))
	in.DeviceType, in.Epoch, in.Seq = "centrifugal_pump", protobufID, proto.Uint64(7)
	in.Meta = &telemetrypb.Meta{FwVersion: "2.3.1", GwId: "gw-1", SourceTs: 999, EdgeLatencyMs: 1}
	got := decode(t, string(marshal(t, in)))
	want := decode(t, `{"schema_version":"2.2","msg_id":"`+protobufID+`","device_id":"P-007","device_type":"centrifugal_pump","ts":1000,"epoch":"`+protobufID+`","seq":7,
		"d":{"flow":{"v":[1.5,1.25],"q":[192,68],"t":[2000,-500]},"running":{"v":true},"starts":{"v":9223372036854775807},"batch":{"v":"door-LH"},"temp":{"q":16}},
		"meta":{"fw_version":"2.3.1","gw_id":"gw-1","source_ts":999,"edge_latency_ms":1}}`)
	want.SchemaVersion = wire.SchemaProtobuf
	if d := cmp.Diff(want, got, sampleCmp); d != "" {
		t.Error(d)
	}
}

func TestProtobufThatIsRefused(t *testing.T) {
	with := func(change func(*telemetrypb.Telemetry)) []byte {
		m := pump(tagged("a", good(1.5)))
		change(m)
		return marshal(t, m)
	}
	whole := with(func(*telemetrypb.Telemetry) {})
	for name, c := range map[string]struct {
		payload []byte
		want    string
	}{
		"cut short":                {whole[:len(whole)-3], "encoding: not Protobuf: "},
		"a byte alone":             {[]byte{8}, "encoding: not Protobuf: "},
		"a number without end":     {[]byte("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), "encoding: not Protobuf: "},
		"a length beyond the end":  {[]byte("\x08\x01\x12\xff\xff\xff\xff\x07"), "encoding: not Protobuf: "},
		"text that is not UTF-8":   {append(whole[:2:2], "\x12\x02\xff\xfe"...), "encoding: not Protobuf: "},
		"a group without end":      {[]byte("\x08\x01" + strings.Repeat("\x7b", 1000)), "encoding: not Protobuf: "},
		"an unknown schema":        {with(func(m *telemetrypb.Telemetry) { m.Schema = 9 }), "schema: schema: 9 is not known, use 1"},
		"schema zero":              {[]byte("\x08\x00"), "schema: schema: 0 is not known"},
		"nothing but a schema":     {[]byte("\x08\x01"), "schema: msg_id: is missing"},
		"no device":                {with(func(m *telemetrypb.Telemetry) { m.DeviceId = "" }), "schema: device_id: is missing"},
		"no time":                  {with(func(m *telemetrypb.Telemetry) { m.Ts = 0 }), "schema: ts: is missing"},
		"an id that is no ULID":    {with(func(m *telemetrypb.Telemetry) { m.MsgId = "42" }), `schema: msg_id: "42" is not a ULID`},
		"an epoch that is no ULID": {with(func(m *telemetrypb.Telemetry) { m.Epoch = "boot" }), `schema: epoch: "boot" is not a ULID`},
		"a device with a wildcard": {with(func(m *telemetrypb.Telemetry) { m.DeviceId = "+" }), `schema: device_id: "+"`},
		"a time in nanoseconds":    {with(func(m *telemetrypb.Telemetry) { m.Ts = 1710844800123e6 }), "clock: ts: "},
		"larger than is taken":     {append(slices.Clip(whole), make([]byte, wire.MaxPayload)...), "size: "},
	} {
		var m wire.Message
		err := wire.DecodeTelemetry(c.payload, &m)
		if err == nil {
			t.Errorf("%s: taken as %+v", name, m)
		} else if got := refusedAs(t, err).Error(); !strings.HasPrefix(got, c.want) {
			t.Errorf("%s: refused as %q, want %q", name, got, c.want)
		}
	}
}

func TestProtobufReadingsThatAreWrongCostOnlyThemselves(t *testing.T) {
	for name, c := range map[string]struct {
		wrong []*telemetrypb.Reading
		want  string
	}{
		"not finite":              {[]*telemetrypb.Reading{tagged("b", good(math.NaN()))}, "b: v: is not finite"},
		"infinite":                {[]*telemetrypb.Reading{tagged("b", good(math.Inf(-1)))}, "b: v: is not finite"},
		"nothing, and good":       {[]*telemetrypb.Reading{tagged("b", good(nil))}, "b: v: none, with a good quality"},
		"quality beyond a byte":   {[]*telemetrypb.Reading{tagged("b", sample(1.5, proto.Uint32(256), 0))}, "b: q: wants the OPC quality byte, 0 to 255 (got 256)"},
		"a tag without a name":    {[]*telemetrypb.Reading{tagged("", good(1.5))}, ": a tag without a name"},
		"a tag with a control":    {[]*telemetrypb.Reading{tagged("b\x07", good(1.5))}, "b\x07: a control character"},
		"a tag too long":          {[]*telemetrypb.Reading{tagged(strings.Repeat("b", 129), good(1.5))}, "at most 128 bytes"},
		"a tag twice":             {[]*telemetrypb.Reading{tagged("b", good(1.5)), tagged("b", good(2.5))}, "b: stands twice"},
		"a time beyond the years": {[]*telemetrypb.Reading{tagged("b", sample(1.5, nil, math.MaxInt64))}, "b: t: 9223372036854775807 ns from ts"},
	} {
		m := decode(t, string(marshal(t, pump(append([]*telemetrypb.Reading{tagged("a", good(1.5))}, c.wrong...)...))))
		if len(m.Readings) != 1 || m.Readings[0].Tag != "a" || len(m.Wrong) != 1 || !strings.Contains(m.Wrong[0].Tag+": "+m.Wrong[0].Detail, c.want) {
			t.Errorf("%s: kept %v, wrong %v", name, m.Readings, m.Wrong)
		}
	}
	m := decode(t, string(marshal(t, pump(tagged("a", good(1.5), good(math.NaN()), good(2.5))))))
	if len(m.Readings) != 2 || len(m.Wrong) != 1 || !strings.HasPrefix(m.Wrong[0].Detail, "sample 1: ") {
		t.Errorf("one of three: kept %v, wrong %v", m.Readings, m.Wrong)
	}
}

// A field of a later version is passed over.
func TestProtobufOfALaterVersion(t *testing.T) {
	b := marshal(t, pump(tagged("a", good(1.5))))
	b = protowire.AppendTag(b, 500, protowire.BytesType)
	b = protowire.AppendString(b, "later")
	if m := decode(t, string(b)); len(m.Readings) != 1 || len(m.Wrong) > 0 {
		t.Errorf("%+v", m)
	}
}

func TestProtobufOverAUsedMessage(t *testing.T) {
	used := decode(t, pumpMessage)
	b := marshal(t, pump(tagged("a", good(1.5))))
	if err := wire.DecodeTelemetry(b, used); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(decode(t, string(b)), used, sampleCmp, cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".Wrong" }, cmp.Ignore())); d != "" {
		t.Error(d)
	}
}

// protobufOf writes a message in the binary form.
func protobufOf(m *wire.Message) *telemetrypb.Telemetry {
	out := &telemetrypb.Telemetry{Schema: 1, MsgId: m.MsgID, DeviceId: m.DeviceID, DeviceType: m.DeviceType, Ts: m.TS / 1e6, Epoch: m.Epoch}
	if m.HasSeq {
		out.Seq = new(m.Seq)
	}
	out.Meta = &telemetrypb.Meta{FwVersion: m.Firmware, GwId: m.Gateway, SourceTs: m.SourceTS / 1e6, EdgeLatencyMs: m.EdgeLatencyMS}
	for _, r := range m.Readings {
		if len(out.D) == 0 || out.D[len(out.D)-1].Tag != r.Tag {
			out.D = append(out.D, tagged(r.Tag))
		}
		var v any
		switch r.V.Kind() {
		case twin.Float:
			v = r.V.Float()
		case twin.Int:
			v = r.V.Int()
		case twin.Bool:
			v = r.V.Bool()
		case twin.String:
			v = r.V.Text()
		case twin.None:
		}
		at := out.D[len(out.D)-1]
		at.Samples = append(at.Samples, sample(v, new(uint32(r.Q)), r.T-m.TS))
	}
	return out
}

func TestMessagesSurviveProtobuf(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := genMessage(t)
		b, err := proto.Marshal(protobufOf(want))
		if err != nil {
			t.Skip("text that is not UTF-8")
		}
		var got wire.Message
		if err := wire.DecodeTelemetry(b, &got); err != nil {
			t.Fatal(err)
		}
		want.SchemaVersion = wire.SchemaProtobuf
		if d := cmp.Diff(want, &got, sampleCmp, cmp.Comparer(func(a, b float64) bool { return math.Float64bits(a) == math.Float64bits(b) })); d != "" {
			t.Fatal(d)
		}
	})
}

func FuzzDecodeProtobuf(f *testing.F) {
	f.Add(marshal(f, pump(tagged("a", good(1.5), good(int64(2)), sample(nil, proto.Uint32(8), 5)), tagged("b", good("x")), tagged("b", good(true)))))
	f.Add([]byte("\x08\x01"))
	f.Fuzz(func(t *testing.T, payload []byte) {
		var m wire.Message
		if err := wire.DecodeTelemetry(append([]byte{8}, payload...), &m); err != nil {
			refusedAs(t, err)
			return
		}
		for _, r := range m.Readings {
			if !r.V.IsFinite() || (r.V.Kind() == twin.None && r.Q.IsGood()) {
				t.Fatalf("a reading that is none: %+v", r)
			}
		}
		var second wire.Message
		if err := wire.DecodeTelemetry(marshal(t, protobufOf(&m)), &second); err != nil {
			t.Fatal(err)
		}
		second.Wrong, m.Wrong = nil, nil
		if d := cmp.Diff(&m, &second, sampleCmp); d != "" {
			t.Fatal(d)
		}
	})
}

func BenchmarkDecodeProtobufHundredPoints(b *testing.B) {
	payload := marshal(b, protobufOf(hundredPoints()))
	var m wire.Message
	b.ReportAllocs()
	for b.Loop() {
		if err := wire.DecodeTelemetry(payload, &m); err != nil {
			b.Fatal(err)
		}
	}
}
