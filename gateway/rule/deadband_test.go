package rule

import (
	"testing"
	"time"

	"github.com/lineshaft/lineshaft/twin"
)

func TestDeadband(t *testing.T) {
	low, high := 0.0, 200.0
	d := Deadband{Width: Width(0.5, twin.Band{Low: &low, High: &high}), Max: time.Minute}
	if d.Width != 1 {
		t.Fatalf("half a percent of 200 is %v", d.Width)
	}
	last := twin.Sample{T: 0, V: twin.FloatValue(20), Q: twin.Good}
	at := func(s float64, v twin.Value, q twin.Quality) twin.Sample {
		return twin.Sample{T: int64(s * 1e9), V: v, Q: q}
	}
	for name, c := range map[string]struct {
		s    twin.Sample
		want bool
	}{
		"a little more":                 {at(1, twin.FloatValue(20.9), twin.Good), false},
		"as much as the band":           {at(1, twin.FloatValue(21), twin.Good), true},
		"less by more than the band":    {at(1, twin.FloatValue(18), twin.Good), true},
		"the same, of another quality":  {at(1, twin.FloatValue(20), twin.EngUnitsExceeded), true},
		"nothing any more":              {at(1, twin.Value{}, twin.CommFailure), true},
		"the same after a minute":       {at(60, twin.FloatValue(20), twin.Good), true},
		"the same just before a minute": {at(59.9, twin.FloatValue(20), twin.Good), false},
	} {
		if got := d.Pass(last, c.s, false); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	if !d.Pass(twin.Sample{}, last, true) {
		t.Error("the first reading was held back")
	}
	if !(Deadband{}).Pass(last, last, false) {
		t.Error("without a deadband every reading is sent")
	}
	if on := (twin.Sample{V: twin.BoolValue(true), Q: twin.Good}); d.Pass(on, on, false) {
		t.Error("a switch that did not move was sent")
	}
}
