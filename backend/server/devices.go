package server

import (
	"context"
	"time"

	"github.com/lineshaft/lineshaft/backend/api"
	"github.com/lineshaft/lineshaft/backend/fleet"
	"github.com/lineshaft/lineshaft/twin"
	"github.com/lineshaft/lineshaft/twin/fault"
	"github.com/lineshaft/lineshaft/twin/wire"
)

// devices shows the fleet to the API.
type devices struct {
	fleet *fleet.Fleet
	asset func(tenant, idOrPath string) (twin.Asset, error)
}

func (d devices) view(tenant string, s fleet.State) api.Device {
	v := api.Device{
		DeviceID: s.ID, Kind: string(s.Kind), DeviceType: s.Type, Gateway: s.Gateway, Site: s.Site, Area: s.Area, Line: s.Line,
		AssetID: s.Asset, Online: s.Online, LastSeen: instant(s.LastSeen), Session: s.Session, Firmware: s.Firmware,
		ConfigVersion: s.ConfigVersion, Unsent: s.Unsent, Topic: s.Topic,
	}
	if a, err := d.asset(tenant, s.Asset); err == nil && s.Asset != "" {
		v.AssetPath = a.Path
	}
	return v
}

func (d devices) views(tenant string, ss []fleet.State) []api.Device {
	vs := make([]api.Device, len(ss))
	for i, s := range ss {
		vs[i] = d.view(tenant, s)
	}
	return vs
}

// Device implements api.Fleet.
func (d devices) Device(tenant, id string) (api.Device, error) {
	s, ok := d.fleet.State(tenant, id)
	if !ok {
		return api.Device{}, fault.New(fault.NotFound, "There is no device %q.", id)
	}
	return d.view(tenant, s), nil
}

// DeviceOf implements api.Fleet. Of several the first by id counts.
func (d devices) DeviceOf(tenant, assetID string) (api.Device, bool) {
	for _, id := range d.fleet.Devices(tenant, assetID) {
		if v, err := d.Device(tenant, id); err == nil {
			return v, true
		}
	}
	return api.Device{}, false
}

// Devices implements api.Fleet.
func (d devices) Devices(tenant string, f api.DeviceFilter) (items []api.Device, next string, total int, err error) {
	page, err := d.fleet.List(tenant, fleet.Filter{
		Site: f.Site, Kind: twin.DeviceKind(f.Kind), Online: f.Online, Query: f.Q, After: f.After, Limit: f.Limit,
	})
	if err != nil {
		return nil, "", 0, err
	}
	return d.views(tenant, page.Items), page.Next, page.Total, nil
}

// Register implements api.Fleet.
func (d devices) Register(ctx context.Context, tenant string, dev twin.Device) (api.Device, string, error) {
	token, err := d.fleet.Register(ctx, tenant, dev)
	if err != nil {
		return api.Device{}, "", err
	}
	v, err := d.Device(tenant, dev.ID)
	return v, token, err
}

// Rotate implements api.Fleet.
func (d devices) Rotate(ctx context.Context, tenant, id string) (string, error) {
	return d.fleet.Rotate(ctx, tenant, id)
}

// Offline implements api.Fleet.
func (d devices) Offline(tenant, id string, from, to time.Time) []api.Span {
	spans := d.fleet.Offline(tenant, id, from.UnixNano(), to.UnixNano())
	out := make([]api.Span, len(spans))
	for i, s := range spans {
		out[i].From = time.Unix(0, s.From).UTC()
		if s.To != 0 {
			out[i].To = time.Unix(0, s.To).UTC()
		}
	}
	return out
}

// Subscribe implements api.Fleet.
func (d devices) Subscribe(tenant string) api.DeviceUpdates {
	return deviceUpdates{d, tenant, d.fleet.Subscribe(tenant)}
}

type deviceUpdates struct {
	devices
	tenant string
	sub    *fleet.Subscription
}

// Next implements api.DeviceUpdates.
func (u deviceUpdates) Next(ctx context.Context) ([]api.Device, error) {
	changed, err := u.sub.Next(ctx)
	if err != nil {
		return nil, err
	}
	return u.views(u.tenant, changed), nil
}

// Close implements api.DeviceUpdates.
func (u deviceUpdates) Close() { u.sub.Close() }

// door is what the broker asks of the fleet.
type door struct{ fleet *fleet.Fleet }

// MayActFor tells whether a gateway hosts a device now.
func (d door) MayActFor(tenant, gateway, device string) bool {
	return d.fleet.MayActFor(tenant, gateway, device)
}

// TopicOf is the base of a registered device's topics.
func (d door) TopicOf(tenant, device string) (wire.Topic, bool) {
	return d.fleet.TopicOf(tenant, device)
}

// instant is a time of ns, nil if it never was.
func instant(ns int64) *time.Time {
	if ns == 0 {
		return nil
	}
	t := time.Unix(0, ns).UTC()
	return &t
}
