package server

import (
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/lineshaft/lineshaft/backend/broker"
	"github.com/lineshaft/lineshaft/backend/fleet"
	"github.com/lineshaft/lineshaft/backend/historian"
	"github.com/lineshaft/lineshaft/backend/historian/registry"
	"github.com/lineshaft/lineshaft/backend/intake"
	"github.com/lineshaft/lineshaft/backend/twins"
	"github.com/lineshaft/lineshaft/twin"
)

// Authenticate tells the broker who connects.
func (d door) Authenticate(ctx context.Context, clientID, user string, password []byte) (broker.Identity, error) {
	tenant, device, gateway, err := d.fleet.Authenticate(ctx, clientID, user, password)
	return broker.Identity{Tenant: tenant, Device: device, Gateway: gateway}, err
}

// binder finds the series of a device's tag.
type binder struct{ registry *registry.Registry }

// Resolve implements intake.Binder.
func (b binder) Resolve(tenant, device, tag string, kind twin.Kind, t int64) (intake.Binding, error) {
	at, err := b.registry.Resolve(tenant, device, tag, kind, t)
	if err != nil {
		return intake.Binding{}, err
	}
	return intake.Binding{
		Series: uint32(at.Series), Asset: at.Asset, Tag: at.Tag, Kind: at.Kind, Scale: at.Scale, Offset: at.Offset,
		From: at.From, To: at.To,
	}, nil
}

// look is Resolve without making anything. A tag that has no series yet goes where the model of now says.
func (b binder) look(m model) func(tenant, device, tag string, kind twin.Kind, t int64) (intake.Binding, bool) {
	return func(tenant, device, tag string, kind twin.Kind, t int64) (intake.Binding, bool) {
		if at, ok := b.registry.Look(tenant, device, tag, kind, t); ok {
			return intake.Binding{
				Series: uint32(at.Series), Asset: at.Asset, Tag: at.Tag, Kind: at.Kind, Scale: at.Scale, Offset: at.Offset,
			}, true
		}
		asset, names, ok := m.DeviceAsset(tenant, device)
		if !ok || asset == "" {
			return intake.Binding{}, false
		}
		if name := names[tag]; name != "" {
			tag = name
		}
		for _, known := range m.Tags(tenant, asset) {
			if known.Name == tag {
				return intake.Binding{Asset: asset, Tag: tag, Kind: known.Kind()}, true
			}
		}
		return intake.Binding{}, false
	}
}

// Renames implements intake.Classes.
func (m model) Renames(tenant, class string) map[string]string {
	return m.twins.Classes(tenant)[class].Renames
}

// model is what the registry of series asks of the plant's model.
type model struct {
	fleet *fleet.Fleet
	twins *twins.Twins
}

// DeviceAsset implements registry.Source.
func (m model) DeviceAsset(tenant, device string) (assetID string, tagMap map[string]string, ok bool) {
	d, ok := m.fleet.Device(tenant, device)
	return d.Asset, d.TagMap, ok
}

// Tags implements registry.Source.
func (m model) Tags(tenant, assetID string) []twin.Tag {
	a, err := m.twins.Asset(tenant, assetID)
	if err != nil {
		return nil
	}
	return a.Tags
}

// samples takes history, whichever tenant's, and commits what it touched. A commit that takes long holds up nobody
// who appends.
type samples struct {
	store keeper

	committing chan struct{} // one slot
	mu         sync.Mutex
	dirty      map[string]bool
	batch      []historian.Point
}

func newSamples(store keeper) *samples {
	return &samples{store: store, committing: make(chan struct{}, 1), dirty: map[string]bool{}}
}

// Append implements intake.Samples.
func (s *samples) Append(ctx context.Context, tenant string, ps []intake.Point) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.batch = s.batch[:0]
	for _, p := range ps {
		s.batch = append(s.batch, historian.Point{Series: historian.SeriesID(p.Series), Sample: p.Sample, Received: p.Received})
	}
	s.dirty[tenant] = true
	return s.store.Tenant(tenant).Append(ctx, s.batch)
}

// add takes points of the backend's own.
func (s *samples) add(ctx context.Context, tenant string, ps []historian.Point) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dirty[tenant] = true
	return s.store.Tenant(tenant).Append(ctx, ps)
}

// Commit implements intake.Samples. What fails stays to be committed.
func (s *samples) Commit(ctx context.Context) error {
	select {
	case s.committing <- struct{}{}: // whoever comes second finds what the first left
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-s.committing }()
	s.mu.Lock()
	tenants := slices.Collect(maps.Keys(s.dirty))
	clear(s.dirty)
	s.mu.Unlock()
	for i, tenant := range tenants {
		err := s.store.Tenant(tenant).Commit(ctx)
		if err == nil {
			continue
		}
		s.mu.Lock()
		for _, left := range tenants[i:] {
			s.dirty[left] = true
		}
		s.mu.Unlock()
		return err
	}
	return nil
}

// reported takes the live state.
type reported struct{ *twins.Twins }

// Report implements intake.Twins.
func (r reported) Report(tenant string, rs []intake.Reported) {
	out := make([]twins.Reported, len(rs))
	for i, x := range rs {
		out[i] = twins.Reported(x)
	}
	r.Twins.Report(tenant, out)
}
