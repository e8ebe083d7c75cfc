package modbus

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/lineshaft/lineshaft/gateway/driver"
	"github.com/lineshaft/lineshaft/twin"
	"github.com/lineshaft/lineshaft/twin/clock"
)

// Config is one endpoint and the points to read there.
type Config struct {
	Endpoint string        // host:port
	Timeout  time.Duration // of one request
	Points   []Point
	Clock    clock.Clock
	Log      *slog.Logger
}

// Driver implements driver.Driver for one endpoint.
type Driver struct {
	driver.Counter
	cfg  Config
	plan []schedule
}

var _ driver.Driver = (*Driver)(nil)

// New makes a driver of checked points.
func New(cfg Config) *Driver { return &Driver{cfg: cfg, plan: plan(cfg.Points)} }

// Run implements driver.Driver.
func (d *Driver) Run(ctx context.Context, emit func([]driver.Reading)) error {
	units := make(map[uint8]*unit)
	var jobs []driver.Job
	for _, s := range d.plan {
		u := units[s.unit]
		if u == nil {
			u = newUnit(d.cfg.Endpoint, s.unit, d.cfg.Timeout, d.cfg.Clock, d.cfg.Log)
			units[s.unit] = u
		}
		p := &poll{d: d, unit: u, blocks: s.blocks}
		jobs = append(jobs, driver.Job{Interval: s.interval, Read: p.read})
	}
	err := driver.Poll(ctx, d.cfg.Clock, jobs, emit)
	for _, u := range units {
		u.close()
	}
	return err
}

// poll reads one schedule of one unit.
type poll struct {
	d      *Driver
	unit   *unit
	blocks []block
}

func (p *poll) read(ctx context.Context) []driver.Reading {
	var out []driver.Reading
	var blocks []block
	dead := error(nil) // once there is no answer, the unit's other blocks are not waited for
	for _, b := range p.blocks {
		data, err := []byte(nil), dead
		if dead == nil {
			data, err = p.unit.read(ctx, b)
			if ctx.Err() != nil {
				return nil
			}
			if !errors.Is(err, errOpen) {
				p.d.Count(1, err != nil)
			}
		}
		if err != nil && exception(err) == nil {
			dead = err
		}
		if refusesAddress(err) && len(b.points) > 1 {
			p.unit.log.WarnContext(ctx, "modbus block refused, reading its points one by one", "err", err)
			blocks = append(blocks, b.split(p.d.cfg.Points)...)
			continue
		}
		blocks = append(blocks, b)
		out = p.d.take(out, b, data, err)
	}
	split := len(blocks) != len(p.blocks)
	p.blocks = blocks
	if split { // those points have no reading yet in this turn
		return append(out, p.missing(ctx, out)...)
	}
	return out
}

// missing reads the points of this turn that have none yet.
func (p *poll) missing(ctx context.Context, have []driver.Reading) []driver.Reading {
	seen := make(map[int]bool, len(have))
	for _, r := range have {
		seen[r.Point] = true
	}
	var out []driver.Reading
	for _, b := range p.blocks {
		if seen[b.points[0]] {
			continue
		}
		data, err := p.unit.read(ctx, b)
		if ctx.Err() != nil {
			return out
		}
		p.d.Count(1, err != nil)
		if exception(err) != nil {
			p.unit.log.WarnContext(ctx, "modbus point refused", "err", err)
		}
		out = p.d.take(out, b, data, err)
	}
	return out
}

// take appends a reading for each point of a block.
func (d *Driver) take(out []driver.Reading, b block, data []byte, err error) []driver.Reading {
	now := d.cfg.Clock.Now().Truncate(time.Millisecond).UnixNano() // the envelope counts in milliseconds
	if err != nil {
		return append(out, driver.Silence(b.points, quality(err), now)...)
	}
	for _, i := range b.points {
		s := twin.Sample{T: now, Q: twin.DeviceFailure}
		if v, ok := decode(d.cfg.Points[i], b, data); ok {
			s.V, s.Q = v, twin.Good
		}
		out = append(out, driver.Reading{Point: i, Sample: s})
	}
	return out
}
