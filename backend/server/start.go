package server

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"slices"

	"github.com/lineshaft/lineshaft/assets"
	"github.com/lineshaft/lineshaft/backend/api"
	"github.com/lineshaft/lineshaft/backend/store"
	"github.com/lineshaft/lineshaft/backend/stream"
	"github.com/lineshaft/lineshaft/twin/exchange"
	"github.com/lineshaft/lineshaft/twin/fault"
)

// importer is who imports the plant files of the configuration, as the journal says.
const importer = "configuration"

// maxLag is how many records a group may be behind before the backend says it is not ready.
const maxLag = 2000

// importPlants brings the configured plant files into the model.
func (p *parts) importPlants(ctx context.Context, files []string) error {
	classes, err := exchange.ReadClasses(assets.FS, "classes")
	if err != nil {
		return fmt.Errorf("read classes: %w", err)
	}
	m := models{p.twins, p.fleet, classes, p.series.Refresh}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			return fmt.Errorf("plants: %w", err)
		}
		plant, err := exchange.ReadPlant(bytes.NewReader(text), classes)
		if err != nil {
			return fmt.Errorf("%s: %w", f, err)
		}
		if _, err := m.Import(ctx, plant.Tenant, importer, bytes.NewReader(text), false); err != nil {
			return fmt.Errorf("import %s: %w", f, err)
		}
	}
	return nil
}

// secret is a random key of 32 bytes that outlives restarts.
func (p *parts) secret(ctx context.Context, name string) ([]byte, error) {
	space := p.store.Space("secrets")
	key, err := space.Get([]byte(name))
	if err != nil || key != nil {
		return key, err
	}
	key = make([]byte, 32)
	if _, err := rand.Read(key); err != nil {
		return nil, err
	}
	return key, space.Write(ctx, []store.Pair{{Key: []byte(name), Value: key}})
}

// ready names the part that cannot do its work.
func (p *parts) ready(context.Context) error {
	for _, g := range stream.Groups() {
		if records, messages := p.stream.Lag(g); records > maxLag {
			why := ""
			if g == stream.Historian {
				why = p.trouble()
			}
			return &api.NotReadyError{
				Part: g, Err: fault.New(fault.Unavailable, "The group %s is %d messages behind and catching up.%s", g, messages, why),
			}
		}
	}
	return nil
}

// alive says whether every site of the tenant has a fresh reading.
func (p *parts) alive(tenant string) bool {
	_, sites := p.twins.Freshness(tenant)
	if len(sites) == 0 {
		return false
	}
	for _, f := range sites {
		if f.Fresh == 0 {
			return false
		}
	}
	return true
}

func union(a, b []string) []string {
	all := append(slices.Clone(a), b...)
	slices.Sort(all)
	return slices.Compact(all)
}
