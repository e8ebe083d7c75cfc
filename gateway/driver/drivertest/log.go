// Package drivertest runs a driver.Driver in a test and keeps what it reads.
package drivertest

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/lineshaft/lineshaft/gateway/driver"
	"github.com/lineshaft/lineshaft/twin"
)

// Patience is how long anything is waited for before the test fails.
const Patience = 20 * time.Second

// Log is what a running driver has read.
type Log struct {
	Driver driver.Driver

	t       testing.TB
	mu      sync.Mutex
	samples map[int][]twin.Sample
	news    chan struct{} // closed and made anew with every batch
}

// Run runs a driver until the test ends, and checks what every driver owes: readings of one point in order of time,
// no value with a bad quality's silence, no reading after the end, an end without error.
func Run(t testing.TB, d driver.Driver) *Log {
	t.Helper()
	l := &Log{Driver: d, t: t, samples: make(map[int][]twin.Sample), news: make(chan struct{})}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx, l.take) }()
	t.Cleanup(func() {
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("driver: %v", err)
			}
		case <-time.After(Patience):
			t.Error("the driver does not end")
		}
		l.mu.Lock()
		l.samples = nil // a late emit panics
		l.mu.Unlock()
	})
	return l
}

func (l *Log) take(rs []driver.Reading) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range rs {
		seen := l.samples[r.Point]
		if n := len(seen); n > 0 && r.T < seen[n-1].T {
			l.t.Errorf("point %d goes back in time by %v", r.Point, time.Duration(seen[n-1].T-r.T))
		}
		if r.V.Kind() == twin.None && r.Q.IsGood() {
			l.t.Errorf("point %d is good without a value", r.Point)
		}
		l.samples[r.Point] = append(seen, r.Sample)
	}
	close(l.news)
	l.news = make(chan struct{})
}

// All is what a point read so far.
func (l *Log) All(point int) []twin.Sample {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]twin.Sample(nil), l.samples[point]...)
}

// Count is how often a point was read.
func (l *Log) Count(point int) int { return len(l.All(point)) }

// Await waits until the newest reading of a point satisfies ok.
func (l *Log) Await(point int, ok func(twin.Sample) bool) twin.Sample {
	l.t.Helper()
	deadline := time.After(Patience)
	for {
		l.mu.Lock()
		news, seen := l.news, l.samples[point]
		l.mu.Unlock()
		if n := len(seen); n > 0 && ok(seen[n-1]) {
			return seen[n-1]
		}
		select {
		case <-news:
		case <-deadline:
			l.t.Fatalf("point %d: waited %v in vain; it read %v", point, Patience, tail(seen))
		}
	}
}

// Next waits for one more reading of a point.
func (l *Log) Next(point int) twin.Sample {
	l.t.Helper()
	n := l.Count(point)
	return l.Await(point, func(twin.Sample) bool { return l.Count(point) > n })
}

// LongestPause is the longest time between two readings of a point.
func (l *Log) LongestPause(point int) time.Duration {
	longest := time.Duration(0)
	all := l.All(point)
	for i := 1; i < len(all); i++ {
		longest = max(longest, time.Duration(all[i].T-all[i-1].T))
	}
	return longest
}

func tail(s []twin.Sample) []twin.Sample { return s[max(0, len(s)-5):] }

// FreeAddr is a loopback address nobody listens on.
func FreeAddr(t testing.TB) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}
