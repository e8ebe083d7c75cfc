package fleet

import (
	"context"
	"encoding/json"
	"errors"
	"hash/fnv"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/lineshaft/lineshaft/simulator/plant"
	"github.com/lineshaft/lineshaft/twin"
	"github.com/lineshaft/lineshaft/twin/clock"
	"github.com/lineshaft/lineshaft/twin/fault"
	"github.com/lineshaft/lineshaft/twin/link"
	"github.com/lineshaft/lineshaft/twin/wire"
)

// Device speaks MQTT for itself: a message of all its tags every interval, numbered from 1 in an epoch of its own,
// and its status. What the broker did not acknowledge is sent again, from a small memory.
type Device struct {
	info    twin.Device
	topic   wire.Topic
	clock   clock.Clock
	log     *slog.Logger
	version string
	read    func(now time.Time, dst []wire.Reading) []wire.Reading
	session link.Session
	delay   time.Duration // of the first message, so that not all speak at once

	mu      sync.Mutex
	entropy *rand.ChaCha8
	opened  string // id of the current connection
	epoch   string
	seq     uint64
	waiting [][]byte // not yet acknowledged and not in flight, oldest first
	dropped int
}

// memory bounds the messages a device keeps while the broker is away: some twenty minutes of a small sensor.
const memory = 600

// DeviceConfig is what every device of a fleet shares.
type DeviceConfig struct {
	Tenant   string
	Seed     uint64
	Clock    clock.Clock
	Log      *slog.Logger
	Version  string
	Link     link.Config // broker and TLS; the rest is the device's
	Password func(device string) (string, error)
}

// NewDevice makes a device that publishes what read appends, in d.Interval.
func NewDevice(d twin.Device, cfg DeviceConfig, read func(now time.Time, dst []wire.Reading) []wire.Reading) (*Device, error) {
	if d.Interval <= 0 {
		return nil, fault.Field(d.ID+".interval", d.Interval, "must be above zero")
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(cfg.Tenant + "\x00" + d.ID))
	var seed [32]byte
	for i := range 8 {
		seed[i], seed[8+i] = byte(h.Sum64()>>(8*i)), byte(cfg.Seed>>(8*i))
	}
	dev := &Device{
		info: d, topic: wire.DeviceTopic(cfg.Tenant, d), clock: cfg.Clock, version: cfg.Version, read: read,
		log: cfg.Log.With(slog.String("device", d.ID)), entropy: rand.NewChaCha8(seed),
		delay: time.Duration(h.Sum64() % uint64(d.Interval)),
	}
	lc := cfg.Link
	lc.ClientID = wire.ClientID(cfg.Tenant, d.ID)
	lc.Clock, lc.Log, lc.Window = cfg.Clock, dev.log, 16
	lc.Will, lc.Hello = dev.will, dev.hello
	if cfg.Password != nil {
		var err error
		if lc.Password, err = cfg.Password(d.ID); err != nil {
			return nil, err
		}
	}
	var err error
	if dev.session, err = link.New(lc); err != nil {
		return nil, err
	}
	dev.epoch = dev.id()
	return dev, nil
}

// direct is a device of the plant: it reads the world.
func (f *Fleet) direct(d twin.Device) (*Device, error) {
	var asset twin.Asset
	for _, a := range f.plant.Assets {
		if a.ID == d.Asset {
			asset = a
		}
	}
	names := make(map[string]string, len(d.TagMap))
	for device, tag := range d.TagMap {
		names[tag] = device
	}
	var refs []plant.Ref
	var tags []string
	for _, t := range asset.Tags {
		ref, ok := f.world.Resolve(asset.ID, t.Name)
		if !ok {
			continue
		}
		name := t.Name
		if n, ok := names[name]; ok {
			name = n
		}
		refs, tags = append(refs, ref), append(tags, name)
	}
	var samples []twin.Sample
	read := func(_ time.Time, dst []wire.Reading) []wire.Reading {
		samples = f.world.Samples(samples[:0], refs)
		for i, s := range samples {
			dst = append(dst, wire.Reading{Tag: tags[i], Sample: s})
		}
		return dst
	}
	return NewDevice(d, DeviceConfig{
		Tenant: f.plant.Tenant, Seed: f.cfg.Seed, Clock: f.cfg.Clock, Log: f.cfg.Log, Version: f.cfg.Version,
		Link: link.Config{Broker: f.cfg.Broker, TLS: f.cfg.TLS}, Password: f.cfg.Password,
	}, read)
}

