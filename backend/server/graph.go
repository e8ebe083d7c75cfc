package server

import (
	"context"
	"time"

	"github.com/lineshaft/lineshaft/backend/api"
	"github.com/lineshaft/lineshaft/backend/twins"
	"github.com/lineshaft/lineshaft/twin"
)

// graph shows the twins to the API.
type graph struct{ *twins.Twins }

// Assets implements api.Twins.
func (g graph) Assets(tenant string, f api.AssetFilter) (items []twin.Asset, next string, total int, err error) {
	return g.Twins.Assets(tenant, twins.Filter{
		Path: f.Path, Under: f.Under, Class: f.Class, Level: f.Level, Q: f.Q, After: f.After, Limit: f.Limit,
	})
}

// Tree implements api.Twins.
func (g graph) Tree(tenant string) (api.AssetTree, error) {
	t, err := g.Twins.Tree(tenant)
	if err != nil {
		return api.AssetTree{}, err
	}
	parent := make([]int, len(t.Parent))
	for i, p := range t.Parent {
		parent[i] = int(p)
	}
	return api.AssetTree{
		Rev: int64(t.Rev), ID: t.ID, Parent: parent, Name: t.Name, Title: t.Title, Level: t.Level, Class: t.Class, Tags: t.Tags,
	}, nil
}

// Twin implements api.Twins.
func (g graph) Twin(tenant, idOrPath string) (api.TwinState, error) {
	a, err := g.Asset(tenant, idOrPath)
	if err != nil {
		return api.TwinState{}, err
	}
	d, err := g.Twins.Twin(tenant, a.ID)
	if err != nil {
		return api.TwinState{}, err
	}
	return api.TwinState{
		Asset: a, Version: int(d.Version), Reported: readings(d.Reported), Desired: map[string]twin.Value{},
		Computed: readings(d.Computed),
	}, nil
}

func readings(vs map[string]twins.Value) map[string]api.Reading {
	out := make(map[string]api.Reading, len(vs))
	for tag, v := range vs {
		out[tag] = api.Reading{Sample: sampleOf(v), Received: v.Received.UnixNano()}
	}
	return out
}

func sampleOf(v twins.Value) twin.Sample { return twin.Sample{T: v.TS.UnixNano(), V: v.V, Q: v.Q} }

// Relations implements api.Twins.
func (g graph) Relations(tenant, idOrPath string) ([]api.Edge, error) {
	es, err := g.Twins.Relations(tenant, idOrPath)
	if err != nil {
		return nil, err
	}
	out := make([]api.Edge, len(es))
	for i, e := range es {
		out[i] = api.Edge{Type: e.Type, Out: e.Direction == "out", Other: e.Asset, Attributes: e.Attributes}
	}
	return out, nil
}

// Subscribe implements api.Twins.
func (g graph) Subscribe(tenant, root string) api.TwinUpdates {
	return twinUpdates{g, tenant, g.Twins.Subscribe(tenant, root)}
}

type twinUpdates struct {
	graph  graph
	tenant string
	sub    *twins.Subscription
}

// Next implements api.TwinUpdates.
func (u twinUpdates) Next(ctx context.Context) ([]api.ValueUpdate, error) {
	changed, err := u.sub.Next(ctx)
	if err != nil {
		return nil, err
	}
	var out []api.ValueUpdate
	for _, c := range changed {
		a, err := u.graph.Asset(u.tenant, c.Asset)
		if err != nil {
			continue // removed since
		}
		for tag, v := range c.Reported {
			out = append(out, api.ValueUpdate{Asset: a, Tag: tag, Sample: sampleOf(v)})
		}
	}
	return out, nil
}

// Close implements api.TwinUpdates.
func (u twinUpdates) Close() { u.sub.Close() }

// worst shows the most severe readings of a tenant.
func worst(ws []twins.Worst) []api.Worst {
	out := make([]api.Worst, len(ws))
	for i, w := range ws {
		out[i] = api.Worst{
			ID: w.Asset.ID, Path: w.Asset.Path, Name: w.Asset.Name(), Title: w.Asset.Title, Class: w.Asset.Class,
			Level: string(w.Asset.Level), Tag: w.Tag.Name, Unit: w.Tag.Unit, Decimals: w.Tag.Decimals, V: api.Scalar{Value: w.Sample.V},
			Q: w.Sample.Q, TS: time.Unix(0, w.Sample.T).UTC(), Severity: w.Severity, LimitState: string(w.State), Limit: w.Limit,
			Normal: w.Tag.Normal, Since: instant(w.Since),
		}
	}
	return out
}
