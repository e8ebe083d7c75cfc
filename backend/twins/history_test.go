package twins_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/lineshaft/lineshaft/backend/twins"
	"github.com/lineshaft/lineshaft/twin"
)

// Pumps are renamed, moved, relabelled and connected, over and over. What the graph says is what was asked for; what
// the journal says, replayed by hand, is what the graph says; and each entry begins where the one before it ended.
func TestTheGraphIsTheReplayOfItsJournal(t *testing.T) {
	r := newRig(t)
	round := 0
	rapid.Check(t, func(rt *rapid.T) {
		round++
		tenant := fmt.Sprintf("h%d", round)
		m := small(tenant)
		r.load(m)
		pumps := []int{3, 4, 6}
		homes := []string{"acme/detroit/body-shop", "acme/detroit/body-shop2", "acme/rotterdam", "acme/detroit"}
		for step := range rapid.IntRange(1, 6).Draw(rt, "steps") {
			for range rapid.IntRange(1, 4).Draw(rt, "changes") {
				a := &m.Assets[rapid.SampledFrom(pumps).Draw(rt, "pump")]
				switch rapid.IntRange(0, 3).Draw(rt, "change") {
				case 0:
					a.Title = rapid.SampledFrom([]string{"", "a", "b"}).Draw(rt, "title")
				case 1: // names stay apart, so no two pumps meet at one path
					a.Path = rapid.SampledFrom(homes).Draw(rt, "home") + "/" + a.Name()
				case 2:
					a.Nameplate = map[string]any{"serial": rapid.IntRange(0, 2).Draw(rt, "serial")}
				case 3:
					other := m.Assets[rapid.SampledFrom(pumps).Draw(rt, "other")]
					rel := twin.Relation{Type: twin.DependsOn, From: a.ID, To: other.ID}
					if a.ID != other.ID && !slices.ContainsFunc(m.Relations, func(o twin.Relation) bool { return o.Type == rel.Type && o.From == rel.From && o.To == rel.To }) {
						m.Relations = append(m.Relations, rel)
					}
				}
			}
			r.clock.Advance(time.Minute)
			sorted := m
			sorted.Assets = slices.SortedFunc(slices.Values(m.Assets), func(a, b twin.Asset) int {
				return cmp.Or(cmp.Compare(strings.Count(a.Path, "/"), strings.Count(b.Path, "/")), strings.Compare(a.Path, b.Path))
			})
			if _, err := r.Import(t.Context(), sorted, fmt.Sprintf("step %d", step), false); err != nil {
				rt.Fatal(err)
			}
		}
		if round%10 == 0 {
			r.restart()
		}
		agrees(rt, r, m)
	})
}

// agrees compares graph, model and journal.
func agrees(rt *rapid.T, r *rig, m twin.Model) {
	items, _, total, err := r.Assets(m.Tenant, twins.Filter{})
	if err != nil || total != len(m.Assets) {
		rt.Fatalf("%d assets, %v", total, err)
	}
	for _, want := range m.Assets {
		i := slices.IndexFunc(items, func(a twin.Asset) bool { return a.ID == want.ID })
		if i < 0 || asJSON(r.t, items[i]) != asJSON(r.t, want) {
			rt.Fatalf("%s is %+v", want.Path, items[i])
		}
		under := 0
		for _, a := range m.Assets {
			if twin.Under(a.Path, want.Path) {
				under++
			}
		}
		if _, _, got, err := r.Assets(m.Tenant, twins.Filter{Under: want.ID}); err != nil || got != under {
			rt.Fatalf("%d under %s, %v, want %d", got, want.Path, err, under)
		}
		edges, err := r.Relations(m.Tenant, want.ID)
		degree := 0
		for _, rel := range m.Relations {
			if rel.From == want.ID || rel.To == want.ID {
				degree++
			}
		}
		if err != nil || len(edges) != degree {
			rt.Fatalf("%d relations of %s, %v, want %d", len(edges), want.Path, err, degree)
		}
	}
	replayed(rt, r, m)
}

func replayed(rt *rapid.T, r *rig, m twin.Model) {
	entries, err := r.Journal(r.t.Context(), m.Tenant, 0, 1<<20)
	if err != nil {
		rt.Fatal(err)
	}
	state := map[string]json.RawMessage{}
	last := twins.Entry{}
	for _, e := range entries {
		k := string(e.Kind) + " " + e.Subject
		if e.Seq != last.Seq+1 || e.Known < last.Known || e.Who == "" {
			rt.Fatalf("after %+v comes %+v", last, e)
		}
		if !bytes.Equal(state[k], e.Before) {
			rt.Fatalf("entry %d begins with %s where %s was left", e.Seq, e.Before, state[k])
		}
		if bytes.Equal(e.Before, e.After) {
			rt.Fatalf("entry %d changes nothing", e.Seq)
		}
		state[k], last = e.After, e
	}
	for _, a := range m.Assets {
		var got twin.Asset
		if err := json.Unmarshal(state["asset "+a.ID], &got); err != nil {
			rt.Fatal(err)
		}
		if got.Path != a.Path || got.Title != a.Title || asJSON(r.t, got.Nameplate) != asJSON(r.t, a.Nameplate) {
			rt.Fatalf("the journal leaves %s as %+v", a.Path, got)
		}
	}
}
