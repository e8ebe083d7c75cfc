package uplink

import (
	"context"
	"time"

	"github.com/lineshaft/lineshaft/twin/clock"
	"github.com/lineshaft/lineshaft/twin/link"
)

// Send sends what the outbox holds until ctx ends. A row is marked sent by its PUBACK and by nothing else; one whose
// connection was lost before is sent again.
func (u *Uplink) Send(ctx context.Context, s link.Session) error {
	for {
		r, err := u.box.Next(ctx)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // there is nothing next because it is to end
		}
		if err != nil {
			return err
		}
		err = s.Publish(ctx, link.Message{Topic: r.Topic, Payload: r.Payload}, func(err error) {
			if err != nil {
				u.box.Unsent(r.Order)
				return
			}
			u.acked.Add(1)
			u.box.Sent(r.Order)
		})
		if err != nil {
			u.box.Unsent(r.Order)
			return nil //nolint:nilerr // ctx ended; the row stays unsent on disk
		}
	}
}

// Drain waits until everything in the outbox is sent, the session is down, or ctx ends.
func (u *Uplink) Drain(ctx context.Context, s link.Session) {
	for u.box.Stats().Unsent > 0 && s.Up() {
		if clock.Sleep(ctx, u.cfg.Clock, 20*time.Millisecond) != nil {
			return
		}
	}
}
