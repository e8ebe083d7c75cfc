package link

import "testing"

func TestFilters(t *testing.T) {
	for _, c := range []struct {
		filter, topic string
		want          bool
	}{
		{"acme/+/x", "acme/P-1/x", true},
		{"acme/+/x", "acme/P-1/y", false},
		{"acme/+", "acme/P-1/x", false},
		{"acme/#", "acme/P-1/x", true},
		{"acme/#", "acme", true},
		{"#", "a/b", true},
		{"acme/P-1/x", "acme/P-1", false},
		{"acme", "acme2", false},
		{"+/+", "a/", true},
	} {
		if got := matches(c.filter, c.topic); got != c.want {
			t.Errorf("%s on %s: %v", c.filter, c.topic, got)
		}
	}
	for _, bad := range []string{"", "a/#/b", "a/b#", "a+/b"} {
		if validFilter(bad) {
			t.Errorf("%q was taken", bad)
		}
	}
}
