// Package server is a whole backend as one value: Run opens every part, plugs them together in the order data flows,
// and stops them from the source on.
package server

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"

	"golang.org/x/sync/errgroup"

	"github.com/lineshaft/lineshaft/assets"
	"github.com/lineshaft/lineshaft/backend/access"
	"github.com/lineshaft/lineshaft/backend/api"
	"github.com/lineshaft/lineshaft/backend/broker"
	"github.com/lineshaft/lineshaft/backend/fleet"
	"github.com/lineshaft/lineshaft/backend/historian/registry"
	"github.com/lineshaft/lineshaft/backend/intake"
	"github.com/lineshaft/lineshaft/backend/store"
	"github.com/lineshaft/lineshaft/backend/stream"
	"github.com/lineshaft/lineshaft/backend/twins"
	"github.com/lineshaft/lineshaft/frontend"
	"github.com/lineshaft/lineshaft/twin/clock"
	"github.com/lineshaft/lineshaft/twin/exchange"
	"github.com/lineshaft/lineshaft/twin/release"
	"github.com/lineshaft/lineshaft/twin/wire"
)

// Deps is what a backend is given from outside.
type Deps struct {
	Clock clock.Clock
	Log   *slog.Logger
	// Ready is called once, when console and broker answer.
	Ready func(Ready)
	// LocalToken, if set, is taken as an administrator of LocalTenant from loopback: the desktop app's, new at every start.
	LocalToken, LocalTenant string
	// Origins may call the API from a browser besides the console's own, such as the desktop app's page.
	Origins []string
}

// Ready says where a backend answers.
type Ready struct {
	HTTP           string // http://127.0.0.1:8080
	MQTT           string // mqtt://127.0.0.1:1883
	MQTTAddr       string // 127.0.0.1:1883
	FirstPasswords []FirstPassword
	// Alive says whether every site of the tenant has a fresh reading.
	Alive func(tenant string) bool
}

// parts are everything a backend holds open, in the order of opening.
type parts struct {
	store    *store.Store
	stream   *stream.Stream
	history  keeper
	access   *access.Access
	twins    *twins.Twins
	fleet    *fleet.Fleet
	series   *registry.Registry
	samples  *samples
	intake   *intake.Intake
	broker   *broker.Broker
	api      *api.API
	listener net.Listener
	operator *operator
	signals  signals
}

// Run is a backend until ctx ends; it then takes no more messages, lets the groups commit what the stream gave them,
// and closes. What is not yet folded stays in the stream for the next start.
func Run(ctx context.Context, cfg Config, d Deps) (err error) {
	if err := cfg.Validate(); err != nil {
		return err
	}
	if err := os.MkdirAll(cfg.Data, 0o700); err != nil {
		return fmt.Errorf("make data directory: %w", err)
	}
	if err := checkRestored(cfg.Data); err != nil {
		return err
	}
	var p parts
	defer func() { err = errors.Join(err, p.close()) }()
	if err := p.open(ctx, cfg, d); err != nil {
		return err
	}
	if err := p.importPlants(ctx, cfg.Plants); err != nil {
		return err
	}
	first, err := bootstrap(ctx, p.access, cfg.Data, union(cfg.Tenants, p.twins.Tenants()), d.Log)
	if err != nil {
		return err
	}
	if p.operator, err = openOperator(ctx, cfg.Data, p.backup(cfg.Data, d.Clock), d.Log); err != nil {
		return err
	}
	if d.Ready != nil {
		d.Ready(Ready{
			HTTP: "http://" + p.listener.Addr().String(), MQTT: "mqtt://" + p.broker.Addr(), MQTTAddr: p.broker.Addr(),
			FirstPasswords: first, Alive: p.alive,
		})
	}
	return p.run(ctx)
}

func (p *parts) open(ctx context.Context, cfg Config, d Deps) (err error) {
	dir := func(name string) string { return filepath.Join(cfg.Data, name) }
	if p.store, err = store.Open(dir("store"), d.Log); err != nil {
		return err
	}
	if p.stream, err = stream.Open(stream.Config{Dir: dir("stream")}, d.Log); err != nil {
		return err
	}
	if p.access, err = access.Open(access.Options{KV: p.store.Space("access"), Clock: d.Clock, Log: d.Log}); err != nil {
		return err
	}
	if p.twins, err = twins.Open(ctx, p.store.Space("twins"), d.Clock, d.Log); err != nil {
		return err
	}
	if p.fleet, err = fleet.Open(ctx, p.store.Space("fleet"), p.twins, d.Clock, d.Log); err != nil {
		return err
	}
	plant := model{p.fleet, p.twins}
	if p.series, err = registry.Open(p.store.Space("series"), plant, d.Clock, rand.Reader); err != nil {
		return err
	}
	if p.history, err = p.openHistory(cfg, d); err != nil {
		p.history = nil // an interface that holds a nil store is not nil
		return err
	}
	p.samples = newSamples(p.history)
	ports := intake.Ports{
		Registry: p.fleet, Binder: binder{p.series}, Samples: p.samples, Twins: reported{p.twins}, Devices: p.fleet,
		Classes: model{p.fleet, p.twins}, Again: p.stream.Append, Look: binder{p.series}.look(plant),
		Down: func(ctx context.Context, topic string, payload []byte) error {
			return p.broker.Send(ctx, topic, payload)
		},
		Offline: func(tenant, device string, from, to int64) bool {
			return len(p.fleet.Offline(tenant, device, from, to)) > 0
		},
	}
	if p.intake, err = intake.Open(ctx, intake.Config{}, p.store.Space("intake"), ports, d.Clock, d.Log); err != nil {
		return err
	}
	return p.openDoors(ctx, cfg, d)
}

