// Package historian is what a historian is: series of samples with quality, and how they are asked for.
// The adapters in its subfolders keep them; historiantest holds each of them to this page.
package historian

import (
	"context"
	"time"

	"github.com/lineshaft/lineshaft/twin"
)

// SeriesID numbers a series of a tenant densely from 1. The stable name of a series is its ULID, kept by the
// registry; the number is what the hot path carries.
type SeriesID uint32

// Point is one sample of one series, with the time it was received.
type Point struct {
	Series SeriesID
	twin.Sample
	Received int64 // ns UTC; kept to the second as lateness
}

// Column is the samples of one series in order of time, without repeats: three slices of equal length.
type Column struct {
	T []int64 // ns UTC
	V []twin.Value
	Q []twin.Quality
	// Late are the spans whose samples were received more than LateAfter after their own time.
	Late []LateSpan
}

// LateAfter is the lateness from which samples count as back-filled.
const LateAfter = time.Minute

// LateSpan is a span of samples that arrived late, together.
type LateSpan struct {
	From, To int64 // ns UTC, inclusive
	Arrived  int64 // when the last of them was received, to the second
}

// Historian keeps the samples of one tenant. Methods are safe for concurrent use.
type Historian interface {
	// Append takes points in any order and of any age. A point whose (series, time) exists replaces it: the last
	// appended wins. Appended points are readable at once and durable once a later Commit returned nil.
	// The slice is not kept.
	Append(ctx context.Context, ps []Point) error

	// Commit makes everything appended before it durable, against kill -9 and power cut. It is idempotent.
	Commit(ctx context.Context) error

	// Read returns the samples of a series with from <= T < to.
	Read(ctx context.Context, id SeriesID, from, to int64) (Column, error)

	// Last returns the newest sample of each series, in the order of ids; a series without one has T 0.
	Last(ctx context.Context, ids []SeriesID) ([]twin.Sample, error)

	// Delete removes the samples of a series with from <= T < to, durably once it returns.
	Delete(ctx context.Context, id SeriesID, from, to int64) error

	// Close commits and releases what is held.
	Close() error
}
