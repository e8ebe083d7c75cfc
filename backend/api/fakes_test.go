package api_test

import (
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/lineshaft/lineshaft/backend/api"
	"github.com/lineshaft/lineshaft/twin"
	"github.com/lineshaft/lineshaft/twin/fault"
)

// world is a small plant in memory: the ports of the API over two tenants.
type world struct {
	mu       sync.Mutex
	assets   map[string][]twin.Asset // by tenant, parents first
	readings map[string]map[string]api.Reading
	edges    map[string][]api.Edge
	devices  map[string][]api.Device
	gaps     map[string][]api.LedgerGap
	letters  map[string][]api.DeadLetter
	offline  map[string][]api.Span
	subs     map[*subscription]bool
	asked    api.HistoryQuery
	recorded []api.Recorded
	settled  int
	panics   bool
	broken   error
}

func (w *world) ports() api.Ports {
	return api.Ports{
		Twins: w, History: w, Recorder: w, Fleet: fleetOf{w}, Ledger: w, Storage: w, Models: w, Overview: w,
		Ready: func(context.Context) error { return w.broken },
		Metrics: func(tenant string) http.Handler {
			return http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
				_, _ = io.WriteString(rw, "lineshaft_assets "+tenant+"\n")
			})
		},
	}
}

func (w *world) Asset(tenant, idOrPath string) (twin.Asset, error) {
	for _, a := range w.assets[tenant] {
		if a.ID == idOrPath || a.Path == idOrPath {
			return a, nil
		}
	}
	return twin.Asset{}, fault.New(fault.NotFound, "no asset %s of tenant %s", idOrPath, tenant)
}

func (w *world) Assets(tenant string, f api.AssetFilter) (items []twin.Asset, next string, total int, err error) {
	if w.panics {
		panic("a bug in the graph")
	}
	if w.broken != nil {
		return nil, "", 0, w.broken
	}
	var match []twin.Asset
	for _, a := range w.assets[tenant] {
		if (f.Path == "" || a.Path == f.Path) && twin.Under(a.Path, f.Under) && (f.Class == "" || a.Class == f.Class) &&
			(f.Level == "" || string(a.Level) == f.Level) && strings.Contains(strings.ToLower(a.Path), strings.ToLower(f.Q)) {
			match = append(match, a)
		}
	}
	start := 0
	if f.After != "" {
		start = 1 + slices.IndexFunc(match, func(a twin.Asset) bool { return a.ID == f.After })
	}
	end := min(start+f.Limit, len(match))
	if end < len(match) {
		next = match[end-1].ID
	}
	return match[start:end], next, len(match), nil
}

func (w *world) Tree(tenant string) (api.AssetTree, error) {
	t := api.AssetTree{Rev: 3}
	row := map[string]int{}
	for i, a := range w.assets[tenant] {
		row[a.Path] = i
		parent, ok := row[a.Parent()]
		if !ok {
			parent = -1
		}
		t.ID, t.Parent, t.Name = append(t.ID, a.ID), append(t.Parent, parent), append(t.Name, a.Name())
		t.Title, t.Level = append(t.Title, a.Title), append(t.Level, string(a.Level))
		t.Class, t.Tags = append(t.Class, a.Class), append(t.Tags, len(a.Tags))
	}
	return t, nil
}

func (w *world) Twin(tenant, id string) (api.TwinState, error) {
	a, err := w.Asset(tenant, id)
	return api.TwinState{Asset: a, Version: 7, Reported: w.readings[a.ID]}, err
}

func (w *world) Relations(tenant, id string) ([]api.Edge, error) {
	a, err := w.Asset(tenant, id)
	return w.edges[a.ID], err
}

func (w *world) Classes(tenant string) twin.Classes {
	cs := twin.Classes{}
	for _, a := range w.assets[tenant] {
		cs[a.Class] = twin.Class{Name: a.Class, Title: strings.ReplaceAll(a.Class, "_", " "), Tags: a.Tags}
	}
	return cs
}

func (w *world) Query(_ context.Context, _ string, q api.HistoryQuery) ([]api.Column, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked = q
	var out []api.Column
	for _, ref := range q.Tags {
		aggs := q.Aggs
		if len(aggs) == 0 {
			aggs = []string{""}
		}
		for _, agg := range aggs {
			out = append(out, api.Column{
				Tag: ref, Agg: agg, Resolution: "raw",
				T: []int64{now.Add(-2 * time.Second).UnixNano(), now.Add(-time.Second).UnixNano()},
				V: []twin.Value{twin.FloatValue(72.4), {}}, Q: []twin.Quality{twin.Good, twin.SensorFailure},
				Holes: []api.Span{{From: now.Add(-20 * time.Minute), To: now.Add(-15 * time.Minute)}},
				Late:  []api.Backfill{{From: now.Add(-time.Minute), To: now.Add(-30 * time.Second), Arrived: now}},
			})
		}
	}
	return out, nil
}

