package fleet_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/lineshaft/lineshaft/twin"
)

// Fifty thousand devices that send a message a second, committed twice a second.
func BenchmarkSeen(b *testing.B) {
	p := newPlant(b)
	const n = 50_000
	devices := make([]twin.Device, 0, n)
	for i := range n {
		devices = append(devices, direct(fmt.Sprintf("V-%d", i)))
	}
	p.load(devices...)
	var commits time.Duration
	b.ReportAllocs()
	for b.Loop() {
		for half := range 2 {
			for i := half; i < n; i += 2 {
				p.Seen("acme", devices[i].ID, p.now(), 10)
			}
			p.clock.Advance(500 * time.Millisecond)
			began := time.Now()
			p.commit()
			commits += time.Since(began)
		}
	}
	b.ReportMetric(float64((b.Elapsed()-commits).Nanoseconds())/float64(b.N)/n, "ns/message")
	b.ReportMetric(float64(commits.Microseconds())/1000/float64(b.N)/2, "ms/commit")
}
