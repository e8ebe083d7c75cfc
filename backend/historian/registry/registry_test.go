package registry_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lineshaft/lineshaft/backend/historian/registry"
	"github.com/lineshaft/lineshaft/twin"
	"github.com/lineshaft/lineshaft/twin/clock"
	"github.com/lineshaft/lineshaft/twin/fault"
	"github.com/lineshaft/lineshaft/twin/wire"
)

// disk is a KV in memory that can be full.
type disk struct {
	mu   sync.Mutex
	m    map[string][]byte
	full error
}

func (d *disk) Scan(prefix []byte, fn func(k, v []byte) error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, k := range slices.Sorted(maps.Keys(d.m)) {
		if bytes.HasPrefix([]byte(k), prefix) {
			if err := fn([]byte(k), d.m[k]); err != nil {
				return err
			}
		}
	}
	return nil
}

func (d *disk) Write(_ context.Context, puts []registry.Pair) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.full != nil {
		return d.full
	}
	for _, p := range puts {
		d.m[string(p.Key)] = p.Value
	}
	return nil
}

// model is the plant as declared.
type model struct {
	assets  map[string][]twin.Tag
	devices map[string]string
	names   map[string]map[string]string
}

func (m *model) DeviceAsset(_, device string) (string, map[string]string, bool) {
	a, ok := m.devices[device]
	return a, m.names[device], ok
}
func (m *model) Tags(_, asset string) []twin.Tag { return m.assets[asset] }

type plant struct {
	*registry.Registry
	t     *testing.T
	disk  *disk
	model *model
	clock *clock.Driven
}

func newPlant(t *testing.T) *plant {
	p := &plant{
		t: t, disk: &disk{m: map[string][]byte{}}, clock: clock.NewDriven(time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)),
		model: &model{
			assets: map[string][]twin.Tag{
				"pump-7": {{Name: "temp_c", Unit: "Cel"}, {Name: "running", Type: "bool"}, {Name: "state", Type: "enum", States: []string{"STOP", "RUN"}}},
				"pump-8": {{Name: "temp_c", Unit: "Cel"}},
			},
			devices: map[string]string{"P-007": "pump-7", "P-008": "pump-8", "bench": ""},
			names:   map[string]map[string]string{"P-008": {"T1": "temp_c"}},
		},
	}
	p.reopen()
	return p
}

func (p *plant) reopen() {
	p.t.Helper()
	var err error
	if p.Registry, err = registry.Open(p.disk, p.model, p.clock, rand.NewChaCha8([32]byte{})); err != nil {
		p.t.Fatal(err)
	}
}

func (p *plant) now() int64 { return p.clock.Now().UnixNano() }

func (p *plant) resolve(device, tag string, kind twin.Kind, t int64) registry.Binding {
	p.t.Helper()
	b, err := p.Resolve("acme", device, tag, kind, t)
	if err != nil {
		p.t.Fatal(err)
	}
	return b
}

func TestATagGoesToItsAssetUnderAStableNumber(t *testing.T) {
	p := newPlant(t)
	got := p.resolve("P-007", "temp_c", twin.Float, p.now())
	if d := cmp.Diff(registry.Binding{Series: 1, Asset: "pump-7", Tag: "temp_c", Kind: twin.Float, Scale: 1, From: math.MinInt64, To: math.MaxInt64}, got); d != "" {
		t.Fatal(d)
	}
	if b := p.resolve("P-008", "T1", twin.Float, p.now()); b.Asset != "pump-8" || b.Tag != "temp_c" {
		t.Fatalf("the tag map was not used: %+v", b)
	}
	if b := p.resolve("P-007", "state", twin.Int, p.now()); b.Kind != twin.Int {
		t.Fatalf("an enum is kept as %s", b.Kind)
	}
	before, ok := p.SeriesOf("acme", "pump-7", "temp_c")
	if !ok || !wire.ValidID(before.ULID) || before.Now().Unit != "Cel" {
		t.Fatalf("series is %+v, %v", before, ok)
	}
	p.reopen()
	after, _ := p.SeriesOf("acme", "pump-7", "temp_c")
	if d := cmp.Diff(before, after); d != "" {
		t.Fatalf("after a restart:\n%s", d)
	}
	if b := p.resolve("P-007", "temp_c", twin.Float, p.now()); b.Series != got.Series {
		t.Fatalf("series %d was %d before the restart", b.Series, got.Series)
	}
	if _, ok := p.SeriesOf("globex", "pump-7", "temp_c"); ok {
		t.Fatal("another tenant sees the series")
	}
}

