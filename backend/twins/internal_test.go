package twins

import (
	"slices"
	"strings"
	"testing"

	"github.com/lineshaft/lineshaft/twin"
)

func TestNaturalOrder(t *testing.T) {
	want := strings.Fields("P P-1 P-01 P-2 P-10 P-10a P-100 P2 Q a a1b2 a1b10")
	got := slices.Clone(want)
	slices.Reverse(got)
	slices.SortFunc(got, natural)
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// tank is a graph of one asset with one tag.
func tank(t testing.TB) *graph {
	t.Helper()
	s := newStructure()
	s.assets["T1"] = &assetRecord{
		ID: "T1", Path: "acme", Level: twin.Enterprise, OwnTags: storedTags([]twin.Tag{{Name: "level_pct", Type: "float64"}, {Name: "note", Type: "string"}}),
	}
	g, err := build(s, nil)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// Stored reported state that is damaged is refused, and never more than that; what is read is written the same.
func FuzzRestore(f *testing.F) {
	full := tank(f).nodes[0].live
	full.device = "D-1"
	full.set(0, twin.Sample{T: -5, V: twin.FloatValue(1.5), Q: twin.Good}, 7)
	full.set(1, twin.Sample{T: 1 << 60, V: twin.StringValue("é"), Q: twin.Bad}, 1<<60)
	f.Add(full.save(nil, true))
	f.Add(full.save(full.save(nil, true), true))
	f.Add([]byte{savedFormat, 2, 'T', '1', 0, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		g := tank(t)
		for len(b) > 0 {
			rest, _, err := g.restore(b)
			if err != nil {
				return
			}
			if len(rest) >= len(b) {
				t.Fatal("nothing was read")
			}
			b = rest
		}
		saved := g.nodes[0].live.save(nil, true)
		again := tank(t)
		if rest, _, err := again.restore(saved); err != nil || len(rest) != 0 {
			t.Fatalf("what was saved cannot be read: %v", err)
		}
		if got := again.nodes[0].live.save(nil, true); string(got) != string(saved) {
			t.Fatalf("saved %x, after reading %x", saved, got)
		}
	})
}
