package influx

import (
	"context"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/lineshaft/lineshaft/backend/historian"
	"github.com/lineshaft/lineshaft/twin/fault"
)

// The instants the server can hold.
const (
	minTime = math.MinInt64 + 2
	maxTime = math.MaxInt64 - 1
)

// tenant is the history of one tenant.
type tenant struct {
	store *Store
	name  string

	writing chan struct{} // one slot: held by whoever writes to the server

	mu      sync.Mutex
	waiting []historian.Point // appended and not written, in order; only ever appended to, so a reader may keep the slice
	places  map[historian.SeriesID]*place
}

func newTenant(s *Store, name string) *tenant {
	return &tenant{store: s, name: name, writing: make(chan struct{}, 1), places: map[historian.SeriesID]*place{}}
}

// at is the place of a series, nil if nobody knows it. The caller holds t.mu.
func (t *tenant) at(id historian.SeriesID) *place {
	if p, ok := t.places[id]; ok {
		return p
	}
	find := t.store.opt.Places
	if find == nil {
		find = numbered
	}
	found, ok := find(t.name, id)
	if !ok {
		return nil
	}
	p := newPlace(t.name, found)
	t.places[id] = p
	return p
}

func (t *tenant) place(id historian.SeriesID) *place {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.at(id)
}

// Append implements historian.Historian.
func (t *tenant) Append(ctx context.Context, ps []historian.Point) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range ps {
		if ps[i].Series == 0 || t.at(ps[i].Series) == nil {
			return fault.Field("series", ps[i].Series, "a series is numbered from 1 and registered")
		}
		if ps[i].T < minTime || ps[i].T > maxTime {
			return fault.Field("t", ps[i].T, "InfluxDB keeps samples of the years 1678 to 2262")
		}
	}
	if len(t.waiting) > 0 && len(t.waiting)+len(ps) > t.store.opt.MaxWaiting {
		return fault.New(fault.Unavailable, "%d samples wait for InfluxDB at %s", len(t.waiting), t.store.opt.URL).
			WithHint("see the log for why writes fail")
	}
	t.waiting = append(t.waiting, ps...)
	if len(t.waiting) >= t.store.opt.BatchPoints {
		select {
		case t.store.full <- struct{}{}:
		default:
		}
	}
	return nil
}

// Commit implements historian.Historian.
func (t *tenant) Commit(ctx context.Context) error { return t.commit(ctx, t.store.opt.Patience) }

func (t *tenant) commit(ctx context.Context, patience time.Duration) error {
	if err := t.lock(ctx); err != nil {
		return err
	}
	defer t.unlock()
	return t.write(ctx, patience)
}

// lock waits until nobody else writes to the server.
func (t *tenant) lock(ctx context.Context) error {
	select {
	case t.writing <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (t *tenant) unlock() { <-t.writing }

// write brings to the server what waits now. The caller holds the lock.
func (t *tenant) write(ctx context.Context, patience time.Duration) error {
	t.mu.Lock()
	left := len(t.waiting)
	t.mu.Unlock()
	for left > 0 {
		t.mu.Lock()
		batch := t.waiting[:min(left, t.store.opt.BatchPoints)]
		text, n := lines(batch, t.at, t.store.opt.BatchBytes)
		t.mu.Unlock()
		if err := t.store.write(ctx, text, patience); err != nil {
			return err
		}
		left -= n
		t.mu.Lock()
		if t.waiting = t.waiting[n:]; len(t.waiting) == 0 {
			t.waiting = nil
		}
		t.mu.Unlock()
	}
	return nil
}

// unwritten is what waits, in order of arrival.
func (t *tenant) unwritten() []historian.Point {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clip(t.waiting)
}

// Close implements historian.Historian. The store stays open.
func (t *tenant) Close() error { return t.Commit(context.Background()) }
