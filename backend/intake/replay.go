package intake

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/lineshaft/lineshaft/twin/wire"
)

// lookEvery is how often it is looked whether a device that was unknown has been registered.
const lookEvery = 2 * time.Second

// takeIn replays the messages of devices that were registered since they came.
func (in *Intake) takeIn(ctx context.Context) {
	for _, who := range in.letters.unregistered() {
		if _, ok := in.ports.Registry.Device(who.tenant, who.device); !ok {
			continue
		}
		n, err := in.Replay(ctx, who.tenant, LetterFilter{Device: who.device, Reason: wire.ReasonUnregistered}, in.ports.Again)
		if err != nil && ctx.Err() == nil {
			in.log.Error("dead_letters_not_replayed", "tenant", who.tenant, "device", who.device, "error", err)
		}
		if n > 0 {
			in.log.Info("dead_letters_taken_in", "tenant", who.tenant, "device", who.device, "messages", n)
		}
	}
}

func (ls *letters) unregistered() []sender {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	out := make([]sender, 0, len(ls.unknown))
	for who := range ls.unknown {
		out = append(out, who)
	}
	return out
}

// replayBatch is how many letters go at once; their removal is one write.
const replayBatch = 100

// Replay puts the dead letters that match f through intake once more, oldest first and at most f.Limit of them, as
// they came and with their time of receipt: after a device is registered or a fix. put is the stream's; a letter goes
// once it is durable there. Letters refused at the door are left alone. It returns how many went.
func (in *Intake) Replay(ctx context.Context, tenant string, f LetterFilter, put func(wire.Publish, func(error))) (int, error) {
	in.replaying.Lock() // two at once would put the same letter in twice
	defer in.replaying.Unlock()
	ls, _, err := in.replayable(tenant, f)
	if err != nil {
		return 0, err
	}
	if f.Limit > 0 {
		ls = ls[:min(f.Limit, len(ls))]
	}
	n := 0
	for batch := range slices.Chunk(ls, replayBatch) {
		gone, err := in.replay(ctx, batch, put)
		n += gone
		if err != nil {
			return n, fmt.Errorf("replay dead letters: %w", err)
		}
	}
	return n, nil
}

// replay puts letters in and removes those that are durable again, also where not all are.
func (in *Intake) replay(ctx context.Context, ls []*Letter, put func(wire.Publish, func(error))) (int, error) {
	done := make([]chan error, 0, len(ls))
	var failed error
	for _, l := range ls {
		if failed = ctx.Err(); failed != nil {
			break
		}
		if l.Payload, failed = in.kv.Get(payloadKey(l.Tenant, l.ID)); failed != nil {
			break
		}
		in.replays(l)
		stored := make(chan error, 1)
		put(l.publish(), func(err error) { stored <- err })
		done = append(done, stored)
	}
	var puts []Pair
	var gone []*Letter
	for i, stored := range done { // also once ctx has ended: what was put in must not be put in again
		if err := <-stored; err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		l := ls[i]
		l.Payload = nil
		gone = append(gone, l)
		puts = append(puts, Pair{Key: letterKey(l.Tenant, l.ID)}, Pair{Key: payloadKey(l.Tenant, l.ID)})
	}
	if len(puts) == 0 {
		return 0, failed
	}
	if err := in.kv.Write(context.WithoutCancel(ctx), puts); err != nil {
		return 0, errors.Join(failed, err)
	}
	for _, l := range gone {
		in.letters.removed(l)
	}
	return len(gone), failed
}

// replays notes the number of a letter that goes in again, so that the gap it closes is known to have been closed so.
func (in *Intake) replays(l *Letter) {
	t, err := wire.ParseTopic(l.Topic)
	if err != nil || l.Reason == wire.ReasonIdentity {
		return
	}
	p := l.publish()
	if n, ok := numberOf(&p, nil); ok {
		in.ledger.refuse(streamOf(t.Channel), &t, &n, l.Reason)
	}
}

func (ls *letters) removed(l *Letter) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	t := ls.of(l.Tenant)
	t.bytes -= int64(l.kept()) + perLetter
	if t.bytes*100 < ls.quota*alertShare {
		t.alerted = 0
	}
	if g := ls.group(keyOf(l)); g.Count > 0 {
		g.Count--
	}
	if l.Reason != wire.ReasonUnregistered {
		return
	}
	who := sender{l.Tenant, l.Device}
	if ls.unknown[who]--; ls.unknown[who] <= 0 {
		delete(ls.unknown, who)
	}
}
