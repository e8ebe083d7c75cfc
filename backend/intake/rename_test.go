package intake

import (
	"fmt"
	"testing"

	"github.com/lineshaft/lineshaft/twin"
	"github.com/lineshaft/lineshaft/twin/wire"
)

// oldPumps is a plant whose pumps have old firmware.
type oldPumps struct{}

func (oldPumps) Renames(tenant, class string) map[string]string {
	if tenant != "acme" || class != "centrifugal_pump" {
		return nil
	}
	return map[string]string{"temp": "temp_inlet_c", "ti": "temp_inlet_c", "p": "pressure_out_bar"}
}

type pumpRegistry struct{}

func (pumpRegistry) Device(_, device string) (twin.Device, bool) {
	return twin.Device{ID: device, Type: "centrifugal_pump"}, device == "P-007"
}

const pumpTelemetry = "acme/detroit/body-shop/cooling-water/centrifugal_pump/P-007/telemetry"

func decoded(t *testing.T, payload string) (map[string]twin.Sample, []wire.WrongReading) {
	t.Helper()
	in := &Intake{ports: Ports{Registry: pumpRegistry{}, Classes: oldPumps{}}}
	topic, err := wire.ParseTopic(pumpTelemetry)
	if err != nil {
		t.Fatal(err)
	}
	var m wire.Message
	if r := in.decode(&wire.Publish{Topic: pumpTelemetry, Payload: []byte(payload), Received: tenOClock.UnixNano()}, &topic, &m); r != nil {
		t.Fatalf("%s\nin %s", r, payload)
	}
	out := map[string]twin.Sample{}
	for _, r := range m.Readings {
		if _, twice := out[r.Tag]; twice {
			t.Errorf("%s stands twice in %v", r.Tag, m.Readings)
		}
		out[r.Tag] = r.Sample
	}
	return out, m.Wrong
}

func TestOldFirmwareReachesTheTagsOfItsClass(t *testing.T) {
	got, wrong := decoded(t, `{"temp":72.4,"p":4.2,"custom":1}`)
	now := tenOClock.UnixNano()
	want := map[string]twin.Sample{
		"temp_inlet_c":     {T: now, V: twin.FloatValue(72.4), Q: twin.Good}, // the device has no clock: the time of receipt
		"pressure_out_bar": {T: now, V: twin.FloatValue(4.2), Q: twin.Good},
		"custom":           {T: now, V: twin.IntValue(1), Q: twin.Good},
	}
	if fmt.Sprint(got) != fmt.Sprint(want) || len(wrong) > 0 {
		t.Errorf("got %v, wrong %v", got, wrong)
	}
	got, _ = decoded(t, fmt.Sprintf(`{"v":"2.1","id":"P-007","t":%d,"ti":71,"q":{"ti":68}}`, now/1e6))
	if s := got["temp_inlet_c"]; s.V != twin.IntValue(71) || s.Q != 68 {
		t.Errorf("compact: %v", got)
	}
}

// Only the forms of old firmware are renamed: in 2.1 a device may have a tag of its own called temp.
func TestNewFirmwareIsTakenAtItsWord(t *testing.T) {
	got, _ := decoded(t, fmt.Sprintf(`{"schema_version":"2.1","msg_id":"01HSC5VZ8K3N4Q6R7S8T9V0W1X","device_id":"P-007","ts":%d,"d":{"temp":{"v":1}}}`, tenOClock.UnixMilli()))
	if _, ok := got["temp"]; !ok {
		t.Errorf("got %v", got)
	}
}

func TestFirmwareThatSendsBothNames(t *testing.T) {
	for payload, wrongs := range map[string]int{
		`{"temp":72.4,"temp_inlet_c":72.4}`:            0,
		`{"temp_inlet_c":72.4,"temp":72.4}`:            0,
		`{"temp_inlet_c":72.4,"temp":72.4,"ti":72.4}`:  0,
		`{"ti":72.4,"temp":72.4}`:                      0,
		`{"temp":70,"temp_inlet_c":72.4}`:              1,
		`{"temp_inlet_c":72.4,"temp":70}`:              1,
		`{"ti":72.4,"temp":70}`:                        1,
		`{"temp":70,"ti":71,"temp_inlet_c":72.4}`:      2,
		`{"schema_version":"1.0","temp_inlet_c":72.4}`: 0,
	} {
		got, wrong := decoded(t, payload)
		if got["temp_inlet_c"].V != twin.FloatValue(72.4) || len(got) != 1 || len(wrong) != wrongs {
			t.Errorf("%s: got %v, wrong %v", payload, got, wrong)
		}
	}
}
