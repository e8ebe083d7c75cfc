package api

import (
	"strings"
	"time"

	"github.com/sosodev/duration"

	"github.com/lineshaft/lineshaft/twin/fault"
)

// parseInstant reads RFC 3339, now, or now with an offset such as now-8h or now-PT8H.
func parseInstant(field, s string, now time.Time) (time.Time, error) {
	bad := fault.Field(field, s, "is no instant").WithHint("Write 2026-03-19T11:20:00Z, now, or now-8h.")
	rest, relative := strings.CutPrefix(s, "now")
	if !relative {
		t, err := time.Parse(time.RFC3339Nano, s)
		if err != nil || t.Year() < 1970 || t.Year() > 2261 {
			return time.Time{}, bad
		}
		return t.UTC(), nil
	}
	if rest == "" {
		return now, nil
	}
	d, ok := parseSpan(rest[1:])
	if !ok || d > 100*365*24*time.Hour {
		return time.Time{}, bad
	}
	switch rest[0] {
	case '-':
		return now.Add(-d), nil
	case '+', ' ': // a plus that was not escaped arrives as a space
		return now.Add(d), nil
	}
	return time.Time{}, bad
}

// parseSpan reads a positive span: ISO 8601 (PT1M, P1D), Go (90s, 8h), or days and weeks (7d, 2w).
func parseSpan(s string) (time.Duration, bool) {
	if strings.HasPrefix(s, "P") {
		d, err := duration.Parse(s)
		if err != nil || d.Years != 0 || d.Months != 0 {
			return 0, false
		}
		span := d.ToTimeDuration()
		return span, span > 0
	}
	for suffix, unit := range map[string]string{"d": "24h", "w": "168h"} {
		if n, ok := strings.CutSuffix(s, suffix); ok {
			one, _ := time.ParseDuration(unit)
			count, err := time.ParseDuration(n + "h")
			span := time.Duration(float64(one) * count.Hours())
			return span, err == nil && span > 0
		}
	}
	d, err := time.ParseDuration(s)
	return d, err == nil && d > 0
}
