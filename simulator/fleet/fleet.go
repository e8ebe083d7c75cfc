// Package fleet is a simulated plant as one value: the world, its controllers and the devices that speak MQTT
// themselves.
package fleet

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"path"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/lineshaft/lineshaft/simulator/plant"
	"github.com/lineshaft/lineshaft/simulator/plc"
	"github.com/lineshaft/lineshaft/twin"
	"github.com/lineshaft/lineshaft/twin/clock"
	"github.com/lineshaft/lineshaft/twin/exchange"
	"github.com/lineshaft/lineshaft/twin/fault"
)

// Config is what a fleet is told besides its plant.
type Config struct {
	Seed  uint64
	Host  string         // where controllers listen; empty is 127.0.0.1
	Ports map[string]int // controller → port; 0 or absent is any free one
	Dir   string         // where OPC UA certificates are kept
	Login plc.Login      // of OPC UA sessions; needed where the plant has such controllers
	Step  time.Duration  // of the world; 0 is DefaultStep
	Clock clock.Clock
	Log   *slog.Logger

	// The devices that speak MQTT themselves; without Broker they stay silent.
	Broker   string                              // tcp://host:port or ssl://host:port
	TLS      *tls.Config                         // for ssl://
	Password func(device string) (string, error) // the broker's password for a device; nil is none
	Version  string                              // firmware version the devices report
}

// DefaultStep is how often the world moves.
const DefaultStep = 250 * time.Millisecond

// Fleet is a plant that runs. Its controllers answer from Open on; the world moves and the devices speak in Run.
type Fleet struct {
	plant   exchange.Plant
	cfg     Config
	world   *plant.World
	plcs    []*plc.Server
	devices []*Device
}

// Open builds the world, reads its recordings from the folder recordings of files, and opens every controller.
// Whoever opened a fleet runs or closes it.
func Open(p exchange.Plant, files fs.FS, cfg Config) (*Fleet, error) {
	cfg.Step = cmp.Or(cfg.Step, DefaultStep)
	cfg.Host = cmp.Or(cfg.Host, "127.0.0.1")
	tracks, err := Tracks(p, files)
	if err != nil {
		return nil, err
	}
	w, err := plant.New(p.Model, plant.Config{Seed: cfg.Seed, Start: now(cfg.Clock), Tracks: tracks})
	if err != nil {
		return nil, fmt.Errorf("build world: %w", err)
	}
	f := &Fleet{plant: p, cfg: cfg, world: w}
	for _, c := range p.PLCs {
		s, err := plc.Open(c, p.Model, w, plc.Config{
			Listen: net.JoinHostPort(cfg.Host, strconv.Itoa(cfg.Ports[c.Name])), Dir: cfg.Dir, Login: cfg.Login,
			Log: cfg.Log.With(slog.String("plc", c.Name)),
		})
		if err != nil {
			return nil, errors.Join(err, f.Close())
		}
		f.plcs = append(f.plcs, s)
	}
	if cfg.Broker == "" {
		return f, nil
	}
	for _, d := range p.Devices {
		if d.Kind != twin.Direct {
			continue
		}
		dev, err := f.direct(d)
		if err != nil {
			return nil, errors.Join(err, f.Close())
		}
		f.devices = append(f.devices, dev)
	}
	return f, nil
}

// Tracks reads the recordings a plant replays; each file is read once.
func Tracks(p exchange.Plant, files fs.FS) ([]plant.Track, error) {
	read := map[string][][]float64{}
	var out []plant.Track
	for _, r := range p.Replay {
		rows, ok := read[r.Recording]
		if !ok {
			file, err := files.Open(path.Join("recordings", r.Recording))
			if err != nil {
				return nil, fault.Field("replay.recording", r.Recording, "cannot be opened: %s", err)
			}
			rows, err = plant.ReadRecording(file)
			_ = file.Close()
			if err != nil {
				return nil, fmt.Errorf("recording %s: %w", r.Recording, err)
			}
			read[r.Recording] = rows
		}
		out = append(out, plant.Track{Asset: r.Asset, Rows: rows, Columns: r.Columns, Step: r.Step})
	}
	return out, nil
}

// now is the instant of a clock in whole milliseconds, as the envelope has it.
func now(c clock.Clock) time.Time { return c.Now().Truncate(time.Millisecond) }

// World is the plant's state, for tests and panels that read or command it beside the network.
func (f *Fleet) World() *plant.World { return f.world }

// Endpoints is where each controller answers, by name.
func (f *Fleet) Endpoints() map[string]string {
	out := make(map[string]string, len(f.plcs))
	for _, s := range f.plcs {
		out[s.Name()] = s.Endpoint()
	}
	return out
}

// Direct is the ids of the devices that speak for themselves.
func (f *Fleet) Direct() []string {
	out := make([]string, 0, len(f.devices))
	for _, d := range f.devices {
		out = append(out, d.info.ID)
	}
	return out
}

// Run moves the world, answers and publishes until ctx ends.
func (f *Fleet) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return f.step(ctx) })
	for _, s := range f.plcs {
		g.Go(func() error { return s.Run(ctx) })
	}
	for _, d := range f.devices {
		g.Go(func() error { return d.Run(ctx) })
	}
	return g.Wait()
}

// The world catches up in slices when the machine was asleep, up to a bound; beyond it time just jumps.
const (
	slice   = time.Second
	catchUp = time.Minute
)

func (f *Fleet) step(ctx context.Context) error {
	for clock.Sleep(ctx, f.cfg.Clock, f.cfg.Step) == nil {
		behind := now(f.cfg.Clock).Sub(f.world.Now())
		if behind > catchUp {
			f.world.Jump(behind - catchUp)
			behind = catchUp
		}
		for ; behind > slice; behind -= slice {
			f.world.Step(slice)
		}
		if behind > 0 {
			f.world.Step(behind)
		}
	}
	return nil
}

// Close closes the controllers of a fleet that never ran.
func (f *Fleet) Close() error {
	var errs []error
	for _, s := range f.plcs {
		errs = append(errs, s.Close())
	}
	return errors.Join(errs...)
}
