package plant_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/lineshaft/lineshaft/simulator/plant"
	"github.com/lineshaft/lineshaft/twin"
	"github.com/lineshaft/lineshaft/twin/exchange"
	"github.com/lineshaft/lineshaft/twin/fault"
)

// panel is an operator's view of the plant by asset name.
type panel struct {
	t *testing.T
	p exchange.Plant
	w *plant.World
}

func newPanel(t *testing.T) panel {
	p, w := acme(t, 1)
	w.Step(time.Second)
	return panel{t, p, w}
}

func (o panel) ref(asset, tag string) plant.Ref {
	o.t.Helper()
	for _, a := range o.p.Assets {
		if a.Name() == asset {
			if r, ok := o.w.Resolve(a.ID, tag); ok {
				return r
			}
		}
	}
	o.t.Fatalf("the plant has no %s.%s", asset, tag)
	return 0
}

func (o panel) read(asset, tag string) float64 {
	o.t.Helper()
	return o.w.Sample(o.ref(asset, tag)).V.Float()
}

// mean reads a tag for a minute, so that noise does not decide.
func (o panel) mean(asset, tag string) float64 {
	o.t.Helper()
	sum := 0.0
	for range 60 {
		o.w.Step(time.Second)
		sum += o.read(asset, tag)
	}
	return sum / 60
}

func (o panel) set(asset, tag string, v float64) {
	o.t.Helper()
	if err := o.w.Set(o.ref(asset, tag), twin.FloatValue(v)); err != nil {
		o.t.Fatal(err)
	}
}

// run lets time pass: in seconds, and in larger steps once what was done has settled.
func (o panel) run(d time.Duration) {
	for passed := time.Duration(0); passed < d; {
		step := time.Second
		if passed >= 10*time.Minute {
			step = 10 * time.Second
		}
		o.w.Step(step)
		passed += step
	}
}

func (o panel) rises(what string, before, after, by float64) {
	o.t.Helper()
	if after-before < by {
		o.t.Errorf("%s went from %.3f to %.3f, want a rise of at least %v", what, before, after, by)
	}
}

func TestClosingTheBypassRaisesTheHeaderPressure(t *testing.T) {
	o := newPanel(t)
	pressure, flow := o.mean("HD-001", "pressure_bar"), o.mean("P-001", "flow_m3h")
	o.set("V-011", "position_sp_pct", 0)
	o.run(time.Minute)
	o.rises("header pressure", pressure, o.mean("HD-001", "pressure_bar"), 0.1)
	o.rises("flow lost by a pump", 0, flow-o.mean("P-001", "flow_m3h"), 1)
	if at := o.read("V-011", "position_pct"); at > 2 {
		t.Errorf("the valve stands at %v %% after its setpoint went to 0", at)
	}
	o.set("V-011", "position_sp_pct", 70)
	o.run(time.Minute)
	o.rises("pressure lost through the open bypass", 0, pressure-o.mean("HD-001", "pressure_bar"), 0.2)
}

func TestAPumpStopsAndTheSpareTakesOver(t *testing.T) {
	o := newPanel(t)
	pressure, flow := o.mean("HD-001", "pressure_bar"), o.mean("HD-001", "flow_m3h")
	if q := o.read("P-004", "flow_m3h"); q != 0 || o.read("P-004", "running") != 0 {
		t.Fatalf("the spare delivers %v before anything happened", q)
	}

	o.set("VFD-001", "speed_sp_rpm", 0)
	o.run(time.Minute)
	if o.read("P-001", "running") != 0 || o.read("P-001", "flow_m3h") != 0 || o.read("M-001", "current_a") != 0 {
		t.Errorf("P-001 was stopped and still delivers %v", o.read("P-001", "flow_m3h"))
	}
	o.rises("flow missing at the header", 0, flow-o.mean("HD-001", "flow_m3h"), 30)
	o.rises("pressure missing at the header", 0, pressure-o.mean("HD-001", "pressure_bar"), 1)
	o.rises("flow of a pump that goes on", 118, o.mean("P-002", "flow_m3h"), 10)
	o.rises("flow to a weld gun lost", 0, 9-o.mean("G-11", "water_flow_lpm"), 0.5)

	starts := o.read("M-004", "starts")
	o.set("VFD-004", "speed_sp_rpm", 1450)
	o.run(2 * time.Minute)
	if p := o.mean("HD-001", "pressure_bar"); math.Abs(p-pressure) > 0.2 {
		t.Errorf("with the spare the header has %.2f bar, before it had %.2f", p, pressure)
	}
	if got := o.read("M-004", "starts"); got != starts+1 {
		t.Errorf("the spare's motor counts %v starts, before %v", got, starts)
	}
}

