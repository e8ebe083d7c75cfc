package api

import (
	"crypto/rand"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/lineshaft/lineshaft/twin/fault"
)

// pace is how a stream keeps time.
type pace struct {
	flush   time.Duration // between two events of one subscription
	fleet   time.Duration // between two fleet events
	comment time.Duration // between two comments
	linger  time.Duration // how long a feed outlives its connection
	write   time.Duration // how long one write may take before the reader is cut off
}

func defaultPace() pace {
	return pace{
		flush: 100 * time.Millisecond, fleet: 2 * time.Second, comment: 15 * time.Second,
		linger: 30 * time.Second, write: 10 * time.Second,
	}
}

const (
	mostStreams = 500 // open at once for one tenant
	mostParked  = 100 // kept for one tenant after their connection was lost
)

// streams are the feeds of all tenants.
type streams struct {
	overviews overviewCache

	mu     sync.Mutex
	linger time.Duration
	closed bool
	open   map[string]int     // by tenant
	parked map[string][]*feed // by tenant, oldest first
}

func newStreams(linger time.Duration) *streams {
	return &streams{linger: linger, open: map[string]int{}, parked: map[string][]*feed{}, overviews: overviewCache{m: map[string]cachedOverview{}}}
}

// take returns the parked feed that lastID names, if it is the same owner's and lacks nothing, or a new one.
func (s *streams) take(tenant, owner, lastID string, now time.Time, fresh func() *feed) (f *feed, resumed bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open[tenant] >= mostStreams {
		return nil, false, fault.New(fault.Unavailable, "Too many streams are open.").WithHint("Close some: one per browser is enough.")
	}
	s.open[tenant]++
	s.expire(now)
	if epoch, number, ok := strings.Cut(lastID, "-"); ok {
		n, err := strconv.ParseUint(number, 10, 64)
		for i, p := range s.parked[tenant] {
			if err == nil && p.epoch == epoch && p.owner == owner && p.holds(n) {
				s.parked[tenant] = append(s.parked[tenant][:i:i], s.parked[tenant][i+1:]...)
				p.from = n
				return p, true, nil
			}
		}
	}
	f = fresh()
	f.owner, f.epoch = owner, rand.Text()[:12]
	return f, false, nil
}

// park keeps a feed whose connection is gone.
func (s *streams) park(f *feed, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open[f.tenant]--; s.open[f.tenant] <= 0 {
		delete(s.open, f.tenant)
	}
	if s.closed {
		f.close()
		return
	}
	f.parked = now
	s.parked[f.tenant] = append(s.parked[f.tenant], f)
	if over := len(s.parked[f.tenant]) - mostParked; over > 0 {
		for _, old := range s.parked[f.tenant][:over] {
			old.close()
		}
		s.parked[f.tenant] = s.parked[f.tenant][over:]
	}
	s.expire(now)
}

// sweep lets go of feeds nobody came back for.
func (s *streams) sweep(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire(now)
}

// expire does sweep's work. The caller holds mu.
func (s *streams) expire(now time.Time) {
	for tenant, fs := range s.parked {
		keep := fs[:0:0]
		for _, f := range fs {
			if now.Sub(f.parked) < s.linger {
				keep = append(keep, f)
			} else {
				f.close()
			}
		}
		if len(keep) == 0 {
			delete(s.parked, tenant)
		} else {
			s.parked[tenant] = keep
		}
	}
}

// close releases every parked feed, and every open one as its connection ends.
func (s *streams) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for tenant, fs := range s.parked {
		for _, f := range fs {
			f.close()
		}
		delete(s.parked, tenant)
	}
}

// overviewCache computes a tenant's overview at most once a second, however many look at it.
type overviewCache struct {
	mu sync.Mutex
	m  map[string]cachedOverview
}

type cachedOverview struct {
	at time.Time
	o  Overview
}

func (c *overviewCache) get(tenant string, now time.Time, from OverviewSource) (Overview, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if had, ok := c.m[tenant]; ok && now.Sub(had.at) < time.Second && !now.Before(had.at) {
		return had.o, nil
	}
	o, err := from.Overview(tenant)
	if err != nil {
		return Overview{}, err
	}
	c.m[tenant] = cachedOverview{now, o}
	return o, nil
}
