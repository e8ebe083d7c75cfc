package wire_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lineshaft/lineshaft/twin"
	"github.com/lineshaft/lineshaft/twin/wire"
)

func bareReadings(t int64) []wire.Reading {
	return []wire.Reading{
		at("temp", t, twin.FloatValue(72.4), twin.Good), at("running", t, twin.BoolValue(true), twin.Good),
		at("batch", t, twin.StringValue("door-LH"), twin.Good), at("flow", t, twin.Value{}, twin.Bad),
	}
}

// A plant has devices of every age: each is read by what it says, however old.
func TestFormsSideBySide(t *testing.T) {
	const id = `"msg_id":"01HSC5VZ8K3N4Q6R7S8T9V0W1X",`
	for _, c := range []struct{ name, payload, version string }{
		{"1.0 as it was first", `{"temp":72.4,"running":true,"batch":"door-LH","flow":null}`, "1.0"},
		{"1.0 with a time", `{"device_id":"P-007","ts":1000,"temp":72.4,"running":true,"batch":"door-LH","flow":null}`, "1.0"},
		{"1.0 by name", `{"schema_version":"1.0",` + id + `"ts":1000,"temp":72.4,"running":true,"batch":"door-LH","flow":null}`, "1.0"},
		{"1.0, version last", `{"temp":72.4,"running":true,"batch":"door-LH","flow":null,"schema_version":"1.0"}`, "1.0"},

		{"2.0", `{"schema_version":"2.0","device_id":"P-007","ts":1000,"d":{"temp":72.4,"running":true,"batch":"door-LH","flow":null}}`, "2.0"},
		{"2.0, version last", `{"d":{"temp":72.4,"running":true,"batch":"door-LH","flow":null},` + id + `"device_id":"P-007","ts":1000,"schema_version":"2.0"}`, "2.0"},
		{"compact", `{"v":"2.1","id":"P-007","t":1000,"temp":72.4,"running":true,"batch":"door-LH","flow":null,"q":{"flow":0}}`, "compact"},
		{"compact, quality first", `{"q":{"flow":0},"v":"2.1","id":"P-007","t":1000,"temp":72.4,"running":true,"batch":"door-LH","flow":null}`, "compact"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := decode(t, pumpMessage) // used before: nothing of it may shine through
			if err := wire.DecodeTelemetry([]byte(c.payload), m); err != nil {
				t.Fatal(err)
			}
			if m.SchemaVersion != c.version || len(m.Wrong) > 0 || m.Epoch != "" || m.HasSeq || m.Firmware != "" {
				t.Errorf("%+v", m)
			}
			if m.Untimed != !strings.Contains(c.payload, "1000") {
				t.Errorf("untimed: %v", m.Untimed)
			}
			if (m.MsgID == "") != m.Untimed {
				t.Errorf("msg_id %q", m.MsgID)
			}
			m.Complete("P-007", 1000e6)
			if m.DeviceID != "P-007" || m.TS != 1000e6 {
				t.Errorf("device %q at %d", m.DeviceID, m.TS)
			}
			if d := cmp.Diff(bareReadings(1000), m.Readings, sampleCmp); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestCompactFields(t *testing.T) {
	m := decode(t, `{"v":"2.1","id":"P-007","t":1000,"mi":"01HSC5VZ8K3N4Q6R7S8T9V0W1X","ep":"01HSC5VZ8K3N4Q6R7S8T9V0W1Y","sq":7,"fw":"2.3","gw":"gw-1","ti":1.5,"q":68}`)
	want := &wire.Message{
		SchemaVersion: wire.SchemaCompact, MsgID: "01HSC5VZ8K3N4Q6R7S8T9V0W1X", Epoch: "01HSC5VZ8K3N4Q6R7S8T9V0W1Y", Seq: 7, HasSeq: true,
		DeviceID: "P-007", TS: 1000e6, Firmware: "2.3", Gateway: "gw-1", Readings: []wire.Reading{at("ti", 1000, twin.FloatValue(1.5), 68)},
	}
	if d := cmp.Diff(want, m, sampleCmp); d != "" {
		t.Error(d)
	}
}

// What carries no id gets one from its content: the same message twice is one, another is another.
func TestAMessageWithoutAnIDIsKnownByItsContent(t *testing.T) {
	a := decode(t, `{"ts":1710844800123,"temp":72.4}`)
	b := decode(t, `{"ts":1710844800123,"temp":72.4}`)
	c := decode(t, `{"ts":1710844800123,"temp":72.5}`)
	if !wire.ValidID(a.MsgID) || a.MsgID != b.MsgID || a.MsgID == c.MsgID {
		t.Errorf("%s, %s, %s", a.MsgID, b.MsgID, c.MsgID)
	}
}

func TestATimeOfZeroIsATime(t *testing.T) {
	m := decode(t, `{"ts":0,"temp":1}`)
	m.Complete("P-007", 1000e6)
	if m.TS != 0 {
		t.Errorf("a clock that was never set became %d", m.TS)
	}
}
