package uplink

import (
	"cmp"
	"slices"
	"time"

	"github.com/lineshaft/lineshaft/gateway/outbox"
	"github.com/lineshaft/lineshaft/twin/fault"
	"github.com/lineshaft/lineshaft/twin/wire"
)

// One message holds at most so much, to stay well below wire.MaxPayload.
const (
	maxReadings = 2000
	maxText     = 256 << 10
)

// pending is what is gathered for one device's next message.
type pending struct {
	readings []wire.Reading
	text     int // bytes of string values
}

// Collect puts readings together per device and writes them to the outbox once each flush interval, until in is
// closed; what is left is written then.
//
//	in ─▶ pending per device ─▶ outbox.Put
func (u *Uplink) Collect(in <-chan []Reading) error {
	gathered := make([]pending, len(u.cfg.Hosted))
	tick := u.cfg.Clock.After(u.cfg.Flush)
	for {
		select {
		case rs, ok := <-in:
			if !ok {
				return u.flush(gathered)
			}
			for _, r := range rs {
				p := &gathered[r.Device]
				p.readings = append(p.readings, r.Reading)
				p.text += len(r.V.Text())
				if len(p.readings) >= maxReadings || p.text >= maxText {
					if err := u.flush(gathered); err != nil {
						return err
					}
				}
			}
		case <-tick:
			tick = u.cfg.Clock.After(u.cfg.Flush)
			if err := u.flush(gathered); err != nil {
				return err
			}
		}
	}
}

// flush writes one message for each device that has readings.
func (u *Uplink) flush(gathered []pending) error {
	var entries []outbox.Entry
	for i := range gathered {
		p := &gathered[i]
		if len(p.readings) == 0 {
			continue
		}
		u.notice(i, p.readings)
		entries = append(entries, u.telemetry(u.cfg.Hosted[i], inOrder(p.readings)))
		p.readings, p.text = p.readings[:0], 0
	}
	return u.put(entries)
}

// put stores entries. A message that can never be stored is told and left out; the others must not suffer for it.
func (u *Uplink) put(entries []outbox.Entry) error {
	for len(entries) > 0 {
		n, err := u.box.Put(entries...)
		if err != nil && !fault.Is(err, fault.Invalid) {
			return err
		}
		if err != nil {
			u.cfg.Log.Error("message not stored", "device", entries[n].Device, "err", err)
			n++
		}
		entries = entries[n:]
	}
	return nil
}

// inOrder groups readings by tag, in order of time; of two with the same time the later one counts.
func inOrder(rs []wire.Reading) []wire.Reading {
	slices.SortStableFunc(rs, func(a, b wire.Reading) int {
		return cmp.Or(cmp.Compare(a.Tag, b.Tag), cmp.Compare(a.T, b.T))
	})
	out := rs[:0]
	for _, r := range rs {
		if n := len(out); n > 0 && out[n-1].Tag == r.Tag && out[n-1].T == r.T {
			out[n-1] = r
			continue
		}
		out = append(out, r)
	}
	return out
}

// telemetry is the entry of one envelope. It renders at once when the outbox asks, so readings may be reused after.
func (u *Uplink) telemetry(d Device, rs []wire.Reading) outbox.Entry {
	newest := int64(0)
	for _, r := range rs {
		newest = max(newest, r.T)
	}
	return outbox.Entry{
		Device: d.ID, Channel: wire.Telemetry, Topic: d.Topic.On(wire.Telemetry).String(),
		Payload: func(b []byte, s outbox.Stamp) []byte {
			m := wire.Message{
				MsgID: s.MsgID, DeviceID: d.ID, DeviceType: d.Type, Epoch: s.Epoch, Seq: s.Seq, HasSeq: true,
				TS: s.TS.Truncate(time.Millisecond).UnixNano(), SourceTS: newest, Firmware: u.cfg.Firmware, Gateway: u.cfg.Gateway.ID,
				Readings: rs,
			}
			m.EdgeLatencyMS = max(0, (m.TS-newest)/int64(time.Millisecond))
			return wire.AppendTelemetry(b, &m)
		},
	}
}