func (w *world) Record(_ context.Context, _ string, rs []api.Recorded) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.recorded = append(w.recorded, rs...)
	return w.broken
}

func (w *world) Settle(context.Context, string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.settled++
	return nil
}

func (w *world) Gaps(tenant string, f api.GapFilter) (items []api.LedgerGap, next string, err error) {
	for _, g := range w.gaps[tenant] {
		if f.Device == "" || g.DeviceID == f.Device {
			items = append(items, g)
		}
	}
	return items, "", nil
}

func (w *world) Letters(tenant string, f api.LetterFilter) (items []api.DeadLetter, next string, err error) {
	for _, l := range w.letters[tenant] {
		if f.Reason == "" || l.Reason == f.Reason {
			items = append(items, l)
		}
	}
	return items, "", nil
}

func (w *world) LetterGroups(tenant string, _ api.LetterFilter) ([]api.DeadLetterGroup, error) {
	if len(w.letters[tenant]) == 0 {
		return nil, nil
	}
	return []api.DeadLetterGroup{{Fingerprint: "pump|schema|9.9", DeviceType: "pump", Reason: "schema", Version: "9.9", Count: 1, Last: now}}, nil
}

func (w *world) Preview(tenant, id string) (api.LetterPreview, error) {
	for _, l := range w.letters[tenant] {
		if l.ID == id {
			return api.LetterPreview{
				ID: id, DeviceID: l.DeviceID, Version: "2.1",
				Readings: []api.PlacedValue{{AssetID: w.assets[tenant][3].ID, Tag: "flow", V: api.Scalar{Value: twin.FloatValue(1)}, Q: twin.Good, TS: now}},
				Wrong:    []api.WrongValue{{Tag: "mode", Detail: "is a word"}},
			}, nil
		}
	}
	return api.LetterPreview{}, fault.New(fault.NotFound, "There is no dead letter %q.", id)
}

func (w *world) Replay(_ context.Context, tenant string, o api.ReplayOrder) (api.ReplayResult, error) {
	out := api.ReplayResult{Matched: len(w.letters[tenant]), Taken: len(w.letters[tenant]), DryRun: o.DryRun}
	if !o.DryRun {
		out.Replayed = out.Matched
	}
	out.Left = out.Matched - out.Replayed
	return out, nil
}

func (w *world) Report(tenant string, from, _ time.Time) []api.GapReportRow {
	if from.Year() != now.Year() {
		return nil
	}
	n := uint64(len(w.gaps[tenant]))
	return []api.GapReportRow{{Site: "detroit", Cause: "offline", Gaps: n, Messages: 5 * n, Missing: 5 * n}}
}

// Usage: flow and state of the third asset are kept, and a tag of a device that nobody declared.
func (w *world) Usage(_ context.Context, tenant string) (api.StorageUsage, error) {
	id := w.assets[tenant][3].ID
	return api.StorageUsage{Bytes: 1500, Points: 900, PerDay: 100, Free: 1000, Series: []api.StorageSeries{
		{Asset: id, Tag: "state", Bytes: 100, Points: 50},
		{Asset: id, Tag: "flow", Bytes: 900, Points: 800},
		{Device: "P-007", Tag: "noise_db", Bytes: 200, Points: 50},
	}}, nil
}

func (w *world) Flow(tenant string) api.Flow {
	return api.Flow{
		Sinks:   []api.FlowSink{{Name: "live"}, {Name: "historian", Records: 2, Messages: 40}},
		Sites:   []api.FlowSite{{Site: "detroit", PerSecond: 12.5, Messages: 1000, Readings: 4000, Letters: 1, OpenGaps: uint64(len(w.gaps[tenant])), Missing: 5}},
		Dropped: 3,
	}
}

func (w *world) Import(_ context.Context, tenant, who string, yaml io.Reader, _ bool) (api.Imported, error) {
	text, err := io.ReadAll(yaml)
	if err != nil {
		return api.Imported{}, err
	}
	if !strings.HasPrefix(string(text), "tenant: "+tenant) {
		return api.Imported{}, fault.Field("tenant", string(text), "is not yours, %s", who)
	}
	return api.Imported{Unchanged: 3}, nil
}

