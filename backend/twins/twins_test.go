package twins_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/lineshaft/lineshaft/assets"
	"github.com/lineshaft/lineshaft/backend/store"
	"github.com/lineshaft/lineshaft/backend/twins"
	"github.com/lineshaft/lineshaft/twin"
	"github.com/lineshaft/lineshaft/twin/clock"
	"github.com/lineshaft/lineshaft/twin/exchange"
	"github.com/lineshaft/lineshaft/twin/fault"
	"github.com/lineshaft/lineshaft/twin/wire"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/golang/glog.(*fileSink).flushDaemon"))
}

var start = time.Date(2026, 3, 19, 6, 0, 0, 0, time.UTC)

// rig is the twins on a real store with a clock the test moves.
type rig struct {
	*twins.Twins
	t     testing.TB
	dir   string
	store *store.Store
	clock *clock.Driven
}

func newRig(t testing.TB) *rig {
	t.Helper()
	r := &rig{t: t, dir: t.TempDir(), clock: clock.NewDriven(start)}
	r.open()
	t.Cleanup(r.stop)
	return r
}

func (r *rig) open() {
	r.t.Helper()
	log := slog.New(slog.DiscardHandler)
	var err error
	if r.store, err = store.Open(r.dir, log); err != nil {
		r.t.Fatal(err)
	}
	if r.Twins, err = twins.Open(r.t.Context(), r.store.Space("twins"), r.clock, log); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) stop() {
	if err := r.store.Close(); err != nil {
		r.t.Error(err)
	}
}

// restart ends the backend and starts it again; what was not committed is lost, as with kill -9.
func (r *rig) restart() {
	r.t.Helper()
	r.stop()
	r.open()
}

func (r *rig) now() int64 { return r.clock.Now().UnixNano() }

func (r *rig) load(m twin.Model) twins.Imported {
	r.t.Helper()
	in, err := r.Import(r.t.Context(), m, "test", false)
	if err != nil {
		r.t.Fatal(err)
	}
	return in
}

