package api

import (
	"time"

	"github.com/lineshaft/lineshaft/backend/access"
	"github.com/lineshaft/lineshaft/twin"
	"github.com/lineshaft/lineshaft/twin/fault"
)

// plant is a tenant's data as one grant sees it. Handlers are its methods.
type plant struct {
	grant access.Grant
	ports *Ports
	api   *API
}

func (p *plant) tenant() string { return p.grant.Tenant() }

func (p *plant) now() time.Time { return p.api.now() }

// asset finds an asset the grant covers. One outside it is answered like one that never was: neither its
// existence nor its path is told.
func (p *plant) asset(idOrPath string) (twin.Asset, error) {
	a, err := p.ports.Twins.Asset(p.tenant(), idOrPath)
	if err != nil {
		return twin.Asset{}, assetError(idOrPath, err)
	}
	if !p.grant.Covers(a.Path) {
		return twin.Asset{}, noAsset(idOrPath)
	}
	return a, nil
}

// noAsset is the one answer to an asset of another tenant, outside the grant, or unknown.
func noAsset(idOrPath string) error {
	e := fault.New(fault.NotFound, "There is no asset %q.", idOrPath).WithHint("Find it with GET %s/assets?q=…", base)
	e.Field, e.Value = "id", idOrPath
	return e
}

func assetError(idOrPath string, err error) error {
	if fault.Is(err, fault.NotFound) {
		return noAsset(idOrPath)
	}
	return err
}

// device finds a device the grant covers, by device id.
func (p *plant) device(id string) (Device, error) {
	d, err := p.ports.Fleet.Device(p.tenant(), id)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return Device{}, err
	}
	if err != nil || !p.covers(d) {
		e := fault.New(fault.NotFound, "There is no device %q.", id).WithHint("Find it with GET %s/devices?q=…", base)
		e.Field, e.Value = "id", id
		return Device{}, e
	}
	return d, nil
}

// covers places a device by the asset it realizes, or by its site.
func (p *plant) covers(d Device) bool {
	if d.AssetPath != "" {
		return p.grant.Covers(d.AssetPath)
	}
	return p.grant.Covers(p.tenant() + "/" + d.Site)
}
