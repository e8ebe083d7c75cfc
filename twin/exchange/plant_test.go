package exchange_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lineshaft/lineshaft/twin"
	"github.com/lineshaft/lineshaft/twin/exchange"
)

const plantClasses = machineClasses + `
enterprise: {level: enterprise}
site: {level: site}
area: {level: area}
line: {level: work_center}
gateway: {level: equipment, tags: {uptime_s: {unit: s}}}
sensor: {level: component, tags: {temp_c: {unit: Cel}}}
`

const smallPlant = `
tenant: acme
title: Acme
since: 2026-01-01T00:00:00Z
plcs:
  - {name: plc-1, protocol: modbus, gateway: gw-1, word_order: little, interval: 500ms}
assets:
  - name: acme
    class: enterprise
    assets:
      - name: detroit
        class: site
        time_zone: America/Detroit
        assets:
          - name: body-shop
            class: area
            assets:
              - {name: gw-1, class: gateway, device: {kind: gateway, interval: 10s}}
              - name: line-1
                class: line
                hosted_by: plc-1
                assets:
                  - repeat: {n: "7..8", place: [A, B]}
                    name: FAN-{n:03}
                    class: fan
                    title: "Fan {place} of line-1"
                    nameplate: {manufacturer: "Works {place}", power: 30}
                    relations: {feeds: line-1}
                    tags:
                      temp_c: {limits: {hi: 90}}
                      noise_db: {unit: "dB", range: [0, 140]}
                    assets:
                      - name: TS-{n:03}
                        class: sensor
                        device: {id: "sensor-{n}", kind: direct, interval: 2s, tag_map: {Temp: temp_c}}
                        replay: {recording: a.dat, step: 3s, columns: {temp_c: 7}}
relations:
  - {type: spare_for, from: FAN-008, to: FAN-007, attributes: {order: 1}}
`

func readPlant(t *testing.T, text string) (exchange.Plant, error) {
	t.Helper()
	cs, err := exchange.ReadClasses(classFS(plantClasses), "classes")
	if err != nil {
		t.Fatal(err)
	}
	return exchange.ReadPlant(strings.NewReader(text), cs)
}

