package agent

import (
	"context"
	"path/filepath"
	"strings"

	"github.com/lineshaft/lineshaft/gateway/driver"
	"github.com/lineshaft/lineshaft/gateway/modbus"
	"github.com/lineshaft/lineshaft/gateway/opcua"
	"github.com/lineshaft/lineshaft/gateway/rule"
	"github.com/lineshaft/lineshaft/gateway/signal"
	"github.com/lineshaft/lineshaft/gateway/uplink"
	"github.com/lineshaft/lineshaft/twin"
	"github.com/lineshaft/lineshaft/twin/wire"
)

// source is one PLC and what becomes of its readings.
type source struct {
	name   string
	driver driver.Driver
	points []point
}

// point is one tag on its way from the driver to the outbox. Its driver hands its readings on one after the other,
// so it needs no lock.
type point struct {
	device int
	tag    string
	spec   signal.Spec
	band   rule.Deadband
	last   twin.Sample // the last one sent
	sent   bool        // whether there is one
}

// run drives the source: each raw reading becomes a value, and those that say something new go on.
func (s *source) run(ctx context.Context, readings chan<- []uplink.Reading) error {
	return s.driver.Run(ctx, func(raw []driver.Reading) {
		out := make([]uplink.Reading, 0, len(raw))
		for _, r := range raw {
			p := &s.points[r.Point]
			v := p.spec.Apply(r.Sample)
			if !p.band.Pass(p.last, v, !p.sent) {
				continue
			}
			p.last, p.sent = v, true
			out = append(out, uplink.Reading{Device: p.device, Reading: wire.Reading{Tag: p.tag, Sample: v}})
		}
		if len(out) == 0 {
			return
		}
		select {
		case readings <- out:
		case <-ctx.Done(): // the collector may be gone; what was read after the end is not promised to anyone
		}
	})
}

// sources makes a driver for each source that has tags.
func (c Config) sources(deps Deps) ([]*source, error) {
	var out []*source
	for _, conf := range c.Sources {
		s := &source{name: conf.Name}
		var tags []Tag
		for i, d := range c.Devices {
			if d.Source != conf.Name {
				continue
			}
			for _, t := range d.Tags {
				s.points = append(s.points, point{device: i, tag: t.Name, spec: t.signal(), band: t.deadband()})
				tags = append(tags, t)
			}
		}
		if len(tags) == 0 {
			continue
		}
		var err error
		if s.driver, err = c.driver(conf, tags, deps); err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

func (c Config) driver(conf Source, tags []Tag, deps Deps) (driver.Driver, error) {
	log := deps.Log.With("source", conf.Name)
	if conf.Protocol == Modbus {
		points := make([]modbus.Point, len(tags))
		for i, t := range tags {
			points[i] = t.modbus()
		}
		return modbus.New(modbus.Config{Endpoint: conf.Endpoint, Timeout: conf.Timeout, Points: points, Clock: deps.Clock, Log: log}), nil
	}
	o := opcua.Config{
		Endpoint: conf.Endpoint, Timeout: conf.Timeout, Secure: conf.OPCUA.Security == secure, User: conf.OPCUA.User,
		Publishing: conf.OPCUA.Publishing, Clock: deps.Clock, Log: log, Points: make([]opcua.Point, len(tags)),
	}
	for i, t := range tags {
		o.Points[i] = opcua.Point{Node: t.OPCUA.Node, Interval: t.Interval}
	}
	if o.User != "" {
		var err error
		if o.Password, err = secret("sources."+conf.Name+".opcua.password_file", conf.OPCUA.PasswordFile); err != nil {
			return nil, err
		}
	}
	if o.Secure {
		pki := filepath.Join(c.DataDir, "pki")
		var err error
		if o.Identity, err = opcua.ReadIdentity(pki, c.DeviceID, deps.Clock.Now()); err != nil {
			return nil, err
		}
		pin, _ := strings.CutPrefix(conf.OPCUA.Trust, trustPinPrefix)
		o.Trust = opcua.Trust{
			Dir: conf.OPCUA.TrustDir, FirstUse: conf.OPCUA.Trust == trustFirstUse, Source: conf.Name, Rejected: filepath.Join(pki, "rejected"),
		}
		if pin != conf.OPCUA.Trust {
			o.Trust.Pin = pin
		}
	}
	return opcua.New(o)
}
