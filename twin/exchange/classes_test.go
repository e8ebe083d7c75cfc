package exchange_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/lineshaft/lineshaft/twin"
	"github.com/lineshaft/lineshaft/twin/exchange"
	"github.com/lineshaft/lineshaft/twin/fault"
)

func classFS(files ...string) fstest.MapFS {
	fsys := fstest.MapFS{}
	for i, f := range files {
		fsys["classes/"+string(rune('a'+i))+".yaml"] = &fstest.MapFile{Data: []byte(f)}
	}
	return fsys
}

const machineClasses = `
machine:
  title: Machine
  level: equipment
  symbol: motor
  nameplate: {manufacturer: Manufacturer, power: {title: Rated power, unit: kW}}
  tags:
    running: {type: bool}
    temp_c: {title: Temperature, unit: Cel, range: [0, 120], normal: [20, 80], nominal: 50, limits: {hi: 95, hihi: 105}, interval: 2s}
fan:
  title: Fan
  extends: machine
  tags:
    temp_c: {normal: [20, 60], nominal: 40}
    speed_rpm: {unit: "{rev}/min", decimals: 0, range: [0, null], setpoint: speed_sp_rpm}
    speed_sp_rpm: {unit: "{rev}/min", writable: true}
    mode: {type: enum, states: [off, slow, fast]}
`

func TestAClassInheritsAndChangesOnlyWhatItNames(t *testing.T) {
	cs, err := exchange.ReadClasses(classFS(machineClasses), "classes")
	if err != nil {
		t.Fatal(err)
	}
	fan := cs["fan"]
	if fan.Level != twin.Equipment || fan.Symbol != "motor" || len(fan.Nameplate) != 2 || fan.Nameplate[1].Unit != "kW" {
		t.Errorf("level, symbol and nameplate come from machine: %+v", fan)
	}
	var names []string
	for _, tag := range fan.Tags {
		names = append(names, tag.Name)
	}
	if got := strings.Join(names, " "); got != "running temp_c speed_rpm speed_sp_rpm mode" {
		t.Errorf("tags are %s: inherited first, in the order of the file", got)
	}
	temp, _ := fan.Tag("temp_c")
	if *temp.Normal.High != 60 || *temp.Limits.HiHi != 105 || temp.Unit != "Cel" || temp.Interval.Seconds() != 2 || *temp.Nominal != 40 {
		t.Errorf("temp_c is %+v", temp)
	}
	if base, _ := cs["machine"].Tag("temp_c"); *base.Normal.High != 80 {
		t.Errorf("a fan changed every machine: %v", base.Normal)
	}
	if mode, _ := fan.Tag("mode"); mode.Decimals != 0 || mode.Kind() != twin.Int {
		t.Errorf("an enum shows no decimals and travels as int64: %+v", mode)
	}
	if speed, _ := fan.Tag("speed_rpm"); speed.Range.High != nil || *speed.Range.Low != 0 {
		t.Errorf("an open range: %v", speed.Range)
	}
}

func TestClassesOfSeveralFilesMayExtendEachOther(t *testing.T) {
	cs, err := exchange.ReadClasses(classFS("pump: {title: Pump, extends: machine}", machineClasses), "classes")
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := cs["pump"].Tag("temp_c"); !ok {
		t.Error("a pump of an earlier file did not inherit from a machine of a later one")
	}
}

