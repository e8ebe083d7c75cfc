package wire_test

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/lineshaft/lineshaft/twin"
	"github.com/lineshaft/lineshaft/twin/wire"
)

const pumpMessage = `{"schema_version":"2.1","msg_id":"01HSC5VZ8K3N4Q6R7S8T9V0W1X","device_id":"P-007","device_type":"centrifugal_pump",
 "ts":1710844800123,"seq":48291,
 "d":{"temp_inlet_c":{"v":72.4,"q":192},"vibration_rms":{"v":0.82,"q":68},"starts":{"v":9007199254740993,"q":192},
      "running":{"v":true,"q":192},"program":{"v":"door-LH","q":216},"flow_m3h":{"v":118.0,"q":192,"t":-143}},
 "meta":{"fw_version":"2.3.1","gw_id":"gw-3","source_ts":1710844799980,"edge_latency_ms":143}}`

var sampleCmp = cmp.AllowUnexported(twin.Value{})

func decode(t *testing.T, payload string) *wire.Message {
	t.Helper()
	var m wire.Message
	if err := wire.DecodeTelemetry([]byte(payload), &m); err != nil {
		t.Fatalf("%v\nin %s", err, payload)
	}
	return &m
}

func envelope(version, d string) string {
	return `{"schema_version":"` + version + `","msg_id":"01HSC5VZ8K3N4Q6R7S8T9V0W1X","device_id":"P-007","ts":1000,"d":` + d + `}`
}

func at(tag string, ms int64, v twin.Value, q twin.Quality) wire.Reading {
	return wire.Reading{Tag: tag, Sample: twin.Sample{T: ms * 1e6, V: v, Q: q}}
}

func TestAPumpsMessageIsReadExactly(t *testing.T) {
	const ts = 1710844800123
	want := &wire.Message{
		SchemaVersion: "2.1", MsgID: "01HSC5VZ8K3N4Q6R7S8T9V0W1X", DeviceID: "P-007", DeviceType: "centrifugal_pump",
		Seq: 48291, HasSeq: true, TS: ts * 1e6, SourceTS: 1710844799980 * 1e6, EdgeLatencyMS: 143, Firmware: "2.3.1", Gateway: "gw-3",
		Readings: []wire.Reading{
			at("temp_inlet_c", ts, twin.FloatValue(72.4), twin.Good),
			at("vibration_rms", ts, twin.FloatValue(0.82), twin.LastUsable),
			at("starts", ts, twin.IntValue(9007199254740993), twin.Good),
			at("running", ts, twin.BoolValue(true), twin.Good),
			at("program", ts, twin.StringValue("door-LH"), twin.GoodLocalOverride),
			at("flow_m3h", ts-143, twin.FloatValue(118), twin.Good),
		},
	}
	got := decode(t, pumpMessage)
	if d := cmp.Diff(want, got, sampleCmp); d != "" {
		t.Error(d)
	}
	if k := got.Readings[5].V.Kind(); k != twin.Float {
		t.Errorf("118.0 became a %s", k)
	}
}

func TestAMinuteOfAPumpInOneMessage(t *testing.T) {
	m := decode(t, envelope("2.2", `{"flow_m3h":{"v":[118,118.5,null],"q":[192,68,24],"t":[0,1000,2000]},
		"speed_rpm":{"v":[1450,1451],"q":192,"t":[1000,0]},"running":{"v":true}}`))
	want := []wire.Reading{
		at("flow_m3h", 1000, twin.IntValue(118), twin.Good),
		at("flow_m3h", 2000, twin.FloatValue(118.5), twin.LastUsable),
		at("flow_m3h", 3000, twin.Value{}, twin.CommFailure),
		at("speed_rpm", 1000, twin.IntValue(1451), twin.Good),
		at("speed_rpm", 2000, twin.IntValue(1450), twin.Good),
		at("running", 1000, twin.BoolValue(true), twin.Good),
	}
	if d := cmp.Diff(want, m.Readings, sampleCmp); d != "" {
		t.Error(d)
	}
	if len(m.Wrong) > 0 {
		t.Error(m.Wrong)
	}
}

