package fleet

import (
	"time"

	"github.com/lineshaft/lineshaft/twin"
	"github.com/lineshaft/lineshaft/twin/wire"
)

// A device without a session is taken for gone after patience times its interval, and not sooner than leastPatience.
const (
	patience        = 5
	defaultInterval = 10 * time.Second
	leastPatience   = 30 * time.Second
)

// latestWill is how long after a connection was really lost the broker sends the will: one and a half keep-alives.
const latestWill = 90 * time.Second

// presence is what a device has let us know of itself. Times are of receipt, ns.
type presence struct {
	Online  bool   `json:"online"`            // as its last status said
	Current bool   `json:"current"`           // that status is of a session the broker still watches
	At      int64  `json:"at"`                // the last status; 0 if there was none
	Session string `json:"session,omitempty"` // of the last status
	Seen    int64  `json:"seen"`              // the last message of any kind

	Reason        string `json:"reason,omitempty"`
	Firmware      string `json:"firmware,omitempty"`
	ConfigVersion string `json:"config_version,omitempty"`
	Unsent        *int64 `json:"unsent,omitempty"` // messages waiting in its outbox
}

// heard is the last moment the device is known to have been there.
func (p presence) heard() int64 {
	if p.Online {
		return max(p.Seen, p.At)
	}
	return p.Seen
}

// own says whether the device itself seems to be there at now, its gateway left aside.
//
// A status with a live session counts until a later one or the will. Without it, messages newer than the last status
// count for a while; but not for a hosted device that has a status: its gateway goes on sending bad readings for a
// device it cannot reach.
func (p presence) own(kind twin.DeviceKind, interval time.Duration, now int64) bool {
	if p.Online && p.Current {
		return true
	}
	if kind == twin.Hosted && p.At > 0 {
		return p.Online
	}
	return p.Seen > p.At && now-p.Seen <= int64(wait(interval))
}

// endLife is called at a start: whatever session there was, the broker that watched it is gone. It says whether the
// device was there until then, as far as the backend's last sign of life, alive, and what was stored can tell.
func (p *presence) endLife(kind twin.DeviceKind, interval time.Duration, alive int64) bool {
	if p.Online {
		p.Current = p.Current && kind == twin.Hosted // its gateway's session has ended, and counts too
		return kind != twin.Hosted
	}
	return p.Seen > p.At && alive-p.Seen <= int64(wait(interval)+lazySeen)
}

// wait is how long a silent device without a session is still taken for present.
func wait(interval time.Duration) time.Duration {
	if interval <= 0 {
		interval = defaultInterval
	}
	return max(leastPatience, patience*interval)
}

// hear takes a status or will received at that time. Taken is false for one that says nothing new about now: a will
// of a session that is over, or something older than what is known.
func (p presence) hear(s wire.DeviceStatus, received int64, will bool) (next presence, taken bool) {
	if received < p.At || will && s.Session != p.Session {
		return p, false
	}
	p.Online, p.Current, p.At, p.Session, p.Reason = s.Online && !will, true, received, s.Session, s.Reason
	if will {
		return p, true // what a will says besides was true when the session began
	}
	p.Seen = max(p.Seen, received)
	if s.Firmware != "" {
		p.Firmware = s.Firmware
	}
	if s.ConfigVersion != "" {
		p.ConfigVersion = s.ConfigVersion
	}
	if s.Unsent != nil {
		n := *s.Unsent
		p.Unsent = &n
	}
	return p, true
}
