package fleet

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/lineshaft/lineshaft/twin"
	"github.com/lineshaft/lineshaft/twin/clock"
	"github.com/lineshaft/lineshaft/twin/fault"
	"github.com/lineshaft/lineshaft/twin/link"
	"github.com/lineshaft/lineshaft/twin/wire"
)

// Load is devices without a plant, as many as wanted, for weight: each walks a few numbers.
type Load struct {
	Tenant, Site, Area, Line, Class string
	Prefix                          string // of the device ids: prefix-00001
	Devices                         int
	Tags                            int           // per device
	Interval                        time.Duration // between messages of a device
	Seed                            uint64
	Link                            link.Config // broker and TLS
	Password                        func(device string) (string, error)
	Version                         string
	Clock                           clock.Clock
	Log                             *slog.Logger
}

// maxLoad bounds the devices of one process; each is a connection.
const maxLoad = 50_000

// Validate names the first field that cannot be, with its value.
func (l Load) Validate() error {
	switch {
	case l.Devices < 1 || l.Devices > maxLoad:
		return fault.Field("devices", l.Devices, "use 1 to %d", maxLoad)
	case l.Tags < 1 || l.Tags > 1000:
		return fault.Field("tags", l.Tags, "use 1 to 1000")
	case l.Interval < time.Millisecond:
		return fault.Field("interval", l.Interval, "use at least 1ms")
	}
	topic := wire.DeviceTopic(l.Tenant, l.device(0)).On(wire.Telemetry).String()
	if _, err := wire.ParseTopic(topic); err != nil {
		return fault.Field("topic", topic, "%s", err)
	}
	return nil
}

func (l Load) device(i int) twin.Device {
	return twin.Device{
		ID: fmt.Sprintf("%s-%05d", l.Prefix, i+1), Kind: twin.Direct, Type: l.Class, Site: l.Site, Area: l.Area, Line: l.Line, Interval: l.Interval,
	}
}

// Run connects all devices and publishes until ctx ends.
func (l Load) Run(ctx context.Context) error {
	if err := l.Validate(); err != nil {
		return err
	}
	cfg := DeviceConfig{
		Tenant: l.Tenant, Seed: l.Seed, Clock: l.Clock, Log: l.Log, Version: l.Version, Link: l.Link, Password: l.Password,
	}
	devices := make([]*Device, l.Devices)
	for i := range devices {
		var err error
		if devices[i], err = NewDevice(l.device(i), cfg, l.walk(uint64(i))); err != nil {
			return err
		}
	}
	g, ctx := errgroup.WithContext(ctx)
	for i, d := range devices {
		g.Go(func() error {
			if err := clock.Sleep(ctx, l.Clock, time.Duration(i)*arrival); err != nil {
				return nil //nolint:nilerr // told to stop before it began
			}
			return d.Run(ctx)
		})
	}
	return g.Wait()
}

// arrival is the time between two devices' first connections: a broker wants to be filled, not stormed.
const arrival = 2 * time.Millisecond

// walk is a device's numbers: each walks randomly, in hundredths, and leans back to where it began.
func (l Load) walk(n uint64) func(time.Time, []wire.Reading) []wire.Reading {
	rng := rand.New(rand.NewPCG(l.Seed, n)) //nolint:gosec // a simulation wants a repeatable source
	values := make([]float64, l.Tags)
	names := make([]string, l.Tags)
	for i := range values {
		values[i], names[i] = 50, fmt.Sprintf("value_%d", i+1)
	}
	return func(now time.Time, dst []wire.Reading) []wire.Reading {
		for i := range values {
			values[i] += 0.2*rng.NormFloat64() + 0.01*(50-values[i])
			v := twin.FloatValue(math.Round(values[i]*100) / 100)
			dst = append(dst, wire.Reading{Tag: names[i], Sample: twin.Sample{T: now.UnixNano(), V: v, Q: twin.Good}})
		}
		return dst
	}
}
