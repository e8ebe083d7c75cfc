package fleet

import (
	"slices"
	"strings"

	"github.com/lineshaft/lineshaft/twin"
	"github.com/lineshaft/lineshaft/twin/fault"
	"github.com/lineshaft/lineshaft/twin/wire"
)

// State is a device and how it is now. Times are ns, 0 if never.
type State struct {
	twin.Device
	Lifecycle     Lifecycle
	Online        bool
	LastSeen      int64
	Since         int64  // beginning of the span it has been offline for; 0 while it is online
	Session       string // ULID of its connection, where it said so
	Reason        string
	Firmware      string
	ConfigVersion string
	Unsent        *int64 // messages waiting in its outbox
	Topic         string // base of its topics
}

// State tells how a device is now.
func (f *Fleet) State(tenant, id string) (State, bool) {
	r, d := f.find(tenant, id)
	if d == nil {
		return State{}, false
	}
	now := f.clock.Now().UnixNano()
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.state(d, now), true
}

// state is a copy the caller may keep. The caller holds the lock.
func (r *register) state(d *device, now int64) State {
	p := d.presence
	s := State{
		Device: d.Device, Lifecycle: d.Lifecycle, Online: r.online(d, now), LastSeen: p.Seen, Session: p.Session, Reason: p.Reason,
		Firmware: p.Firmware, ConfigVersion: p.ConfigVersion, Topic: wire.DeviceTopic(r.tenant, d.Device).Base(),
	}
	if p.Unsent != nil {
		n := *p.Unsent
		s.Unsent = &n
	}
	if !s.Online {
		s.Since = r.since(d, now)
	}
	return s
}

// since is when the absence of a device that is offline began.
func (r *register) since(d *device, now int64) int64 {
	at := int64(0)
	for _, o := range []*device{d, r.devices[d.Gateway]} {
		if o == nil {
			continue
		}
		if spans := o.offline(now); len(spans) > 0 && spans[len(spans)-1].To == 0 && (at == 0 || spans[len(spans)-1].From < at) {
			at = spans[len(spans)-1].From
		}
	}
	return at
}

// Filter selects devices; a zero field selects all.
type Filter struct {
	Site, Gateway string
	Kind          twin.DeviceKind
	Online        *bool
	Query         string // part of id or type, in any case
	After         string // id of the last device of the page before
	Limit         int    // 1 to 1000, 100 if 0
}

// Page is a part of a list.
type Page struct {
	Items []State
	Next  string // After of the next page, empty on the last one
	Total int    // devices that the filter selects on all pages
}

// List returns a tenant's devices ordered by id.
func (f *Fleet) List(tenant string, flt Filter) (Page, error) {
	if flt.Limit < 0 || flt.Limit > 1000 {
		return Page{}, fault.Field("limit", flt.Limit, "is 1 to 1000")
	}
	if flt.Limit == 0 {
		flt.Limit = 100
	}
	page := Page{Items: []State{}}
	r := f.at(tenant)
	if r == nil {
		return page, nil
	}
	now := f.clock.Now().UnixNano()
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, id := range r.ids {
		d := r.devices[id]
		if !flt.takes(d.Device) || flt.Online != nil && *flt.Online != r.online(d, now) {
			continue
		}
		page.Total++
		switch {
		case id <= flt.After:
		case len(page.Items) < flt.Limit:
			page.Items = append(page.Items, r.state(d, now))
		default:
			page.Next = page.Items[len(page.Items)-1].ID
		}
	}
	return page, nil
}

func (flt Filter) takes(d twin.Device) bool {
	if flt.Site != "" && d.Site != flt.Site || flt.Gateway != "" && d.Gateway != flt.Gateway || flt.Kind != "" && d.Kind != flt.Kind {
		return false
	}
	q := strings.ToLower(flt.Query)
	return q == "" || strings.Contains(strings.ToLower(d.ID), q) || strings.Contains(strings.ToLower(d.Type), q)
}

// Devices returns the ids of the devices that realize an asset, sorted.
func (f *Fleet) Devices(tenant, asset string) []string {
	r := f.at(tenant)
	if r == nil || asset == "" {
		return nil
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	var out []string
	for id, d := range r.devices {
		if d.Asset == asset {
			out = append(out, id)
		}
	}
	slices.Sort(out)
	return out
}
