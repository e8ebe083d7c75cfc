package registry

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/lineshaft/lineshaft/backend/historian"
	"github.com/lineshaft/lineshaft/twin"
	"github.com/lineshaft/lineshaft/twin/fault"
	"github.com/lineshaft/lineshaft/twin/wire"
)

// Keys are <tenant>/s/<number> for a series and <tenant>/d/<device> for a device. A tenant's name has no slash.
func seriesKey(tenant string, id historian.SeriesID) []byte {
	return fmt.Appendf(nil, "%s/s/%08x", tenant, id)
}
func deviceKey(tenant, device string) []byte { return fmt.Appendf(nil, "%s/d/%s", tenant, device) }

func (r *Registry) tenant(name string) *tenant {
	t := r.tenants[name]
	if t == nil {
		t = &tenant{tags: map[place]*Series{}, devices: map[string]*device{}}
		r.tenants[name] = t
	}
	return t
}

// load reads everything. Series of a tenant come in order of their numbers, and after its devices.
func (r *Registry) load() error {
	err := r.kv.Scan(nil, func(k, v []byte) error {
		name, rest, ok := strings.Cut(string(k), "/")
		if !ok {
			return fmt.Errorf("key %q is not one of the registry", k)
		}
		t := r.tenant(name)
		switch {
		case strings.HasPrefix(rest, "s/"):
			s := &Series{}
			if err := json.Unmarshal(v, s); err != nil {
				return fmt.Errorf("series %s: %w", k, err)
			}
			if int(s.ID) != len(t.series)+1 || len(s.Segments) == 0 {
				return fmt.Errorf("series %s: number %d follows %d", k, s.ID, len(t.series))
			}
			t.add(s)
		case strings.HasPrefix(rest, "d/"):
			d := &device{}
			if err := json.Unmarshal(v, d); err != nil {
				return fmt.Errorf("device %s: %w", k, err)
			}
			if d.Bindings == nil {
				d.Bindings = map[string][]span{}
			}
			t.devices[d.ID] = d
		default:
			return fmt.Errorf("key %q is not one of the registry", k)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for name, t := range r.tenants {
		for id, d := range t.devices {
			for tag, spans := range d.Bindings {
				for _, sp := range spans {
					if sp.Series == 0 || int(sp.Series) > len(t.series) {
						return fmt.Errorf("device %s of tenant %s: tag %s is bound to series %d of %d", id, name, tag, sp.Series, len(t.series))
					}
				}
			}
			d.unmapped = t.countUnmapped(id)
		}
	}
	return nil
}

func (t *tenant) add(s *Series) {
	t.series = append(t.series, s)
	if s.Asset != "" {
		t.tags[place{s.Asset, s.Tag}] = s
	}
}

func (t *tenant) countUnmapped(device string) int {
	n := 0
	for _, s := range t.series {
		if s.Asset == "" && s.Device == device {
			n++
		}
	}
	return n
}

// change is a set of changes to one tenant's records, written before they are made.
type change struct {
	r       *Registry
	name    string
	tenant  *tenant
	series  map[historian.SeriesID]*Series // new or changed
	places  map[place]*Series              // of the new ones
	devices map[string]*device             // changed copies
	next    historian.SeriesID
}

func (r *Registry) change(tenant string) *change {
	t := r.tenant(tenant)
	return &change{
		r: r, name: tenant, tenant: t, next: historian.SeriesID(len(t.series) + 1),
		series: map[historian.SeriesID]*Series{}, places: map[place]*Series{}, devices: map[string]*device{},
	}
}

// write makes the changes durable, then visible. After an error nothing has changed.
func (c *change) write(ctx context.Context) error {
	var puts []Pair
	put := func(key []byte, record any) error {
		v, err := json.Marshal(record)
		puts = append(puts, Pair{Key: key, Value: v})
		return err
	}
	ids := slices.Sorted(maps.Keys(c.series))
	for _, id := range ids {
		if err := put(seriesKey(c.name, id), c.series[id]); err != nil {
			return err
		}
	}
	for id, d := range c.devices {
		if err := put(deviceKey(c.name, id), d); err != nil {
			return err
		}
	}
	if len(puts) == 0 {
		return nil
	}
	if err := c.r.kv.Write(ctx, puts); err != nil {
		return err
	}
	for _, id := range ids {
		s := c.series[id]
		if int(id) <= len(c.tenant.series) {
			*c.tenant.series[id-1] = *s
		} else {
			c.tenant.add(s)
		}
	}
	maps.Copy(c.tenant.devices, c.devices)
	return nil
}

// device returns the copy to be changed; a device met for the first time is assigned to its asset for all times.
func (c *change) device(id string) *device {
	if d := c.devices[id]; d != nil {
		return d
	}
	var d device
	if known := c.tenant.devices[id]; known != nil {
		d = *known
		d.Assignments = slices.Clone(d.Assignments)
		d.Bindings = maps.Clone(d.Bindings)
	} else {
		asset, tags, _ := c.r.source.DeviceAsset(c.name, id)
		d = device{ID: id, Bindings: map[string][]span{}, Assignments: []assignment{{From: math.MinInt64, Asset: asset, TagMap: maps.Clone(tags)}}}
	}
	c.devices[id] = &d
	return &d
}

// bind makes the binding of one tag at t and, because its neighbours will follow, those of the asset's other tags.
func (c *change) bind(deviceID, tag string, kind twin.Kind, t int64) error {
	d := c.device(deviceID)
	for i := range d.Bindings[tag] {
		if sp := d.Bindings[tag][i]; sp.From <= t && t < sp.To {
			s := *c.tenant.series[sp.Series-1] // bound already: an unmapped tag whose kind changed
			c.segment(&s, Segment{From: t, Kind: kind})
			return nil
		}
	}
	a, end := d.assignmentAt(t)
	if a.Asset != "" {
		back := map[string]string{} // asset tag → device tag
		for dt, at := range a.TagMap {
			back[at] = dt
		}
		for _, declared := range c.r.source.Tags(c.name, a.Asset) {
			dt, ok := back[declared.Name]
			if _, other := a.TagMap[declared.Name]; !ok && other {
				continue // the device means something else by this name
			} else if !ok {
				dt = declared.Name
			}
			if d.bound(dt, a.From) {
				continue
			}
			s, err := c.forTag(a.Asset, declared)
			if err != nil {
				return err
			}
			d.add(dt, span{From: a.From, To: end, Series: s.ID, Scale: 1})
		}
	}
	if d.bound(tag, a.From) {
		return nil
	}
	return c.bindUnmapped(d, tag, kind, t)
}

// bindUnmapped gives a tag nobody declared a series of the device, for the times it is not bound otherwise.
func (c *change) bindUnmapped(d *device, tag string, kind twin.Kind, t int64) error {
	id := historian.SeriesID(0)
	for _, s := range c.tenant.series {
		if s.Asset == "" && s.Device == d.ID && s.DeviceTag == tag {
			id = s.ID
		}
	}
	if id == 0 {
		if d.unmapped >= MaxUnmapped {
			return fault.Field("tag", tag, "device %s has %d undeclared tags already", d.ID, d.unmapped).
				WithHint("declare its tags on the class of its asset, or make it stop inventing names")
		}
		s, err := c.make(Series{Device: d.ID, DeviceTag: tag, Segments: []Segment{{From: math.MinInt64, Kind: kind}}})
		if err != nil {
			return err
		}
		id = s.ID
		d.unmapped++
	}
	a, end := d.assignmentAt(t)
	d.add(tag, span{From: a.From, To: end, Series: id, Scale: 1})
	return nil
}

// forTag returns the series of an asset's tag, made if need be.
func (c *change) forTag(asset string, tag twin.Tag) (*Series, error) {
	at := place{asset, tag.Name}
	if s := c.tenant.tags[at]; s != nil {
		return s, nil
	}
	if s := c.places[at]; s != nil {
		return s, nil
	}
	s, err := c.make(Series{Asset: asset, Tag: tag.Name, Segments: []Segment{{From: math.MinInt64, Kind: tag.Kind(), Unit: tag.Unit}}})
	if err == nil {
		c.places[at] = s
	}
	return s, err
}

func (c *change) make(s Series) (*Series, error) {
	id, err := wire.NewID(c.r.clock.Now(), c.r.entropy)
	if err != nil {
		return nil, err
	}
	s.ID, s.ULID = c.next, id
	c.next++
	c.series[s.ID] = &s
	return &s, nil
}

// segment begins a new segment of a series, or replaces the newest if it began at the same instant.
func (c *change) segment(s *Series, seg Segment) {
	changed := *s
	changed.Segments = slices.Clone(s.Segments)
	last := &changed.Segments[len(changed.Segments)-1]
	switch {
	case last.From == seg.From || last.Kind == twin.None:
		last.Kind, last.Unit = seg.Kind, seg.Unit
	case len(changed.Segments) < maxSegments:
		changed.Segments = append(changed.Segments, seg)
	default:
		return
	}
	c.series[s.ID] = &changed
}

// reassign lets a device's readings go, from at on, to where the model says now.
func (c *change) reassign(id string, at int64) {
	d := c.device(id)
	asset, tags, _ := c.r.source.DeviceAsset(c.name, id)
	last := d.Assignments[len(d.Assignments)-1]
	names := c.r.source.Tags(c.name, asset)
	if last.Asset == asset && maps.Equal(last.TagMap, tags) && !c.nowDeclared(d, last, names) {
		delete(c.devices, id)
		return
	}
	d.Assignments = append(d.Assignments, assignment{From: at, Asset: asset, TagMap: maps.Clone(tags)})
	for tag, spans := range d.Bindings {
		spans = slices.Clone(spans)
		for i := range spans {
			spans[i].To = min(spans[i].To, at)
		}
		d.Bindings[tag] = spans
	}
}

// nowDeclared says whether a tag that goes to a series of the device has been declared on its asset since.
func (c *change) nowDeclared(d *device, a assignment, names []twin.Tag) bool {
	for tag, spans := range d.Bindings {
		last := spans[len(spans)-1]
		if last.To != math.MaxInt64 || c.tenant.series[last.Series-1].Asset != "" {
			continue
		}
		name := tag
		if mapped, ok := a.TagMap[tag]; ok {
			name = mapped
		}
		if slices.ContainsFunc(names, func(t twin.Tag) bool { return t.Name == name }) {
			return true
		}
	}
	return false
}

// assignmentAt is the assignment t lies in, and where it ends.
func (d *device) assignmentAt(t int64) (assignment, int64) {
	end := int64(math.MaxInt64)
	for i := len(d.Assignments) - 1; i > 0; i-- {
		if d.Assignments[i].From <= t {
			return d.Assignments[i], end
		}
		end = d.Assignments[i].From
	}
	return d.Assignments[0], end
}

func (d *device) bound(tag string, from int64) bool {
	return slices.ContainsFunc(d.Bindings[tag], func(sp span) bool { return sp.From == from })
}

func (d *device) add(tag string, sp span) {
	spans := append(slices.Clone(d.Bindings[tag]), sp)
	slices.SortFunc(spans, func(a, b span) int {
		if a.From < b.From {
			return -1
		}
		return 1
	})
	d.Bindings[tag] = spans
}
