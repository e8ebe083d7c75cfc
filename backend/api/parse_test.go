package api_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/lineshaft/lineshaft/backend/api"
)

// No cursor but the one that was given opens, and it opens only for its list, tenant and filter.
func FuzzCursor(f *testing.F) {
	key := bytes.Repeat([]byte{7}, 32)
	good := api.Seal(key, "assets", "acme", []string{"a", ""}, "01KM0AS1R01QS22GWSJQX3ZKTM")
	f.Add(good, "acme", "a", "")
	f.Add(good, "acme", "", "a") // the same letters cut elsewhere
	f.Add("", "acme", "a", "")
	f.Add(good+"A", "acme", "a", "")
	f.Add(strings.Repeat("A", 1000), "acme", "a", "")
	f.Fuzz(func(t *testing.T, cursor, tenant, one, two string) {
		after, err := api.OpenCursor(key, "assets", tenant, []string{one, two}, cursor)
		own := cursor == good && tenant == "acme" && one == "a" && two == ""
		switch {
		case cursor == "" && (err != nil || after != ""):
			t.Errorf("the first page: %q, %v", after, err)
		case cursor != "" && own != (err == nil):
			t.Errorf("%q for %s %q %q: %q, %v", cursor, tenant, one, two, after, err)
		}
	})
}

// Whatever is written as an instant or a span is read or refused, and a relative one stays near.
func FuzzInstant(f *testing.F) {
	for _, s := range []string{"now", "now-8h", "now-PT8H", "now+1d", "2026-03-19T11:20:00Z", "2026-03-19T11:20:00.123+01:00", "now-", "now*3h", "P1Y", "now-NaNd", "now-1e300d", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		at, err := api.ParseInstant(s, now)
		if err != nil {
			return
		}
		if at.Location() != time.UTC || at.Year() < 1900 || at.Year() > 2261 {
			t.Errorf("%q is %s", s, at)
		}
	})
}

func TestInstantsAndSpans(t *testing.T) {
	for s, want := range map[string]time.Time{
		"now": now, "now-8h": now.Add(-8 * time.Hour), "now-PT8H": now.Add(-8 * time.Hour), "now-7d": now.Add(-7 * 24 * time.Hour),
		"now 90s": now.Add(90 * time.Second), "now+P1D": now.Add(24 * time.Hour), "2026-03-19T12:20:00+01:00": now,
	} {
		if got, err := api.ParseInstant(s, now); err != nil || !got.Equal(want) {
			t.Errorf("%s: %s, %v", s, got, err)
		}
	}
	for s, want := range map[string]time.Duration{"PT1M": time.Minute, "P1D": 24 * time.Hour, "10s": 10 * time.Second, "2w": 14 * 24 * time.Hour, "PT0.5S": 500 * time.Millisecond} {
		if got, ok := api.ParseSpan(s); !ok || got != want {
			t.Errorf("%s: %s", s, got)
		}
	}
	for _, s := range []string{"", "P", "PT", "-1h", "P1M", "P1Y", "0s", "PT0S", "d", "1", "∞"} {
		if got, ok := api.ParseSpan(s); ok {
			t.Errorf("%q was taken for %s", s, got)
		}
	}
}