func (w *world) Overview(tenant string) (api.Overview, error) {
	pct, rate := 99.5, 12.5
	top := w.assets[tenant][0]
	o := api.Overview{
		TagsChecked: 4, Newest: &now, Enterprise: api.Top{ID: top.ID, Path: top.Path},
		Signals: api.Signals{
			Connectivity: api.Share{V: &pct, Unit: "%", N: 1, Of: 1, Target: 99}, Throughput: api.Rate{V: &rate, Unit: "msg/s"},
			Errors: api.Errors{Unit: "%", Limit: 0.05}, Freshness: api.Share{V: &pct, Unit: "%", N: 4, Of: 4, Target: 99},
		},
	}
	for _, a := range w.assets[tenant] {
		if a.Level == twin.Site {
			o.Sites = append(o.Sites, api.Site{ID: a.ID, Path: a.Path, Name: a.Name(), Title: a.Title, TimeZone: a.TimeZone, Devices: 1, Connectivity: &pct})
		}
		if tag, ok := a.Tag("vibration"); ok {
			o.Worst = append(o.Worst, api.Worst{
				ID: a.ID, Path: a.Path, Name: a.Name(), Title: a.Title, Class: a.Class, Level: string(a.Level), Tag: tag.Name, Unit: tag.Unit,
				Decimals: tag.Decimals, V: api.Scalar{Value: twin.FloatValue(7.5)}, Q: twin.Good, TS: now, Severity: 0.9,
				LimitState: "hi", Limit: tag.Limits.Hi, Normal: tag.Normal,
			})
		}
	}
	return o, nil
}

// fleetOf is the same world's devices.
type fleetOf struct{ *world }

func (w fleetOf) Device(tenant, id string) (api.Device, error) {
	for _, d := range w.devices[tenant] {
		if d.DeviceID == id {
			return d, nil
		}
	}
	return api.Device{}, fault.New(fault.NotFound, "no device %s of tenant %s", id, tenant)
}

func (w fleetOf) DeviceOf(tenant, assetID string) (api.Device, bool) {
	for _, d := range w.devices[tenant] {
		if d.AssetID == assetID {
			return d, true
		}
	}
	return api.Device{}, false
}

func (w fleetOf) Devices(tenant string, f api.DeviceFilter) (items []api.Device, next string, total int, err error) {
	for _, d := range w.devices[tenant] {
		if f.Online == nil || *f.Online == d.Online {
			items = append(items, d)
		}
	}
	return items, "", len(items), nil
}

func (w fleetOf) Register(_ context.Context, tenant string, d twin.Device) (api.Device, string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, there := range w.devices[tenant] {
		if there.DeviceID == d.ID {
			return api.Device{}, "", fault.New(fault.Conflict, "There is a device %s already.", d.ID)
		}
	}
	v := api.Device{DeviceID: d.ID, Kind: string(d.Kind), DeviceType: d.Type, Site: d.Site, Area: d.Area, Line: d.Line, AssetID: d.Asset}
	w.devices[tenant] = append(w.devices[tenant], v)
	return v, "a-token", nil
}

func (w fleetOf) Rotate(context.Context, string, string) (string, error) { return "another-token", nil }

func (w fleetOf) Offline(_, id string, _, _ time.Time) []api.Span { return w.offline[id] }

func (w fleetOf) Subscribe(tenant string) api.DeviceUpdates {
	return deviceSubscription{w.subscribe(tenant, "")}
}

func (w *world) Subscribe(tenant, root string) api.TwinUpdates {
	return twinSubscription{w.subscribe(tenant, root)}
}

// subscription is a coalescing queue of the world's updates.
type subscription struct {
	w            *world
	tenant, root string
	mu           sync.Mutex
	twins        []api.ValueUpdate
	devices      []api.Device
	wake         chan struct{}
}

func (w *world) subscribe(tenant, root string) *subscription {
	s := &subscription{w: w, tenant: tenant, root: root, wake: make(chan struct{}, 1)}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.subs[s] = true
	return s
}

// open is how many subscriptions nobody has closed.
func (w *world) open() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.subs)
}

// report tells every subscription of the tenant.
func (w *world) report(tenant string, u api.ValueUpdate) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for s := range w.subs {
		if s.tenant == tenant && twin.Under(u.Asset.Path, s.root) {
			s.put(func() { s.twins = append(s.twins, u) })
		}
	}
}

// change tells that a device changed.
func (w *world) change(tenant string, d api.Device) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for s := range w.subs {
		if s.tenant == tenant {
			s.put(func() { s.devices = append(s.devices, d) })
		}
	}
}

func (s *subscription) put(add func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	add()
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *subscription) Close() {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	delete(s.w.subs, s)
}

func (s *subscription) wait(ctx context.Context, ready func() bool) error {
	for {
		s.mu.Lock()
		ok := ready()
		s.mu.Unlock()
		if ok {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.wake:
		}
	}
}

type twinSubscription struct{ *subscription }

func (s twinSubscription) Next(ctx context.Context) (out []api.ValueUpdate, err error) {
	err = s.wait(ctx, func() bool {
		out, s.twins = s.twins, nil
		return len(out) > 0
	})
	return out, err
}

type deviceSubscription struct{ *subscription }

func (s deviceSubscription) Next(ctx context.Context) (out []api.Device, err error) {
	err = s.wait(ctx, func() bool {
		out, s.devices = s.devices, nil
		return len(out) > 0
	})
	return out, err
}
