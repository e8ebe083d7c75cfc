package intake

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"slices"
	"time"

	"github.com/lineshaft/lineshaft/twin"
	"github.com/lineshaft/lineshaft/twin/wire"
)

const (
	askEvery   = 5 * time.Second  // gaps are looked through
	askSettle  = 30 * time.Second // what is late may come by itself, counted from the last number that did
	askBack    = time.Minute      // doubled with each request that brought nothing,
	askBackMax = time.Hour        // up to this
	askAnswer  = time.Minute      // a sender that does not answer for so long may be asked again
	askNumbers = 5000             // in one request
	askAtOnce  = 32               // requests in one look
)

// asks is what is known of requests to send again. It is not stored: after a start everything is asked anew.
type asks struct {
	gaps map[askKey]*asked
	busy map[sender]request // by who was asked
}

type askKey struct {
	sequenceKey
	from uint64
}

// asked is how it went with a gap so far.
type asked struct {
	times   int    // in a row without a number coming
	missing uint64 // when it was last asked
	next    int64
}

type request struct {
	request string
	of      sequenceKey
	at      int64
}

// ask is a range to ask for.
type ask struct {
	of    sequenceKey
	gap   uint64 // its From
	wants span
}

// due are the ranges to ask for now, the oldest gaps first. What came and was refused is not asked for: it is here.
func (l *ledger) due(now int64) []ask {
	l.mu.Lock()
	defer l.mu.Unlock()
	type candidate struct {
		ask
		detected int64
	}
	var out []candidate
	for k, s := range l.sequences {
		if k.epoch == "" {
			continue
		}
		for i := range s.Gaps {
			g := &s.Gaps[i]
			if g.HealedAt > 0 || now-max(g.Detected, g.Moved) < int64(askSettle) {
				continue
			}
			at := askKey{k, g.From}
			if was := l.asks.gaps[at]; was != nil && now < was.next && g.Missing >= was.missing {
				continue
			}
			wants := ranges{g.span}.without(s.Seen).without(s.Dead).without(s.Clock)
			if a := l.accounts[k]; a != nil {
				wants = wants.without(a.Gone)
			}
			if len(wants) == 0 {
				continue
			}
			w := wants[0]
			w.To = min(w.To, w.From+askNumbers-1)
			out = append(out, candidate{ask{k, g.From, w}, g.Detected})
		}
	}
	slices.SortFunc(out, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.detected, b.detected), cmp.Compare(a.of.device, b.of.device), cmp.Compare(a.gap, b.gap))
	})
	asks := make([]ask, len(out))
	for i, c := range out {
		asks[i] = c.ask
	}
	return asks
}

// free says whether a sender has no request to answer.
func (l *ledger) free(who sender, now int64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	busy, ok := l.asks.busy[who]
	return !ok || now-busy.at > int64(askAnswer)
}

// sent notes a request that is on its way.
func (l *ledger) sent(a ask, who sender, id string, now int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.sequences[a.of]
	if s == nil {
		return
	}
	l.asks.busy[who] = request{id, a.of, now}
	for i := range s.Gaps {
		g := &s.Gaps[i]
		if g.From != a.gap {
			continue
		}
		at := askKey{a.of, g.From}
		was := l.asks.gaps[at]
		if was == nil || g.Missing < was.missing {
			was = &asked{}
			l.asks.gaps[at] = was
		}
		was.next = now + int64(min(askBackMax, askBack<<min(was.times, 10)))
		was.times, was.missing = was.times+1, g.Missing
		if g.Asked == 0 {
			g.Asked = now
			l.sequence(streamOf(a.of.channel), a.of) // so that it is written
		}
	}
}

// forgetAsks drops what is known of gaps that are healed or gone.
func (l *ledger) forgetAsks(now int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for at, was := range l.asks.gaps {
		s := l.sequences[at.sequenceKey]
		if s == nil || !slices.ContainsFunc(s.Gaps, func(g gap) bool { return g.From == at.from && g.HealedAt == 0 }) || now-was.next > int64(2*askBackMax) {
			delete(l.asks.gaps, at)
		}
	}
}

// resendRequest is the body of a request to send a range again.
type resendRequest struct {
	RequestID string `json:"request_id"`
	DeviceID  string `json:"device_id"`
	Epoch     string `json:"epoch"`
	Channel   string `json:"channel"`
	FromSeq   uint64 `json:"from_seq"`
	ToSeq     uint64 `json:"to_seq"`
}

// askAgain asks senders that listen for what is missing, each for one range at a time.
func (in *Intake) askAgain(ctx context.Context) {
	now := in.clk.Now()
	in.ledger.forgetAsks(now.UnixNano())
	n := 0
	for _, a := range in.ledger.due(now.UnixNano()) {
		if n == askAtOnce || ctx.Err() != nil {
			return
		}
		target, ok := in.senderOf(a.of.tenant, a.of.device)
		who := sender{a.of.tenant, target.ID}
		if !ok || !in.ledger.free(who, now.UnixNano()) {
			continue
		}
		id, err := wire.NewID(now, rand.Reader)
		if err != nil {
			in.log.Error("resend_not_asked", "error", err)
			return
		}
		body, err := json.Marshal(resendRequest{id, a.of.device, a.of.epoch, string(a.of.channel), a.wants.From, a.wants.To})
		if err != nil {
			in.log.Error("resend_not_asked", "error", err)
			return
		}
		topic := wire.DeviceTopic(a.of.tenant, target).On(wire.ResendRequest).String()
		if in.ports.Down(ctx, topic, body) != nil {
			continue // it is away; nothing is noted, so it is asked as soon as it is back
		}
		n++
		in.ledger.sent(a, who, id, now.UnixNano())
		in.log.Info("resend_asked", "tenant", a.of.tenant, "device", a.of.device, "from_seq", a.wants.From, "to_seq", a.wants.To)
	}
}

// senderOf is who holds the outbox of a device: its gateway, or itself.
func (in *Intake) senderOf(tenant, device string) (twin.Device, bool) {
	d, ok := in.ports.Registry.Device(tenant, device)
	if !ok || d.Kind != twin.Hosted {
		return d, ok
	}
	return in.ports.Registry.Device(tenant, d.Gateway)
}
