package assets_test

import (
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/lineshaft/lineshaft/assets"
	"github.com/lineshaft/lineshaft/twin"
)

const teColumns = 52

// recording reads a file of numbers as rows of samples; one that stands on its side is turned.
func recording(t *testing.T, name string) [][]float64 {
	t.Helper()
	var rows [][]float64
	for line := range strings.Lines(string(readFile(t, "recordings/"+name))) {
		var row []float64
		for f := range strings.FieldsSeq(line) {
			v, err := strconv.ParseFloat(f, 64)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			row = append(row, v)
		}
		if len(row) > 0 {
			rows = append(rows, row)
		}
	}
	if len(rows) == teColumns && len(rows[0]) > teColumns {
		turned := make([][]float64, len(rows[0]))
		for _, col := range rows {
			for i, v := range col {
				turned[i] = append(turned[i], v)
			}
		}
		rows = turned
	}
	for i, row := range rows {
		if len(row) != teColumns {
			t.Fatalf("%s: row %d has %d numbers, want %d", name, i+1, len(row), teColumns)
		}
	}
	return rows
}

func TestRecordingsCarryTheirLicence(t *testing.T) {
	dirs, err := fs.ReadDir(assets.FS, "recordings")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range dirs {
		for _, want := range []string{"LICENSE", "README.md"} {
			if _, err := fs.Stat(assets.FS, "recordings/"+d.Name()+"/"+want); err != nil {
				t.Error(err)
			}
		}
	}
}

// Every column of the recording is some asset's tag, and no tag of those assets is left without a column.
func TestTheProcessCellReplaysAll52Tags(t *testing.T) {
	p := readPlants(t)["acme"]
	byID := map[string]twin.Asset{}
	for _, a := range p.Assets {
		byID[a.ID] = a
	}
	owner := map[int]string{}
	for _, r := range p.Replay {
		a := byID[r.Asset]
		if _, err := fs.Stat(assets.FS, "recordings/"+r.Recording); err != nil {
			t.Errorf("%s: %v", a.Name(), err)
		}
		if len(r.Columns) != len(a.Tags) {
			t.Errorf("%s has %d tags and %d columns", a.Name(), len(a.Tags), len(r.Columns))
		}
		for tag, c := range r.Columns {
			if owner[c] != "" {
				t.Errorf("column %d is %s and %s.%s", c, owner[c], a.Name(), tag)
			}
			owner[c] = a.Name() + "." + tag
		}
	}
	for c := 1; c <= teColumns; c++ {
		if owner[c] == "" {
			t.Errorf("column %d is nobody's", c)
		}
	}
	// Where the benchmark has them: XMEAS(7), XMEAS(9), XMEAS(20), XMEAS(41), XMV(1), XMV(10), XMV(11).
	for c, want := range map[int]string{
		7: "R-101.pressure_kpa", 9: "R-101.temp_c", 20: "K-105.work_kw", 41: "AT-108.h_molpct",
		42: "FV-102.valve_pct", 51: "R-101.cooling_valve_pct", 52: "E-102.cooling_valve_pct",
	} {
		if owner[c] != want {
			t.Errorf("column %d is %s, want %s", c, owner[c], want)
		}
	}
}

// The bands come from normal operation: what was recorded of it lies in them, and a fault leaves them.
func TestNormalOperationIsNormal(t *testing.T) {
	p := readPlants(t)["acme"]
	normal, faulty := recording(t, "tennessee-eastman/d00.dat"), recording(t, "tennessee-eastman/d04_te.dat")
	const faultAt = 160
	var abnormal []string
	for _, r := range p.Replay {
		i := slices.IndexFunc(p.Assets, func(a twin.Asset) bool { return a.ID == r.Asset })
		for name, c := range r.Columns {
			tag, _ := p.Assets[i].Tag(name)
			for n, row := range normal {
				v := row[c-1]
				if !tag.Range.Has(v) || !tag.Normal.Has(v) || tag.Limits.State(v) != twin.Within {
					t.Errorf("%s.%s: row %d of normal operation has %v, normal is %s", p.Assets[i].Name(), name, n+1, v, tag.Normal)
				}
			}
			if v := faulty[faultAt+1][c-1]; !tag.Normal.Has(v) {
				abnormal = append(abnormal, p.Assets[i].Name()+"."+name)
			}
		}
	}
	if !slices.Contains(abnormal, "R-101.cooling_valve_pct") {
		t.Errorf("a warmer cooling water shows in %v, and should in the reactor's cooling valve", abnormal)
	}
}
