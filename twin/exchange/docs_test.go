package exchange_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/lineshaft/lineshaft/twin/exchange"
)

// The examples of the reference: first classes, then a plant of classes that ship.
func TestTheExamplesInTheDocsLoad(t *testing.T) {
	text, err := os.ReadFile("../../docs/reference/plant-file.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(text), -1)
	if len(blocks) < 2 {
		t.Fatalf("%d examples", len(blocks))
	}
	cs, err := exchange.ReadClasses(classFS(blocks[0][1]), "classes")
	if err != nil {
		t.Fatal(err)
	}
	if vib, _ := cs["centrifugal_pump"].Tag("vibration_rms"); vib.Unit != "mm/s" || *vib.Limits.HiHi != 9 {
		t.Errorf("%+v", vib)
	}
	shipped, err := exchange.ReadClasses(os.DirFS("../../assets"), "classes")
	if err != nil {
		t.Fatal(err)
	}
	p, err := exchange.ReadPlant(strings.NewReader(blocks[1][1]), shipped)
	if err != nil || len(p.Devices) != 6 {
		t.Errorf("%d devices, %v", len(p.Devices), err)
	}
}