func TestLateDataOfAReplacedDeviceLandsOnTheOldAsset(t *testing.T) {
	p := newPlant(t)
	first := p.resolve("P-007", "temp_c", twin.Float, p.now())
	p.clock.Advance(24 * time.Hour)
	p.model.devices["P-007"] = "pump-8" // the device moves to another pump
	if err := p.Refresh(t.Context(), "acme"); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if b := p.resolve("P-007", "temp_c", twin.Float, p.now()+1); b.Asset != "pump-8" {
			t.Fatalf("a reading of today goes to %q", b.Asset)
		}
		if b := p.resolve("P-007", "temp_c", twin.Float, p.now()-int64(72*time.Hour)); b.Series != first.Series {
			t.Fatalf("a reading 72 h late goes to series %d (%s)", b.Series, b.Asset)
		}
		if b := p.resolve("P-007", "running", twin.Bool, p.now()-int64(72*time.Hour)); b.Asset != "pump-7" {
			t.Fatalf("a tag first heard late goes to %q", b.Asset)
		}
		p.reopen()
	}
	n := p.Count("acme")
	if err := p.Refresh(t.Context(), "acme"); err != nil || p.Count("acme") != n {
		t.Fatalf("a refresh without a change made series: %d, was %d, %v", p.Count("acme"), n, err)
	}
}

// Who resolves many readings asks once for all that lie in the binding's span, and gets what asking for each gives.
func TestABindingSaysForWhichTimesItHolds(t *testing.T) {
	p := newPlant(t)
	p.resolve("P-007", "temp_c", twin.Float, p.now())
	p.clock.Advance(time.Hour)
	p.model.assets["pump-7"][0].Unit = "K" // a new segment
	if err := p.Refresh(t.Context(), "acme"); err != nil {
		t.Fatal(err)
	}
	p.clock.Advance(time.Hour)
	p.model.devices["P-007"] = "pump-8"
	if err := p.Refresh(t.Context(), "acme"); err != nil {
		t.Fatal(err)
	}
	p.resolve("P-007", "temp_c", twin.Float, p.now())
	hour := int64(time.Hour)
	want := [][2]int64{{math.MinInt64, p.now() - hour}, {p.now() - hour, p.now()}, {p.now(), math.MaxInt64}}
	for i, at := range []int64{p.now() - 5*hour, p.now() - hour, p.now()} {
		b := p.resolve("P-007", "temp_c", twin.Float, at)
		if b.From != want[i][0] || b.To != want[i][1] {
			t.Errorf("binding %d holds from %d to %d, not %v", i, b.From, b.To, want[i])
		}
		for _, same := range []int64{b.From, b.To - 1} {
			if d := cmp.Diff(b, p.resolve("P-007", "temp_c", twin.Float, same)); d != "" {
				t.Errorf("at %d:\n%s", same, d)
			}
		}
	}
}

func TestATagNobodyDeclaredIsKeptAndMayBeDeclaredLater(t *testing.T) {
	p := newPlant(t)
	b := p.resolve("P-007", "noise_db", twin.Float, p.now())
	if b.Asset != "" || b.Tag != "noise_db" {
		t.Fatalf("%+v", b)
	}
	if got := p.Unmapped("acme", "P-007"); len(got) != 1 || got[0].ID != b.Series {
		t.Fatalf("unmapped: %+v", got)
	}
	p.clock.Advance(time.Hour)
	p.model.assets["pump-7"] = append(p.model.assets["pump-7"], twin.Tag{Name: "noise_db", Unit: "dB"})
	if err := p.Refresh(t.Context(), "acme"); err != nil {
		t.Fatal(err)
	}
	if now := p.resolve("P-007", "noise_db", twin.Float, p.now()); now.Asset != "pump-7" {
		t.Fatalf("after its declaration it goes to %+v", now)
	}
	if then := p.resolve("P-007", "noise_db", twin.Float, p.now()-1); then.Series != b.Series {
		t.Fatalf("what was before its declaration goes to %+v", then)
	}
}

