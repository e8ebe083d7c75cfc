package twins_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/lineshaft/lineshaft/backend/twins"
	"github.com/lineshaft/lineshaft/twin"
	"github.com/lineshaft/lineshaft/twin/fault"
)

func names(as []twin.Asset) string {
	var out []string
	for _, a := range as {
		out = append(out, a.Name())
	}
	return strings.Join(out, " ")
}

func TestFindingAssets(t *testing.T) {
	r := newRig(t)
	m := small("acme")
	r.load(m)
	shop := m.Assets[2].ID
	for name, c := range map[string]struct {
		f    twins.Filter
		want string
	}{
		"all, as people count":  {twins.Filter{}, "acme detroit body-shop P-2 P-10 body-shop2 P-3 rotterdam"},
		"by path":               {twins.Filter{Path: "acme/detroit/body-shop/P-2"}, "P-2"},
		"by a path not there":   {twins.Filter{Path: "acme/detroit/P-2"}, ""},
		"under, whole segments": {twins.Filter{Under: "acme/detroit/body-shop"}, "body-shop P-2 P-10"},
		"under, by id":          {twins.Filter{Under: shop}, "body-shop P-2 P-10"},
		"path outside of under": {twins.Filter{Under: shop, Path: "acme"}, ""},
		"of a class":            {twins.Filter{Class: "centrifugal_pump"}, "P-2 P-10 P-3"},
		"of the class above":    {twins.Filter{Class: "rotating"}, "P-2 P-10 P-3"},
		"of no class":           {twins.Filter{Class: "tank"}, ""},
		"of a level":            {twins.Filter{Level: "site"}, "detroit rotterdam"},
		"by words":              {twins.Filter{Q: "p-"}, "P-2 P-10 P-3"},
		"by class as a word":    {twins.Filter{Q: "CENTRI"}, "P-2 P-10 P-3"},
	} {
		items, next, total, err := r.Assets("acme", c.f)
		if err != nil || names(items) != c.want || next != "" || total != len(items) {
			t.Errorf("%s: got %q, next %q, total %d, %v, want %q", name, names(items), next, total, err, c.want)
		}
	}
	var all []twin.Asset
	for f := (twins.Filter{Limit: 3}); ; {
		items, next, total, err := r.Assets("acme", f)
		if err != nil || total != 8 {
			t.Fatalf("total %d, %v", total, err)
		}
		all = append(all, items...)
		if f.After = next; next == "" {
			break
		}
	}
	if got := names(all); got != "acme detroit body-shop P-2 P-10 body-shop2 P-3 rotterdam" {
		t.Errorf("pages give %q", got)
	}
	for name, f := range map[string]twins.Filter{"limit": {Limit: 1001}, "level": {Level: "machine"}, "cursor": {After: "x"}} {
		if _, _, _, err := r.Assets("acme", f); !fault.Is(err, fault.Invalid) || !strings.HasPrefix(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, _, err := r.Assets("acme", twins.Filter{Under: "nowhere"}); !fault.Is(err, fault.NotFound) {
		t.Errorf("under nowhere: %v", err)
	}
	if items, _, _, err := r.Assets("nobody", twins.Filter{}); err != nil || items == nil || len(items) != 0 {
		t.Errorf("an unknown tenant: %v, %v", items, err)
	}
}

func TestTheTreeIsColumnsDepthFirst(t *testing.T) {
	r := newRig(t)
	r.load(small("acme"))
	tree, err := r.Tree("acme")
	if err != nil {
		t.Fatal(err)
	}
	if got := asJSON(t, tree.Name); got != `["acme","detroit","body-shop","P-2","P-10","body-shop2","P-3","rotterdam"]` {
		t.Error(got)
	}
	if got := asJSON(t, tree.Parent); got != `[-1,0,1,2,2,1,5,0]` {
		t.Error(got)
	}
	if got := asJSON(t, tree.Tags); got != `[0,0,0,5,4,0,4,0]` {
		t.Error(got)
	}
	if tree.Rev != 13 || tree.Class[3] != "centrifugal_pump" || tree.Level[7] != "site" || len(tree.ID[0]) != 26 {
		t.Errorf("%+v", tree)
	}
	if empty, err := r.Tree("nobody"); err != nil || len(empty.ID) != 0 {
		t.Errorf("%+v, %v", empty, err)
	}
}

func TestRelationsAreSeenFromBothEnds(t *testing.T) {
	r := newRig(t)
	r.load(small("acme"))
	edges, err := r.Relations("acme", "acme/detroit/body-shop/P-2")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range edges {
		got = append(got, fmt.Sprintf("%s %s %s %v", e.Direction, e.Type, e.Asset.Name(), e.Attributes))
	}
	if want := "out feeds P-10 map[pipe:DN80], in spare_for P-3 map[]"; strings.Join(got, ", ") != want {
		t.Errorf("got %v, want %s", got, want)
	}
	if edges, err := r.Relations("acme", "acme"); err != nil || edges == nil || len(edges) != 0 {
		t.Errorf("%v, %v", edges, err)
	}
	if _, err := r.Relations("acme", "acme/nowhere"); !fault.Is(err, fault.NotFound) {
		t.Errorf("%v", err)
	}
}

func TestTheWorstComeFirst(t *testing.T) {
	r := newRig(t)
	m := small("acme")
	r.load(m)
	p10, p2, p3 := m.Assets[3].ID, m.Assets[4].ID, m.Assets[6].ID
	temp := func(asset string, v float64, q twin.Quality) {
		r.Report("acme", []twins.Reported{{Asset: asset, Tag: "temp_bearing_c", Sample: twin.Sample{T: r.now(), V: twin.FloatValue(v), Q: q}, Received: r.now()}})
	}
	if w := r.Worst("acme", 5); w == nil || len(w) != 0 {
		t.Errorf("nothing was reported, and %v is worst", w)
	}
	temp(p10, 70, twin.Good)
	temp(p2, 70, twin.Good)
	temp(p3, 30, twin.Good)
	began := r.now()
	r.clock.Advance(time.Second)
	temp(p10, 71, twin.Good)
	w := r.Worst("acme", 5)
	if len(w) != 2 || w[0].Asset.ID != p10 || w[1].Asset.ID != p2 || w[0].State != twin.Within || w[0].Since != began || w[0].Limit != nil {
		t.Errorf("%+v", w)
	}
	r.clock.Advance(time.Second)
	temp(p3, 4, twin.Good)
	w = r.Worst("acme", 1)
	if len(w) != 1 || w[0].Asset.ID != p3 || w[0].State != twin.LoLo || *w[0].Limit != 5 || w[0].Since != r.now() || w[0].Severity <= 1 {
		t.Errorf("%+v", w)
	}
	r.clock.Advance(time.Second)
	temp(p3, 4, twin.SensorFailure)
	if w = r.Worst("acme", 5); len(w) != 2 || w[0].Asset.ID != p10 {
		t.Errorf("a failed sensor is among the worst: %+v", w)
	}
	r.clock.Advance(11 * time.Second) // stale beyond five times two seconds
	if w = r.Worst("acme", 5); len(w) != 0 {
		t.Errorf("stale values are among the worst: %+v", w)
	}
}

func TestFreshnessBySite(t *testing.T) {
	r := newRig(t)
	m := small("acme")
	r.load(m)
	p10, p2 := m.Assets[3].ID, m.Assets[4].ID
	at := r.now()
	r.Report("acme", []twins.Reported{
		{Asset: p10, Tag: "flow", Sample: good(at, 1), Received: at},
		{Asset: p10, Tag: "running", Sample: twin.Sample{T: at, V: twin.BoolValue(true), Q: twin.Good}, Received: at},
		{Asset: p2, Tag: "vibration_rms", Sample: good(at, 1), Received: at},
	})
	for _, c := range []struct {
		after time.Duration
		want  twins.Freshness
	}{
		{0, twins.Freshness{Fresh: 3, Silent: 10, Newest: at}},
		{3 * time.Second, twins.Freshness{Fresh: 2, Late: 1, Silent: 10, Newest: at}},
		{5 * time.Second, twins.Freshness{Fresh: 1, Late: 1, Stale: 1, Silent: 10, Newest: at}},
		{time.Hour, twins.Freshness{Stale: 3, Silent: 10, Newest: at}},
	} {
		r.clock.Advance(c.after)
		all, sites := r.Freshness("acme")
		if all != c.want || sites["acme/detroit"] != c.want || sites["acme/rotterdam"] != (twins.Freshness{}) || len(sites) != 2 {
			t.Errorf("%v later: %+v, sites %+v, want %+v", c.after, all, sites, c.want)
		}
	}
	one, err := r.FreshnessUnder("acme", p2)
	if err != nil || one != (twins.Freshness{Stale: 1, Silent: 4, Newest: at}) {
		t.Errorf("%+v, %v", one, err)
	}
}

func TestTwoTenantsNeverMeet(t *testing.T) {
	r := newRig(t)
	ours, theirs := small("acme"), small("globex")
	theirs.Title = "Globex"
	for i := range theirs.Assets { // the same ids and the same paths
		theirs.Assets[i].ID = ours.Assets[i].ID
		theirs.Assets[i].Title = "theirs"
	}
	theirs.Relations = ours.Relations[:1]
	r.load(ours)
	r.load(theirs)
	pump := ours.Assets[4].ID
	sub := r.Subscribe("globex", "")
	defer sub.Close()
	r.Report("acme", []twins.Reported{{Asset: pump, Tag: "temp_bearing_c", Sample: good(r.now(), 90), Received: r.now()}})
	r.commit()
	for range 2 {
		doc, err := r.Twin("globex", pump)
		if err != nil || doc.Title != "theirs" || len(doc.Reported) != 0 {
			t.Errorf("globex sees %+v, %v", doc, err)
		}
		if edges, _ := r.Relations("globex", pump); len(edges) != 1 || edges[0].Asset.Title != "theirs" {
			t.Errorf("globex sees %+v", edges)
		}
		if w := r.Worst("globex", 5); len(w) != 0 {
			t.Errorf("globex sees %+v", w)
		}
		if f, _ := r.Freshness("globex"); f.Fresh != 0 {
			t.Errorf("globex sees %+v", f)
		}
		if doc, _ := r.Twin("acme", pump); doc.Reported["temp_bearing_c"].LimitState != twin.Hi {
			t.Errorf("acme sees %+v", doc)
		}
		r.restart()
	}
	entries, err := r.Journal(t.Context(), "globex", 0, 100)
	if err != nil || len(entries) != 12 {
		t.Errorf("globex' journal has %d entries, %v", len(entries), err)
	}
}
