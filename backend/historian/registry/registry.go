// Package registry knows which series there are and which of them a device's tag belonged to at any instant.
package registry

import (
	"context"
	"fmt"
	"io"
	"math"
	"slices"
	"sync"

	"github.com/lineshaft/lineshaft/backend/historian"
	"github.com/lineshaft/lineshaft/twin"
	"github.com/lineshaft/lineshaft/twin/clock"
	"github.com/lineshaft/lineshaft/twin/fault"
)

// Pair is one key with its new value; a nil value deletes the key.
type Pair = struct{ Key, Value []byte }

// KV is where the registry keeps its records. Nothing else writes there.
type KV interface {
	// Scan calls fn with every pair whose key begins with prefix, in the order of the keys, until fn fails.
	Scan(prefix []byte, fn func(k, v []byte) error) error
	// Write makes all the changes or none, and returns once they are durable.
	Write(ctx context.Context, puts []Pair) error
}

// Source is what the plant's model says at present.
type Source interface {
	// DeviceAsset returns the asset a device realizes, empty if none, and the tags it calls otherwise than the asset
	// (device tag → asset tag); ok is false for a device nobody registered.
	DeviceAsset(tenant, device string) (assetID string, tagMap map[string]string, ok bool)
	// Tags returns the tags of an asset, nil if there is no such asset.
	Tags(tenant, assetID string) []twin.Tag
}

// Series is what a series is about: the tag of an asset, or, for a tag nobody declared, that of a device.
type Series struct {
	ID        historian.SeriesID `json:"id"`
	ULID      string             `json:"ulid"`
	Asset     string             `json:"asset,omitempty"` // id
	Tag       string             `json:"tag,omitempty"`
	Device    string             `json:"device,omitempty"`
	DeviceTag string             `json:"device_tag,omitempty"`
	Segments  []Segment          `json:"segments"` // oldest first, at least one
}

// Segment is a span of a series with one type and unit; it ends where the next begins.
type Segment struct {
	From int64     `json:"from"` // ns UTC
	Kind twin.Kind `json:"kind"`
	Unit string    `json:"unit,omitempty"`
}

// At is the segment t lies in.
func (s *Series) At(t int64) Segment {
	for i := len(s.Segments) - 1; i > 0; i-- {
		if s.Segments[i].From <= t {
			return s.Segments[i]
		}
	}
	return s.Segments[0]
}

// around is the span of the segment t lies in; the first one has no beginning and the last one no end.
func (s *Series) around(t int64) (from, to int64) {
	from, to = math.MinInt64, math.MaxInt64
	for i := len(s.Segments) - 1; i > 0; i-- {
		if s.Segments[i].From <= t {
			return s.Segments[i].From, to
		}
		to = s.Segments[i].From
	}
	return from, to
}

// Now is the newest segment.
func (s *Series) Now() Segment { return s.Segments[len(s.Segments)-1] }

// Binding is where a reading of a device goes.
type Binding struct {
	Series historian.SeriesID
	Asset  string    // id; empty for an unmapped tag
	Tag    string    // the asset's name for it; the device's for an unmapped tag
	Kind   twin.Kind // what the tag's values are; for an unmapped tag what was asked
	Scale  float64   // the value of the series is the device's × Scale + Offset
	Offset float64
	From   int64 // ns UTC; the same answer holds for every reading of the kind with From <= t < To
	To     int64
}

const (
	// MaxUnmapped is how many tags nobody declared a device may have. Beyond, a mistake would fill the store with series.
	MaxUnmapped = 1000
	maxSegments = 32
)

// Registry holds the series and bindings of all tenants in memory. Methods are safe for concurrent use.
type Registry struct {
	kv      KV
	source  Source
	clock   clock.Clock
	entropy io.Reader

	mu      sync.RWMutex
	tenants map[string]*tenant
}

type tenant struct {
	series  []*Series // series[i] has ID i+1
	tags    map[place]*Series
	devices map[string]*device
}

// place is a tag of an asset.
type place struct{ asset, tag string }

// device is where the readings of a device went and go.
type device struct {
	ID          string            `json:"id"`
	Assignments []assignment      `json:"assignments"` // oldest first
	Bindings    map[string][]span `json:"bindings"`    // by device tag; oldest first
	unmapped    int
}

// assignment says which asset a device realizes from an instant on.
type assignment struct {
	From   int64             `json:"from"`
	Asset  string            `json:"asset,omitempty"`
	TagMap map[string]string `json:"tag_map,omitempty"`
}

// span is a binding with its validity, from <= t < to.
type span struct {
	From   int64              `json:"from"`
	To     int64              `json:"to"`
	Series historian.SeriesID `json:"series"`
	Scale  float64            `json:"scale"`
	Offset float64            `json:"offset"`
}

// Open reads the registry from kv.
func Open(kv KV, source Source, clk clock.Clock, entropy io.Reader) (*Registry, error) {
	r := &Registry{kv: kv, source: source, clock: clk, entropy: entropy, tenants: map[string]*tenant{}}
	if err := r.load(); err != nil {
		return nil, fmt.Errorf("read series and bindings: %w", err)
	}
	return r, nil
}