func TestMistakesInClassesNameLineFieldAndValue(t *testing.T) {
	for name, c := range map[string]struct {
		files []string
		want  string // line, field and value
	}{
		"a typo":                   {[]string{"fan:\n  tittle: Fan"}, "a.yaml: fan.tittle: line 2: is not a field here|(got tittle)"},
		"a typo in a tag":          {[]string{"fan:\n  tags:\n    t: {unitt: Cel}"}, "fan.tags.t.unitt: line 3"},
		"an unknown parent":        {[]string{"fan:\n  extends: machin"}, "fan.extends: line 2: class is not declared (got machin)"},
		"a cycle":                  {[]string{"a: {extends: b}\nb: {extends: a}"}, "extends itself"},
		"two of a name":            {[]string{"fan: {title: A}", "fan: {title: B}"}, "b.yaml: fan: line 1: class is declared in classes/a.yaml too"},
		"a field twice":            {[]string{"fan:\n  title: A\n  title: B"}, "a.yaml: not YAML: [3:3] mapping key \"title\" already defined"},
		"an unknown level":         {[]string{"fan: {level: machine}"}, "fan.level: line 1: is not a level|(got machine)"},
		"an unknown type":          {[]string{"fan:\n  tags:\n    t: {type: float}"}, `fan.tags.t: line 3: type "float"`},
		"a range upside down":      {[]string{"fan:\n  tags:\n    t: {range: [5, 3]}"}, "fan.tags.t.range: line 3: low is above high (got [5, 3])"},
		"a limit out of order":     {[]string{"fan:\n  tags:\n    t: {limits: {hi: 9, hihi: 8}}"}, "limits.hihi: 8 is below limits.hi 9"},
		"a limit outside":          {[]string{"fan:\n  tags:\n    t: {range: [0, 5], limits: {hi: 9}}"}, "range.high: 5 is below limits.hi 9"},
		"normal outside the range": {[]string{"fan:\n  tags:\n    t: {range: [0, 5], normal: [1, 7]}"}, "normal: [1, 7] is not inside the range [0, 5]"},
		"nominal not normal":       {[]string{"fan:\n  tags:\n    t: {normal: [1, 7], nominal: 9}"}, "nominal: 9 is not inside"},
		"an enum without states":   {[]string{"fan:\n  tags:\n    t: {type: enum}"}, "states: an enum names its states"},
		"a number in words":        {[]string{"fan:\n  tags:\n    t: {nominal: five}"}, "fan.tags.t.nominal: line 3: wants a number (got five)"},
		"a duration in words":      {[]string{"fan:\n  tags:\n    t: {interval: often}"}, "interval: line 3: wants a duration|(got often)"},
		"a range of three":         {[]string{"fan:\n  tags:\n    t: {range: [1, 2, 3]}"}, "wants [low, high] (got [1, 2, 3])"},
		"a tag name with a dash":   {[]string{"fan:\n  tags:\n    temp-c: {}"}, `fan.tags.temp-c: line 3: name: "temp-c"`},
		"a class name for a path":  {[]string{"a/b: {title: A}"}, "a/b: line 1: a class's name stands in topics"},
		"a setpoint nowhere":       {[]string{"fan:\n  tags:\n    t: {setpoint: t_sp}"}, "fan.tags.t.setpoint: line 3: no tag beside it has this name (got t_sp)"},
		"an alias":                 {[]string{"a: &x {title: A}\nb: *x"}, "a: line 1: wants fields|b: line 2: wants fields (got *x)"},
		"not YAML":                 {[]string{"fan: [1, 2"}, "not YAML"},
		"a list":                   {[]string{"- fan"}, "wants fields"},
		"two documents":            {[]string{"a: {title: A}\n---\nb: {title: B}"}, "a second document"},
		"no file":                  {nil, "no class files"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := exchange.ReadClasses(classFS(c.files...), "classes")
			mustSay(t, err, c.want)
		})
	}
}

// mustSay fails unless the error is of a kind a user can do something about and holds every part of want.
func mustSay(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil {
		t.Fatalf("taken; want %q", want)
	}
	for part := range strings.SplitSeq(want, "|") {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q does not say %q", err, part)
		}
	}
}

func TestOldNamesThatLeadNowhere(t *testing.T) {
	for rules, want := range map[string]string{
		`{temp: temp_x}`:         "m.renames.temp: line 1: the class has no such tag (got temp_x)",
		`{running: temp_c}`:      "m.renames.running: line 1: is the name of a tag of the class already (got running)",
		`[temp]`:                 "wants fields",
		`{temp: {a: b}}`:         "m.renames.temp",
		`{a: temp_c, a: temp_c}`: "not YAML",
	} {
		_, err := exchange.ReadClasses(classFS("m: {title: M, renames: "+rules+", tags: {running: {type: bool}, temp_c: {unit: Cel}}}"), "classes")
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", rules, err, want)
		}
	}
}

func TestMistakesAreInvalidInput(t *testing.T) {
	_, err := exchange.ReadPlant(strings.NewReader("tenant: a b"), nil)
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		t.Fatalf("%T: %v", err, err)
	}
	for _, e := range joined.Unwrap() {
		if !fault.Is(e, fault.Invalid) {
			t.Errorf("%v is %s", e, fault.KindOf(e))
		}
	}
}

func TestOldNamesOfTagsAreInherited(t *testing.T) {
	cs, err := exchange.ReadClasses(classFS(`
machine: {title: Machine, renames: {temp: temp_c, run: running}, tags: {running: {type: bool}, temp_c: {unit: Cel}}}
fan: {title: Fan, extends: machine, renames: {temp: air_c}, tags: {air_c: {unit: Cel}}}
`), "classes")
	if err != nil {
		t.Fatal(err)
	}
	if got := cs["fan"].Renames; len(got) != 2 || got["temp"] != "air_c" || got["run"] != "running" {
		t.Errorf("fan renames %v", got)
	}
	if got := cs["machine"].Renames; len(got) != 2 || got["temp"] != "temp_c" {
		t.Errorf("machine renames %v", got)
	}
}
