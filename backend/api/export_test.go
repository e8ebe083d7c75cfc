package api

import (
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/lineshaft/lineshaft/backend/access"
)

// Pace makes streams of a test quick.
func (a *API) Pace(flush, fleet, comment, linger, write time.Duration) {
	a.pace = pace{flush: flush, fleet: fleet, comment: comment, linger: linger, write: write}
	a.streams.linger = linger
}

// OpenAPI is the description as huma keeps it.
func (a *API) OpenAPI() *huma.OpenAPI { return a.huma.OpenAPI() }

// Describe is the description without a server.
func Describe() (*huma.OpenAPI, error) {
	a, err := build(Options{})
	if err != nil {
		return nil, err
	}
	_, err = a.describe()
	return a.huma.OpenAPI(), err
}

// Needs are the permissions operations were registered with, by method and path.
func (a *API) Needs() map[string]access.Permission { return a.needs }

// Seal and OpenCursor are the signing of cursors.
func Seal(key []byte, kind, tenant string, filter []string, after string) string {
	return cursorKey(key).seal(kind, tenant, filter, after)
}

// OpenCursor reads a cursor.
func OpenCursor(key []byte, kind, tenant string, filter []string, cursor string) (string, error) {
	return cursorKey(key).open(kind, tenant, filter, cursor)
}

// ParseInstant reads a point in time.
func ParseInstant(s string, now time.Time) (time.Time, error) { return parseInstant("from", s, now) }

// ParseSpan reads a duration.
func ParseSpan(s string) (time.Duration, bool) { return parseSpan(s) }

// Unguarded tries to register an operation without a permission.
func Unguarded(o Options) error {
	a, err := build(o)
	if err != nil {
		return err
	}
	register(a, operation{method: "GET", path: base + "/loose", id: "loose"}, (*plant).me)
	if len(a.faults) == 0 {
		return nil
	}
	return unguardedError(a.faults[0])
}

type unguardedError string

func (e unguardedError) Error() string { return string(e) }

// Parked says whether a feed of the tenant waits for its client to come back.
func (a *API) Parked(tenant string) bool {
	a.streams.mu.Lock()
	defer a.streams.mu.Unlock()
	return len(a.streams.parked[tenant]) > 0
}

// Sweep lets go of old feeds.
func (a *API) Sweep() { a.streams.sweep(a.now()) }

// GapsOf says where a column has no data, and why.
func GapsOf(c Column, device string, lost []LedgerGap, offline []Span, from, to, now time.Time) []Gap {
	return gapsOf(c, causes{device, lost, offline}, from, to, now)
}
