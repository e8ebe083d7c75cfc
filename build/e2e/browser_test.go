package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
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

// browser goes through the console in Chromium: the tour from sign-in by way of overview, tree and asset to a trend,
// with no console error and no request that leaves the origin; then every page by keyboard and under axe, and the
// backend out of reach.
func browser(t *testing.T, p plant) {
	needs(t, "chromium")
	out, err := filepath.Abs(shots)
	if err != nil {
		t.Fatal(err)
	}
	asset, _ := resolve(t, p, "P-007", "flow_m3h")
	for _, script := range []string{"dev/tour.mjs", "dev/walk.mjs"} {
		t.Run(script, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), "node", script)
			cmd.Dir = "../../frontend"
			cmd.Env = append(os.Environ(), "URL="+p.api.base, "LOGIN="+p.user, "PASSWORD="+p.password, "OUT="+out, "ASSET="+asset)
			if text, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, text)
			}
		})
	}
}
