package broker

import "sync/atomic"

type counts struct {
	accepted, refused, failed, slowed, wills, denied, takeovers  atomic.Uint64
	oversized, malformed, laggards, unheard, strangers, rebirths atomic.Uint64
}

// Stats counts what happened at the door since the start.
type Stats struct {
	Connections int    // now
	Owed        int    // messages taken and not acknowledged yet, now
	Accepted    uint64 // messages taken
	Refused     uint64 // messages acknowledged and reported, not taken
	Failed      uint64 // messages the stream could not store; their connections were ended
	Slowed      uint64 // messages that had to wait because their sender is too fast
	Wills       uint64 // last wills stored
	Denied      uint64 // connects refused
	Takeovers   uint64 // connections ended because their client connected again
	Oversized   uint64 // connections ended by a packet above MaxPacket
	Malformed   uint64 // connections ended by a breach of the protocol
	Laggards    uint64 // subscribers ended because they were too slow
	Unheard     uint64 // subscriptions and deliveries not allowed
	Strangers   uint64 // connections that ended before they logged in
	Rebirths    uint64 // requests to Sparkplug edge nodes to tell of themselves again
}

// Stats returns the counts.
func (b *Broker) Stats() Stats {
	c := &b.counts
	b.mu.Lock()
	n := len(b.sessions)
	b.mu.Unlock()
	return Stats{
		Connections: n, Owed: b.owed(),
		Accepted: c.accepted.Load(), Refused: c.refused.Load(), Failed: c.failed.Load(), Slowed: c.slowed.Load(),
		Wills: c.wills.Load(), Denied: c.denied.Load(), Takeovers: c.takeovers.Load(), Oversized: c.oversized.Load(),
		Malformed: c.malformed.Load(), Laggards: c.laggards.Load(), Unheard: c.unheard.Load(), Strangers: c.strangers.Load(),
		Rebirths: c.rebirths.Load(),
	}
}