func TestAPlantIsReadAsItIsWritten(t *testing.T) {
	p, err := readPlant(t, smallPlant)
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]string{}
	var paths []string
	for _, a := range p.Assets {
		paths = append(paths, a.Path)
		ids[a.Name()] = a.ID
	}
	want := strings.Fields(`acme acme/detroit acme/detroit/body-shop acme/detroit/body-shop/gw-1 acme/detroit/body-shop/line-1
		acme/detroit/body-shop/line-1/FAN-007 acme/detroit/body-shop/line-1/FAN-007/TS-007
		acme/detroit/body-shop/line-1/FAN-008 acme/detroit/body-shop/line-1/FAN-008/TS-008`)
	if d := cmp.Diff(want, paths); d != "" {
		t.Fatalf("parents stand before children, rows in order:\n%s", d)
	}
	fan := p.Assets[7]
	if fan.Title != "Fan B of line-1" || fan.Nameplate["manufacturer"] != "Works B" || fan.Nameplate["power"] != 30.0 || fan.Level != twin.Equipment {
		t.Errorf("the second row: %+v", fan)
	}
	if temp, _ := fan.Tag("temp_c"); *temp.Limits.Hi != 90 || *temp.Limits.HiHi != 105 || temp.Unit != "Cel" {
		t.Errorf("an override changes only what it names: %+v", temp)
	}
	if class, _ := p.Classes["fan"].Tag("temp_c"); *class.Limits.Hi != 95 {
		t.Error("an override reached the class")
	}
	if _, ok := fan.Tag("noise_db"); !ok {
		t.Error("a tag of this asset alone is missing")
	}

	wantDevices := []twin.Device{
		{ID: "gw-1", Kind: twin.Gateway, Type: "gateway", Site: "detroit", Area: "body-shop", Line: "_", Asset: ids["gw-1"], Interval: 10 * time.Second},
		{ID: "FAN-007", Kind: twin.Hosted, Type: "fan", Gateway: "gw-1", Site: "detroit", Area: "body-shop", Line: "line-1", Asset: ids["FAN-007"], Interval: 500 * time.Millisecond},
		{ID: "sensor-7", Kind: twin.Direct, Type: "sensor", Site: "detroit", Area: "body-shop", Line: "line-1", Asset: ids["TS-007"], TagMap: map[string]string{"Temp": "temp_c"}, Interval: 2 * time.Second},
		{ID: "FAN-008", Kind: twin.Hosted, Type: "fan", Gateway: "gw-1", Site: "detroit", Area: "body-shop", Line: "line-1", Asset: ids["FAN-008"], Interval: 500 * time.Millisecond},
		{ID: "sensor-8", Kind: twin.Direct, Type: "sensor", Site: "detroit", Area: "body-shop", Line: "line-1", Asset: ids["TS-008"], TagMap: map[string]string{"Temp": "temp_c"}, Interval: 2 * time.Second},
	}
	if d := cmp.Diff(wantDevices, p.Devices); d != "" {
		t.Error(d)
	}
	wantRelations := []twin.Relation{
		{Type: twin.Feeds, From: ids["FAN-007"], To: ids["line-1"]},
		{Type: twin.Feeds, From: ids["FAN-008"], To: ids["line-1"]},
		{Type: twin.SpareFor, From: ids["FAN-008"], To: ids["FAN-007"], Attributes: map[string]any{"order": 1.0}},
		{Type: twin.HostedBy, From: ids["FAN-007"], To: ids["gw-1"]},
		{Type: twin.HostedBy, From: ids["FAN-008"], To: ids["gw-1"]},
	}
	if d := cmp.Diff(wantRelations, p.Relations); d != "" {
		t.Error(d)
	}
	wantPLC := []exchange.PLC{{Name: "plc-1", Protocol: "modbus", Gateway: "gw-1", WordOrder: "little", Devices: []string{"FAN-007", "FAN-008"}, Interval: 500 * time.Millisecond}}
	if d := cmp.Diff(wantPLC, p.PLCs); d != "" {
		t.Error(d)
	}
	wantReplay := exchange.Replay{Asset: ids["TS-007"], Recording: "a.dat", Columns: map[string]int{"temp_c": 7}, Step: 3 * time.Second}
	if d := cmp.Diff(wantReplay, p.Replay[0]); d != "" {
		t.Error(d)
	}
}

func TestAssetIDsDependOnThePathAlone(t *testing.T) {
	first, err := readPlant(t, smallPlant)
	if err != nil {
		t.Fatal(err)
	}
	second, err := readPlant(t, strings.NewReplacer(`n: "7..8"`, `n: "8..9"`, "to: FAN-007", "to: FAN-009").Replace(smallPlant))
	if err != nil {
		t.Fatal(err)
	}
	find := func(p exchange.Plant, name string) string {
		for _, a := range p.Assets {
			if a.Name() == name {
				return a.ID
			}
		}
		return ""
	}
	if a, b := find(first, "FAN-008"), find(second, "FAN-008"); a != b || a == "" {
		t.Errorf("FAN-008 is %s, and after another fan was declared %s", a, b)
	}
}

