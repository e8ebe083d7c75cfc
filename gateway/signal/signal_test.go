package signal

import (
	"math"
	"strings"
	"testing"

	"github.com/lineshaft/lineshaft/twin"
)

func band(low, high float64) *twin.Band { return &twin.Band{Low: &low, High: &high} }

func TestRawToValue(t *testing.T) {
	f, i := twin.FloatValue, twin.IntValue
	loop := Spec{Loop: true, Scale: 0.001, Range: band(0, 10)}
	for name, c := range map[string]struct {
		spec  Spec
		raw   twin.Value
		rawQ  twin.Quality
		want  twin.Value
		wantQ twin.Quality
	}{
		"as it is":                     {Spec{}, f(20.5), twin.Good, f(20.5), twin.Good},
		"tenths of a degree":           {Spec{Scale: 0.1, Offset: -40}, i(652), twin.Good, f(25.2), twin.Good},
		"an integer stays one":         {Spec{Kind: twin.Int}, i(1 << 60), twin.Good, i(1 << 60), twin.Good},
		"scaled to the nearest whole":  {Spec{Kind: twin.Int, Scale: 0.1}, i(127), twin.Good, i(13), twin.Good},
		"a coil as a state":            {Spec{Kind: twin.Int}, twin.BoolValue(true), twin.Good, i(1), twin.Good},
		"a register as a switch":       {Spec{Kind: twin.Bool}, i(4), twin.Good, twin.BoolValue(true), twin.Good},
		"half the loop":                {loop, i(12000), twin.Good, f(5), twin.Good},
		"a broken wire":                {loop, i(3500), twin.Good, twin.Value{}, twin.SensorFailure},
		"a short circuit":              {loop, i(21500), twin.Good, twin.Value{}, twin.SensorFailure},
		"a little below the loop":      {loop, i(3800), twin.Good, f(-0.125), twin.EngUnitsExceeded},
		"beyond the range":             {Spec{Range: band(0, 10)}, f(10.1), twin.Good, f(10.1), twin.EngUnitsExceeded},
		"at the range's end":           {Spec{Range: band(0, 10)}, f(10), twin.Good, f(10), twin.Good},
		"doubt is not made worse":      {Spec{Range: band(0, 10)}, f(11), twin.Uncertain, f(11), twin.Uncertain},
		"not a number":                 {Spec{}, f(math.NaN()), twin.Good, twin.Value{}, twin.SensorFailure},
		"infinite":                     {Spec{}, f(math.Inf(-1)), twin.Good, twin.Value{}, twin.SensorFailure},
		"silence keeps its reason":     {Spec{Scale: 2}, twin.Value{}, twin.CommFailure, twin.Value{}, twin.CommFailure},
		"text for a number":            {Spec{}, twin.StringValue("n/a"), twin.Good, twin.Value{}, twin.ConfigurationError},
		"a number for text":            {Spec{Kind: twin.String}, i(7), twin.Good, twin.StringValue("7"), twin.Good},
		"text without end":             {Spec{Kind: twin.String}, twin.StringValue(strings.Repeat("x", MaxText+1)), twin.Good, twin.Value{}, twin.ConfigurationError},
		"a fraction beyond an integer": {Spec{Kind: twin.Int}, f(1e300), twin.Good, twin.Value{}, twin.ConfigurationError},
	} {
		t.Run(name, func(t *testing.T) {
			got := c.spec.Apply(twin.Sample{T: 7, V: c.raw, Q: c.rawQ})
			near := got.V.Kind() == twin.Float && c.want.Kind() == twin.Float && math.Abs(got.V.Float()-c.want.Float()) < 1e-9
			if (got.V != c.want && !near) || got.Q != c.wantQ || got.T != 7 {
				t.Errorf("got %v %v, want %v %v", got.V.Text(), got.Q, c.want.Text(), c.wantQ)
			}
		})
	}
}

func TestASpecThatMakesNoSense(t *testing.T) {
	for _, s := range []Spec{{Loop: true}, {Kind: twin.String, Scale: 2}} {
		if s.Check() == nil {
			t.Errorf("%+v was taken", s)
		}
	}
}