func TestAChangeOfTypeBeginsASegment(t *testing.T) {
	p := newPlant(t)
	a := p.resolve("bench", "x", twin.None, p.now()) // its first reading had no value
	p.resolve("bench", "x", twin.Float, p.now())
	p.clock.Advance(time.Minute)
	b := p.resolve("bench", "x", twin.String, p.now())
	if a.Series != b.Series || b.Kind != twin.String {
		t.Fatalf("%+v, then %+v", a, b)
	}
	p.model.assets["pump-7"][0].Type = "int64"
	p.resolve("P-007", "temp_c", twin.Float, p.now())
	p.reopen()
	p.model.assets["pump-7"][0].Unit = "K"
	if err := p.Refresh(t.Context(), "acme"); err != nil {
		t.Fatal(err)
	}
	s, _ := p.SeriesOf("acme", "pump-7", "temp_c")
	if len(s.Segments) != 2 || s.At(p.now()).Unit != "K" || s.At(p.now()-1).Unit != "Cel" {
		t.Fatalf("segments: %+v", s.Segments)
	}
	bench, _ := p.Series("acme", b.Series)
	if len(bench.Segments) != 2 || bench.At(p.now()-1).Kind != twin.Float {
		t.Fatalf("segments of the bench: %+v", bench.Segments)
	}
}

func TestADeviceThatInventsNamesIsStopped(t *testing.T) {
	p := newPlant(t)
	for i := range registry.MaxUnmapped {
		p.resolve("bench", fmt.Sprintf("x%d", i), twin.Int, p.now())
	}
	_, err := p.Resolve("acme", "bench", "one_more", twin.Int, p.now())
	if !fault.Is(err, fault.Invalid) {
		t.Fatalf("error %v", err)
	}
	p.resolve("P-007", "temp_c", twin.Float, p.now())
}

func TestAFullDiskChangesNothing(t *testing.T) {
	p := newPlant(t)
	p.disk.full = errors.New("no space left on device")
	if _, err := p.Resolve("acme", "P-007", "temp_c", twin.Float, p.now()); !errors.Is(err, p.disk.full) {
		t.Fatalf("error %v", err)
	}
	if n := p.Count("acme"); n != 0 {
		t.Fatalf("%d series that are nowhere on disk", n)
	}
	p.disk.full = nil
	if b := p.resolve("P-007", "temp_c", twin.Float, p.now()); b.Series != 1 {
		t.Fatalf("%+v", b)
	}
}

func TestComputedValuesHaveSeriesToo(t *testing.T) {
	p := newPlant(t)
	s, err := p.ForAsset(t.Context(), "acme", "site", twin.Tag{Name: "connectivity_pct", Unit: "%"})
	if err != nil {
		t.Fatal(err)
	}
	again, err := p.ForAsset(t.Context(), "acme", "site", twin.Tag{Name: "connectivity_pct", Unit: "%"})
	if err != nil || again.ID != s.ID {
		t.Fatalf("%+v, %v", again, err)
	}
}

func TestAKnownTagIsFoundWithoutAllocating(t *testing.T) {
	p := newPlant(t)
	at := p.now()
	p.resolve("P-007", "temp_c", twin.Float, at)
	n := testing.AllocsPerRun(100, func() {
		if _, err := p.Resolve("acme", "P-007", "temp_c", twin.Float, at); err != nil {
			t.Fatal(err)
		}
	})
	if n != 0 {
		t.Fatalf("%v allocations", n)
	}
}

func TestManyWorkersBindTheSameTags(t *testing.T) {
	p := newPlant(t)
	var wg sync.WaitGroup
	got := make([][]registry.Binding, 8)
	for w := range got {
		wg.Go(func() {
			for i := range 50 {
				b, err := p.Resolve("acme", "bench", fmt.Sprintf("x%d", i), twin.Int, 1)
				if err != nil {
					t.Error(err)
				}
				got[w] = append(got[w], b)
			}
		})
	}
	wg.Wait()
	for w := range got {
		if d := cmp.Diff(got[0], got[w]); d != "" {
			t.Fatalf("workers disagree:\n%s", d)
		}
	}
	if n := p.Count("acme"); n != 50 {
		t.Fatalf("%d series", n)
	}
}

func BenchmarkResolve(b *testing.B) {
	p := newPlant(&testing.T{})
	at := p.now()
	for b.Loop() {
		if _, err := p.Resolve("acme", "P-007", "temp_c", twin.Float, at); err != nil {
			b.Fatal(err)
		}
	}
}