// Each mistake is one edit of the small plant.
func TestMistakesInPlantsNameLineFieldAndValue(t *testing.T) {
	for name, c := range map[string]struct{ old, new, want string }{
		"a typo":                      {"title: Acme", "titel: Acme", "titel: line 3: is not a field here: use one of|(got titel)"},
		"no tenant":                   {"tenant: acme", "tenant: null", "tenant: "},
		"a tenant too long":           {"tenant: acme", "tenant: acme-and-sons-and-daughters", "tenant: line 2: |at most 20|(got acme-and-sons-and-daughters)"},
		"another tenant's top":        {"tenant: acme", "tenant: globex", "assets.acme.name: line 8: the top of the hierarchy is named after the tenant globex (got acme)"},
		"no since":                    {"since: 2026-01-01T00:00:00Z", "", "since: line 2: wants the instant"},
		"a since before plants":       {"2026-01-01T00:00:00Z", "1789-07-14T00:00:00Z", "since: |no plant was declared then (got 1789-07-14T00:00:00Z)"},
		"an id that is none":          {"class: fan\n", "class: fan\n                    id: fan-7\n", "FAN-007.id: line 26: is not a ULID (got fan-7)"},
		"an id twice":                 {"class: fan\n", "class: fan\n                    id: 01HSC5VZ8K3N4Q6R7S8T9V0W1X\n", "FAN-008.id: line 26: another asset has this id"},
		"a since in words":            {"2026-01-01T00:00:00Z", "last year", "since: line 4: wants an instant|(got last year)"},
		"an unknown class":            {"class: fan", "class: van", "FAN-007.class: line 25: no class has this name (got van)"},
		"a level upside down":         {"class: line\n", "class: line\n                level: site\n", "line-1.level: line 21: an asset of level site cannot stand under level area: its parent must be one of enterprise (got site)"},
		"a level that is none":        {"class: line\n", "class: line\n                level: cell\n", "level: line 21: is not a level|(got cell)"},
		"a path twice":                {`n: "7..8"`, `n: [7, 7]`, "is declared above"},
		"a name with a space":         {"name: detroit", "name: de troit", "assets.acme.de troit.name: line 11: path|(got de troit)"},
		"a time zone that is none":    {"America/Detroit", "America/Motown", "time_zone: line 13: is not a time zone|(got America/Motown)"},
		"a relation to nowhere":       {"to: FAN-007", "to: FAN-77", "relations[0]: line 38: no asset has this name or path (got FAN-77)"},
		"a relation nobody knows":     {"type: spare_for", "type: replaces", "relations[0]: line 38: is not a relation|(got replaces)"},
		"a relation to itself":        {"to: FAN-007", "to: FAN-008", "an asset has no relation to itself"},
		"a relation twice":            {"relations: {feeds: line-1}", "relations: {feeds: [line-1, line-1]}", "is declared twice"},
		"a device twice":              {"id: \"sensor-{n}\"", "id: sensor", "device.id: line 35: a device of this id is declared in line 35"},
		"a device id too long":        {"id: \"sensor-{n}\"", "id: " + strings.Repeat("s", 41), "has no topic"},
		"a device of no kind":         {"kind: direct, ", "", "device.kind: line 35: wants gateway, direct or hosted"},
		"a kind nobody knows":         {"kind: direct", "kind: wireless", "device.kind: line 35: wants one of gateway, direct, hosted (got wireless)"},
		"a tag map to nowhere":        {"Temp: temp_c", "Temp: temp_f", "device.tag_map.Temp: line 35|has no such tag (got temp_f)"},
		"a PLC nobody declared":       {"hosted_by: plc-1", "hosted_by: plc-9", "line-1.hosted_by: line 21: no PLC has this name|(got plc-9)"},
		"a gateway nobody declared":   {"gateway: gw-1", "gateway: gw-9", "plcs[0].gateway: line 6: no device of kind gateway has this id (got gw-9)"},
		"a protocol nobody speaks":    {"protocol: modbus", "protocol: profibus", "plcs[0].protocol: line 6: wants one of modbus, opcua (got profibus)"},
		"a word order that is none":   {"word_order: little", "word_order: middle", "plcs[0].word_order: line 6"},
		"a variable nobody set":       {"Works {place}", "Works {plaec}", "{plaec} is not a variable"},
		"a brace without end":         {"Works {place}", "Works {place", "has no closing brace"},
		"a width for a word":          {"Works {place}", "Works {place:03}", "wants a number and a width"},
		"variables of unequal length": {"place: [A, B]", "place: [A, B, C]", "the variables of a repeat have as many values each: the first has 2 (got 3)"},
		"a range upside down":         {`n: "7..8"`, `n: "8..7"`, "repeat.n: line 23: wants a list or a range|(got 8..7)"},
		"a range without end":         {`n: "7..8"`, `n: "1..999999999"`, "repeat.n: line 23: wants a list or a range"},
		"a nameplate field unknown":   {"power: 30", "powr: 30", "nameplate: line 27: class fan has no field powr (got 30)"},
		"an override that is wrong":   {"limits: {hi: 90}", "limits: {hi: 190}", "tags.temp_c: line 30: limits.hihi"},
		"a replayed tag unknown":      {"columns: {temp_c: 7}", "columns: {temp: 7}", "replay.columns.temp: line 36|has no such tag"},
		"a column before the first":   {"columns: {temp_c: 7}", "columns: {temp_c: 0}", "columns count from 1"},
		"a number for a name":         {"name: detroit", "name: [1]", "wants a text"},
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.Replace(smallPlant, c.old, c.new, 1)
			if text == smallPlant {
				t.Fatalf("the small plant has no %q", c.old)
			}
			_, err := readPlant(t, text)
			mustSay(t, err, c.want)
		})
	}
}

