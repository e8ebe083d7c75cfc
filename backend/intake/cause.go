package intake

import "cmp"

// The causes of a gap.
const (
	CauseUnknown = "unknown"
	CauseOffline = "offline"        // the device, or its gateway, was away meanwhile
	CauseOverrun = "buffer_overrun" // the gateway's outbox was full, or kept it for as long as it may
	CauseLetter  = "dead_letter"    // the messages came, and were refused
	CauseClock   = "clock"          // the same, because of their time
)

// How a gap was healed: the way most of its messages came.
const (
	HealedLate   = "late"   // by themselves
	HealedResend = "resend" // because the sender was asked for them
	HealedReplay = "replay" // as dead letters let in again
)

// causeOf says why a gap is one by what explains most of its numbers, and whether it was told by the numbers.
func causeOf(g *gap, s *sequence, a *account) (cause string, told bool) {
	lost, dead, clock := uint64(0), s.Dead.in(g.span), s.Clock.in(g.span)
	if a != nil {
		lost = a.Lost.in(g.span)
	}
	rest := g.To - g.From + 1
	rest -= min(rest, lost+dead+clock)
	switch most := max(lost, dead, clock, rest); most {
	case lost:
		return CauseOverrun, true
	case clock:
		return CauseClock, true
	case dead:
		return CauseLetter, true
	}
	return cmp.Or(g.Cause, CauseUnknown), false
}

// healedHow says how a gap was healed, empty while it is not.
func (g *gap) healedHow() string {
	if g.HealedAt == 0 {
		return ""
	}
	late := g.To - g.From + 1
	late -= min(late, g.Resent+g.Replayed)
	switch max(late, g.Resent, g.Replayed) {
	case g.Resent:
		return HealedResend
	case g.Replayed:
		return HealedReplay
	}
	return HealedLate
}

// times are the source times around a gap; a sequence that begins with one has only the later.
func (g *gap) times() (from, to int64) { return cmp.Or(g.After, g.Before), g.Before }

// settle writes down which gaps fell into a time the device was away: the times are remembered for less long.
func (in *Intake) settle() {
	if in.ports.Offline == nil {
		return
	}
	type place struct {
		of   sequenceKey
		from uint64
	}
	type open struct {
		place
		after, before int64
	}
	var look []open
	in.ledger.mu.Lock()
	for k, s := range in.ledger.sequences {
		for i := range s.Gaps {
			g := &s.Gaps[i]
			if cause, told := causeOf(g, s, in.ledger.accounts[k]); g.HealedAt == 0 && !told && cause == CauseUnknown {
				from, to := g.times()
				look = append(look, open{place{k, g.From}, from, to})
			}
		}
	}
	in.ledger.mu.Unlock()
	found := map[place]bool{}
	for _, o := range look {
		if in.ports.Offline(o.of.tenant, o.of.device, o.after, o.before) {
			found[o.place] = true
		}
	}
	in.ledger.mu.Lock()
	defer in.ledger.mu.Unlock()
	for p := range found {
		s := in.ledger.sequences[p.of]
		if s == nil {
			continue
		}
		for i := range s.Gaps {
			if g := &s.Gaps[i]; g.From == p.from {
				g.Cause = CauseOffline
				in.ledger.sequence(streamOf(p.of.channel), p.of)
			}
		}
	}
}
