package plant_test

import (
	"io/fs"
	"path"
	"slices"
	"testing"
	"time"

	"github.com/lineshaft/lineshaft/assets"
	"github.com/lineshaft/lineshaft/simulator/plant"
	"github.com/lineshaft/lineshaft/twin"
	"github.com/lineshaft/lineshaft/twin/exchange"
)

var start = time.Date(2026, 3, 12, 6, 0, 0, 0, time.UTC)

// shipped reads a plant that ships with Lineshaft, with its recordings.
func shipped(t *testing.T, name string) (exchange.Plant, []plant.Track) {
	t.Helper()
	classes, err := exchange.ReadClasses(assets.FS, "classes")
	if err != nil {
		t.Fatal(err)
	}
	f, err := assets.FS.Open("plants/" + name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	p, err := exchange.ReadPlant(f, classes)
	if err != nil {
		t.Fatal(err)
	}
	var tracks []plant.Track
	for _, r := range p.Replay {
		tracks = append(tracks, track(t, assets.FS, r))
	}
	return p, tracks
}

func track(t *testing.T, fsys fs.FS, r exchange.Replay) plant.Track {
	t.Helper()
	f, err := fsys.Open(path.Join("recordings", r.Recording))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := plant.ReadRecording(f)
	if err != nil {
		t.Fatal(err)
	}
	return plant.Track{Asset: r.Asset, Rows: rows, Columns: r.Columns, Step: r.Step}
}

func acme(t *testing.T, seed uint64) (exchange.Plant, *plant.World) {
	t.Helper()
	p, tracks := shipped(t, "acme.yaml")
	w, err := plant.New(p.Model, plant.Config{Seed: seed, Start: start, Tracks: tracks})
	if err != nil {
		t.Fatal(err)
	}
	return p, w
}

func TestAHealthyPlantStaysInItsBands(t *testing.T) {
	for _, name := range []string{"acme.yaml", "globex.yaml"} {
		t.Run(name, func(t *testing.T) {
			p, tracks := shipped(t, name)
			w, err := plant.New(p.Model, plant.Config{Seed: 1, Start: start, Tracks: tracks})
			if err != nil {
				t.Fatal(err)
			}
			staysInItsBands(t, p, w)
		})
	}
}

func staysInItsBands(t *testing.T, p exchange.Plant, w *plant.World) {
	spare := map[string]bool{} // spares stand still; what stands still has no normal flow
	for _, r := range p.Relations {
		if r.Type == twin.SpareFor {
			spare[r.From] = true
		}
	}
	replayed := map[string]bool{}
	for _, r := range p.Replay {
		replayed[r.Asset] = true
	}
	excused := func(a twin.Asset) bool {
		return slices.ContainsFunc(p.Assets, func(o twin.Asset) bool {
			return twin.Under(a.Path, o.Path) && (spare[o.ID] || plant.Degrading(o.Class, o.Name()))
		})
	}
	var watched []watch
	for _, a := range p.Assets {
		if replayed[a.ID] || excused(a) {
			continue
		}
		for _, tag := range a.Tags {
			ref, ok := w.Resolve(a.ID, tag.Name)
			if !ok {
				t.Fatalf("%s.%s is not in the world", a.Path, tag.Name)
			}
			watched = append(watched, watch{a.Path + "." + tag.Name, ref, tag})
		}
	}
	outside := map[string]float64{}
	for range 1800 {
		w.Step(2 * time.Second)
		for _, x := range watched {
			s := w.Sample(x.ref)
			v := s.V.Float()
			if b := x.tag.Normal; (b.Low != nil && v < *b.Low) || (b.High != nil && v > *b.High) {
				outside[x.name] = v
			}
			if !x.tag.Range.Has(v) && s.V.Kind() != twin.String {
				t.Fatalf("%s is %v, its sensor says %s", x.name, v, x.tag.Range)
			}
		}
	}
	for name, v := range outside {
		t.Errorf("%s left its normal band: %v", name, v)
	}
	t.Logf("%d tags of %d watched for an hour", len(watched), w.Len())
}

type watch struct {
	name string
	ref  plant.Ref
	tag  twin.Tag
}