func (r *rig) commit() {
	r.t.Helper()
	if err := r.Commit(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
}

// asJSON is how a test compares documents.
func asJSON(t testing.TB, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// small is a plant of two sites with a pump that has limits.
func small(tenant string) twin.Model {
	id := func(path string) string { return wire.DerivedID(start, tenant, path) }
	pump := twin.Class{Name: "centrifugal_pump", Title: "Centrifugal pump", Symbol: "pump", Extends: "rotating", Nameplate: []twin.Field{{Name: "serial"}}, Tags: []twin.Tag{
		{Name: "flow", Type: "float64", Unit: "m3/h", Decimals: 1, Interval: 2 * time.Second},
		{
			Name: "temp_bearing_c", Type: "float64", Unit: "Cel", Interval: 2 * time.Second, Normal: twin.Band{Low: new(20.0), High: new(60.0)},
			Limits: twin.Limits{LoLo: new(5.0), Lo: new(10.0), Hi: new(80.0), HiHi: new(100.0)},
		},
		{Name: "running", Type: "bool", Interval: time.Minute},
		{Name: "mode", Type: "enum", States: []string{"off", "auto"}},
	}}
	rotating := twin.Class{Name: "rotating", Title: "Rotating equipment"}
	m := twin.Model{Tenant: tenant, Title: "Acme", Classes: twin.Classes{"centrifugal_pump": pump, "rotating": rotating}}
	for _, a := range []struct {
		path  string
		level twin.Level
		class string
	}{
		{"acme", twin.Enterprise, ""},
		{"acme/detroit", twin.Site, ""},
		{"acme/detroit/body-shop", twin.Area, ""},
		{"acme/detroit/body-shop/P-10", twin.Equipment, "centrifugal_pump"},
		{"acme/detroit/body-shop/P-2", twin.Equipment, "centrifugal_pump"},
		{"acme/detroit/body-shop2", twin.Area, ""},
		{"acme/detroit/body-shop2/P-3", twin.Equipment, "centrifugal_pump"},
		{"acme/rotterdam", twin.Site, ""},
	} {
		asset := twin.Asset{ID: id(a.path), Path: a.path, Level: a.level, Class: a.class, Title: "Title of " + a.path, Tags: m.Classes[a.class].Tags}
		if strings.HasSuffix(a.path, "P-2") {
			asset.Nameplate = map[string]any{"serial": "4711", "year": 2019, "power_kw": 7.5}
			asset.Tags = append(slices.Clone(pump.Tags), twin.Tag{Name: "vibration_rms", Type: "float64", Unit: "mm/s", Interval: time.Second})
			asset.Tags[1].Limits.HiHi = new(120.0)
		}
		m.Assets = append(m.Assets, asset)
	}
	m.Relations = []twin.Relation{
		{Type: twin.Feeds, From: id("acme/detroit/body-shop/P-2"), To: id("acme/detroit/body-shop/P-10"), Attributes: map[string]any{"pipe": "DN80"}},
		{Type: twin.SpareFor, From: id("acme/detroit/body-shop2/P-3"), To: id("acme/detroit/body-shop/P-2")},
	}
	return m
}

// demo is the plant the demo shows.
func demo(t testing.TB, tenant string) exchange.Plant {
	t.Helper()
	classes, err := exchange.ReadClasses(assets.FS, "classes")
	if err != nil {
		t.Fatal(err)
	}
	file, err := assets.FS.ReadFile("plants/" + tenant + ".yaml")
	if err != nil {
		t.Fatal(err)
	}
	plant, err := exchange.ReadPlant(bytes.NewReader(file), classes)
	if err != nil {
		t.Fatal(err)
	}
	return plant
}

func TestTheDemoPlantsAreImportedOnceAndStay(t *testing.T) {
	r := newRig(t)
	models := []twin.Model{demo(t, "acme").Model, demo(t, "globex").Model}
	for _, m := range models {
		dry, err := r.Import(t.Context(), m, "test", true)
		if err != nil {
			t.Fatal(err)
		}
		if slices.Contains(r.Tenants(), m.Tenant) {
			t.Fatal("a dry run made a plant")
		}
		in := r.load(m)
		if in.Created < len(m.Assets)+len(m.Classes)+len(m.Relations) || in.Changed+in.Unchanged != 0 || len(in.Lines) != min(in.Created, twins.MaxLines) {
			t.Errorf("%s: %d created, %d changed, %d unchanged, %d lines", m.Tenant, in.Created, in.Changed, in.Unchanged, len(in.Lines))
		}
		if asJSON(t, dry) != asJSON(t, in) {
			t.Errorf("%s: the dry run promised something else", m.Tenant)
		}
	}
	whole := func() string {
		var b strings.Builder
		for _, m := range models {
			items, _, total, err := r.Assets(m.Tenant, twins.Filter{Limit: 1000})
			if err != nil || total != len(m.Assets) {
				t.Fatalf("%d assets, want %d, %v", total, len(m.Assets), err)
			}
			b.WriteString(asJSON(t, items))
			for _, a := range items {
				rel, err := r.Relations(m.Tenant, a.ID)
				if err != nil {
					t.Fatal(err)
				}
				b.WriteString(asJSON(t, rel))
				for _, tag := range a.Tags {
					b.WriteString(tag.Interval.String())
				}
			}
			b.WriteString(asJSON(t, r.Classes(m.Tenant)))
		}
		return b.String()
	}
	before := whole()
	for _, m := range models {
		if in := r.load(m); in.Created+in.Changed != 0 || in.Unchanged == 0 {
			t.Errorf("%s again: %d created, %d changed: %v", m.Tenant, in.Created, in.Changed, in.Lines)
		}
	}
	r.restart()
	if after := whole(); after != before {
		t.Error("after a restart the plants differ")
	}
	for _, m := range models {
		if in := r.load(m); in.Created+in.Changed != 0 {
			t.Errorf("%s after a restart: %d created, %d changed: %v", m.Tenant, in.Created, in.Changed, in.Lines)
		}
		for _, want := range m.Assets {
			got, err := r.Asset(m.Tenant, want.Path)
			if err != nil || got.ID != want.ID || asJSON(t, got.Tags) != asJSON(t, want.Tags) {
				t.Errorf("%s came back as %+v, %v", want.Path, got, err)
			}
		}
	}
}

func TestAMoveKeepsTheIdentityAndTheValues(t *testing.T) {
	r := newRig(t)
	m := small("acme")
	r.load(m)
	p3 := m.Assets[6].ID
	r.Report("acme", []twins.Reported{{Asset: p3, Tag: "flow", Sample: good(r.now(), 42), Received: r.now()}})
	m.Assets[6].Path = "acme/rotterdam/P-3"
	m.Assets[6], m.Assets[7] = m.Assets[7], m.Assets[6]
	if in := r.load(m); in.Changed != 1 || in.Created != 0 {
		t.Fatalf("%+v", in)
	}
	if _, err := r.Asset("acme", "acme/detroit/body-shop2/P-3"); !fault.Is(err, fault.NotFound) {
		t.Errorf("it is still where it was: %v", err)
	}
	doc, err := r.Twin("acme", "acme/rotterdam/P-3")
	if err != nil || doc.ID != p3 || doc.Reported["flow"].V != twin.FloatValue(42) {
		t.Errorf("%+v, %v", doc, err)
	}
	if r.SiteOf("acme", p3) != "acme/rotterdam" || r.ParentID("acme", p3) != m.Assets[6].ID {
		t.Errorf("it stands in %s under %s", r.SiteOf("acme", p3), r.ParentID("acme", p3))
	}
	m.Assets = m.Assets[:len(m.Assets)-1] // a model that does not name it leaves it
	if in := r.load(m); in.Changed+in.Created != 0 {
		t.Errorf("%+v", in)
	}
	if _, err := r.Asset("acme", p3); err != nil {
		t.Error(err)
	}
}

func TestAnAssetKnownByItsPathKeepsItsID(t *testing.T) {
	r := newRig(t)
	m := small("acme")
	r.load(m)
	old := m.Assets[4].ID
	other := wire.DerivedID(start.Add(time.Hour), "elsewhere")
	m.Assets[4].ID = other
	m.Relations[0].From, m.Relations[1].To = other, other
	in := r.load(m)
	if in.Created+in.Changed != 0 || in.Kept[other] != old {
		t.Errorf("%+v, want %s kept as %s", in, other, old)
	}
	if r.HasAsset("acme", other) || !r.HasAsset("acme", old) {
		t.Error("the id changed")
	}
}

func TestAClassRevisedReachesItsAssets(t *testing.T) {
	r := newRig(t)
	m := small("acme")
	r.load(m)
	p10, p2 := m.Assets[3].ID, m.Assets[4].ID
	r.Report("acme", []twins.Reported{
		{Asset: p10, Tag: "running", Sample: twin.Sample{T: r.now(), V: twin.BoolValue(true), Q: twin.Good}, Received: r.now()},
		{Asset: p10, Tag: "temp_bearing_c", Sample: good(r.now(), 70), Received: r.now()},
	})
	class := m.Classes["centrifugal_pump"]
	revised := slices.Delete(slices.Clone(class.Tags), 0, 1) // no flow any more
	revised[0].Limits.Hi = new(65.0)
	class.Tags = revised
	m.Classes["centrifugal_pump"] = class
	for i := range m.Assets {
		if m.Assets[i].Class == "centrifugal_pump" && m.Assets[i].ID != p2 {
			m.Assets[i].Tags = revised
		}
	}
	m.Assets[4].Tags = append(slices.Clone(revised), m.Assets[4].Tags[4])
	m.Assets[4].Tags[0].Limits.HiHi = new(120.0)
	in := r.load(m)
	if in.Created != 0 || in.Changed != 2 { // the class, and P-2 whose own tag follows it
		t.Errorf("%+v", in)
	}
	if _, has := r.TagOf("acme", p10, "flow"); has {
		t.Error("the pump still has a flow")
	}
	if tag, has := r.TagOf("acme", p2, "temp_bearing_c"); !has || *tag.Limits.Hi != 65 || *tag.Limits.HiHi != 120 || tag.Interval != 2*time.Second {
		t.Errorf("the pump with limits of its own has %+v", tag)
	}
	doc, err := r.Twin("acme", p10)
	if err != nil || !doc.Reported["running"].V.Bool() || doc.Reported["temp_bearing_c"].LimitState != twin.Hi {
		t.Errorf("%+v, %v", doc.Reported, err)
	}
	if w := r.Worst("acme", 5); len(w) != 1 || w[0].State != twin.Hi || *w[0].Limit != 65 {
		t.Errorf("worst %+v", w)
	}
}

func TestAModelThatIsWrongIsRefusedWhole(t *testing.T) {
	r := newRig(t)
	r.load(small("acme"))
	before, _ := r.Tree("acme")
	for name, c := range map[string]struct {
		change func(*twin.Model)
		field  string
	}{
		"tenant":             {func(m *twin.Model) { m.Tenant = "a/b" }, "tenant"},
		"id no ULID":         {func(m *twin.Model) { m.Assets[4].ID = "P-2" }, "assets[4].id"},
		"two of one id":      {func(m *twin.Model) { m.Assets[4].ID = m.Assets[3].ID }, "assets[4].id"},
		"two of one path":    {func(m *twin.Model) { m.Assets[4].Path = m.Assets[3].Path }, "assets[4].path"},
		"path with a space":  {func(m *twin.Model) { m.Assets[4].Path = "acme/detroit/P 2" }, "assets[4].path"},
		"no parent":          {func(m *twin.Model) { m.Assets[4].Path = "acme/paris/P-2" }, "assets[4].path"},
		"no level":           {func(m *twin.Model) { m.Assets[4].Level = "machine" }, "assets[4].level"},
		"site under an area": {func(m *twin.Model) { m.Assets[4].Level = twin.Site }, "assets[4].level"},
		"unknown class":      {func(m *twin.Model) { m.Assets[4].Class = "compressor" }, "assets[4].class"},
		"tag's type":         {func(m *twin.Model) { m.Assets[4].Tags[0].Type = "decimal" }, "assets[4].tags"},
		"relation type":      {func(m *twin.Model) { m.Relations[0].Type = "likes" }, "relations[0].type"},
		"relation to itself": {func(m *twin.Model) { m.Relations[0].To = m.Relations[0].From }, "relations[0].to"},
		"relation to none":   {func(m *twin.Model) { m.Relations[0].To = wire.DerivedID(start, "x") }, "relations[0].to"},
		"relation twice":     {func(m *twin.Model) { m.Relations[1] = m.Relations[0] }, "relations[1]"},
		"orphaned children":  {func(m *twin.Model) { m.Assets[2].Path, m.Assets = "acme/detroit/shop", m.Assets[:3]; m.Relations = nil }, ""},
	} {
		m := small("acme")
		m.Assets[0].Title = "would be changed"
		c.change(&m)
		_, err := r.Import(t.Context(), m, "test", false)
		if f, _ := err.(*fault.Error); f == nil || f.Kind != fault.Invalid || f.Field != c.field { //nolint:errorlint // it is the fault itself
			t.Errorf("%s: got %v, want field %q", name, err, c.field)
		}
	}
	if after, _ := r.Tree("acme"); after.Rev != before.Rev || after.Title[0] != before.Title[0] {
		t.Error("half of a refused model was taken over")
	}
}