// id returns a new ULID; the caller holds mu or is alone.
func (d *Device) id() string {
	id, err := wire.NewID(d.clock.Now(), d.entropy)
	if err != nil { // only a clock beyond the year 10889 makes one
		d.log.Error("no_id", slog.Any("error", err))
	}
	return id
}

// will opens a new connection's life: the same id stands in the will and in the greeting.
func (d *Device) will() link.Message {
	d.mu.Lock()
	d.opened = d.id()
	d.mu.Unlock()
	return d.status(false, "connection lost")
}

func (d *Device) hello() link.Message { return d.status(true, "") }

func (d *Device) status(online bool, reason string) link.Message {
	d.mu.Lock()
	defer d.mu.Unlock()
	body, err := json.Marshal(wire.DeviceStatus{
		Online: online, Session: d.opened, TS: d.clock.Now().UnixMilli(), Reason: reason, Firmware: d.version, Epoch: d.epoch,
	})
	if err != nil { // a struct of strings and numbers always marshals
		d.log.Error("no_status", slog.Any("error", err))
	}
	return link.Message{Topic: d.topic.On(wire.Status).String(), Payload: body, Retained: true}
}

// farewell bounds how long a device that stops waits for its last word to be acknowledged.
const farewell = 2 * time.Second

// Run connects and publishes until ctx ends; then the device says that it stops and disconnects. A device the
// broker refuses for good goes silent and the others go on: that is logged and no error.
func (d *Device) Run(ctx context.Context) error {
	connected, disconnect := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	go func() { ended <- d.session.Run(connected) }()
	err := d.publish(ctx, ended)
	if err == nil {
		d.leave(connected)
		disconnect()
		err = <-ended
	}
	disconnect()
	if err != nil {
		d.log.Error("device_refused", slog.Any("error", err))
	}
	<-ctx.Done()
	return nil
}

// publish sends a message every interval. It returns nil when ctx ends and the session's error when that comes
// first.
func (d *Device) publish(ctx context.Context, ended <-chan error) error {
	wait := d.delay
	var readings []wire.Reading
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-ended:
			return errors.Join(err, errSessionEnded)
		case <-d.clock.After(wait):
		}
		wait = d.info.Interval
		readings = d.read(now(d.clock), readings[:0])
		d.keep(d.message(readings))
		d.flush(ctx)
	}
}

var errSessionEnded = errors.New("the session ended")

func (d *Device) message(readings []wire.Reading) []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	ts := now(d.clock).UnixNano()
	if len(readings) > 0 {
		ts = readings[0].T
	}
	d.seq++
	return wire.AppendTelemetry(nil, &wire.Message{
		MsgID: d.id(), DeviceID: d.info.ID, DeviceType: d.info.Type, Epoch: d.epoch, Seq: d.seq, HasSeq: true,
		TS: ts, Firmware: d.version, Readings: readings,
	})
}

// keep puts a message in the memory; when that is full the oldest is lost, and the ledger will see the gap.
func (d *Device) keep(payload []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.waiting) >= memory {
		d.waiting = d.waiting[1:]
		d.dropped++
	}
	d.waiting = append(d.waiting, payload)
}

// flush sends what waits, as long as the session takes it.
func (d *Device) flush(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, d.info.Interval)
	defer cancel()
	for d.session.Up() {
		d.mu.Lock()
		if len(d.waiting) == 0 {
			d.mu.Unlock()
			return
		}
		payload := d.waiting[0]
		d.waiting = d.waiting[1:]
		d.mu.Unlock()
		err := d.session.Publish(ctx, link.Message{Topic: d.topic.On(wire.Telemetry).String(), Payload: payload}, func(err error) {
			if err != nil {
				d.keep(payload)
			}
		})
		if err != nil {
			d.keep(payload)
			return
		}
	}
}

// leave says that the device stops on purpose, and waits a little for the broker to have heard.
func (d *Device) leave(ctx context.Context) {
	if !d.session.Up() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, farewell)
	defer cancel()
	heard := make(chan struct{})
	if err := d.session.Publish(ctx, d.status(false, "stopped"), func(error) { close(heard) }); err != nil {
		return
	}
	select {
	case <-heard:
	case <-ctx.Done():
	}
}