func TestAMotorWarmsUpSlowly(t *testing.T) {
	o := newPanel(t)
	cold := o.mean("M-004", "winding_temp_c")
	o.set("VFD-004", "speed_sp_rpm", 1450)
	o.run(time.Minute)
	soon := o.mean("M-004", "winding_temp_c")
	o.run(time.Hour)
	warm := o.mean("M-004", "winding_temp_c")
	if soon-cold > 10 {
		t.Errorf("in two minutes the winding went from %.1f to %.1f °C: it has no inertia", cold, soon)
	}
	o.rises("winding temperature in an hour", cold, warm, 30)
}

func TestTheTankGivesAndTakes(t *testing.T) {
	o := newPanel(t)
	before := o.mean("T-002", "level_pct")
	for _, vfd := range []string{"VFD-005", "VFD-006", "VFD-007"} {
		o.set(vfd, "speed_sp_rpm", 0)
	}
	o.run(2 * time.Minute)
	o.rises("level while water still comes back and none leaves", before, o.mean("T-002", "level_pct"), 3)
	if p := o.read("HD-002", "pressure_bar"); p > 2.5 {
		t.Errorf("no pump runs and the header has %.2f bar", p)
	}
}

func TestAPumpFollowsItsFlowSetpoint(t *testing.T) {
	o := newPanel(t)
	o.set("P-005", "flow_sp_m3h", 105)
	o.run(20 * time.Minute)
	if q := o.mean("P-005", "flow_m3h"); math.Abs(q-105) > 3 {
		t.Errorf("the pump delivers %.1f m3/h, its setpoint is 105", q)
	}
}

func TestP007WearsOutOverHoursAndIsTheWorstPump(t *testing.T) {
	o := newPanel(t)
	first := o.mean("P-007", "vibration_rms")
	bearing := o.mean("P-007", "temp_bearing_de_c")
	if healthy := o.mean("P-005", "vibration_rms"); first < healthy+2 {
		t.Errorf("P-007 vibrates with %.2f mm/s, the healthy P-005 with %.2f", first, healthy)
	}
	o.run(4 * time.Hour)
	later := o.mean("P-007", "vibration_rms")
	o.rises("vibration of P-007 in four hours", first, later, 0.8)
	o.rises("its bearing temperature", bearing, o.mean("P-007", "temp_bearing_de_c"), 2)
	o.run(8 * time.Hour)
	if end := o.mean("P-007", "vibration_rms"); end < 7.1 || end > 11 {
		t.Errorf("after twelve hours P-007 vibrates with %.2f mm/s, want it past HI 7.1 and short of HIHI 11", end)
	}
}

func TestAFouledExchangerLosesItsApproach(t *testing.T) {
	o := newPanel(t)
	clean, foul := o.mean("HX-001", "approach_k"), o.mean("HX-003", "approach_k")
	o.rises("approach of the fouled exchanger against the clean one", clean, foul, 3)
	o.run(6 * time.Hour)
	o.rises("its approach in six hours", foul, o.mean("HX-003", "approach_k"), 0.8)
}

func TestADoubtfulSensorSaysSo(t *testing.T) {
	o := newPanel(t)
	for name, tag := range map[string]string{"P-010": "seal_flush_lpm", "AF-102": "dewpoint_c"} {
		if q := o.w.Sample(o.ref(name, tag)).Q; q != twin.SensorNotAccurate {
			t.Errorf("%s.%s has quality %d, want %d", name, tag, q, twin.SensorNotAccurate)
		}
	}
	if q := o.w.Sample(o.ref("P-010", "flow_m3h")).Q; q != twin.Good {
		t.Errorf("a sound sensor has quality %d", q)
	}
}

func TestCellsMakePartsAndMetersCount(t *testing.T) {
	o := newPanel(t)
	parts, welds, kwh := o.read("W-11", "parts_total"), o.read("G-11", "welds_total"), o.read("EM-103", "energy_kwh")
	o.run(time.Hour)
	made := o.read("W-11", "parts_total") - parts
	if made < 50 || made > 66 {
		t.Errorf("the cell made %v parts in an hour of 56 s cycles", made)
	}
	if w := o.read("G-11", "welds_total") - welds; w < 13*made || w > 15*(made+1) {
		t.Errorf("%v welds for %v parts", w, made)
	}
	used, power := o.read("EM-103", "energy_kwh")-kwh, o.mean("EM-103", "power_kw")
	if math.Abs(used-power)/power > 0.15 {
		t.Errorf("the meter counted %.1f kWh in an hour at %.1f kW", used, power)
	}
}

