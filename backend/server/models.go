package server

import (
	"context"
	"fmt"
	"io"

	"github.com/lineshaft/lineshaft/backend/api"
	"github.com/lineshaft/lineshaft/backend/fleet"
	"github.com/lineshaft/lineshaft/backend/twins"
	"github.com/lineshaft/lineshaft/twin"
	"github.com/lineshaft/lineshaft/twin/exchange"
	"github.com/lineshaft/lineshaft/twin/fault"
)

// models takes in plant files: structure first, then the devices that realize it.
type models struct {
	twins   *twins.Twins
	fleet   *fleet.Fleet
	classes twin.Classes
	// refresh lets history know of the new model, once devices and structure agree.
	refresh func(ctx context.Context, tenant string) error
}

// Import implements api.Models.
func (m models) Import(ctx context.Context, tenant, who string, yaml io.Reader, dryRun bool) (api.Imported, error) {
	plant, err := exchange.ReadPlant(yaml, m.classes)
	if err != nil {
		return api.Imported{}, &fault.Error{Kind: fault.Invalid, Message: "The plant file is not in order.", Hint: err.Error()}
	}
	if plant.Tenant != tenant {
		return api.Imported{}, fault.Field("tenant", plant.Tenant, "the file must be of tenant %s", tenant)
	}
	structure, err := m.twins.Import(ctx, plant.Model, who, dryRun)
	if err != nil {
		return api.Imported{}, err
	}
	devices := make([]twin.Device, len(plant.Devices))
	for i, d := range plant.Devices {
		if id, ok := structure.Kept[d.Asset]; ok {
			d.Asset = id
		}
		devices[i] = d
	}
	var registered fleet.Imported
	if dryRun {
		registered, err = m.fleet.Preview(tenant, devices)
	} else {
		registered, err = m.fleet.Import(ctx, tenant, devices, who)
	}
	if err != nil {
		return api.Imported{}, fmt.Errorf("register devices: %w", err)
	}
	if !dryRun {
		if err := m.refresh(ctx, tenant); err != nil {
			return api.Imported{}, fmt.Errorf("bind history to the new model: %w", err)
		}
	}
	return api.Imported{
		Created: structure.Created + registered.Created, Changed: structure.Changed + registered.Changed,
		Unchanged: structure.Unchanged + registered.Unchanged, Devices: len(devices),
		Lines: append(structure.Lines, registered.Lines...),
	}, nil
}
