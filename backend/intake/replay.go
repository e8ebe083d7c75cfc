package intake

import (
	"context"
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

// Replay puts the dead letters that match f through intake once more, oldest first, as they came and with their time
// of receipt: after a device is registered or a fix. put is the stream's; a letter goes once it is durable there.
// Letters refused at the door are left alone. It returns how many went.
func (in *Intake) Replay(ctx context.Context, tenant string, f LetterFilter, put func(wire.Publish, func(error))) (int, error) {
	var ls []*Letter
	if err := in.letters.each(tenant, f, func(l *Letter) error {
		if l.Source != sourceDoor {
			ls = append(ls, l)
		}
		return nil
	}); err != nil {
		return 0, fmt.Errorf("read dead letters: %w", err)
	}
	slices.Reverse(ls)
	for i, l := range ls {
		if err := in.replay(ctx, l, put); err != nil {
			return i, fmt.Errorf("replay dead letter %s: %w", l.ID, err)
		}
	}
	return len(ls), nil
}

func (in *Intake) replay(ctx context.Context, l *Letter, put func(wire.Publish, func(error))) error {
	payload, err := in.kv.Get(payloadKey(l.Tenant, l.ID))
	if err != nil {
		return err
	}
	l.Payload = payload
	done := make(chan error, 1)
	put(l.publish(), func(err error) { done <- err })
	select {
	case err = <-done:
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err != nil {
		return err
	}
	if err := in.kv.Write(ctx, []Pair{{Key: letterKey(l.Tenant, l.ID)}, {Key: payloadKey(l.Tenant, l.ID)}}); err != nil {
		return err
	}
	in.letters.removed(l)
	return nil
}

func (ls *letters) removed(l *Letter) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	t := ls.of(l.Tenant)
	t.bytes -= int64(l.Size) + perLetter
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
