package embedded

import (
	"context"
	"math"
	"sync"

	"github.com/lineshaft/lineshaft/backend/historian"
	"github.com/lineshaft/lineshaft/backend/historian/block"
	"github.com/lineshaft/lineshaft/backend/historian/rollup"
	"github.com/lineshaft/lineshaft/twin"
	"github.com/lineshaft/lineshaft/twin/fault"
)

const (
	maxSeries    = 1 << 24 // series are numbered densely; a larger number is a mistake, not a plant
	maxUnwritten = 4 << 20 // points that may wait for a commit before Append refuses
)

// tenant is the history of one tenant.
//
//	Append ─▶ head ──Commit──▶ checkpoint (head stays open)
//	            └────Commit──▶ frozen ─▶ sealed blocks
//
// Read merges blocks, frozen and head; what came later wins.
type tenant struct {
	store  *Store
	name   string
	prefix []byte

	commitMu sync.Mutex // held by one Commit or Delete at a time; guards seq, log, stale and the encoders
	seq      uint64     // of the last commit tried
	log      []checkpoint
	enc      block.Encoder
	stale    map[chunk]stale
	rollEnc  rollup.Encoder

	usage     usage
	compactMu sync.Mutex // held while days are compacted, so that who asks for it waits for who began
	rewriteMu sync.Mutex // held by whoever replaces blocks that are on disk

	mu        sync.RWMutex // guards what follows
	series    []*series    // by number; nil where there is none
	dirty     []historian.SeriesID
	points    int // in all heads
	unwritten int // of them, not committed
	known     int // series
	waiting   map[day]int
}

// checkpoint is a commit whose record is still on disk.
type checkpoint struct {
	seq   uint64
	parts int
	bytes int64
}

// day names the blocks of a series on one day.
type day struct {
	id    historian.SeriesID
	start int64
}

// series is the open part of a series.
type series struct {
	head   block.Rows // in order of arrival; only ever appended to, so that a reader may keep a copy of the slices
	frozen block.Rows // what a running Commit is sealing
	marked int        // rows of head that are in a checkpoint
	since  uint64     // the oldest checkpoint that head needs, 0 if none
	dirty  bool       // listed in tenant.dirty
	some   bool       // last is a sample
	last   twin.Sample
	sealed int64 // newest time in a block, valid if blocks
	blocks bool
	rev    int64 // when the past changed
	kept   int64 // rev on disk
}

func newTenant(s *Store, name string) *tenant {
	return &tenant{store: s, name: name, prefix: tenantPrefix(name), waiting: map[day]int{}, stale: map[chunk]stale{}}
}

// at returns the series, nil if it has no samples.
func (t *tenant) at(id historian.SeriesID) *series {
	if int(id) < len(t.series) {
		return t.series[id]
	}
	return nil
}

// grow returns the series, made if need be.
func (t *tenant) grow(id historian.SeriesID) *series {
	if int(id) >= len(t.series) {
		grown := make([]*series, max(int(id)+1, len(t.series)*3/2))
		copy(grown, t.series)
		t.series = grown
	}
	s := t.series[id]
	if s == nil {
		s = &series{}
		t.series[id] = s
		t.known++
	}
	return s
}

// Append implements historian.Historian.
func (t *tenant) Append(ctx context.Context, ps []historian.Point) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	for i := range ps {
		if ps[i].Series == 0 || ps[i].Series > maxSeries {
			return fault.Field("series", ps[i].Series, "a series is numbered from 1 to %d", maxSeries)
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.unwritten > maxUnwritten {
		return fault.New(fault.Unavailable, "%d samples wait to be written to disk", t.unwritten).
			WithHint("see the log for why commits fail; is the disk full?")
	}
	now := int64(0)
	for i := range ps {
		p := &ps[i]
		s := t.grow(p.Series)
		if s.some && p.T <= s.last.T && p.Sample != s.last {
			if now == 0 {
				now = t.store.opt.Clock.Now().UnixMicro()
			}
			s.revise(now)
		}
		s.add(p.Sample, lateness(p))
		if !s.dirty {
			s.dirty = true
			t.dirty = append(t.dirty, p.Series)
		}
	}
	t.points += len(ps)
	t.unwritten += len(ps)
	return nil
}

func (s *series) add(p twin.Sample, late int32) {
	s.head.Append(p, late)
	if !s.some || p.T >= s.last.T {
		s.last, s.some = p, true
	}
}

// revise notes that the past changes. A revision that was seen before a crash is not given again, because time
// has gone on.
func (s *series) revise(micros int64) { s.rev = max(s.rev+1, micros) }

// lateness is received − t in whole seconds, rounded down; a sample without time of receipt is in time.
func lateness(p *historian.Point) int32 {
	if p.Received == 0 {
		return 0
	}
	seconds := math.Floor((float64(p.Received) - float64(p.T)) / 1e9)
	if exact := p.Received - p.T; seconds > -1e9 && seconds < 1e9 {
		seconds = float64(exact / 1e9)
		if exact%1e9 < 0 {
			seconds--
		}
	}
	return int32(max(math.MinInt32, min(math.MaxInt32, seconds)))
}

// Last implements historian.Historian.
func (t *tenant) Last(ctx context.Context, ids []historian.SeriesID) ([]twin.Sample, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	out := make([]twin.Sample, len(ids))
	t.mu.RLock()
	defer t.mu.RUnlock()
	for i, id := range ids {
		if s := t.at(id); s != nil && s.some {
			out[i] = s.last
		}
	}
	return out, nil
}

// Close implements historian.Historian. The store stays open.
func (t *tenant) Close() error { return t.Commit(context.Background()) }
