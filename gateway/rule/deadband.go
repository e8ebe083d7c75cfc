// Package rule decides at the edge what is worth sending. It is pure: what it remembers is a value of its caller's.
package rule

import (
	"math"
	"time"

	"github.com/lineshaft/lineshaft/twin"
)

// Deadband holds back readings that say nothing new.
type Deadband struct {
	Width float64       // in the tag's unit; 0 sends every reading
	Max   time.Duration // a reading this long after the last one sent is sent in any case; 0 is never
}

// Width is a deadband given in % of a range.
func Width(pct float64, r twin.Band) float64 {
	if r.Low == nil || r.High == nil {
		return 0
	}
	return pct / 100 * (*r.High - *r.Low)
}

// Pass says whether s is to be sent when last was the last one sent; none says that nothing was.
func (d Deadband) Pass(last, s twin.Sample, none bool) bool {
	switch {
	case none || d.Width <= 0 || s.Q != last.Q || s.V.Kind() != last.V.Kind():
		return true
	case d.Max > 0 && s.T-last.T >= int64(d.Max):
		return true
	case s.V.Kind() == twin.None:
		return false
	case s.V.Kind() == twin.Float || s.V.Kind() == twin.Int:
		return math.Abs(s.V.Float()-last.V.Float()) >= d.Width
	}
	return s.V != last.V
}
