package twin

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Kind is the type of a value on the wire and in history.
type Kind uint8

// The kinds. None is the zero Value: no value at all (a bad reading may carry none).
const (
	None Kind = iota
	Float
	Int
	Bool
	String
)

var kindWords = [...]string{None: "none", Float: "float64", Int: "int64", Bool: "bool", String: "string"}

// String is the word used in classes, contracts and the API.
func (k Kind) String() string {
	if int(k) < len(kindWords) {
		return kindWords[k]
	}
	return "unknown"
}

// ParseKind reads the word of a kind; enum values travel as int64.
func ParseKind(s string) (Kind, error) {
	switch s {
	case "", "float64":
		return Float, nil
	case "int64", "enum":
		return Int, nil
	case "bool":
		return Bool, nil
	case "string":
		return String, nil
	}
	return None, fmt.Errorf("type %q: use float64, int64, bool, string or enum", s)
}

// Value is one float64, int64, bool or string. It is comparable and holds no pointer but a string's.
type Value struct {
	kind Kind
	bits uint64
	text string
}

// FloatValue wraps a float64. NaN and infinities are not values of a plant: callers check with IsFinite.
func FloatValue(f float64) Value { return Value{kind: Float, bits: math.Float64bits(f)} }

// IntValue wraps an int64.
func IntValue(i int64) Value { return Value{kind: Int, bits: uint64(i)} }

// BoolValue wraps a bool.
func BoolValue(b bool) Value {
	v := Value{kind: Bool}
	if b {
		v.bits = 1
	}
	return v
}

// StringValue wraps a string.
func StringValue(s string) Value { return Value{kind: String, text: s} }

// Kind says which of the accessors below is exact.
func (v Value) Kind() Kind { return v.kind }

// Float is the value as a number: ints converted, true 1, false 0, strings and None NaN.
func (v Value) Float() float64 {
	switch v.kind {
	case Float:
		return math.Float64frombits(v.bits)
	case Int:
		return float64(int64(v.bits))
	case Bool:
		return float64(v.bits)
	case None, String:
	}
	return math.NaN()
}

// Int is the exact integer of an Int or Bool value; floats are truncated.
func (v Value) Int() int64 {
	if v.kind == Float {
		return int64(v.Float())
	}
	return int64(v.bits)
}

// Bool is true for a non-zero number or true.
func (v Value) Bool() bool { return v.kind != None && v.kind != String && v.Float() != 0 }

// Text is the string of a String value, and the decimal form of any other.
func (v Value) Text() string {
	switch v.kind {
	case String:
		return v.text
	case Int:
		return strconv.FormatInt(int64(v.bits), 10)
	case Bool:
		return strconv.FormatBool(v.bits == 1)
	case Float:
		return strconv.FormatFloat(v.Float(), 'g', -1, 64)
	case None:
	}
	return ""
}

// IsFinite is false for NaN and the infinities.
func (v Value) IsFinite() bool {
	f := v.Float()
	return v.kind != Float || (!math.IsNaN(f) && !math.IsInf(f, 0))
}

// AppendJSON appends the value as JSON; None and non-finite floats are null. A float keeps a decimal
// point or exponent, so that a reader can tell 20.0 from the integer 20.
func (v Value) AppendJSON(b []byte) []byte {
	switch v.kind {
	case Float:
		if !v.IsFinite() {
			return append(b, "null"...)
		}
		at := len(b)
		b = strconv.AppendFloat(b, v.Float(), 'g', -1, 64)
		if !strings.ContainsAny(string(b[at:]), ".e") {
			b = append(b, ".0"...)
		}
		return b
	case Int:
		return strconv.AppendInt(b, int64(v.bits), 10)
	case Bool:
		return strconv.AppendBool(b, v.bits == 1)
	case String:
		q, err := json.Marshal(v.text)
		if err != nil {
			return append(b, "null"...)
		}
		return append(b, q...)
	case None:
	}
	return append(b, "null"...)
}

// MarshalJSON implements json.Marshaler.
func (v Value) MarshalJSON() ([]byte, error) { return v.AppendJSON(nil), nil }

// UnmarshalJSON implements json.Unmarshaler: a number without point or exponent is an Int.
func (v *Value) UnmarshalJSON(b []byte) error {
	s := string(b)
	switch {
	case s == "null":
		*v = Value{}
	case s == "true" || s == "false":
		*v = BoolValue(s == "true")
	case strings.HasPrefix(s, `"`):
		var t string
		if err := json.Unmarshal(b, &t); err != nil {
			return err
		}
		*v = StringValue(t)
	default:
		return v.parseNumber(s)
	}
	return nil
}

func (v *Value) parseNumber(s string) error {
	if !strings.ContainsAny(s, ".eE") {
		if i, err := strconv.ParseInt(s, 10, 64); err == nil {
			*v = IntValue(i)
			return nil
		}
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return fmt.Errorf("%s is not a float64, int64, bool or string", s)
	}
	*v = FloatValue(f)
	return nil
}

// As converts a value to the kind a tag declares, or says why it cannot without loss of meaning.
func (v Value) As(k Kind) (Value, error) {
	switch {
	case v.kind == k || v.kind == None:
		return v, nil
	case k == Float && v.kind == Int:
		return FloatValue(float64(int64(v.bits))), nil
	case k == Int && v.kind == Float && v.Float() == math.Trunc(v.Float()) && math.Abs(v.Float()) < 1<<53:
		return IntValue(int64(v.Float())), nil
	case k == Bool && v.kind == Int && v.bits <= 1:
		return BoolValue(v.bits == 1), nil
	}
	return Value{}, fmt.Errorf("%s is a %s, the tag is a %s", v.Text(), v.kind, k)
}

// Sample is one reading of a tag: value, quality and the time at its source.
type Sample struct {
	T int64 // source time, ns since 1970 UTC
	V Value
	Q Quality
}
