package server

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/lineshaft/lineshaft/backend/api"
	"github.com/lineshaft/lineshaft/backend/fleet"
	"github.com/lineshaft/lineshaft/backend/historian"
	"github.com/lineshaft/lineshaft/backend/historian/registry"
	"github.com/lineshaft/lineshaft/backend/intake"
	"github.com/lineshaft/lineshaft/backend/twins"
	"github.com/lineshaft/lineshaft/twin"
	"github.com/lineshaft/lineshaft/twin/clock"
)

// The tags of classes enterprise and site that hold the fleet signals (reference architecture §14.1).
const (
	connectivityTag = "connectivity_pct"
	throughputTag   = "throughput_msg_s"
	errorsTag       = "errors_pct"
	freshnessTag    = "freshness_pct"
	bufferedTag     = "buffered_msg"
)

const (
	signalsEvery = 5 * time.Second
	worstShown   = 10
	// The targets an overview measures against, in %.
	targetConnectivity = 99.0
	targetFreshness    = 99.0
	limitErrors        = 0.05
)

// signals computes the fleet signals: for the overview when asked, and into twins and history every few seconds.
type signals struct {
	twins   *twins.Twins
	fleet   *fleet.Fleet
	intake  *intake.Intake
	lately  *lately
	samples *samples
	series  *registry.Registry
	clock   clock.Clock
	log     *slog.Logger
}

// counts are those of each site by its name, and of the whole tenant.
func (s signals) counts(tenant string) (all fleet.Counts, bySite map[string]fleet.Counts) {
	bySite = s.fleet.Counts(tenant)
	for site, n := range s.lately.letters(tenant, s.intake.Counters(tenant)) {
		c := bySite[site]
		c.Letters = n
		bySite[site] = c
	}
	_, fresh := s.twins.Freshness(tenant)
	for path, f := range fresh {
		site := twin.Asset{Path: path}.Name()
		c := bySite[site]
		c.Fresh, c.Late, c.Stale = f.Fresh, f.Late, f.Stale+f.Silent
		bySite[site] = c
	}
	for _, c := range bySite {
		all = all.Plus(c)
	}
	return all, bySite
}

// Overview implements api.OverviewSource.
func (s signals) Overview(tenant string) (api.Overview, error) {
	all, bySite := s.counts(tenant)
	now := all.Signals()
	fresh, _ := s.twins.Freshness(tenant)
	tags := all.Fresh + all.Late + all.Stale
	o := api.Overview{
		ServerTime: s.clock.Now(), TagsChecked: tags, Newest: instant(fresh.Newest),
		Signals: api.Signals{
			Connectivity: api.Share{V: now.Connectivity, Unit: "%", N: all.Online, Of: all.Devices, Target: targetConnectivity},
			Throughput:   api.Rate{V: now.Throughput, Unit: "msg/s"},
			Errors:       api.Errors{V: now.Errors, Unit: "%", N: all.Letters, Limit: limitErrors},
			Freshness:    api.Share{V: now.Freshness, Unit: "%", N: all.Fresh, Of: tags, Target: targetFreshness},
		},
		Worst: worst(s.twins.Worst(tenant, worstShown)),
	}
	sites, err := s.level(tenant, twin.Site)
	if err != nil {
		return api.Overview{}, err
	}
	for _, a := range sites {
		c := bySite[a.Name()]
		v := c.Signals()
		o.Sites = append(o.Sites, api.Site{
			ID: a.ID, Path: a.Path, Name: a.Name(), Title: a.Title, TimeZone: a.TimeZone, Devices: c.Devices,
			Connectivity: v.Connectivity, Throughput: v.Throughput, Errors: v.Errors, Freshness: v.Freshness, Buffered: float(v.Buffered),
		})
	}
	top, err := s.level(tenant, twin.Enterprise)
	if err != nil {
		return api.Overview{}, err
	}
	if first, err := s.twins.Journal(context.Background(), tenant, 0, 1); err == nil && len(first) > 0 {
		o.Since = instant(first[0].Known)
	}
	if len(top) > 0 {
		o.Enterprise = api.Top{ID: top[0].ID, Path: top[0].Path}
	}
	return o, nil
}

func (s signals) level(tenant string, l twin.Level) ([]twin.Asset, error) {
	items, _, _, err := s.twins.Assets(tenant, twins.Filter{Level: string(l), Limit: 1000})
	return items, err
}

// run records the signals of every tenant until ctx ends.
func (s signals) run(ctx context.Context) error {
	for {
		if err := clock.Sleep(ctx, s.clock, signalsEvery); err != nil {
			return nil //nolint:nilerr // the end of ctx is the end of the work
		}
		for _, tenant := range s.twins.Tenants() {
			s.lately.note(tenant, s.intake.Counters(tenant))
			if err := s.record(ctx, tenant); err != nil {
				s.log.Warn("fleet signals not recorded", "tenant", tenant, "error", err)
			}
		}
	}
}

// settle commits them, beside run: a historian that is away must not hold up what the overview shows.
func (s signals) settle(ctx context.Context) error {
	for {
		if err := clock.Sleep(ctx, s.clock, signalsEvery); err != nil {
			return nil //nolint:nilerr // the end of ctx is the end of the work
		}
		if err := s.samples.Commit(ctx); err != nil && ctx.Err() == nil {
			s.log.Warn("fleet signals not committed", "error", err)
		}
	}
}

func (s signals) record(ctx context.Context, tenant string) error {
	all, bySite := s.counts(tenant)
	top, err := s.level(tenant, twin.Enterprise)
	if err != nil {
		return err
	}
	sites, err := s.level(tenant, twin.Site)
	if err != nil {
		return err
	}
	var errs []error
	for _, a := range top {
		errs = append(errs, s.put(ctx, tenant, a, all.Signals()))
	}
	for _, a := range sites {
		errs = append(errs, s.put(ctx, tenant, a, bySite[a.Name()].Signals()))
	}
	return errors.Join(errs...)
}

// put writes an asset's signals into its twin and its history; what is not known is not written.
func (s signals) put(ctx context.Context, tenant string, a twin.Asset, v fleet.Signals) error {
	now := s.clock.Now().UnixNano()
	var reported []twins.Reported
	var points []historian.Point
	for _, sig := range []struct {
		tag string
		v   *float64
	}{
		{connectivityTag, v.Connectivity},
		{throughputTag, v.Throughput},
		{errorsTag, v.Errors},
		{freshnessTag, v.Freshness},
		{bufferedTag, float(v.Buffered)},
	} {
		tag, ok := a.Tag(sig.tag)
		if !ok || sig.v == nil {
			continue
		}
		series, err := s.series.ForAsset(ctx, tenant, a.ID, tag)
		if err != nil {
			return err
		}
		value, err := twin.FloatValue(*sig.v).As(tag.Kind())
		if err != nil {
			value = twin.FloatValue(*sig.v)
		}
		sample := twin.Sample{T: now, V: value, Q: twin.Good}
		reported = append(reported, twins.Reported{Asset: a.ID, Tag: sig.tag, Sample: sample, Received: now})
		points = append(points, historian.Point{Series: series.ID, Sample: sample, Received: now})
	}
	s.twins.Report(tenant, reported)
	return s.samples.add(ctx, tenant, points)
}

func float(n *int64) *float64 {
	if n == nil {
		return nil
	}
	f := float64(*n)
	return &f
}
