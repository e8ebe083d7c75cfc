package twin_test

import (
	"strings"
	"testing"

	"github.com/lineshaft/lineshaft/twin"
)

// The table of IEC 62264-1: a row holds the columns marked x. Levels may be skipped, components nest.
const hierarchy = `
             enterprise site area work_center work_unit equipment component
enterprise   -          x    x    x           x         x         x
site         -          -    x    x           x         x         x
area         -          -    -    x           x         x         x
work_center  -          -    -    -           x         x         x
work_unit    -          -    -    -           -         x         x
equipment    -          -    -    -           -         -         x
component    -          -    -    -           -         -         x
`

func TestWhichLevelMayHoldWhich(t *testing.T) {
	lines := strings.Split(strings.TrimSpace(hierarchy), "\n")
	children := strings.Fields(lines[0])
	if len(children) != len(twin.Levels()) {
		t.Fatalf("the table has %d levels, the code %d", len(children), len(twin.Levels()))
	}
	for _, l := range lines[1:] {
		row := strings.Fields(l)
		for i, child := range children {
			parent, want := twin.Level(row[0]), row[i+1] == "x"
			if got := parent.MayHold(twin.Level(child)); got != want {
				t.Errorf("%s holds %s: %v, the table says %v", parent, child, got, want)
			}
			if err := twin.CheckParent(parent, twin.Level(child)); (err == nil) != want {
				t.Errorf("%s under %s: %v", child, parent, err)
			}
		}
	}
}

func TestAWrongParentNamesTheLegalOnes(t *testing.T) {
	for _, c := range []struct {
		parent, child twin.Level
		want          string
	}{
		{twin.Area, twin.Site, "its parent must be one of enterprise"},
		{twin.Component, twin.WorkUnit, "its parent must be one of enterprise, site, area, work_center"},
		{twin.Site, twin.Enterprise, "has no parent"},
		{twin.Site, "cell", `level "cell" is not a level of ISA-95`},
		{"cell", twin.Equipment, "cannot stand under level cell"},
	} {
		if err := twin.CheckParent(c.parent, c.child); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s under %s: %v, want %q", c.child, c.parent, err, c.want)
		}
	}
}

func TestNobodyCanChangeTheLevels(t *testing.T) {
	twin.Levels()[0] = "galaxy"
	if twin.Levels()[0] != twin.Enterprise {
		t.Error("the list handed out is the list itself")
	}
}
