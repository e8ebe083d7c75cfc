package wire_test

import (
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/lineshaft/lineshaft/twin"
	"github.com/lineshaft/lineshaft/twin/wire"
)

var jsonBlock = regexp.MustCompile("(?s)```json\n(.*?)```")

func examples(t *testing.T, name string) []string {
	t.Helper()
	text, err := os.ReadFile("../../docs/reference/" + name)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, m := range jsonBlock.FindAllStringSubmatch(string(text), -1) {
		out = append(out, m[1])
	}
	if len(out) == 0 {
		t.Fatalf("%s shows no example", name)
	}
	return out
}

func TestTheExamplesInTheDocsAreTaken(t *testing.T) {
	versions := map[string]bool{}
	for _, e := range examples(t, "telemetry.md") {
		m := decode(t, e)
		if len(m.Readings) == 0 || len(m.Wrong) > 0 {
			t.Errorf("%d readings, wrong %v in\n%s", len(m.Readings), m.Wrong, e)
		}
		versions[m.SchemaVersion] = true
	}
	for _, v := range []string{wire.Schema10, wire.Schema20, wire.Schema21, wire.Schema22, wire.SchemaCompact} {
		if !versions[v] {
			t.Errorf("no example of %s", v)
		}
	}
	for _, e := range examples(t, "topics.md") {
		if _, err := wire.DecodeStatus([]byte(e)); err != nil {
			t.Errorf("%v in\n%s", err, e)
		}
	}
}

func TestTheDocsHaveEveryQuality(t *testing.T) {
	text, err := os.ReadFile("../../docs/reference/telemetry.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "## Quality")
	section, _, _ = strings.Cut(section, "## ")
	rows := regexp.MustCompile(`\| (\d+) \| ([a-z, -]+) `).FindAllStringSubmatch(section, -1)
	if len(rows) != 16 {
		t.Errorf("%d rows, the standard's words are 16", len(rows))
	}
	for _, row := range rows {
		n, err := strconv.ParseUint(row[1], 10, 8)
		if err != nil {
			t.Fatal(err)
		}
		if got := twin.Quality(n).String(); got != strings.TrimSpace(row[2]) {
			t.Errorf("%d is %q, the docs say %q", n, got, row[2])
		}
	}
}
