package assets_test

import (
	"bytes"
	"io/fs"
	"path"
	"strings"
	"testing"

	"github.com/lineshaft/lineshaft/assets"
	"github.com/lineshaft/lineshaft/twin"
	"github.com/lineshaft/lineshaft/twin/exchange"
)

func load(t *testing.T) map[string]exchange.Plant {
	t.Helper()
	classes, err := exchange.ReadClasses(assets.FS, "classes")
	if err != nil {
		t.Fatalf("classes:\n%v", err)
	}
	files, err := fs.Glob(assets.FS, "plants/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("plants: %v, %v", files, err)
	}
	out := map[string]exchange.Plant{}
	for _, f := range files {
		data, err := fs.ReadFile(assets.FS, f)
		if err != nil {
			t.Fatal(err)
		}
		p, err := exchange.ReadPlant(bytes.NewReader(data), classes)
		if err != nil {
			t.Fatalf("%s:\n%v", f, err)
		}
		if want := strings.TrimSuffix(path.Base(f), ".yaml"); p.Tenant != want {
			t.Errorf("%s declares tenant %s: a file is named after its tenant", f, p.Tenant)
		}
		out[p.Tenant] = p
	}
	return out
}

func TestPlantsLoad(t *testing.T) {
	for tenant, p := range load(t) {
		tags, kinds := 0, map[twin.DeviceKind]int{}
		for _, a := range p.Assets {
			tags += len(a.Tags)
		}
		for _, d := range p.Devices {
			kinds[d.Kind]++
		}
		t.Logf("%s: %d assets, %d tags, %d relations, %d devices (%d gateways, %d hosted, %d direct), %d PLCs, %d replays",
			tenant, len(p.Assets), tags, len(p.Relations), len(p.Devices),
			kinds[twin.Gateway], kinds[twin.Hosted], kinds[twin.Direct], len(p.PLCs), len(p.Replay))
	}
}
