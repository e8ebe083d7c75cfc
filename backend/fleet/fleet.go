// Package fleet is the register of devices: who may speak for whom, under which topic, with which token, and who is
// there right now.
package fleet

import (
	"context"
	"crypto/rand"
	"io"
	"log/slog"
	"maps"
	"slices"
	"sync"

	"github.com/lineshaft/lineshaft/twin"
	"github.com/lineshaft/lineshaft/twin/clock"
	"github.com/lineshaft/lineshaft/twin/wire"
)

// Pair is one key with its new value; a nil value deletes the key.
type Pair = struct{ Key, Value []byte }

// KV is where the fleet keeps its records. Nothing else writes there.
type KV interface {
	// Scan calls fn with every pair whose key begins with prefix, in the order of the keys, until fn fails. The slices
	// are fn's to keep.
	Scan(prefix []byte, fn func(k, v []byte) error) error
	// Write makes all the changes or none, and returns once they are durable.
	Write(ctx context.Context, puts []Pair) error
}

// Assets tells whether a tenant has an asset of that id, so that no device realizes one that is not there.
type Assets interface {
	HasAsset(tenant, id string) bool
}

// Fleet is the register of all tenants. All methods are safe for concurrent use.
type Fleet struct {
	kv      KV
	assets  Assets // nil: any asset id is taken
	clock   clock.Clock
	log     *slog.Logger
	entropy io.Reader

	writing sync.Mutex   // held by whoever writes, from the check to the record shown
	mu      sync.RWMutex // guards tenants, not what is in them
	tenants map[string]*register

	heartbeat int64 // when the last Commit wrote that we live; guarded by writing
	swept     int64 // when the last Commit looked for silent devices; guarded by writing
}

// register is one tenant's devices.
type register struct {
	tenant string
	clock  clock.Clock

	mu      sync.RWMutex
	devices map[string]*device
	ids     []string             // sorted
	hosted  map[string][]*device // by gateway
	sites   map[string]*traffic
	dirty   map[*device]struct{}
	subs    map[*Subscription]struct{}
}

// device is a record of the register with what is known of its presence. The register's lock guards it.
type device struct {
	record
	presence presence
	spans    []Span
	stored   int64    // receipt of the last message that is in the stored presence
	changed  bool     // the record differs from what is stored
	urgent   bool     // the presence differs in more than the time of the last message
	gone     []uint64 // spans to be forgotten, by their key
	newSpans int      // how many of the last spans are not stored as they are
	shown    bool     // online when subscribers were last told
}

// Open reads the register. Devices that held a session when the backend stopped are offline since then, until they
// speak again.
func Open(ctx context.Context, kv KV, assets Assets, clk clock.Clock, log *slog.Logger) (*Fleet, error) {
	f := &Fleet{kv: kv, assets: assets, clock: clk, log: log, entropy: rand.Reader, tenants: map[string]*register{}}
	if err := f.load(ctx); err != nil {
		return nil, err
	}
	return f, nil
}

// at finds a tenant's register, nil if it has no device.
func (f *Fleet) at(tenant string) *register {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.tenants[tenant]
}

// of finds or makes a tenant's register.
func (f *Fleet) of(tenant string) *register {
	f.mu.Lock()
	defer f.mu.Unlock()
	r := f.tenants[tenant]
	if r == nil {
		r = &register{
			tenant: tenant, clock: f.clock, devices: map[string]*device{}, hosted: map[string][]*device{}, sites: map[string]*traffic{},
			dirty: map[*device]struct{}{}, subs: map[*Subscription]struct{}{},
		}
		f.tenants[tenant] = r
	}
	return r
}

// Tenants lists the tenants that have devices, sorted.
func (f *Fleet) Tenants() []string {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return slices.Sorted(maps.Keys(f.tenants))
}

// Tenant says whether the tenant has devices.
func (f *Fleet) Tenant(tenant string) bool { return f.at(tenant) != nil }

// Device finds a registered device.
func (f *Fleet) Device(tenant, id string) (twin.Device, bool) {
	r := f.at(tenant)
	if r == nil {
		return twin.Device{}, false
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	d := r.devices[id]
	if d == nil {
		return twin.Device{}, false
	}
	return d.Device, true
}

// MayActFor says whether gateway may speak for device now: for itself, and for the devices it hosts.
func (f *Fleet) MayActFor(tenant, gateway, device string) bool {
	r := f.at(tenant)
	if r == nil {
		return false
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	g, d := r.devices[gateway], r.devices[device]
	if g == nil || d == nil || g.Lifecycle.barred() || d.Lifecycle.barred() {
		return false
	}
	return g == d || d.Kind == twin.Hosted && d.Gateway == gateway
}

// TopicOf is the base of a registered device's topics; its channel is empty.
func (f *Fleet) TopicOf(tenant, device string) (wire.Topic, bool) {
	d, ok := f.Device(tenant, device)
	if !ok {
		return wire.Topic{}, false
	}
	return wire.DeviceTopic(tenant, d), true
}

// insert puts a device into the register's indices. The caller holds the lock.
func (r *register) insert(d *device) {
	old := r.devices[d.ID]
	r.devices[d.ID] = d
	if old == nil {
		i, _ := slices.BinarySearch(r.ids, d.ID)
		r.ids = slices.Insert(r.ids, i, d.ID)
	}
	r.host(d)
	if r.sites[d.Site] == nil {
		r.sites[d.Site] = &traffic{}
	}
}

// host files a device under its gateway.
func (r *register) host(d *device) {
	if d.Kind == twin.Hosted {
		r.hosted[d.Gateway] = append(r.hosted[d.Gateway], d)
	}
}

// unhost takes a device from its gateway's list.
func (r *register) unhost(d *device) {
	r.hosted[d.Gateway] = slices.DeleteFunc(r.hosted[d.Gateway], func(o *device) bool { return o == d })
}
