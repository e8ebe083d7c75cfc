package twin_test

import (
	"encoding/json"
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/lineshaft/lineshaft/twin"
)

func anyValue() *rapid.Generator[twin.Value] {
	return rapid.OneOf(
		rapid.Just(twin.Value{}),
		rapid.Map(rapid.Float64().Filter(func(f float64) bool { return !math.IsNaN(f) && !math.IsInf(f, 0) }), twin.FloatValue),
		rapid.Map(rapid.Int64(), twin.IntValue),
		rapid.Map(rapid.Bool(), twin.BoolValue),
		rapid.Map(rapid.String(), twin.StringValue),
	)
}

func TestValuesSurviveJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := anyValue().Draw(t, "value")
		b, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		var got twin.Value
		if err := json.Unmarshal(b, &got); err != nil {
			t.Fatalf("%s: %v", b, err)
		}
		if got != want {
			t.Fatalf("%v became %v by way of %s", want, got, b)
		}
	})
}

func TestValuesInJSON(t *testing.T) {
	for _, c := range []struct {
		v    twin.Value
		want string
	}{
		{twin.Value{}, `null`},
		{twin.FloatValue(20), `20.0`},
		{twin.FloatValue(0.1), `0.1`},
		{twin.FloatValue(1e300), `1e+300`},
		{twin.FloatValue(math.Copysign(0, -1)), `-0.0`},
		{twin.FloatValue(math.NaN()), `null`},
		{twin.FloatValue(math.Inf(-1)), `null`},
		{twin.IntValue(20), `20`},
		{twin.IntValue(math.MinInt64), `-9223372036854775808`},
		{twin.BoolValue(true), `true`},
		{twin.StringValue("a\"b\n\x00é"), `"a\"b\n\u0000é"`},
	} {
		if got := string(c.v.AppendJSON(nil)); got != c.want {
			t.Errorf("%v is written %s, want %s", c.v, got, c.want)
		}
	}
	for _, wrong := range []string{`{}`, `[1]`, `1e999`, `"a`, `nil`} {
		var v twin.Value
		if err := json.Unmarshal([]byte(wrong), &v); err == nil {
			t.Errorf("%s became %v", wrong, v)
		}
	}
}

func TestAnIntegerTooLargeForInt64BecomesAFloat(t *testing.T) {
	var v twin.Value
	if err := json.Unmarshal([]byte("9223372036854775808"), &v); err != nil || v.Kind() != twin.Float || v.Float() != 1<<63 {
		t.Errorf("%v (%s), %v", v.Text(), v.Kind(), err)
	}
}

func TestConvertingToWhatATagDeclares(t *testing.T) {
	for _, c := range []struct {
		v    twin.Value
		to   twin.Kind
		want twin.Value
		ok   bool
	}{
		{twin.IntValue(20), twin.Float, twin.FloatValue(20), true},
		{twin.FloatValue(20), twin.Int, twin.IntValue(20), true},
		{twin.FloatValue(20.5), twin.Int, twin.Value{}, false},
		{twin.FloatValue(1e18), twin.Int, twin.Value{}, false}, // not exact
		{twin.FloatValue(math.NaN()), twin.Int, twin.Value{}, false},
		{twin.IntValue(1), twin.Bool, twin.BoolValue(true), true},
		{twin.IntValue(2), twin.Bool, twin.Value{}, false},
		{twin.IntValue(-1), twin.Bool, twin.Value{}, false},
		{twin.BoolValue(true), twin.Int, twin.Value{}, false},
		{twin.StringValue("20"), twin.Float, twin.Value{}, false},
		{twin.FloatValue(20), twin.String, twin.Value{}, false},
		{twin.Value{}, twin.Float, twin.Value{}, true}, // no value fits every tag
		{twin.StringValue("x"), twin.String, twin.StringValue("x"), true},
	} {
		got, err := c.v.As(c.to)
		if got != c.want || (err == nil) != c.ok {
			t.Errorf("%s %q as %s: %v, %v", c.v.Kind(), c.v.Text(), c.to, got, err)
		}
	}
}

func TestReadingAValue(t *testing.T) {
	if v := twin.IntValue(1 << 60); v.Int() != 1<<60 || v.Text() != "1152921504606846976" || !v.Bool() {
		t.Errorf("%v", v)
	}
	if v := twin.FloatValue(-2.9); v.Int() != -2 || v.Text() != "-2.9" || !v.IsFinite() {
		t.Errorf("%v", v)
	}
	if v := twin.BoolValue(true); v.Float() != 1 || v.Int() != 1 || v.Text() != "true" {
		t.Errorf("%v", v)
	}
	if v := twin.StringValue("7"); !math.IsNaN(v.Float()) || v.Bool() || v.Text() != "7" || !v.IsFinite() {
		t.Errorf("%v", v)
	}
	if v := (twin.Value{}); !math.IsNaN(v.Float()) || v.Bool() || v.Text() != "" || v.Kind() != twin.None {
		t.Errorf("%v", v)
	}
	if twin.FloatValue(math.Inf(1)).IsFinite() || twin.FloatValue(math.NaN()).IsFinite() {
		t.Error("infinity is finite")
	}
}

func FuzzValueJSON(f *testing.F) {
	for _, s := range []string{`1`, `1.0`, `-0`, `"x"`, `null`, `true`, `1e5`, `9223372036854775808`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var v twin.Value
		if json.Unmarshal(b, &v) != nil {
			return
		}
		out, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		var again twin.Value
		if err := json.Unmarshal(out, &again); err != nil || again != v {
			t.Fatalf("%s became %v, then %s, then %v (%v)", b, v, out, again, err)
		}
	})
}
