// Package driver is what a gateway asks of a protocol: raw readings of declared points, with a quality for each,
// also when there is no answer.
package driver

import (
	"context"
	"sync/atomic"

	"github.com/lineshaft/lineshaft/twin"
)

// Reading is one raw value of a point. A reading without a value has a bad quality that says why.
type Reading struct {
	Point int // index into the points the driver was made with
	twin.Sample
}

// Driver reads one source.
type Driver interface {
	// Run reads until ctx ends and then returns nil; an error means that it cannot go on at all, for example a
	// source that is configured wrongly. A source that does not answer is no error: its points get readings with
	// a bad quality, and are tried again.
	//
	// emit takes readings, in order of time for each point. It may be called from several goroutines of the
	// driver, may block to slow it down, and does not keep the slice. It is not called after Run has returned.
	Run(ctx context.Context, emit func([]Reading)) error
	// Stats may be called at any time.
	Stats() Stats
}

// Stats counts what a driver did since it was made.
type Stats struct {
	Polls  uint64 // requests, or values a subscription brought
	Failed uint64 // those that brought no answer
}

// Counter counts for Stats. It is safe for concurrent use.
type Counter struct{ polls, failed atomic.Uint64 }

// Count adds n requests, failed or not.
func (c *Counter) Count(n int, failed bool) {
	c.polls.Add(uint64(n))
	if failed {
		c.failed.Add(uint64(n))
	}
}

// Stats is the count so far.
func (c *Counter) Stats() Stats { return Stats{c.polls.Load(), c.failed.Load()} }

// Silence is a reading without value for each of the points.
func Silence(points []int, q twin.Quality, t int64) []Reading {
	out := make([]Reading, len(points))
	for i, p := range points {
		out[i] = Reading{p, twin.Sample{T: t, Q: q}}
	}
	return out
}
