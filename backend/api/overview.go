package api

import (
	"context"
	"slices"

	"github.com/lineshaft/lineshaft/twin/fault"
)

type overviewOut struct {
	Body Overview
}

func (p *plant) overview(context.Context, *none) (*overviewOut, error) {
	o, err := p.overviewNow()
	if err != nil {
		return nil, err
	}
	return &overviewOut{Body: o}, nil
}

// overviewNow is the overview of what the grant covers: sites and worst readings outside it are left out, and the
// tenant's own signals are told only to a grant for all of it.
func (p *plant) overviewNow() (Overview, error) {
	o, err := p.api.streams.overviews.get(p.tenant(), p.now(), p.ports.Overview)
	if err != nil {
		return Overview{}, err
	}
	o.ServerTime = p.now()
	if !p.grant.Whole() {
		o.Signals, o.Enterprise = Signals{
			Connectivity: Share{Unit: o.Signals.Connectivity.Unit, Target: o.Signals.Connectivity.Target},
			Throughput:   Rate{Unit: o.Signals.Throughput.Unit},
			Errors:       Errors{Unit: o.Signals.Errors.Unit, Limit: o.Signals.Errors.Limit},
			Freshness:    Share{Unit: o.Signals.Freshness.Unit, Target: o.Signals.Freshness.Target},
		}, Top{}
		o.TagsChecked, o.Newest = 0, nil
		o.Sites = slices.DeleteFunc(slices.Clone(o.Sites), func(s Site) bool { return !p.grant.Covers(s.Path) })
		o.Worst = slices.DeleteFunc(slices.Clone(o.Worst), func(w Worst) bool { return !p.grant.Covers(w.Path) })
	}
	o.Sites, o.Worst = orNone(o.Sites), orNone(o.Worst)
	return o, nil
}

type importIn struct {
	DryRun  bool   `query:"dry_run" doc:"say what would happen and change nothing"`
	RawBody []byte `contentType:"application/yaml"`
}

type importOut struct {
	Body Imported
}

func (p *plant) importModel(ctx context.Context, in *importIn) (*importOut, error) {
	if !p.grant.Whole() {
		return nil, fault.New(fault.Denied, "Importing a plant needs models:write on the whole tenant.")
	}
	done, err := p.ports.Models.Import(ctx, p.tenant(), p.grant.Subject().String(), bytesReader(in.RawBody), in.DryRun)
	if err != nil {
		return nil, err
	}
	done.Lines, done.DryRun = orNone(done.Lines), in.DryRun
	return &importOut{Body: done}, nil
}