// Resolve returns where a reading of a device's tag, taken at t (ns UTC) with a value of kind, goes. What was not
// known is made and durable when Resolve returns. The asset is the one the device realized at t. An error is of kind
// Invalid where the device has too many undeclared tags.
func (r *Registry) Resolve(tenant, device, tag string, kind twin.Kind, t int64) (Binding, error) {
	r.mu.RLock()
	b, ok := r.lookup(tenant, device, tag, kind, t)
	r.mu.RUnlock()
	if ok {
		return b, nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if b, ok = r.lookup(tenant, device, tag, kind, t); ok {
		return b, nil
	}
	c := r.change(tenant)
	if err := c.bind(device, tag, kind, t); err != nil {
		return Binding{}, err
	}
	if err := c.write(context.Background()); err != nil {
		return Binding{}, fmt.Errorf("bind tag %s of device %s: %w", tag, device, err)
	}
	b, ok = r.lookup(tenant, device, tag, kind, t)
	if !ok {
		return Binding{}, fault.New(fault.Internal, "tag %s of device %s was bound and is not", tag, device)
	}
	return b, nil
}

// Look is Resolve for what is known already: it makes nothing, and is false where Resolve would have to.
func (r *Registry) Look(tenant, device, tag string, kind twin.Kind, t int64) (Binding, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.lookup(tenant, device, tag, kind, t)
}

// lookup answers from memory, without allocating; false if something has to be made first.
func (r *Registry) lookup(tenantName, deviceID, tag string, kind twin.Kind, t int64) (Binding, bool) {
	ten := r.tenants[tenantName]
	if ten == nil {
		return Binding{}, false
	}
	d := ten.devices[deviceID]
	if d == nil {
		return Binding{}, false
	}
	spans := d.Bindings[tag]
	for i := len(spans) - 1; i >= 0; i-- {
		sp := &spans[i]
		if t < sp.From || (t >= sp.To && sp.To != math.MaxInt64) {
			continue
		}
		s := ten.series[sp.Series-1]
		b := Binding{Series: s.ID, Asset: s.Asset, Tag: s.Tag, Kind: s.At(t).Kind, Scale: sp.Scale, Offset: sp.Offset}
		b.From, b.To = s.around(t)
		b.From, b.To = max(b.From, sp.From), min(b.To, sp.To)
		if s.Asset == "" {
			b.Tag = s.DeviceTag
			if kind != twin.None && kind != b.Kind {
				if t >= s.Now().From && len(s.Segments) < maxSegments {
					return Binding{}, false // a new segment is due
				}
				b.Kind = kind
			}
		}
		return b, true
	}
	return Binding{}, false
}

// SeriesOf returns the series of an asset's tag, false as long as nothing was ever recorded of it.
func (r *Registry) SeriesOf(tenant, assetID, tag string) (Series, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if ten := r.tenants[tenant]; ten != nil {
		if s := ten.tags[place{assetID, tag}]; s != nil {
			return *s, true
		}
	}
	return Series{}, false
}

// Series returns a series by its number.
func (r *Registry) Series(tenant string, id historian.SeriesID) (Series, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if ten := r.tenants[tenant]; ten != nil && id > 0 && int(id) <= len(ten.series) {
		return *ten.series[id-1], true
	}
	return Series{}, false
}

// Unmapped returns the series of the tags a device sent and nobody declared, in order of their numbers.
func (r *Registry) Unmapped(tenant, device string) []Series {
	r.mu.RLock()
	defer r.mu.RUnlock()
	var out []Series
	if ten := r.tenants[tenant]; ten != nil {
		for _, s := range ten.series {
			if s.Device == device && s.Asset == "" {
				out = append(out, *s)
			}
		}
	}
	return out
}

// Count is how many series a tenant has.
func (r *Registry) Count(tenant string) int {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if ten := r.tenants[tenant]; ten != nil {
		return len(ten.series)
	}
	return 0
}

// ForAsset returns the series of an asset's tag and makes it if need be, for values that no device sends.
func (r *Registry) ForAsset(ctx context.Context, tenant, assetID string, tag twin.Tag) (Series, error) {
	if s, ok := r.SeriesOf(tenant, assetID, tag.Name); ok {
		return s, nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.change(tenant)
	s, err := c.forTag(assetID, tag)
	if err == nil {
		err = c.write(ctx)
	}
	if err != nil {
		return Series{}, fmt.Errorf("make series of %s of asset %s: %w", tag.Name, assetID, err)
	}
	return *s, nil
}

// Refresh compares what the registry knows with what the model says now, after a change of devices, classes or
// assets: from now on the readings of a device go to the asset it realizes now, and a tag whose type or unit changed
// begins a new segment. Readings taken before keep going where they went.
func (r *Registry) Refresh(ctx context.Context, tenant string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.change(tenant)
	at := r.clock.Now().UnixNano()
	for id := range c.tenant.devices {
		c.reassign(id, at)
	}
	declared := map[string][]twin.Tag{}
	for _, s := range c.tenant.series {
		if s.Asset == "" {
			continue
		}
		tags, ok := declared[s.Asset]
		if !ok {
			tags = r.source.Tags(tenant, s.Asset)
			declared[s.Asset] = tags
		}
		i := slices.IndexFunc(tags, func(t twin.Tag) bool { return t.Name == s.Tag })
		if i >= 0 && (tags[i].Kind() != s.Now().Kind || tags[i].Unit != s.Now().Unit) {
			c.segment(s, Segment{From: at, Kind: tags[i].Kind(), Unit: tags[i].Unit})
		}
	}
	if err := c.write(ctx); err != nil {
		return fmt.Errorf("refresh bindings of tenant %s: %w", tenant, err)
	}
	return nil
}
