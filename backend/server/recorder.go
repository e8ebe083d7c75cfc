package server

import (
	"context"

	"github.com/lineshaft/lineshaft/backend/api"
	"github.com/lineshaft/lineshaft/backend/historian"
	"github.com/lineshaft/lineshaft/backend/historian/registry"
	"github.com/lineshaft/lineshaft/twin/clock"
)

// recorder keeps readings of the past that no device sent.
type recorder struct {
	series  *registry.Registry
	history func(tenant string) historian.Historian
	clock   clock.Clock
}

// Record implements api.Recorder.
func (r recorder) Record(ctx context.Context, tenant string, rs []api.Recorded) error {
	points := make([]historian.Point, len(rs))
	received := r.clock.Now().UnixNano()
	for i := range rs {
		s, err := r.series.ForAsset(ctx, tenant, rs[i].Asset.ID, rs[i].Tag)
		if err != nil {
			return err
		}
		points[i] = historian.Point{Series: s.ID, Sample: rs[i].Sample, Received: received}
	}
	return r.history(tenant).Append(ctx, points)
}

// Settle implements api.Recorder.
func (r recorder) Settle(ctx context.Context, tenant string) error {
	return r.history(tenant).Commit(ctx)
}
