package twin_test

import (
	"strings"
	"testing"

	"github.com/lineshaft/lineshaft/twin"
)

func TestUnderStopsAtWholeSegments(t *testing.T) {
	for _, c := range []struct {
		path, root string
		want       bool
	}{
		{"acme/detroit/body-shop/line-3", "acme/detroit/body-shop", true},
		{"acme/detroit/body-shop", "acme/detroit/body-shop", true},
		{"acme/detroit/body-shop2", "acme/detroit/body-shop", false},
		{"acme/detroit/body-shop2/line-1", "acme/detroit/body-shop", false},
		{"acme/detroit", "acme/detroit/body-shop", false},
		{"acme", "", true},
		{"", "", true},
		{"", "acme", false},
	} {
		if got := twin.Under(c.path, c.root); got != c.want {
			t.Errorf("%q under %q: %v", c.path, c.root, got)
		}
	}
}

func TestNameAndParentOfAnAsset(t *testing.T) {
	for path, want := range map[string][2]string{
		"acme/detroit/P-007": {"P-007", "acme/detroit"},
		"acme":               {"acme", ""},
		"":                   {"", ""},
	} {
		a := twin.Asset{Path: path}
		if a.Name() != want[0] || a.Parent() != want[1] {
			t.Errorf("%q is named %q under %q", path, a.Name(), a.Parent())
		}
	}
}

func TestPathsThatAreNone(t *testing.T) {
	for _, path := range []string{"acme", "acme/detroit/P-007", strings.Repeat("a", 40), "a/b/c/d/e/f/g/h/i/j/k/l", "A_1/b-2/3"} {
		if err := twin.CheckPath(path); err != nil {
			t.Error(err)
		}
	}
	for _, path := range []string{
		"", "/", "acme/", "/acme", "acme//P-007", "acme/_", "_", "acme/P 007", "acme/P.007", "acme/..", "acme/#", "acme/+", "acme/-x", "acme/_x",
		"acme/" + strings.Repeat("a", 41), "acme/pümpe", "acme/\x00", "a/b/c/d/e/f/g/h/i/j/k/l/m",
	} {
		if err := twin.CheckPath(path); err == nil {
			t.Errorf("%q is a path", path)
		}
	}
}
