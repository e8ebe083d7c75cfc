package assets_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/lineshaft/lineshaft/assets"
	"github.com/lineshaft/lineshaft/twin"
	"github.com/lineshaft/lineshaft/twin/exchange"
	"github.com/lineshaft/lineshaft/twin/wire"
)

func readClasses(t *testing.T) twin.Classes {
	t.Helper()
	classes, err := exchange.ReadClasses(assets.FS, "classes")
	if err != nil {
		t.Fatalf("classes:\n%v", err)
	}
	return classes
}

func readFile(t *testing.T, name string) []byte {
	t.Helper()
	data, err := fs.ReadFile(assets.FS, name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// readPlants loads every plant, by tenant.
func readPlants(t *testing.T) map[string]exchange.Plant {
	t.Helper()
	classes := readClasses(t)
	files, err := fs.Glob(assets.FS, "plants/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("plants: %v, %v", files, err)
	}
	out := map[string]exchange.Plant{}
	for _, f := range files {
		p, err := exchange.ReadPlant(bytes.NewReader(readFile(t, f)), classes)
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

func TestEveryPlantLoads(t *testing.T) {
	plants := readPlants(t)
	for tenant, p := range plants {
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
		if tenant == "acme" && (len(p.Assets) < 140 || tags < 650 || kinds[twin.Direct] != 30) {
			t.Errorf("the plant to look at has shrunk: %d assets, %d tags, %d devices that speak for themselves", len(p.Assets), tags, kinds[twin.Direct])
		}
	}
}

// What others keep under an asset's id, history above all, stays reachable only while the id stays.
func TestAssetIDsStay(t *testing.T) {
	for path, id := range map[string]string{
		"acme": "01KDVDNA00RD908FMZFACEX6AN",
		"acme/detroit/body-shop/cooling-water/loop-2/P-007": "01KDVDNA0076EYC4M829GDR5T6",
		"acme/rotterdam/process/te-cell/R-101":              "01KDVDNA00K3SFKCRZKD0RGFA8",
	} {
		for _, a := range readPlants(t)["acme"].Assets {
			if a.Path == path && a.ID != id {
				t.Errorf("%s has id %s, and had %s", path, a.ID, id)
			}
		}
	}
}

// units are the UCUM codes a console knows how to write. A new one is added here and there.
var units = strings.Fields(`% 1 A Cel Hz K L/min V bar h kA kN kPa kW kW.h kg kg/h m m/s2 m2 m3 m3/h m3/min 10*3.m3/h
	mm mm/s ms s uS/cm By MBy {cycle} {msg} {msg}/s {part} {rev}/min {start} {weld}`)

func TestEveryUnitIsKnown(t *testing.T) {
	for _, c := range readClasses(t) {
		for _, tag := range c.Tags {
			if tag.Unit != "" && !slices.Contains(units, tag.Unit) {
				t.Errorf("%s.%s: unit %q", c.Name, tag.Name, tag.Unit)
			}
		}
		for _, f := range c.Nameplate {
			if f.Unit != "" && !slices.Contains(units, f.Unit) {
				t.Errorf("%s, nameplate %s: unit %q", c.Name, f.Name, f.Unit)
			}
		}
	}
}

// An operator sees a tag's band, limits and unit: measured numbers have them.
func TestMeasuredTagsSayWhatIsNormal(t *testing.T) {
	for _, c := range readClasses(t) {
		for _, tag := range c.Tags {
			counter := tag.Range.High == nil
			switch {
			case tag.Title == "":
				t.Errorf("%s.%s has no title", c.Name, tag.Name)
			case tag.Interval == 0:
				t.Errorf("%s.%s: freshness needs an interval", c.Name, tag.Name)
			case tag.Type != "float64" || counter || tag.Writable:
			case tag.Unit == "" || tag.Normal == (twin.Band{}) || tag.Nominal == nil:
				t.Errorf("%s.%s wants unit, normal band and nominal value", c.Name, tag.Name)
			}
		}
	}
}

func TestEveryClassIsUsed(t *testing.T) {
	classes := readClasses(t)
	used := map[string]bool{}
	for _, p := range readPlants(t) {
		for _, a := range p.Assets {
			for c := a.Class; c != ""; c = classes[c].Extends {
				used[c] = true
			}
		}
	}
	for name := range classes {
		if !used[name] {
			t.Errorf("no plant has a %s", name)
		}
	}
}

// The water's way of P-007: tank, strainer, pump, exchanger, header, weld cell.
func TestThePumpsFeedTheWeldCells(t *testing.T) {
	p := readPlants(t)["acme"]
	name := map[string]string{}
	for _, a := range p.Assets {
		name[a.ID] = a.Name()
	}
	edges := map[string]bool{}
	for _, r := range p.Relations {
		edges[name[r.From]+" "+string(r.Type)+" "+name[r.To]] = true
	}
	for _, want := range []string{
		"T-002 feeds F-002", "F-002 feeds P-007", "M-007 drives P-007", "VFD-007 powers M-007", "VI-007 measures P-007",
		"P-007 feeds HX-002", "HX-002 feeds HD-002", "HD-002 feeds W-21", "P-008 spare_for P-007", "P-007 hosted_by gw-det-01",
		"CT-001 feeds HX-002", "plc-det-cw-2 controls loop-2",
	} {
		if !edges[want] {
			t.Errorf("missing: %s", want)
		}
	}
}

func TestBothProtocolsAndBothWordOrdersAreThere(t *testing.T) {
	seen := map[string]bool{}
	hosted := map[string]string{}
	for _, c := range readPlants(t)["acme"].PLCs {
		seen[c.Protocol], seen[c.WordOrder] = true, true
		if len(c.Devices) == 0 {
			t.Errorf("%s answers for nobody", c.Name)
		}
		for _, d := range c.Devices {
			if hosted[d] != "" {
				t.Errorf("%s is behind %s and %s", d, hosted[d], c.Name)
			}
			hosted[d] = c.Name
		}
	}
	for _, w := range []string{"modbus", "opcua", "big", "little"} {
		if !seen[w] {
			t.Errorf("no PLC is %s", w)
		}
	}
}

func TestEveryDeviceHasATopicOfItsOwn(t *testing.T) {
	for tenant, p := range readPlants(t) {
		topics := map[string]string{}
		for _, d := range p.Devices {
			topic := wire.DeviceTopic(tenant, d).On(wire.Telemetry).String()
			if _, err := wire.ParseTopic(topic); err != nil {
				t.Error(err)
			}
			if topics[topic] != "" {
				t.Errorf("%s and %s share %s", d.ID, topics[topic], topic)
			}
			topics[topic] = d.ID
			if d.Interval <= 0 {
				t.Errorf("%s: nobody knows when it is late", d.ID)
			}
		}
	}
}

func TestTheBrandIsDrawn(t *testing.T) {
	files, err := fs.Glob(assets.FS, "brand/*.svg")
	if err != nil || len(files) == 0 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, f := range files {
		dec := xml.NewDecoder(bytes.NewReader(readFile(t, f)))
		for {
			tok, err := dec.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", f, err)
			}
			if e, ok := tok.(xml.StartElement); ok && (e.Name.Local == "script" || e.Name.Local == "image" || e.Name.Local == "use") {
				t.Errorf("%s draws by <%s>: a mark stands alone", f, e.Name.Local)
			}
		}
	}
}
