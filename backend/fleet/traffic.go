package fleet

import (
	"time"

	"github.com/lineshaft/lineshaft/twin"
)

// The windows of the message counts, in seconds.
const (
	rateWindow  = 10
	countWindow = 60
)

// traffic counts the messages of a site by the second of their receipt.
type traffic struct {
	seconds [countWindow + 4]struct {
		at       int64
		messages int
		readings int
	}
}

func (t *traffic) add(received int64, readings int) {
	at := received / int64(time.Second)
	s := &t.seconds[uint64(at)%uint64(len(t.seconds))]
	if s.at > at {
		return // older than the window
	}
	if s.at < at {
		s.at, s.messages, s.readings = at, 0, 0
	}
	s.messages++
	s.readings += readings
}

// sum counts the messages of the last full seconds before now.
func (t *traffic) sum(now int64, window int64) (messages, readings int) {
	end := now / int64(time.Second)
	for _, s := range t.seconds {
		if s.at < end && s.at >= end-window {
			messages += s.messages
			readings += s.readings
		}
	}
	return messages, readings
}

// Counts tells, by site, how many devices there are and are online, how many messages came, and how many wait in
// outboxes. Dead letters and freshness are known elsewhere and stay 0.
func (f *Fleet) Counts(tenant string) map[string]Counts {
	out := map[string]Counts{}
	r := f.at(tenant)
	if r == nil {
		return out
	}
	now := f.clock.Now().UnixNano()
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, d := range r.devices {
		if d.Lifecycle.barred() {
			continue
		}
		c := out[d.Site]
		c.Devices++
		if r.online(d, now) {
			c.Online++
		}
		if d.Kind == twin.Gateway && d.presence.Unsent != nil {
			c.Reporting++
			c.Buffered += *d.presence.Unsent
		}
		out[d.Site] = c
	}
	for site, c := range out {
		t := r.sites[site]
		inRate, _ := t.sum(now, rateWindow)
		c.PerSecond = float64(inRate) / rateWindow
		c.Messages, c.Readings = t.sum(now, countWindow)
		out[site] = c
	}
	return out
}
