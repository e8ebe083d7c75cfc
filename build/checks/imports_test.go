package checks

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/lineshaft/lineshaft"

// mayImport is the table of the architecture: product folder → folders of ours it may import, itself included.
var mayImport = map[string][]string{
	"twin":      {"twin"},
	"assets":    {"assets"},
	"frontend":  {"frontend"},
	"gateway":   {"gateway", "twin"},
	"simulator": {"simulator", "twin", "assets", "gateway"},
	"backend":   {"backend", "twin", "assets", "frontend"},
	"app":       {"app", "twin", "frontend", "backend/server", "assets"},
}

// outer are the backend packages that plug the domain packages together or show them; all others stand alone.
var outer = []string{"backend", "backend/server", "backend/api"}

// doors are the only folders that may import a library, whatever the build tags. Tests are free.
var doors = map[string][]string{
	"github.com/wailsapp/wails":           {"app"},
	"fyne.io/fyne":                        {"gateway/panel"},
	"github.com/eclipse/paho":             {"twin/link"},
	"github.com/mochi-mqtt/server":        {"backend/broker"},
	"github.com/nats-io":                  {"backend/stream"},
	"github.com/goburrow":                 {"gateway/modbus"},
	"github.com/gopcua/opcua":             {"gateway/opcua"},
	"github.com/awcullen/opcua":           {"simulator/plc"},
	"github.com/simonvetter/modbus":       {"simulator/plc"},
	"github.com/dgraph-io/badger":         {"backend/store", "backend/historian/embedded", "gateway/outbox"},
	"github.com/influxdata":               {"backend/historian/influx"},
	"github.com/casbin/casbin":            {"backend/access"},
	"golang.org/x/crypto/argon2":          {"backend/access"},
	"github.com/danielgtaylor/huma":       {"backend/api"},
	"github.com/prometheus/client_golang": {"backend/server", "backend/api"},
	"cel.dev/cel-go":                      {"twin/query", "gateway/rule"},
	"github.com/goccy/go-yaml":            {"twin/exchange", "gateway/agent", "backend/server", "simulator"},
	"github.com/oklog/ulid":               {"twin/wire"},
	"github.com/valyala/fastjson":         {}, // tests only: it rounds floats
	"google.golang.org/protobuf":          {"twin/wire"},
	"github.com/prometheus/prometheus":    {"backend/api"},
	"github.com/parquet-go/parquet-go":    {"backend/historian/export"},
	"github.com/xuri/excelize":            {"backend/historian/export"},
	"github.com/spf13/cobra":              {"backend", "gateway", "simulator", "build/demo", "app"},
}

// source is one Go file with what it imports.
type source struct {
	path    string // from the module root, with slashes
	dir     string
	test    bool
	imports []string
	doc     bool // has a package comment
	pkg     string
	lines   int
	made    bool // generated
}

func TestImportsFollowTheArchitecture(t *testing.T) {
	for _, breach := range breaches(sources(t, root(t))) {
		t.Error(breach)
	}
}

// TestABreachIsSeen keeps the rules honest: each planted breach must be found.
func TestABreachIsSeen(t *testing.T) {
	planted := []source{
		{path: "gateway/x.go", dir: "gateway", imports: []string{module + "/backend/store"}},
		{path: "twin/x.go", dir: "twin", imports: []string{module + "/assets"}},
		{path: "backend/fleet/x.go", dir: "backend/fleet", imports: []string{module + "/backend/store"}},
		{path: "backend/api/x.go", dir: "backend/api", imports: []string{module + "/gateway/agent"}},
		{path: "backend/intake/x.go", dir: "backend/intake", imports: []string{"github.com/nats-io/nats.go"}},
		{path: "simulator/x.go", dir: "simulator", imports: []string{"github.com/eclipse/paho.mqtt.golang"}},
	}
	for _, p := range planted {
		if len(breaches([]source{p})) != 1 {
			t.Errorf("%s importing %s passed", p.path, p.imports[0])
		}
	}
	allowed := source{path: "backend/server/x.go", dir: "backend/server", imports: []string{module + "/backend/store", "time"}}
	if b := breaches([]source{allowed}); len(b) != 0 {
		t.Errorf("a legal import was refused: %v", b)
	}
}

func breaches(files []source) []string {
	var out []string
	for _, f := range files {
		for _, imp := range f.imports {
			if b := breach(f, imp); b != "" {
				out = append(out, b)
			}
		}
	}
	return out
}

func breach(f source, imp string) string {
	if ours, ok := strings.CutPrefix(imp, module+"/"); ok {
		return ourBreach(f, ours)
	}
	if f.test || strings.HasPrefix(f.dir, "build") {
		return ""
	}
	for lib, folders := range doors {
		if !strings.HasPrefix(imp, lib) {
			continue
		}
		if !slices.ContainsFunc(folders, func(d string) bool {
			return f.dir == d || (strings.Contains(d, "/") || d == "app") && strings.HasPrefix(f.dir, d+"/")
		}) {
			return fmt.Sprintf("%s imports %s, whose door is %v", f.path, imp, folders)
		}
	}
	return ""
}

func ourBreach(f source, ours string) string {
	top, _, _ := strings.Cut(f.dir, "/")
	allowed, ruled := mayImport[top]
	if !ruled || f.test && top != "gateway" && top != "twin" {
		return ""
	}
	if !slices.ContainsFunc(allowed, func(a string) bool { return ours == a || strings.HasPrefix(ours, a+"/") }) {
		return fmt.Sprintf("%s imports %s; %s may import %v", f.path, ours, top, allowed)
	}
	if top == "backend" && strings.HasPrefix(ours, "backend/") && !slices.Contains(outer, f.dir) && !sameDomain(f.dir, ours) {
		return fmt.Sprintf("%s imports %s; domain packages state the interface they need and server plugs them together", f.path, ours)
	}
	return ""
}

// sameDomain is true for packages under one folder of backend, such as historian and historian/embedded.
func sameDomain(dir, ours string) bool {
	domain := func(s string) string { return strings.Split(s, "/")[1] }
	return domain(dir) == domain(ours)
}

func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// sources reads every Go file of the module, whatever its build tags.
func sources(t *testing.T, dir string) []source {
	t.Helper()
	var files []source
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if slices.Contains([]string{".git", "node_modules", "data", "bin", "testdata", "dist"}, d.Name()) {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") {
			return nil
		}
		f, err := readSource(dir, path)
		files = append(files, f)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 20 {
		t.Fatalf("read %d Go files: the walk is broken", len(files))
	}
	return files
}

func readSource(dir, path string) (source, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return source{}, err
	}
	parsed, err := parser.ParseFile(token.NewFileSet(), path, text, parser.ImportsOnly|parser.ParseComments)
	if err != nil {
		return source{}, err
	}
	rel, err := filepath.Rel(dir, path)
	if err != nil {
		return source{}, err
	}
	rel = filepath.ToSlash(rel)
	f := source{
		path: rel, dir: filepath.ToSlash(filepath.Dir(rel)), test: strings.HasSuffix(rel, "_test.go"),
		doc: parsed.Doc != nil, pkg: parsed.Name.Name, lines: strings.Count(string(text), "\n"), made: ast.IsGenerated(parsed),
	}
	for _, i := range parsed.Imports {
		p, err := strconv.Unquote(i.Path.Value)
		if err != nil {
			return source{}, err
		}
		f.imports = append(f.imports, p)
	}
	return f, nil
}
