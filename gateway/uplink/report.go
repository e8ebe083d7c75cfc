package uplink

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"runtime"
	"strconv"
	"time"

	"github.com/lineshaft/lineshaft/gateway/outbox"
	"github.com/lineshaft/lineshaft/twin"
	"github.com/lineshaft/lineshaft/twin/clock"
	"github.com/lineshaft/lineshaft/twin/wire"
)

// vitals is the gateway at one instant, as far as rates are made from it.
type vitals struct {
	at            time.Time
	polls, failed uint64
	acked         uint64
}

// Monitor reports on the gateway itself, as telemetry of its own, until ctx ends.
func (u *Uplink) Monitor(ctx context.Context) error {
	last := u.vitals()
	for clock.Sleep(ctx, u.cfg.Clock, u.cfg.Report) == nil {
		now := u.vitals()
		if err := u.put([]outbox.Entry{u.telemetry(u.cfg.Gateway, u.report(last, now))}); err != nil {
			return err
		}
		last = now
	}
	return nil
}

func (u *Uplink) vitals() vitals {
	v := vitals{at: u.cfg.Clock.Now(), acked: u.acked.Load()}
	if u.cfg.Polls != nil {
		v.polls, v.failed = u.cfg.Polls()
	}
	return v
}

// report is the readings of the gateway's own tags.
func (u *Uplink) report(last, now vitals) []wire.Reading {
	stats := u.box.Stats()
	errorsPct, rate := 0.0, 0.0
	if n := now.polls - last.polls; n > 0 {
		errorsPct = 100 * float64(now.failed-last.failed) / float64(n)
	}
	if s := now.at.Sub(last.at).Seconds(); s > 0 {
		rate = float64(now.acked-last.acked) / s
	}
	t := now.at.Truncate(time.Millisecond).UnixNano()
	tag := func(name string, v twin.Value) wire.Reading {
		return wire.Reading{Tag: name, Sample: twin.Sample{T: t, V: v, Q: twin.Good}}
	}
	return []wire.Reading{
		tag("outbox_bytes", twin.IntValue(stats.Bytes)),
		tag("outbox_unsent", twin.IntValue(stats.Unsent)),
		tag("poll_errors_pct", twin.FloatValue(round(errorsPct))),
		tag("publish_rate", twin.FloatValue(round(rate))),
		tag("rss_mb", twin.FloatValue(round(float64(rss())/(1<<20)))),
		tag("uptime_s", twin.IntValue(int64(now.at.Sub(u.started).Seconds()))),
	}
}

func round(f float64) float64 { return float64(int64(f*100+0.5)) / 100 }

// rss is the resident memory of the process in bytes; where the system does not tell, what Go has from it.
func rss() uint64 {
	if text, err := os.ReadFile("/proc/self/statm"); err == nil {
		if f := bytes.Fields(text); len(f) > 1 {
			if pages, err := strconv.ParseUint(string(f[1]), 10, 64); err == nil {
				return pages * uint64(os.Getpagesize())
			}
		}
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.Sys
}

// dataLoss is the body of the event that tells of dropped data.
type dataLoss struct {
	Event    string      `json:"event"` // data_loss
	MsgID    string      `json:"msg_id"`
	DeviceID string      `json:"device_id"`
	TS       int64       `json:"ts"` // UTC ms
	Epoch    string      `json:"epoch"`
	Seq      uint64      `json:"seq"`
	Reason   string      `json:"reason"` // full or expired
	Channel  string      `json:"channel"`
	Of       string      `json:"of_epoch"`
	Ranges   [][2]uint64 `json:"ranges"` // of seq, both ends included
	Count    uint64      `json:"count"`
	From     int64       `json:"from"` // when the first and last lost message were put, UTC ms
	To       int64       `json:"to"`
}

// LossEvent is how the outbox tells of what it dropped: an event of the device that lost it.
func LossEvent(l outbox.Loss) (outbox.Entry, bool) {
	topic, err := wire.ParseTopic(l.Topic)
	if err != nil {
		return outbox.Entry{}, false
	}
	return outbox.Entry{
		Device: l.Device, Channel: wire.Events, Topic: topic.On(wire.Events).String(), Priority: outbox.Facts,
		Payload: func(b []byte, s outbox.Stamp) []byte {
			text, err := json.Marshal(dataLoss{
				Event: "data_loss", MsgID: s.MsgID, DeviceID: l.Device, TS: s.TS.UnixMilli(), Epoch: s.Epoch, Seq: s.Seq,
				Reason: l.Reason, Channel: l.Channel, Of: l.Epoch, Ranges: l.Ranges, Count: l.Count(),
				From: l.From.UnixMilli(), To: l.To.UnixMilli(),
			})
			if err != nil {
				return b // a struct of numbers and strings always marshals
			}
			return append(b, text...)
		},
	}, true
}
