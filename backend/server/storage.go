package server

import (
	"context"

	"github.com/lineshaft/lineshaft/backend/api"
	"github.com/lineshaft/lineshaft/backend/historian/embedded"
	"github.com/lineshaft/lineshaft/backend/historian/registry"
	"github.com/lineshaft/lineshaft/twin/fault"
)

// storage tells the API what history takes.
type storage struct {
	history any
	series  *registry.Registry
}

// Usage implements api.Storage.
func (s storage) Usage(ctx context.Context, tenant string) (api.StorageUsage, error) {
	kept, ok := s.history.(interface {
		Usage(ctx context.Context, tenant string) (embedded.Usage, error)
	})
	if !ok {
		return api.StorageUsage{}, fault.New(fault.Unavailable, "History is kept in InfluxDB, which tells what it takes.")
	}
	u, err := kept.Usage(ctx, tenant)
	if err != nil {
		return api.StorageUsage{}, err
	}
	out := api.StorageUsage{Bytes: u.Bytes, Points: u.Points, PerDay: u.PerDay, Free: u.Free}
	for _, x := range u.Series {
		row := api.StorageSeries{Bytes: x.Bytes, Points: x.Points}
		if known, ok := s.series.Series(tenant, x.ID); ok {
			row.Asset, row.Device, row.Tag = known.Asset, known.Device, known.Tag
			if row.Asset == "" {
				row.Tag = known.DeviceTag
			}
		}
		out.Series = append(out.Series, row)
	}
	return out, nil
}
