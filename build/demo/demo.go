package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"

	"golang.org/x/sync/errgroup"

	"github.com/lineshaft/lineshaft/assets"
	"github.com/lineshaft/lineshaft/backend/server"
	"github.com/lineshaft/lineshaft/gateway/agent"
	"github.com/lineshaft/lineshaft/simulator/fleet"
	"github.com/lineshaft/lineshaft/simulator/plc"
	"github.com/lineshaft/lineshaft/twin/clock"
	"github.com/lineshaft/lineshaft/twin/exchange"
	"github.com/lineshaft/lineshaft/twin/release"
)

// plants are the tenants of the demo, the first one is shown.
var plants = []string{"acme", "globex"}

// seed makes every demo the same plant.
const seed = 7

type demo struct {
	http, mqtt, data string
	out              io.Writer
	log              *slog.Logger
}

// run starts the backend, tells it of the plants, and then the edge. It stops the edge first, so that what the
// gateways still hold reaches the backend.
func (d demo) run(ctx context.Context) error {
	ready := make(chan server.Ready, 1)
	serverCtx, stopServer := context.WithCancel(context.WithoutCancel(ctx))
	defer stopServer()
	var backend errgroup.Group
	backendGone := make(chan struct{})
	backend.Go(func() error {
		defer close(backendGone)
		cfg := server.Defaults()
		cfg.HTTPListen, cfg.MQTTListen, cfg.Data, cfg.Tenants = d.http, d.mqtt, d.data, plants
		return server.Run(serverCtx, cfg, server.Deps{
			Clock: clock.Wall{}, Log: d.log.With("program", "lineshaft"), Ready: func(r server.Ready) { ready <- r },
		})
	})
	var at server.Ready
	select {
	case at = <-ready:
	case <-backendGone:
		return backend.Wait()
	case <-ctx.Done():
		stopServer()
		return backend.Wait()
	}
	edgeCtx, stopEdge := context.WithCancel(ctx)
	defer stopEdge()
	go func() { // ends with the backend, which is waited for below
		<-backendGone
		stopEdge()
	}()
	edgeErr := d.edge(edgeCtx, at)
	stopServer()
	return errors.Join(edgeErr, backend.Wait())
}

// edge provisions and runs what stands at the plants, and announces the demo once it is alive.
func (d demo) edge(ctx context.Context, at server.Ready) error {
	classes, err := exchange.ReadClasses(assets.FS, "classes")
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	var tenants []*tenant
	for _, name := range plants {
		t, err := d.provision(ctx, name, classes, at)
		if err != nil {
			return interrupted(ctx, fmt.Errorf("provision %s: %w", name, err))
		}
		tenants = append(tenants, t)
	}
	for _, t := range tenants {
		if err := d.start(ctx, g, t, at); err != nil {
			return interrupted(ctx, errors.Join(fmt.Errorf("start %s: %w", t.name, err), g.Wait()))
		}
	}
	g.Go(func() error { return interrupted(ctx, d.announce(ctx, tenants[0], at)) })
	return g.Wait()
}

// start opens a tenant's controllers and runs its devices and gateways in g.
func (d demo) start(ctx context.Context, g *errgroup.Group, t *tenant, at server.Ready) error {
	opcua, err := t.secret("opcua-password")
	if err != nil {
		return err
	}
	field, err := fleet.Open(t.plant, assets.FS, fleet.Config{
		Seed: seed, Dir: filepath.Join(t.dir, "controllers"), Login: plc.Login{User: "gateway", Password: opcua},
		Clock: clock.Wall{}, Log: d.log.With("program", "lineshaft-sim", "tenant", t.name),
		Broker: "tcp://" + at.MQTTAddr, Password: t.password, Version: release.Version,
	})
	if err != nil {
		return err
	}
	var configs []agent.Config
	for _, id := range field.Gateways() {
		cfg, err := field.GatewayConfig(id, fleet.GatewayOptions{
			Broker: "tcp://" + at.MQTTAddr, PasswordFile: t.tokenFile(id), OPCUAPasswordFile: t.file("opcua-password"),
			DataDir: filepath.Join(t.dir, id),
		})
		if err != nil {
			return errors.Join(err, field.Close())
		}
		configs = append(configs, cfg)
	}
	g.Go(func() error { return field.Run(ctx) })
	for _, cfg := range configs {
		g.Go(func() error {
			log := d.log.With("program", "lineshaft-gateway", "gateway", cfg.DeviceID)
			return agent.Run(ctx, cfg, agent.Deps{Clock: clock.Wall{}, Log: log, Version: release.Version})
		})
	}
	return nil
}

// interrupted forgets an error that only says that ctx ended.
func interrupted(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return nil
	}
	return err
}
