// Package signal makes a value of a raw reading: scaling, current loops, type and range, and the quality that
// follows from them. It is pure.
package signal

import (
	"fmt"
	"math"

	"github.com/lineshaft/lineshaft/twin"
)

// A current loop speaks between 4 and 20 mA; NAMUR NE 43 reserves what is below 3.6 and above 21 for a failed sensor.
const (
	loopLow   = 4.0
	loopHigh  = 20.0
	wireBreak = 3.6
	shorted   = 21.0
)

// MaxText is the longest string taken as a value, in bytes.
const MaxText = 16 << 10

// Spec says what becomes of the raw values of one tag. The zero Spec takes them as they are, as float64.
type Spec struct {
	Kind   twin.Kind  // of the result; None is Float
	Scale  float64    // value = raw*Scale + Offset; 0 is 1
	Offset float64    //
	Loop   bool       // raw*Scale + Offset is mA: 4 is Range.Low, 20 is Range.High
	Range  *twin.Band // beyond it the quality is 84, engineering units exceeded
}

// Check reports what is wrong with a spec.
func (s Spec) Check() error {
	if s.Loop && (s.Range == nil || s.Range.Low == nil || s.Range.High == nil) {
		return fmt.Errorf("a current loop needs a range")
	}
	if s.Kind == twin.String && (s.Loop || s.Scale != 0 || s.Offset != 0) {
		return fmt.Errorf("a string cannot be scaled")
	}
	return nil
}

// Apply turns a raw sample into the tag's. The value is None where the raw one means nothing; the quality says why.
func (s Spec) Apply(raw twin.Sample) twin.Sample {
	if raw.V.Kind() == twin.None {
		return raw
	}
	if raw.V.Kind() == twin.String || s.Kind == twin.String {
		return s.text(raw)
	}
	if !raw.V.IsFinite() {
		return none(raw, twin.SensorFailure)
	}
	v := raw.V
	if s.Loop || s.Offset != 0 || (s.Scale != 0 && s.Scale != 1) {
		f, q := s.scaled(v.Float())
		if q != twin.Good {
			return none(raw, q)
		}
		v = twin.FloatValue(f)
	}
	v, ok := s.typed(v)
	if !ok {
		return none(raw, twin.ConfigurationError)
	}
	if raw.Q.IsGood() && s.beyond(v.Float()) {
		raw.Q = twin.EngUnitsExceeded
	}
	raw.V = v
	return raw
}

func (s Spec) scaled(f float64) (float64, twin.Quality) {
	if s.Scale != 0 {
		f *= s.Scale
	}
	f += s.Offset
	if s.Loop {
		if f < wireBreak || f > shorted {
			return 0, twin.SensorFailure
		}
		f = *s.Range.Low + (f-loopLow)/(loopHigh-loopLow)*(*s.Range.High-*s.Range.Low)
	}
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return 0, twin.SensorFailure
	}
	return f, twin.Good
}

// typed converts to the tag's kind; a number for an integer tag is rounded to the nearest.
func (s Spec) typed(v twin.Value) (twin.Value, bool) {
	switch s.Kind {
	case twin.Int:
		if v.Kind() == twin.Float {
			v = twin.FloatValue(math.Round(v.Float()))
		}
		if v.Kind() == twin.Bool {
			return twin.IntValue(v.Int()), true
		}
	case twin.Bool:
		return twin.BoolValue(v.Bool()), true
	case twin.None, twin.Float:
		return twin.FloatValue(v.Float()), true
	case twin.String:
	}
	out, err := v.As(s.Kind)
	return out, err == nil
}

func (s Spec) text(raw twin.Sample) twin.Sample {
	if s.Kind != twin.String || len(raw.V.Text()) > MaxText {
		return none(raw, twin.ConfigurationError)
	}
	raw.V = twin.StringValue(raw.V.Text())
	return raw
}

func (s Spec) beyond(f float64) bool {
	return s.Range != nil && ((s.Range.Low != nil && f < *s.Range.Low) || (s.Range.High != nil && f > *s.Range.High))
}

func none(raw twin.Sample, q twin.Quality) twin.Sample { return twin.Sample{T: raw.T, Q: q} }