func TestAllMistakesAreNamedAtOnce(t *testing.T) {
	_, err := readPlant(t, strings.NewReplacer("class: fan", "class: van", "America/Detroit", "Detroit").Replace(smallPlant))
	mustSay(t, err, "(got Detroit)|(got van)")
}

func TestANameInTwoPlacesMustBeWrittenLonger(t *testing.T) {
	twice := strings.Replace(smallPlant, "relations:\n  - {type: spare_for, from: FAN-008, to: FAN-007",
		"              - {name: FAN-007, class: fan, level: equipment}\nrelations:\n  - {type: spare_for, from: FAN-008, to: FAN-007", 1)
	_, err := readPlant(t, twice)
	mustSay(t, err, "more than one asset has this name: write more of the path, such as acme/")
	if _, err := readPlant(t, strings.Replace(twice, "to: FAN-007", "to: line-1/FAN-007", 1)); err != nil {
		t.Error(err)
	}
}

func TestAModbusServerHasSoManyUnits(t *testing.T) {
	_, err := readPlant(t, strings.NewReplacer(`n: "7..8"`, `n: "1..248"`, ", place: [A, B]", "", "{place}", "x").Replace(smallPlant))
	mustSay(t, err, "plcs[0]: line 6: a Modbus server answers for at most 247 units (got 248)")
}

func TestAPlantOfThousandsIsReadInSeconds(t *testing.T) {
	text := strings.NewReplacer(`n: "7..8"`, `n: "1..9000"`, ", place: [A, B]", "", "{place}", "x", "protocol: modbus", "protocol: opcua", "FAN-{n:03}", "FAN-{n:04}", "FAN-00", "FAN-000").Replace(smallPlant)
	start := time.Now()
	p, err := readPlant(t, text)
	if err != nil || len(p.Assets) != 18005 {
		t.Fatalf("%d assets, %v", len(p.Assets), err)
	}
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("%d assets took %s", len(p.Assets), took)
	}
}

func FuzzReadPlant(f *testing.F) {
	f.Add(smallPlant)
	f.Add("tenant: a\nsince: 2026-01-01T00:00:00Z\nassets:\n  - {repeat: {a: \"1..3\"}, name: \"{a}\"}")
	f.Add("? [a]\n: b\n")
	f.Add("a: &a [*a, *a]")
	cs, err := exchange.ReadClasses(classFS(plantClasses), "classes")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := exchange.ReadPlant(strings.NewReader(text), cs)
		if err != nil {
			if err.Error() == "" {
				t.Fatal("an error that says nothing")
			}
			return
		}
		for _, a := range p.Assets {
			if err := twin.CheckPath(a.Path); err != nil {
				t.Fatal(err)
			}
		}
	})
}
