package fleet

import (
	"github.com/lineshaft/lineshaft/twin"
	"github.com/lineshaft/lineshaft/twin/wire"
)

// Seen notes a telemetry message of the device, received at that time (ns), with so many readings. The first one makes
// the device active. Unknown devices are none of the fleet's business.
func (f *Fleet) Seen(tenant, id string, received int64, readings int) {
	r := f.at(tenant)
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	d := r.devices[id]
	if d == nil {
		return
	}
	r.sites[d.Site].add(received, readings)
	if d.Lifecycle == Provisioned {
		d.Lifecycle, d.changed = Active, true
		r.dirty[d] = struct{}{}
		r.announce(d)
	}
	if received <= d.presence.Seen {
		return
	}
	was, before := d.own(received), d.presence.Seen
	d.presence.Seen = received
	r.dirty[d] = struct{}{}
	if was && !d.isOpen() || !d.own(received) {
		return
	}
	if before > 0 { // if nobody told us that it was gone, it was only silent
		d.open(Span{From: before, Detected: received, Cause: CauseSilence})
	}
	d.shut(received)
	r.touch(d)
	r.announceWithHosted(d)
}

// Status notes what a device says of itself, or its will, received at that time (ns).
func (f *Fleet) Status(tenant, id string, s wire.DeviceStatus, received int64, will bool) {
	r := f.at(tenant)
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	d := r.devices[id]
	if d == nil {
		return
	}
	next, taken := d.presence.hear(s, received, will)
	if !taken {
		return
	}
	was, heard := d.own(received), d.presence.heard()
	d.presence = next
	switch {
	case next.Online:
		if !was && heard > 0 {
			d.open(Span{From: heard, Detected: received, Cause: CauseSilence})
		}
		d.shut(received)
	case was && will:
		d.open(Span{From: max(heard, received-int64(latestWill)), Detected: received, Cause: CauseLost})
	case was:
		d.open(Span{From: received, Detected: received, Cause: CauseStatus, Detail: s.Reason})
	}
	r.touch(d)
	if was == next.Online {
		r.announce(d)
	} else {
		r.announceWithHosted(d)
	}
}

// Buffered notes how many messages wait in a gateway's outbox, where that comes as a reading and not as a status.
func (f *Fleet) Buffered(tenant, id string, messages int64) {
	r, d := f.find(tenant, id)
	if d == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	d.presence.Unsent = &messages
}

func (d *device) own(now int64) bool { return d.presence.own(d.Kind, d.Interval, now) }

// online says whether the device is there: a hosted one only while its gateway is too. The caller holds the lock.
func (r *register) online(d *device, now int64) bool {
	if d.Lifecycle.barred() || !d.own(now) {
		return false
	}
	if d.Kind != twin.Hosted {
		return true
	}
	g := r.devices[d.Gateway]
	return g != nil && !g.Lifecycle.barred() && g.own(now)
}
