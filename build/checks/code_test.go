package checks

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/lineshaft/lineshaft/twin/wire"
)

// maxLines is where a file has a second thing inside.
const maxLines = 500

func TestEveryPackageSaysWhatItIs(t *testing.T) {
	docs := map[string]int{}
	for _, f := range sources(t, root(t)) {
		if f.test {
			continue
		}
		n := 0
		if f.doc {
			n = 1
		}
		docs[f.dir] += n
	}
	for dir, n := range docs {
		if n != 1 {
			t.Errorf("%s has %d package comments, wants exactly one", dir, n)
		}
	}
}

func TestFilesStaySmall(t *testing.T) {
	for _, f := range sources(t, root(t)) {
		if !f.made && f.lines > maxLines {
			t.Errorf("%s has %d lines, at most %d", f.path, f.lines, maxLines)
		}
	}
}

func TestNoRoomWithoutAName(t *testing.T) {
	nameless := []string{"util", "utils", "common", "helpers", "types", "models", "services", "manager", "misc"}
	for _, f := range sources(t, root(t)) {
		if slices.Contains(nameless, f.pkg) {
			t.Errorf("%s: package %s says nothing about what it holds", f.path, f.pkg)
		}
	}
}

func TestGatewayStaysLight(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", module+"/gateway").CombinedOutput()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, out)
	}
	deps := strings.Fields(string(out))
	if !slices.Contains(deps, module+"/gateway/agent") {
		t.Fatalf("the list lacks gateway/agent:\n%s", out)
	}
	for _, heavy := range []string{"mochi-mqtt", "nats-io", "influxdata", "casbin", "wailsapp", "fyne.io", "danielgtaylor/huma", module + "/backend", module + "/simulator"} {
		for _, d := range deps {
			if strings.Contains(d, heavy) {
				t.Errorf("the gateway depends on %s", d)
			}
		}
	}
}

var topicInDocs = regexp.MustCompile("`([a-z0-9]+/[A-Za-z0-9_/-]+/(?:telemetry|status|events|config/[a-z]+|ota/[a-z]+|resend/[a-z]+))`")

func TestTopicsInTheDocsParse(t *testing.T) {
	found := 0
	for _, path := range markdown(t) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range topicInDocs.FindAllStringSubmatch(string(text), -1) {
			found++
			if _, err := wire.ParseTopic(m[1]); err != nil {
				t.Errorf("%s: %v", path, err)
			}
		}
	}
	if found == 0 {
		t.Error("no topic found in docs: the pattern is broken")
	}
}

var linkInDocs = regexp.MustCompile(`\]\(([^)#:]+)(?:#[^)]*)?\)`)

func TestLinksInTheDocsLead(t *testing.T) {
	for _, path := range markdown(t) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range linkInDocs.FindAllStringSubmatch(string(text), -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(path), m[1])); err != nil {
				t.Errorf("%s: link to %s: %v", path, m[1], err)
			}
		}
	}
}

var privateWords = regexp.MustCompile(`(?i)registry\.npmjs|proxy\.golang\.org|deb\.debian\.org|/work/(main|shared)|\.library|\bClaude\b|\bLLM\b`)

func TestTheProjectSpeaksOnlyOfItself(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "git", "-C", root(t), "ls-files", "-z").Output()
	if err != nil {
		t.Skipf("no git checkout: %v", err)
	}
	for name := range strings.SplitSeq(strings.TrimRight(string(out), "\x00"), "\x00") {
		if strings.HasSuffix(name, "checks/code_test.go") || strings.HasSuffix(name, ".dat") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(root(t), name))
		if err != nil {
			continue // a deleted file not yet committed
		}
		if m := privateWords.FindString(string(text)); m != "" {
			t.Errorf("%s mentions %q", name, m)
		}
	}
}

func markdown(t *testing.T) []string {
	t.Helper()
	var files []string
	for _, glob := range []string{"*.md", "docs/*.md", "docs/*/*.md", "docs/*/*/*.md"} {
		m, err := filepath.Glob(filepath.Join(root(t), glob))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, m...)
	}
	if len(files) == 0 {
		t.Fatal(fmt.Errorf("no markdown under %s", root(t)))
	}
	return files
}
