// Package uplink says what a gateway has to say: it batches the readings of each hosted device into envelopes,
// writes them to the outbox, and sends what the outbox holds.
package uplink

import (
	"context"
	"crypto/rand"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lineshaft/lineshaft/gateway/outbox"
	"github.com/lineshaft/lineshaft/twin"
	"github.com/lineshaft/lineshaft/twin/clock"
	"github.com/lineshaft/lineshaft/twin/link"
	"github.com/lineshaft/lineshaft/twin/wire"
)

// Device is a device the gateway speaks for, or the gateway itself: its topic without a channel.
type Device struct {
	ID    string
	Type  string
	Topic wire.Topic
}

// Config is who speaks.
type Config struct {
	Gateway  Device
	Hosted   []Device
	Firmware string
	Flush    time.Duration // readings of a device are put together for so long
	Report   time.Duration // the gateway's own telemetry
	Clock    clock.Clock
	Log      *slog.Logger
	// Polls counts requests to the sources since the start, and how many brought no answer.
	Polls func() (all, failed uint64)
}

// Reading is one reading of a hosted device.
type Reading struct {
	Device int // index into Config.Hosted
	wire.Reading
}

// Uplink is the voice of one gateway.
type Uplink struct {
	cfg Config
	box *outbox.Outbox

	started time.Time
	acked   atomic.Uint64 // PUBACKs of outbox rows

	requests chan Request // to send again

	mu      sync.Mutex
	session string  // ULID of the present connection
	alive   []state // of each hosted device
	fresh   chan struct{}
}

// state is what is known of a hosted device.
type state uint8

const (
	unknown state = iota
	online
	offline
)

// New makes an uplink on an open outbox.
func New(cfg Config, box *outbox.Outbox) *Uplink {
	return &Uplink{
		cfg: cfg, box: box, started: cfg.Clock.Now(), alive: make([]state, len(cfg.Hosted)), fresh: make(chan struct{}, 1),
		requests: make(chan Request, resendQueue),
	}
}

// Will is the last will of the connection about to be made, and begins its session.
func (u *Uplink) Will() link.Message {
	id, err := wire.NewID(u.cfg.Clock.Now(), rand.Reader)
	if err != nil {
		u.cfg.Log.Error("no session id", "err", err)
	}
	u.mu.Lock()
	u.session = id
	u.mu.Unlock()
	return u.status(u.cfg.Gateway, false, "connection lost")
}

// Hello is what is said first on a connection.
func (u *Uplink) Hello() link.Message {
	u.stir()
	u.box.Spill()
	return u.status(u.cfg.Gateway, true, "")
}

func (u *Uplink) stir() {
	select {
	case u.fresh <- struct{}{}:
	default:
	}
}

// status is a status message of the gateway or of a hosted device.
func (u *Uplink) status(d Device, up bool, reason string) link.Message {
	u.mu.Lock()
	session := u.session
	u.mu.Unlock()
	unsent := u.box.Stats().Unsent
	s := wire.DeviceStatus{
		Online: up, Session: session, TS: u.cfg.Clock.Now().UnixMilli(), Reason: reason,
		Firmware: u.cfg.Firmware, Epoch: u.box.Epoch(), Unsent: &unsent,
	}
	if d.ID != u.cfg.Gateway.ID {
		s.Firmware, s.Unsent = "", nil
	}
	return link.Message{Topic: d.Topic.On(wire.Status).String(), Payload: wire.AppendStatus(nil, s), Retained: true}
}

// Speak tells the status of hosted devices after each connect and whenever one changes, until ctx ends.
func (u *Uplink) Speak(ctx context.Context, s link.Session) error {
	said := make([]state, len(u.alive))
	session := ""
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-u.fresh:
		}
		u.mu.Lock()
		now := append([]state(nil), u.alive...)
		anew := u.session != session
		session = u.session
		u.mu.Unlock()
		for i, is := range now {
			if is == unknown || (is == said[i] && !anew) {
				continue
			}
			reason := ""
			if is == offline {
				reason = "no answer"
			}
			if err := s.Publish(ctx, u.status(u.cfg.Hosted[i], is == online, reason), func(error) {}); err != nil {
				return nil //nolint:nilerr // ctx ended; the next connect says it
			}
			said[i] = is
		}
	}
}

// notice keeps track of which hosted devices answer.
func (u *Uplink) notice(device int, rs []wire.Reading) {
	is := offline
	for _, r := range rs {
		if r.Q != twin.CommFailure && r.Q != twin.NotConnected {
			is = online
			break
		}
	}
	u.mu.Lock()
	changed := u.alive[device] != is
	u.alive[device] = is
	u.mu.Unlock()
	if changed {
		u.stir()
	}
}

// Goodbye says that the gateway goes on purpose, and waits for the broker to have heard it.
func (u *Uplink) Goodbye(ctx context.Context, s link.Session) error {
	heard := make(chan error, 1)
	if !s.Up() {
		return nil
	}
	if err := s.Publish(ctx, u.status(u.cfg.Gateway, false, "shutdown"), func(err error) { heard <- err }); err != nil {
		return err
	}
	select {
	case err := <-heard:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}
