package twin_test

import (
	"math"
	"strings"
	"testing"

	"github.com/lineshaft/lineshaft/twin"
)

func vibration() twin.Tag {
	return twin.Tag{
		Name: "vibration_rms", Type: "float64", Unit: "mm/s", Decimals: 1, Range: twin.Band{Low: new(0.0), High: new(15.0)},
		Normal: twin.Band{Low: new(0.6), High: new(4.5)}, Limits: twin.Limits{Hi: new(7.1), HiHi: new(11.0), Lo: new(0.2)},
	}
}

func TestSeverityGrowsFromTheBandToTheOutermostLimit(t *testing.T) {
	tag := vibration()
	for v, want := range map[float64]float64{
		2: 0, 0.6: 0, 4.5: 0, // inside
		7.75: 0.5, 11: 1, 14.25: 1.5, // above, on the way to hihi
		0.4: 0.5, 0.2: 1, 0: 1.5, // below, on the way to lo, as there is no lolo
	} {
		if got := tag.Severity(v); math.Abs(got-want) > 1e-9 {
			t.Errorf("at %v severity %v, want %v", v, got, want)
		}
	}
}

func TestWithoutBandOrLimitNothingIsSevere(t *testing.T) {
	for name, change := range map[string]func(*twin.Tag){
		"no band":             func(t *twin.Tag) { t.Normal = twin.Band{} },
		"no limits":           func(t *twin.Tag) { t.Limits = twin.Limits{} },
		"limits in the band":  func(t *twin.Tag) { t.Limits = twin.Limits{Hi: new(3.0), Lo: new(1.0)} },
		"limits at the edges": func(t *twin.Tag) { t.Limits = twin.Limits{Hi: new(4.5), Lo: new(0.6)} },
	} {
		tag := vibration()
		change(&tag)
		for _, v := range []float64{-100, 0, 3, 100} {
			if s := tag.Severity(v); s != 0 {
				t.Errorf("%s: severity %v at %v", name, s, v)
			}
		}
	}
}

func TestLimitStates(t *testing.T) {
	l := twin.Limits{LoLo: new(5.0), Lo: new(10.0), Hi: new(90.0), HiHi: new(95.0)}
	for v, want := range map[float64]twin.LimitState{
		50: twin.Within, 10.1: twin.Within, 89.9: twin.Within,
		10: twin.Lo, 5.1: twin.Lo, 5: twin.LoLo, -1: twin.LoLo, 90: twin.Hi, 94.9: twin.Hi, 95: twin.HiHi, 1e9: twin.HiHi,
	} {
		if got := l.State(v); got != want {
			t.Errorf("%v stands at %q, want %q", v, got, want)
		}
	}
	if got := (twin.Limits{}).State(1e9); got != twin.Within {
		t.Errorf("without limits it stands at %q", got)
	}
	if got := l.State(math.NaN()); got != twin.Within {
		t.Errorf("NaN stands at %q", got)
	}
}

func TestTagsThatCannotBe(t *testing.T) {
	good := vibration()
	if err := good.Check(); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(*twin.Tag)
		want   string
	}{
		"no name":              {func(t *twin.Tag) { t.Name = "" }, "name:"},
		"a capital":            {func(t *twin.Tag) { t.Name = "Temp" }, "name:"},
		"a digit first":        {func(t *twin.Tag) { t.Name = "1st" }, "name:"},
		"a long name":          {func(t *twin.Tag) { t.Name = strings.Repeat("a", 65) }, "name:"},
		"an unknown type":      {func(t *twin.Tag) { t.Type = "double" }, `type "double"`},
		"an empty enum":        {func(t *twin.Tag) { t.Type = "enum" }, "states:"},
		"too many decimals":    {func(t *twin.Tag) { t.Decimals = 10 }, "decimals:"},
		"limits upside down":   {func(t *twin.Tag) { t.Limits.Hi = new(12.0) }, "limits.hihi: 11 is below limits.hi 12"},
		"a limit out of range": {func(t *twin.Tag) { t.Range.High = new(10.0) }, "range.high: 10 is below limits.hihi 11"},
		"a band out of range":  {func(t *twin.Tag) { t.Normal.Low = new(-1.0) }, "normal: [-1, 4.5] is not inside the range [0, 15]"},
		"a nominal out of it":  {func(t *twin.Tag) { t.Nominal = new(9.0) }, "nominal: 9"},
	} {
		tag := vibration()
		c.change(&tag)
		if err := tag.Check(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func TestKindOfATag(t *testing.T) {
	for typ, want := range map[string]twin.Kind{"": twin.Float, "float64": twin.Float, "int64": twin.Int, "enum": twin.Int, "bool": twin.Bool, "string": twin.String, "blob": twin.None} {
		if got := (twin.Tag{Type: typ}).Kind(); got != want {
			t.Errorf("%q is a %s, want %s", typ, got, want)
		}
	}
}
