package twin_test

import (
	"strings"
	"testing"

	"github.com/lineshaft/lineshaft/twin"
)

func TestClassesInherit(t *testing.T) {
	cs, err := twin.Classes{
		"machine": {Name: "machine", Level: twin.Equipment, Symbol: "motor", Nameplate: []twin.Field{{Name: "maker", Title: "Maker"}}, Tags: []twin.Tag{
			{Name: "running", Type: "bool"}, {Name: "temp_c", Unit: "Cel"},
		}},
		"pump":      {Name: "pump", Extends: "machine", Symbol: "pump", Nameplate: []twin.Field{{Name: "maker", Title: "Pump maker"}, {Name: "impeller"}}, Tags: []twin.Tag{{Name: "flow_m3h"}}},
		"slop_pump": {Name: "slop_pump", Extends: "pump", Tags: []twin.Tag{{Name: "temp_c", Unit: "K"}}},
	}.Resolve()
	if err != nil {
		t.Fatal(err)
	}
	slop := cs["slop_pump"]
	var names []string
	for _, tag := range slop.Tags {
		names = append(names, tag.Name+" "+tag.Unit)
	}
	if got := strings.Join(names, ","); got != "running ,temp_c K,flow_m3h " {
		t.Errorf("tags %q: the oldest ancestor's first, overridden in place", got)
	}
	if slop.Symbol != "pump" || slop.Level != twin.Equipment || len(slop.Nameplate) != 2 || slop.Nameplate[0].Title != "Pump maker" {
		t.Errorf("%+v", slop)
	}
	if temp, _ := cs["pump"].Tag("temp_c"); temp.Unit != "Cel" {
		t.Error("a child changed its parent")
	}
}

func TestClassesThatCannotBeResolved(t *testing.T) {
	for name, c := range map[string]struct {
		classes twin.Classes
		want    string
	}{
		"unknown parent": {twin.Classes{"pump": {Name: "pump", Extends: "machine"}}, `class "machine" is not declared`},
		"itself":         {twin.Classes{"pump": {Name: "pump", Extends: "pump"}}, "class pump: extends itself"},
		"a ring":         {twin.Classes{"a": {Extends: "b"}, "b": {Extends: "c"}, "c": {Extends: "a"}}, "extends itself by way of"},
		"a wrong tag":    {twin.Classes{"pump": {Name: "pump", Tags: []twin.Tag{{Name: "Flow"}}}}, `class pump: tag Flow: name: "Flow"`},
	} {
		if _, err := c.classes.Resolve(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}
