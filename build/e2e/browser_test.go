package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// shots is where the tests leave their pictures, for a person to look at.
const shots = "../../bin/screenshots"

// needs skips a test whose tool is not installed, except in CI, where everything must be.
func needs(t *testing.T, tool string) {
	t.Helper()
	if _, err := exec.LookPath(tool); err == nil {
		return
	}
	if os.Getenv("CI") != "" {
		t.Fatalf("%s is not installed: build/setup.sh test", tool)
	}
	t.Skipf("%s is not installed: build/setup.sh test", tool)
}

// browser walks the console in Chromium: sign in, overview, tree, asset, trend, and the backend out of reach; in both
// themes, with no console error, no serious accessibility fault and no request that leaves the origin.
func browser(t *testing.T, p plant) {
	needs(t, "chromium")
	out, err := filepath.Abs(shots)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "node", "dev/tour.mjs")
	cmd.Dir = "../../frontend"
	cmd.Env = append(os.Environ(), "URL="+p.api.base, "LOGIN="+p.user, "PASSWORD="+p.password, "OUT="+out)
	text, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(text), "tour passed") {
		t.Errorf("%v\n%s", err, text)
	}
}
