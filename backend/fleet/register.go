package fleet

import (
	"context"
	"fmt"
	"reflect"

	"github.com/lineshaft/lineshaft/twin"
	"github.com/lineshaft/lineshaft/twin/fault"
	"github.com/lineshaft/lineshaft/twin/wire"
)

// Imported says what an import did, or would do.
type Imported struct {
	Created, Changed, Unchanged int
	Lines                       []string          // one sentence per device that is created or changed
	Tokens                      map[string]string // of the created devices that connect themselves, by id; known only now
}

// Register adds one device and returns its token, which is shown this once; a hosted device has none.
func (f *Fleet) Register(ctx context.Context, tenant string, d twin.Device) (string, error) {
	f.writing.Lock()
	defer f.writing.Unlock()
	if _, there := f.Device(tenant, d.ID); there {
		return "", &fault.Error{
			Kind: fault.Conflict, Field: "device_id", Value: d.ID, Message: "is registered already",
			Hint: "choose another id, or ask for a new token of this one",
		}
	}
	if err := f.check(tenant, d, nil); err != nil {
		return "", err
	}
	done, err := f.apply(ctx, tenant, []twin.Device{d}, "")
	return done.Tokens[d.ID], err
}

// Import registers devices and changes the registered ones to what is declared, all or none. Doing it again changes
// nothing. Devices that are not named stay.
func (f *Fleet) Import(ctx context.Context, tenant string, devices []twin.Device, who string) (Imported, error) {
	f.writing.Lock()
	defer f.writing.Unlock()
	if err := f.checkAll(tenant, devices, false); err != nil {
		return Imported{}, err
	}
	return f.apply(ctx, tenant, devices, who)
}

// Preview says what Import would do. Assets that the same import would create need not be there yet.
func (f *Fleet) Preview(tenant string, devices []twin.Device) (Imported, error) {
	if err := f.checkAll(tenant, devices, true); err != nil {
		return Imported{}, err
	}
	var out Imported
	for _, d := range devices {
		old, there := f.Device(tenant, d.ID)
		out.count(old, d, there)
	}
	return out, nil
}

func (in *Imported) count(old, d twin.Device, there bool) (same bool) {
	switch {
	case !there:
		in.Created++
		in.Lines = append(in.Lines, fmt.Sprintf("create device %s (%s, %s)", d.ID, d.Kind, d.Type))
	case sameDevice(old, d):
		in.Unchanged++
		return true
	default:
		in.Changed++
		in.Lines = append(in.Lines, fmt.Sprintf("change device %s", d.ID))
	}
	return false
}

func sameDevice(a, b twin.Device) bool {
	if len(a.TagMap) == 0 && len(b.TagMap) == 0 {
		a.TagMap, b.TagMap = nil, nil
	}
	return reflect.DeepEqual(a, b)
}

// apply writes checked devices and then shows them. The caller holds writing.
func (f *Fleet) apply(ctx context.Context, tenant string, devices []twin.Device, who string) (Imported, error) {
	out := Imported{Tokens: map[string]string{}}
	var puts []Pair
	var next []*device
	for _, d := range devices {
		old, there := f.Device(tenant, d.ID)
		if out.count(old, d, there) {
			continue
		}
		n := &device{record: record{Device: d, Lifecycle: Provisioned, Registered: f.clock.Now().UnixNano(), By: who}}
		if there {
			n.record = f.current(tenant, d.ID)
			n.Device = d
		}
		if d.Kind != twin.Hosted && n.Token == nil {
			token, hash, err := newToken(f.entropy)
			if err != nil {
				return Imported{}, err
			}
			out.Tokens[d.ID], n.Token = token, hash
		}
		p, err := n.recordPair(tenant)
		if err != nil {
			return Imported{}, err
		}
		puts, next = append(puts, p), append(next, n)
	}
	if err := f.kv.Write(ctx, puts); err != nil {
		return Imported{}, fmt.Errorf("write register: %w", err)
	}
	f.show(tenant, next)
	return out, nil
}

func (f *Fleet) current(tenant, id string) record {
	r, d := f.find(tenant, id)
	r.mu.RLock()
	defer r.mu.RUnlock()
	return d.record
}

// show puts written devices before the readers.
func (f *Fleet) show(tenant string, next []*device) {
	r := f.of(tenant)
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, n := range next {
		if d := r.devices[n.ID]; d != nil { // the presence stays the one object it is
			r.unhost(d)
			n.Lifecycle = d.Lifecycle // telemetry may have made it active meanwhile
			d.record = n.record
			n = d
		}
		r.insert(n)
		r.announce(n)
	}
}

func (f *Fleet) checkAll(tenant string, devices []twin.Device, preview bool) error {
	gateways := map[string]bool{}
	seen := map[string]bool{}
	for _, d := range devices {
		if seen[d.ID] {
			return fault.Field("device_id", d.ID, "is declared twice")
		}
		seen[d.ID] = true
		gateways[d.ID] = d.Kind == twin.Gateway
	}
	for _, d := range devices {
		if preview {
			d.Asset = ""
		}
		if err := f.check(tenant, d, gateways); err != nil {
			return fmt.Errorf("device %q: %w", d.ID, err)
		}
	}
	return nil
}

// check says what is wrong with a declaration, naming field and value. Gateways are those declared beside it: true for
// a gateway, false for another device.
func (f *Fleet) check(tenant string, d twin.Device, gateways map[string]bool) error {
	if tenant == "_" || !twin.ValidSegment(tenant) || len(tenant) > wire.MaxTenant {
		return fault.Field("tenant", tenant, "is 1 to %d letters, digits, _ and -", wire.MaxTenant)
	}
	if d.ID == "_" || !twin.ValidSegment(d.ID) {
		return fault.Field("device_id", d.ID, "is a letter or digit followed by letters, digits, _ and -, at most 40 in all")
	}
	for _, s := range []struct{ field, value string }{{"device_type", d.Type}, {"site", d.Site}, {"area", d.Area}, {"line", d.Line}} {
		if !twin.ValidSegment(s.value) {
			return fault.Field(s.field, s.value, "is _ or a letter or digit followed by letters, digits, _ and -, at most 40 in all")
		}
	}
	if d.Interval < 0 {
		return fault.Field("interval", d.Interval, "is not negative")
	}
	if err := f.checkKind(tenant, d, gateways); err != nil {
		return err
	}
	if d.Asset != "" && f.assets != nil && !f.assets.HasAsset(tenant, d.Asset) {
		return fault.Field("asset_id", d.Asset, "is no asset of this tenant")
	}
	return nil
}

func (f *Fleet) checkKind(tenant string, d twin.Device, gateways map[string]bool) error {
	switch d.Kind {
	case twin.Gateway:
		if d.Type != wire.GatewayClass {
			return fault.Field("device_type", d.Type, "a gateway's is %q", wire.GatewayClass)
		}
		if d.Line != "_" {
			return fault.Field("line", d.Line, "a gateway's is _")
		}
	case twin.Direct:
	case twin.Hosted:
		isGateway, declared := gateways[d.Gateway]
		if g, there := f.Device(tenant, d.Gateway); !declared && there {
			isGateway = g.Kind == twin.Gateway
		}
		if !isGateway {
			return fault.Field("gateway", d.Gateway, "a hosted device names a registered gateway").
				WithHint("register the gateway first")
		}
		return nil
	default:
		return fault.Field("kind", d.Kind, "is gateway, direct or hosted")
	}
	if d.Gateway != "" {
		return fault.Field("gateway", d.Gateway, "only a hosted device has one")
	}
	return nil
}
