package historiantest

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/lineshaft/lineshaft/backend/historian"
	"github.com/lineshaft/lineshaft/twin"
	"github.com/lineshaft/lineshaft/twin/fault"
)

// Model is a historian that is too simple to be wrong: a map per series, in memory. The others are compared with it.
type Model struct {
	mu     sync.Mutex
	series map[historian.SeriesID]map[int64]historian.Point
}

var _ historian.Historian = (*Model)(nil)

// NewModel returns an empty Model.
func NewModel() *Model { return &Model{series: map[historian.SeriesID]map[int64]historian.Point{}} }

// Append implements historian.Historian.
func (m *Model) Append(ctx context.Context, ps []historian.Point) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	for _, p := range ps {
		if p.Series == 0 {
			return fault.Field("series", p.Series, "a series is numbered from 1")
		}
	}
	for _, p := range ps {
		if m.series[p.Series] == nil {
			m.series[p.Series] = map[int64]historian.Point{}
		}
		m.series[p.Series][p.T] = p
	}
	return nil
}

// Commit implements historian.Historian.
func (m *Model) Commit(ctx context.Context) error { return ctx.Err() }

// Read implements historian.Historian.
func (m *Model) Read(ctx context.Context, id historian.SeriesID, from, to int64) (historian.Column, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var ps []historian.Point
	for at, p := range m.series[id] {
		if from <= at && at < to {
			ps = append(ps, p)
		}
	}
	slices.SortFunc(ps, func(a, b historian.Point) int { return cmp.Compare(a.T, b.T) })
	var c historian.Column
	running := false
	for _, p := range ps {
		c.T, c.V, c.Q = append(c.T, p.T), append(c.V, p.V), append(c.Q, p.Q)
		late := floorSeconds(p.Received - p.T)
		if p.Received == 0 || late <= int64(historian.LateAfter/time.Second) {
			running = false
			continue
		}
		arrived := (p.T/1e9 + late) * 1e9
		if !running {
			c.Late = append(c.Late, historian.LateSpan{From: p.T})
		}
		running = true
		span := &c.Late[len(c.Late)-1]
		span.To, span.Arrived = p.T, max(span.Arrived, arrived)
	}
	return c, ctx.Err()
}

func floorSeconds(ns int64) int64 {
	s := ns / 1e9
	if ns%1e9 < 0 {
		s--
	}
	return s
}

// Last implements historian.Historian.
func (m *Model) Last(ctx context.Context, ids []historian.SeriesID) ([]twin.Sample, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := make([]twin.Sample, len(ids))
	for i, id := range ids {
		first := true
		for at, p := range m.series[id] {
			if first || at > out[i].T {
				out[i], first = p.Sample, false
			}
		}
	}
	return out, ctx.Err()
}

// Delete implements historian.Historian.
func (m *Model) Delete(ctx context.Context, id historian.SeriesID, from, to int64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for at := range m.series[id] {
		if from <= at && at < to {
			delete(m.series[id], at)
		}
	}
	return ctx.Err()
}

// Close implements historian.Historian.
func (m *Model) Close() error { return nil }
