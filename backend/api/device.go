package api

import (
	"context"
	"slices"

	"github.com/lineshaft/lineshaft/twin"
	"github.com/lineshaft/lineshaft/twin/fault"
)

type listDevicesIn struct {
	Paging
	Site   string `query:"site" maxLength:"40"`
	Kind   string `query:"kind" enum:"gateway,direct,hosted"`
	Online string `query:"online" enum:"true,false"`
	Q      string `query:"q" maxLength:"200" doc:"part of device id, type or asset path"`
}

type devicePageOut struct {
	Body DevicePage
}

func (p *plant) listDevices(_ context.Context, in *listDevicesIn) (*devicePageOut, error) {
	filter := []string{in.Site, in.Kind, in.Online, in.Q}
	after, err := p.resume("devices", in.Cursor, filter)
	if err != nil {
		return nil, err
	}
	f := DeviceFilter{Site: in.Site, Kind: in.Kind, Q: in.Q, Online: tristate(in.Online), After: after, Limit: in.Limit}
	items, next, total, err := p.coveredDevices(f)
	if err != nil {
		return nil, err
	}
	return &devicePageOut{Body: DevicePage{
		Items: orNone(items), NextCursor: p.cursor("devices", next, filter), Total: total,
	}}, nil
}

// coveredDevices lists the devices of a filter that the grant covers.
func (p *plant) coveredDevices(f DeviceFilter) (items []Device, next string, total int, err error) {
	if p.grant.Whole() {
		return p.ports.Fleet.Devices(p.tenant(), f)
	}
	var all []Device
	walk := f
	walk.After, walk.Limit = "", maxLimit
	for {
		found, more, _, err := p.ports.Fleet.Devices(p.tenant(), walk)
		if err != nil {
			return nil, "", 0, err
		}
		all = append(all, slices.DeleteFunc(found, func(d Device) bool { return !p.covers(d) })...)
		if more == "" {
			break
		}
		walk.After = more
	}
	start := 0
	if f.After != "" {
		start = 1 + slices.IndexFunc(all, func(d Device) bool { return d.DeviceID == f.After })
	}
	end := min(start+f.Limit, len(all))
	if end < len(all) {
		next = all[end-1].DeviceID
	}
	return all[start:end], next, len(all), nil
}

type deviceIn struct {
	ID string `path:"id" maxLength:"40" doc:"device id, such as P-007"`
}

type deviceOut struct {
	Body Device
}

func (p *plant) getDevice(_ context.Context, in *deviceIn) (*deviceOut, error) {
	d, err := p.device(in.ID)
	if err != nil {
		return nil, err
	}
	return &deviceOut{Body: d}, nil
}

type registerIn struct {
	Body NewDevice
}

type registeredOut struct {
	CacheControl string `header:"Cache-Control" hidden:"true"`
	Body         RegisteredDevice
}

func (p *plant) registerDevice(ctx context.Context, in *registerIn) (*registeredOut, error) {
	d, err := p.newDevice(in.Body)
	if err != nil {
		return nil, err
	}
	registered, token, err := p.ports.Fleet.Register(ctx, p.tenant(), d)
	if err != nil {
		return nil, err
	}
	return &registeredOut{CacheControl: "no-store", Body: RegisteredDevice{Device: registered, Token: token}}, nil
}

// newDevice checks what the registry cannot: that the grant covers the place and the asset.
func (p *plant) newDevice(n NewDevice) (twin.Device, error) {
	d := twin.Device{
		ID: n.DeviceID, Kind: twin.DeviceKind(n.Kind), Type: n.DeviceType, Gateway: n.Gateway,
		Site: n.Site, Area: n.Area, Line: n.Line,
	}
	for _, s := range []struct{ field, value string }{
		{"device_id", d.ID}, {"device_type", d.Type}, {"site", d.Site}, {"area", d.Area}, {"line", d.Line},
	} {
		if !twin.ValidSegment(s.value) {
			return twin.Device{}, fault.Field(s.field, s.value, "must match _ or [A-Za-z0-9][A-Za-z0-9_-]*")
		}
	}
	if d.Kind == twin.Hosted && d.Gateway == "" {
		return twin.Device{}, fault.Field("gateway", d.Gateway, "a hosted device names the gateway that hosts it")
	}
	if d.Kind != twin.Hosted && d.Gateway != "" {
		return twin.Device{}, fault.Field("gateway", d.Gateway, "only a hosted device has a gateway")
	}
	if n.Asset != "" {
		a, err := p.asset(n.Asset)
		if err != nil {
			return twin.Device{}, fault.Field("asset", n.Asset, "there is no such asset")
		}
		d.Asset = a.ID
	} else if !p.grant.Covers(p.tenant() + "/" + d.Site) {
		return twin.Device{}, fault.New(fault.Denied, "Your role does not reach site %q.", d.Site)
	}
	return d, nil
}

type tokenOut struct {
	CacheControl string `header:"Cache-Control" hidden:"true"`
	Body         DeviceToken
}

func (p *plant) rotateToken(ctx context.Context, in *deviceIn) (*tokenOut, error) {
	d, err := p.device(in.ID)
	if err != nil {
		return nil, err
	}
	token, err := p.ports.Fleet.Rotate(ctx, p.tenant(), d.DeviceID)
	if err != nil {
		return nil, err
	}
	return &tokenOut{CacheControl: "no-store", Body: DeviceToken{DeviceID: d.DeviceID, Token: token}}, nil
}

func tristate(s string) *bool {
	if s == "" {
		return nil
	}
	yes := s == "true"
	return &yes
}

// orNone keeps an empty list from becoming null.
func orNone[T any](items []T) []T {
	if items == nil {
		return []T{}
	}
	return items
}
