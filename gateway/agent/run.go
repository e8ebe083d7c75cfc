package agent

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/lineshaft/lineshaft/gateway/outbox"
	"github.com/lineshaft/lineshaft/gateway/uplink"
	"github.com/lineshaft/lineshaft/twin/clock"
	"github.com/lineshaft/lineshaft/twin/link"
	"github.com/lineshaft/lineshaft/twin/wire"
)

// Deps is what a gateway is given from outside. Zero values are the wall clock and silence.
type Deps struct {
	Clock   clock.Clock
	Log     *slog.Logger
	Version string // firmware version it reports
}

const (
	// queued is how many batches of readings may wait for the outbox before drivers are slowed down.
	queued = 64
	// drainFor bounds how long a gateway that stops hands over what its outbox holds.
	drainFor = 5 * time.Second
)

// OutboxDir is where a gateway with this configuration keeps its outbox.
func (c Config) OutboxDir() string { return filepath.Join(c.DataDir, "outbox") }

// Run is a gateway until ctx ends; it then stops reading, writes the last batch to the outbox, and hands over to the
// broker what it can within a few seconds. It returns an error when it cannot start or go on: a configuration that
// is wrong, a disk that does not take its outbox.
//
//	sources ─▶ signal ─▶ rule ─▶ readings ─▶ Collect ─▶ outbox ─▶ Send ─▶ session
func Run(ctx context.Context, cfg Config, deps Deps) error {
	deps = deps.withDefaults()
	if err := cfg.Validate(); err != nil {
		return fmt.Errorf("configuration: %w", err)
	}
	cfg = cfg.WithDefaults()
	sources, err := cfg.sources(deps)
	if err != nil {
		return err
	}
	box, err := outbox.Open(cfg.OutboxDir(), outbox.Options{
		SentRetention: cfg.Outbox.SentRetention, UnsentRetention: cfg.Outbox.UnsentRetention, MaxBytes: cfg.Outbox.MaxBytes,
		Clock: deps.Clock, Log: deps.Log, Loss: uplink.LossEvent,
	})
	if err != nil {
		return err
	}
	up := uplink.New(cfg.voice(deps, sources), box)
	session, err := cfg.session(deps, up)
	if err == nil {
		err = up.Listen(session)
	}
	if err == nil {
		err = stages(ctx, deps, sources, box, up, session)
	}
	if cerr := box.Close(); cerr != nil && err == nil {
		err = fmt.Errorf("close outbox: %w", cerr)
	}
	return err
}

// stages runs everything, and ends it from the source on.
func stages(ctx context.Context, deps Deps, sources []*source, box *outbox.Outbox, up *uplink.Uplink, session link.Session) error {
	g, alive := errgroup.WithContext(context.WithoutCancel(ctx)) // alive ends when a stage fails
	reading, stopReading := context.WithCancel(alive)
	sending, stopSending := context.WithCancel(alive)
	connected, disconnect := context.WithCancel(alive)
	defer context.AfterFunc(ctx, stopReading)()
	defer disconnect()
	defer stopSending()
	defer stopReading()

	readings := make(chan []uplink.Reading, queued)
	g.Go(func() error {
		defer close(readings)
		return read(reading, sources, readings)
	})
	collected := make(chan struct{})
	g.Go(func() error {
		defer close(collected)
		return up.Collect(readings)
	})
	g.Go(func() error { return box.Run(connected) })
	g.Go(func() error { return up.Monitor(reading) })
	g.Go(func() error { return up.Send(sending, session) })
	g.Go(func() error { return up.Speak(sending, session) })
	g.Go(func() error { return up.Resend(sending, session) })
	g.Go(func() error { return session.Run(connected) })
	g.Go(func() error {
		<-collected
		left, cancel := context.WithTimeout(alive, drainFor)
		defer cancel()
		up.Drain(left, session)
		if err := up.Goodbye(left, session); err != nil {
			deps.Log.WarnContext(ctx, "broker did not hear the goodbye", "err", err)
		}
		stopSending()
		disconnect()
		return nil
	})
	return g.Wait()
}

// read runs the drivers until ctx ends or one of them cannot go on.
func read(ctx context.Context, sources []*source, readings chan<- []uplink.Reading) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, s := range sources {
		g.Go(func() error {
			if err := s.run(ctx, readings); err != nil {
				return fmt.Errorf("source %s: %w", s.name, err)
			}
			return nil
		})
	}
	return g.Wait()
}

func (d Deps) withDefaults() Deps {
	if d.Clock == nil {
		d.Clock = clock.Wall{}
	}
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	return d
}

// voice is what the uplink speaks for.
func (c Config) voice(deps Deps, sources []*source) uplink.Config {
	out := uplink.Config{
		Gateway: uplink.Device{ID: c.DeviceID, Type: wire.GatewayClass, Topic: wire.Topic{
			Tenant: c.Tenant, Site: c.Site, Area: c.Area, Line: "_", Class: wire.GatewayClass, Device: c.DeviceID,
		}},
		Firmware: deps.Version, Flush: c.Flush, Report: c.Report, Clock: deps.Clock, Log: deps.Log,
		Polls: func() (all, failed uint64) {
			for _, s := range sources {
				st := s.driver.Stats()
				all, failed = all+st.Polls, failed+st.Failed
			}
			return all, failed
		},
	}
	for _, d := range c.Devices {
		out.Hosted = append(out.Hosted, uplink.Device{ID: d.DeviceID, Type: d.DeviceType, Topic: wire.Topic{
			Tenant: c.Tenant, Site: d.Site, Area: d.Area, Line: d.Line, Class: d.DeviceType, Device: d.DeviceID,
		}})
	}
	return out
}

// window is how many messages may be on their way at once. What is fresh waits behind them: on a line that carries
// three hundred a second, less than a second.
const window = 200

// session is the gateway's connection to the broker.
func (c Config) session(deps Deps, up *uplink.Uplink) (link.Session, error) {
	password, err := secret("password_file", c.PasswordFile)
	if err != nil {
		return nil, err
	}
	conf, err := c.tls()
	if err != nil {
		return nil, err
	}
	return link.New(link.Config{
		Broker: c.Broker, ClientID: wire.ClientID(c.Tenant, c.DeviceID), Password: password, TLS: conf, Window: window,
		Clock: deps.Clock, Log: deps.Log, Will: up.Will, Hello: up.Hello,
	})
}