func TestTheVersionMayStandAfterTheReadings(t *testing.T) {
	p := `{"d":{"a":{"v":[1,2],"t":[0,1]},"b":{"v":3}},"msg_id":"01HSC5VZ8K3N4Q6R7S8T9V0W1X","device_id":"P-007","ts":1000,"schema_version":"2.1"}`
	m := decode(t, p)
	if len(m.Readings) != 1 || len(m.Wrong) != 1 || m.Wrong[0].Tag != "a" || !strings.Contains(m.Wrong[0].Detail, "2.2") {
		t.Errorf("an array under 2.1: kept %v, wrong %v", m.Readings, m.Wrong)
	}
}

// A message is used again for the next one: nothing of the last may shine through.
func TestAUsedMessageForgetsTheLastOne(t *testing.T) {
	used := decode(t, pumpMessage)
	second := envelope("2.1", `{"temp_inlet_c":{"v":1}}`)
	if err := wire.DecodeTelemetry([]byte(second), used); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(decode(t, second), used, sampleCmp, cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".Wrong" }, cmp.Ignore())); d != "" {
		t.Error(d)
	}
}

func TestDecodedTextDoesNotPointIntoThePayload(t *testing.T) {
	payload := []byte(pumpMessage)
	var m wire.Message
	if err := wire.DecodeTelemetry(payload, &m); err != nil {
		t.Fatal(err)
	}
	for i := range payload {
		payload[i] = 'x'
	}
	if m.DeviceID != "P-007" || m.Readings[0].Tag != "temp_inlet_c" || m.Readings[4].V.Text() != "door-LH" {
		t.Errorf("the message changed with its payload: %+v", m)
	}
}

func TestEnvelopesSurviveTheWire(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := genMessage(t)
		payload := wire.AppendTelemetry(nil, m)
		if !json.Valid(payload) {
			t.Fatalf("not JSON: %s", payload)
		}
		var got wire.Message
		if err := wire.DecodeTelemetry(payload, &got); err != nil {
			t.Fatalf("%v\nin %s", err, payload)
		}
		want := *m
		want.SchemaVersion = got.SchemaVersion
		if d := cmp.Diff(&want, &got, sampleCmp, cmp.Comparer(func(a, b float64) bool { return math.Float64bits(a) == math.Float64bits(b) })); d != "" {
			t.Fatalf("%s\nin %s", d, payload)
		}
		if again := wire.AppendTelemetry(nil, &got); string(again) != string(payload) {
			t.Fatalf("written again it differs:\n%s\n%s", payload, again)
		}
	})
}

func genMessage(t *rapid.T) *wire.Message {
	const id = "01HSC5VZ8K3N4Q6R7S8T9V0W1X"
	m := &wire.Message{
		MsgID: id, DeviceID: rapid.StringMatching(`[A-Za-z0-9][A-Za-z0-9_-]{0,39}`).Draw(t, "device"),
		DeviceType: rapid.SampledFrom([]string{"", "centrifugal_pump"}).Draw(t, "type"),
		Epoch:      rapid.SampledFrom([]string{"", id}).Draw(t, "epoch"),
		TS:         rapid.Int64Range(946684800000, 4102444800000).Draw(t, "ts") * 1e6,
		Firmware:   rapid.SampledFrom([]string{"", "2.3.1", "β \"quoted\""}).Draw(t, "fw"),
	}
	if rapid.Bool().Draw(t, "has seq") {
		m.Seq, m.HasSeq = rapid.Uint64().Draw(t, "seq"), true
	}
	tags := rapid.SliceOfNDistinct(rapid.StringN(1, 20, 100), 0, 20, rapid.ID[string]).Draw(t, "tags")
	value := rapid.OneOf(
		rapid.Map(rapid.Int64(), twin.IntValue), rapid.Map(rapid.Bool(), twin.BoolValue), rapid.Map(rapid.String(), twin.StringValue),
		rapid.Map(rapid.Float64().Filter(func(f float64) bool { return !math.IsInf(f, 0) && f == f }), twin.FloatValue))
	for _, tag := range tags {
		if strings.ContainsFunc(tag, func(r rune) bool { return r < 0x20 || r == 0x7f }) {
			continue
		}
		off := int64(0)
		for range rapid.IntRange(1, 4).Draw(t, "samples") {
			off += rapid.Int64Range(0, 5e9).Draw(t, "offset")
			m.Readings = append(m.Readings, wire.Reading{Tag: tag, Sample: twin.Sample{
				T: m.TS + off - 2e9, V: value.Draw(t, "v"), Q: twin.Quality(rapid.Byte().Draw(t, "q")),
			}})
		}
	}
	return m
}

