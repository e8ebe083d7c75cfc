package uplink

import (
	"context"
	"encoding/json"
	"sync"
	"sync/atomic"

	"github.com/lineshaft/lineshaft/gateway/outbox"
	"github.com/lineshaft/lineshaft/twin/link"
	"github.com/lineshaft/lineshaft/twin/wire"
)

const (
	resendQueue  = 64   // requests that wait; the backend repeats what is dropped
	resendFlight = 16   // rows on their way at once, so that what is read now goes before
	resendMost   = 5000 // numbers of one request that are answered; the result says so by its gone
)

// Request asks for a range again.
type Request struct {
	RequestID string       `json:"request_id"`
	DeviceID  string       `json:"device_id"`
	Epoch     string       `json:"epoch"`
	Channel   wire.Channel `json:"channel"`
	FromSeq   uint64       `json:"from_seq"`
	ToSeq     uint64       `json:"to_seq"`
}

// result is the body of the answer.
type result struct {
	RequestID string       `json:"request_id"`
	MsgID     string       `json:"msg_id"`
	TS        int64        `json:"ts"` // UTC ms
	Epoch     string       `json:"epoch"`
	Seq       uint64       `json:"seq"`
	OfDevice  string       `json:"of_device"`
	OfEpoch   string       `json:"of_epoch"`
	Channel   wire.Channel `json:"channel"`
	Sent      uint64       `json:"sent"`
	Gone      [][2]uint64  `json:"gone"` // of the range, what is no longer held; both ends included
}

// Listen has the gateway hear requests to send again. It is called before the session runs.
func (u *Uplink) Listen(s link.Session) error {
	return s.Subscribe(u.cfg.Gateway.Topic.On(wire.ResendRequest).String(), func(m link.Message) {
		var r Request
		if err := json.Unmarshal(m.Payload, &r); err != nil || !u.speaksFor(r.DeviceID) || r.FromSeq == 0 || r.FromSeq > r.ToSeq ||
			r.Channel.Direction() != wire.Up || len(r.RequestID) > 40 {
			u.cfg.Log.Warn("request to send again not understood", "bytes", len(m.Payload), "err", err)
			return
		}
		select {
		case u.requests <- r:
		default:
		}
	})
}

func (u *Uplink) speaksFor(device string) bool {
	if device == u.cfg.Gateway.ID {
		return true
	}
	for _, d := range u.cfg.Hosted {
		if d.ID == device {
			return true
		}
	}
	return false
}

// Resend answers requests, one after the other, until ctx ends: what the outbox still holds of a range is sent once
// more with its old numbers, and the answer is a message of the gateway's own.
func (u *Uplink) Resend(ctx context.Context, s link.Session) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case r := <-u.requests:
			if err := u.answer(ctx, s, r); err != nil {
				return err
			}
		}
	}
}

// answer sends a range. Where the connection is lost meanwhile there is no answer, and the backend will ask again.
func (u *Uplink) answer(ctx context.Context, s link.Session, r Request) error {
	r.ToSeq = min(r.ToSeq, r.FromSeq+resendMost-1)
	out := result{RequestID: r.RequestID, OfDevice: r.DeviceID, OfEpoch: r.Epoch, Channel: r.Channel, Gone: [][2]uint64{}}
	ours := r.Epoch == u.box.Epoch()
	last := r.ToSeq
	if ours { // a number that was never given is not gone
		last = min(last, u.box.Last(r.DeviceID, r.Channel))
	}
	next := r.FromSeq
	for next <= last {
		rows, err := u.box.Find(outbox.Range{Device: r.DeviceID, Channel: r.Channel, Epoch: r.Epoch, From: next, To: last})
		if err != nil {
			return err
		}
		sent, ok := u.again(ctx, s, rows)
		if !ok {
			return nil
		}
		out.Sent += sent
		for _, row := range rows {
			if row.Seq > next {
				out.Gone = append(out.Gone, [2]uint64{next, row.Seq - 1})
			}
			next = row.Seq + 1
		}
		if len(rows) == 0 {
			out.Gone = append(out.Gone, [2]uint64{next, last})
			break
		}
	}
	u.cfg.Log.Info("sent again", "device", r.DeviceID, "from_seq", r.FromSeq, "to_seq", r.ToSeq, "sent", out.Sent, "gone", out.Gone)
	return u.put([]outbox.Entry{{
		Device: u.cfg.Gateway.ID, Channel: wire.ResendResult, Topic: u.cfg.Gateway.Topic.On(wire.ResendResult).String(),
		Priority: outbox.Facts,
		Payload: func(b []byte, st outbox.Stamp) []byte {
			out.MsgID, out.TS, out.Epoch, out.Seq = st.MsgID, st.TS.UnixMilli(), st.Epoch, st.Seq
			text, err := json.Marshal(out)
			if err != nil {
				return b // a struct of numbers and strings always marshals
			}
			return append(b, text...)
		},
	}})
}

// again publishes rows that had been acknowledged and waits for their PUBACKs; the others will be sent in any case.
// It is false where not all of them arrived.
func (u *Uplink) again(ctx context.Context, s link.Session, rows []outbox.Found) (sent uint64, ok bool) {
	var wg sync.WaitGroup
	var failed atomic.Bool
	flight := make(chan struct{}, resendFlight)
	for _, row := range rows {
		if !row.Sent {
			continue
		}
		select {
		case flight <- struct{}{}:
		case <-ctx.Done():
			failed.Store(true)
		}
		if failed.Load() {
			break
		}
		wg.Add(1)
		err := s.Publish(ctx, link.Message{Topic: row.Topic, Payload: row.Payload}, func(err error) {
			defer wg.Done()
			if err != nil {
				failed.Store(true)
			}
			<-flight
		})
		if err != nil {
			wg.Done()
			failed.Store(true)
			break
		}
		sent++
	}
	wg.Wait()
	return sent, !failed.Load()
}