// openDoors binds what listens, after everything behind it is there.
func (p *parts) openDoors(ctx context.Context, cfg Config, d Deps) (err error) {
	if p.broker, err = broker.Open(broker.Config{Listen: cfg.MQTTListen}, door{p.fleet}, p.stream, p.intake, d.Clock, d.Log); err != nil {
		return err
	}
	var lc net.ListenConfig
	if p.listener, err = lc.Listen(ctx, "tcp", cfg.HTTPListen); err != nil {
		return fmt.Errorf("http_listen: %w", err)
	}
	key, err := p.secret(ctx, "cursor")
	if err != nil {
		return err
	}
	p.signals = signals{
		twins: p.twins, fleet: p.fleet, intake: p.intake, samples: p.samples, series: p.series,
		lately: &lately{past: map[string][]map[string]uint64{}}, clock: d.Clock, log: d.Log,
	}
	classes, err := exchange.ReadClasses(assets.FS, "classes")
	if err != nil {
		return fmt.Errorf("read classes: %w", err)
	}
	p.api, err = api.New(api.Options{
		Access: p.access, Console: frontend.FS(), CursorKey: key, Version: release.Version, Clock: d.Clock, Log: d.Log,
		LocalToken: d.LocalToken, LocalTenant: d.LocalTenant, Origins: d.Origins,
		Ports: api.Ports{
			Twins:    graph{p.twins},
			History:  past{p.series, p.history.Tenant},
			Recorder: recorder{p.series, p.history.Tenant, d.Clock},
			Fleet:    devices{p.fleet, p.twins.Asset},
			Ledger:   ledger{p.intake, p.stream, p.fleet},
			Storage:  storage{p.history, p.series},
			Models:   models{p.twins, p.fleet, classes, p.series.Refresh},
			Overview: p.signals,
			Ready:    p.ready,
			Metrics:  metrics{p}.handler,
		},
	})
	return err
}

// run moves data until ctx ends. The doors close first; the groups then commit what they have applied.
func (p *parts) run(ctx context.Context) error {
	behind, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	workers, behind := errgroup.WithContext(behind)
	for _, name := range stream.Streams() {
		live, err := p.intake.Live(name, p.stream.Incarnation(name))
		if err != nil {
			return err
		}
		workers.Go(func() error { return p.stream.Consume(behind, name, stream.Live, handler{live}) })
		workers.Go(func() error {
			return p.stream.Consume(behind, name, stream.Historian, handler{p.intake.History(name)})
		})
	}
	workers.Go(func() error { return p.intake.Run(behind) })
	workers.Go(func() error { return p.signals.run(behind) })
	workers.Go(func() error { return p.signals.settle(behind) })
	workers.Go(func() error { return p.store.Run(behind) })

	doors, front := errgroup.WithContext(ctx)
	doors.Go(func() error { return p.broker.Run(front) })
	doors.Go(func() error { return p.api.Run(front, p.listener) })
	if p.operator != nil {
		doors.Go(func() error { return p.operator.run(front) })
	}
	doors.Go(func() error { // a worker that fails ends the backend
		select {
		case <-front.Done():
			return nil
		case <-behind.Done():
			return context.Cause(behind)
		}
	})
	err := doors.Wait()
	stop()
	return errors.Join(err, workers.Wait())
}

// close releases what was opened, the last first.
func (p *parts) close() error {
	var errs []error
	if p.listener != nil {
		if err := p.listener.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	if p.operator != nil {
		errs = append(errs, p.operator.close())
	}
	if p.broker != nil {
		p.broker.Close()
	}
	for _, c := range []struct {
		open  bool
		close func() error
	}{
		{p.stream != nil, func() error { return p.stream.Close() }},
		{p.history != nil, func() error { return p.history.Close() }},
		{p.store != nil, func() error { return p.store.Close() }},
	} {
		if c.open {
			errs = append(errs, c.close())
		}
	}
	return errors.Join(errs...)
}

// worker is a worker of intake, which knows a record by its number.
type worker interface {
	Apply(ctx context.Context, seq uint64, ps []wire.Publish) error
	Commit(ctx context.Context) error
}

// handler lets a worker take the stream's records.
type handler struct{ worker }

// Apply implements stream.Handler.
func (h handler) Apply(ctx context.Context, r stream.Record) error {
	return h.worker.Apply(ctx, r.Seq, r.Publishes)
}