func TestABatchInOrderOfTimeIsGroupedByTag(t *testing.T) {
	m := &wire.Message{MsgID: "01HSC5VZ8K3N4Q6R7S8T9V0W1X", DeviceID: "P-007", TS: 1000e6, Readings: []wire.Reading{
		at("a", 1000, twin.IntValue(1), twin.Good), at("b", 1000, twin.IntValue(2), twin.Good),
		at("a", 2000, twin.IntValue(3), twin.Good), at("b", 2000, twin.IntValue(4), twin.Good),
	}}
	got := decode(t, string(wire.AppendTelemetry(nil, m)))
	want := []wire.Reading{m.Readings[0], m.Readings[2], m.Readings[1], m.Readings[3]}
	if d := cmp.Diff(want, got.Readings, sampleCmp); d != "" {
		t.Error(d)
	}
	if got.SchemaVersion != "2.2" {
		t.Errorf("several samples were sent as %s", got.SchemaVersion)
	}
}

func TestAValueThatIsNotFiniteLeavesAsBad(t *testing.T) {
	m := &wire.Message{MsgID: "01HSC5VZ8K3N4Q6R7S8T9V0W1X", DeviceID: "P-007", TS: 1000e6, Readings: []wire.Reading{
		at("nan", 1000, twin.FloatValue(math.NaN()), twin.Good), at("inf", 1000, twin.FloatValue(math.Inf(1)), twin.SensorFailure),
	}}
	got := decode(t, string(wire.AppendTelemetry(nil, m)))
	want := []wire.Reading{at("nan", 1000, twin.Value{}, twin.Bad), at("inf", 1000, twin.Value{}, twin.SensorFailure)}
	if d := cmp.Diff(want, got.Readings, sampleCmp); d != "" {
		t.Error(d)
	}
}

func refusedAs(t *testing.T, err error) *wire.Refusal {
	t.Helper()
	r, ok := errors.AsType[*wire.Refusal](err)
	if !ok {
		t.Fatalf("error %v is no refusal", err)
	}
	return r
}

func TestALargeInterleavedBatchIsWrittenQuickly(t *testing.T) {
	m := &wire.Message{MsgID: "01HSC5VZ8K3N4Q6R7S8T9V0W1X", DeviceID: "P-007", TS: 1000e6}
	for i := range 40000 {
		m.Readings = append(m.Readings, at([]string{"a", "b"}[i%2], int64(i), twin.IntValue(1), twin.Good))
	}
	start := time.Now()
	payload := wire.AppendTelemetry(nil, m)
	if took := time.Since(start); took > time.Second {
		t.Errorf("%d bytes took %s", len(payload), took)
	}
	if got := decode(t, string(payload)); len(got.Readings) != 40000 {
		t.Errorf("%d readings", len(got.Readings))
	}
}

func BenchmarkDecodeSixTags(b *testing.B) {
	payload := []byte(pumpMessage)
	var m wire.Message
	b.ReportAllocs()
	b.SetBytes(int64(len(payload)))
	for b.Loop() {
		if err := wire.DecodeTelemetry(payload, &m); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodeHundredPoints(b *testing.B) {
	m := hundredPoints()
	payload := wire.AppendTelemetry(nil, m)
	var got wire.Message
	b.ReportAllocs()
	for b.Loop() {
		if err := wire.DecodeTelemetry(payload, &got); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendHundredPoints(b *testing.B) {
	m := hundredPoints()
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = wire.AppendTelemetry(buf[:0], m)
	}
}

func hundredPoints() *wire.Message {
	m := &wire.Message{MsgID: "01HSC5VZ8K3N4Q6R7S8T9V0W1X", DeviceID: "P-007", DeviceType: "centrifugal_pump", TS: 1710844800123e6, HasSeq: true}
	for _, tag := range []string{"flow_m3h", "pressure_out_bar", "vibration_rms", "speed_rpm", "temp_inlet_c", "motor_current_a", "a", "b", "c", "d"} {
		for i := range 10 {
			m.Readings = append(m.Readings, wire.Reading{Tag: tag, Sample: twin.Sample{T: m.TS + int64(i)*1e9, V: twin.FloatValue(118.25 + float64(i)), Q: twin.Good}})
		}
	}
	return m
}
