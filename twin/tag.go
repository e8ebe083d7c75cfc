package twin

import (
	"fmt"
	"strconv"
	"time"
)

// Band is a closed interval in a tag's unit. A nil bound is open.
type Band struct {
	Low  *float64 `json:"low,omitempty"`
	High *float64 `json:"high,omitempty"`
}

// Has says whether v lies in the band.
func (b Band) Has(v float64) bool {
	return (b.Low == nil || v >= *b.Low) && (b.High == nil || v <= *b.High)
}

// Holds says whether every bound of inner lies in the band; an open end of inner is not looked at.
func (b Band) Holds(inner Band) bool {
	return (inner.Low == nil || b.Has(*inner.Low)) && (inner.High == nil || b.Has(*inner.High))
}

// String is the band as [low, high], an open end as a dash.
func (b Band) String() string {
	show := func(v *float64) string {
		if v == nil {
			return "-"
		}
		return strconv.FormatFloat(*v, 'g', -1, 64)
	}
	return "[" + show(b.Low) + ", " + show(b.High) + "]"
}

// Limits are the alarm limits of a tag in its unit (ISA-18.2 clause 3: high-high, high, low, low-low).
type Limits struct {
	HiHi *float64 `json:"hihi,omitempty"`
	Hi   *float64 `json:"hi,omitempty"`
	Lo   *float64 `json:"lo,omitempty"`
	LoLo *float64 `json:"lolo,omitempty"`
}

// Tag is one measured or commanded signal of an asset.
type Tag struct {
	Name     string        `json:"name"`               // [a-z][a-z0-9_]*, unique in its class
	Title    string        `json:"title,omitempty"`    // what it measures, in words
	Type     string        `json:"type"`               // float64, int64, bool, string or enum
	Unit     string        `json:"unit,omitempty"`     // UCUM code
	Decimals int           `json:"decimals"`           // digits shown after the point
	Range    Band          `json:"range"`              // EURange (OPC 10000-8 clause 5.6.2): what the sensor can say
	Normal   Band          `json:"normal"`             // where a healthy asset is
	Nominal  *float64      `json:"nominal,omitempty"`  // what a healthy asset shows at its design point
	Limits   Limits        `json:"limits"`             // where an operator must act
	States   []string      `json:"states,omitempty"`   // the words of an enum, by its number
	Interval time.Duration `json:"-"`                  // how often a reading is expected; 0 is on change
	Writable bool          `json:"writable,omitempty"` // may be desired
	Setpoint string        `json:"setpoint,omitempty"` // the tag that holds this one's setpoint
}

// Kind is the kind of the tag's values.
func (t Tag) Kind() Kind {
	k, err := ParseKind(t.Type)
	if err != nil {
		return None
	}
	return k
}

// LimitState is where a value stands against a tag's limits.
type LimitState string

// The limit states, in the words of ISA-18.2.
const (
	Within LimitState = ""
	HiHi   LimitState = "hihi"
	Hi     LimitState = "hi"
	Lo     LimitState = "lo"
	LoLo   LimitState = "lolo"
)

// State compares a number with the limits; at the limit is beyond it.
func (l Limits) State(v float64) LimitState {
	switch {
	case l.HiHi != nil && v >= *l.HiHi:
		return HiHi
	case l.LoLo != nil && v <= *l.LoLo:
		return LoLo
	case l.Hi != nil && v >= *l.Hi:
		return Hi
	case l.Lo != nil && v <= *l.Lo:
		return Lo
	}
	return Within
}

// Severity tells how far a number is beyond the normal band, as a share of the way to the outermost limit on that
// side: 0 inside, 1 at that limit, more beyond. Tags without a normal band or limit are never severe.
func (t Tag) Severity(v float64) float64 {
	side := func(edge, outer, inner *float64, sign float64) float64 {
		limit := outer
		if limit == nil {
			limit = inner
		}
		if edge == nil || limit == nil || (*limit-*edge)*sign <= 0 {
			return 0
		}
		return max(0, (v-*edge)*sign/((*limit-*edge)*sign))
	}
	return max(side(t.Normal.High, t.Limits.HiHi, t.Limits.Hi, 1), side(t.Normal.Low, t.Limits.LoLo, t.Limits.Lo, -1))
}

// Check reports the first thing wrong with a tag's declaration, naming field and value.
func (t Tag) Check() error {
	if !validName(t.Name) {
		return fmt.Errorf("name: %q does not match [a-z][a-z0-9_]*", t.Name)
	}
	if _, err := ParseKind(t.Type); err != nil {
		return err
	}
	if t.Type == "enum" && len(t.States) == 0 {
		return fmt.Errorf("states: an enum names its states (got none)")
	}
	if t.Decimals < 0 || t.Decimals > 9 {
		return fmt.Errorf("decimals: 0 to 9 (got %d)", t.Decimals)
	}
	order := []struct {
		name string
		v    *float64
	}{
		{"range.low", t.Range.Low},
		{"limits.lolo", t.Limits.LoLo},
		{"limits.lo", t.Limits.Lo},
		{"limits.hi", t.Limits.Hi},
		{"limits.hihi", t.Limits.HiHi},
		{"range.high", t.Range.High},
	}
	last, lastName := (*float64)(nil), ""
	for _, o := range order {
		if o.v == nil {
			continue
		}
		if last != nil && *o.v < *last {
			return fmt.Errorf("%s: %v is below %s %v", o.name, *o.v, lastName, *last)
		}
		last, lastName = o.v, o.name
	}
	if !t.Range.Holds(t.Normal) {
		return fmt.Errorf("normal: %s is not inside the range %s", t.Normal, t.Range)
	}
	if n := t.Nominal; n != nil && (!t.Range.Has(*n) || !t.Normal.Has(*n)) {
		return fmt.Errorf("nominal: %v is not inside range and normal band", *n)
	}
	return nil
}

func validName(s string) bool {
	if s == "" || len(s) > 64 || s[0] < 'a' || s[0] > 'z' {
		return false
	}
	for _, c := range s {
		if c != '_' && (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}