func TestTheSameSeedGivesTheSameBits(t *testing.T) {
	_, a := acme(t, 42)
	_, b := acme(t, 42)
	_, c := acme(t, 43)
	refs := make([]plant.Ref, a.Len())
	for i := range refs {
		refs[i] = plant.Ref(i)
	}
	const steps = 120
	differs := 0
	for range steps {
		for _, w := range []*plant.World{a, b, c} {
			w.Step(250 * time.Millisecond)
		}
		one, twin, other := a.Samples(nil, refs), b.Samples(nil, refs), c.Samples(nil, refs)
		for i := range refs {
			if one[i] != twin[i] {
				t.Fatalf("tag %s is %v in one world and %v in its twin", a.Tag(refs[i]).Name, one[i], twin[i])
			}
			if one[i] != other[i] {
				differs++
			}
		}
	}
	if differs < a.Len()*steps/4 {
		t.Errorf("another seed differs in %d of %d samples only", differs, a.Len()*steps)
	}
}

func TestTheProcessCellReplaysItsRecording(t *testing.T) {
	p, tracks := shipped(t, "acme.yaml")
	w, err := plant.New(p.Model, plant.Config{Seed: 1, Start: start, Tracks: tracks})
	if err != nil {
		t.Fatal(err)
	}
	for _, tr := range tracks {
		for tag, col := range tr.Columns {
			ref, ok := w.Resolve(tr.Asset, tag)
			if !ok {
				t.Fatalf("no tag %s", tag)
			}
			if got, want := w.Sample(ref).V.Float(), tr.Rows[0][col-1]; math.Abs(got-want) > math.Pow(10, -float64(w.Tag(ref).Decimals+1)) {
				t.Errorf("%s begins at %v, the recording at %v", tag, got, want)
			}
		}
	}
	tr := tracks[0]
	ref, _ := w.Resolve(tr.Asset, "flow_kscmh")
	col := tr.Columns["flow_kscmh"] - 1
	w.Step(3*tr.Step + tr.Step/2)
	if got, want := w.Sample(ref).V.Float(), (tr.Rows[3][col]+tr.Rows[4][col])/2; math.Abs(got-want) > 1e-4 {
		t.Errorf("between rows 4 and 5 the feed is %v, halfway is %v", got, want)
	}
	w.Step(time.Duration(len(tr.Rows)) * tr.Step * 2) // around the end and back
	if v := w.Sample(ref).V.Float(); v < 0 || v > 1 {
		t.Errorf("after its end the recording gives %v", v)
	}
}

func TestARecordingIsReadInBothDirections(t *testing.T) {
	lines := make([]string, 52)
	for i := range lines {
		lines[i] = "1 2 3 " + string(rune('0'+i%10))
	}
	rows, err := plant.ReadRecording(strings.NewReader(strings.Join(lines, "\n")))
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 4 || len(rows[0]) != 52 || rows[3][7] != 7 {
		t.Errorf("52 lines of 4 numbers read as %d rows of %d", len(rows), len(rows[0]))
	}
	for text, want := range map[string]string{
		"1 2\n3":     "line 2",
		"1 2\n3 x":   "line 2, column 2",
		"1 NaN":      "line 1, column 2",
		"":           "empty",
		"1 2\n\n3 4": "",
	} {
		if _, err := plant.ReadRecording(strings.NewReader(text)); (err == nil) != (want == "") || (err != nil && !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func FuzzReadRecording(f *testing.F) {
	f.Add("1 2\n3 4")
	f.Add(" 0.1e-4\t5")
	f.Fuzz(func(t *testing.T, text string) {
		rows, err := plant.ReadRecording(strings.NewReader(text))
		if err != nil {
			return
		}
		for _, r := range rows {
			if len(r) != len(rows[0]) {
				t.Fatal("rows of different lengths")
			}
		}
	})
}

func TestCommandsTheWorldRefuses(t *testing.T) {
	o := newPanel(t)
	for _, tc := range []struct {
		asset, tag string
		v          twin.Value
		want       fault.Kind
	}{
		{"P-001", "flow_m3h", twin.FloatValue(1), fault.Denied},
		{"V-011", "position_sp_pct", twin.FloatValue(140), fault.Invalid},
		{"V-011", "position_sp_pct", twin.FloatValue(math.NaN()), fault.Invalid},
		{"V-011", "position_sp_pct", twin.StringValue("open"), fault.Invalid},
		{"V-011", "position_sp_pct", twin.Value{}, fault.Invalid},
	} {
		before := o.w.Sample(o.ref(tc.asset, tc.tag))
		if err := o.w.Set(o.ref(tc.asset, tc.tag), tc.v); !fault.Is(err, tc.want) {
			t.Errorf("%s.%s = %s: %v, want it refused as %s", tc.asset, tc.tag, tc.v.Text(), err, tc.want)
		}
		if o.w.Sample(o.ref(tc.asset, tc.tag)) != before {
			t.Errorf("%s.%s moved after a refused command", tc.asset, tc.tag)
		}
	}
	o.set("V-011", "position_sp_pct", 41.5)
	if v := o.read("V-011", "position_sp_pct"); v != 41.5 {
		t.Errorf("the setpoint reads %v right after 41.5 was written", v)
	}
}
