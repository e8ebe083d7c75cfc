package intake

import (
	"context"
	"strings"
	"time"

	"github.com/lineshaft/lineshaft/twin/clock"
	"github.com/lineshaft/lineshaft/twin/wire"
)

// Refused takes a message of size bytes that the broker refused, or the head of it: the first of each device and reason are kept, all are counted.
// It does not block. Run writes them.
func (in *Intake) Refused(p wire.Publish, size int, r *wire.Refusal) {
	tenant, device, _ := strings.Cut(p.Client, "::")
	l := &Letter{
		Tenant: tenant, Device: device, Topic: p.Topic, Client: p.Client, Reason: r.Reason, Detail: r.Detail,
		Received: p.Received, Will: p.Will, Source: sourceDoor, Size: max(size, len(p.Payload)), Payload: p.Payload,
	}
	if t, err := wire.ParseTopic(p.Topic); err == nil && t.Tenant == tenant {
		l.DeviceType, l.Site = t.Class, t.Site
	}
	in.letters.refused(l)
}

func (ls *letters) refused(l *Letter) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	t, w := ls.of(l.Tenant), ls.at(sourceDoor)
	n := t.tallies[sourceDoor]
	n.Refused++
	t.tallies[sourceDoor] = n
	w.tallies[l.Tenant] = true
	ls.doorSeq++
	l.ID = letterID(l.Received, origin{'d', ls.doorSeq, 0})
	if ls.examples[exampleOf(l)] >= doorExamples || len(w.puts) >= 2*doorWaiting {
		ls.group(keyOf(l)).add(l)
		w.spill(l)
	} else {
		ls.examples[exampleOf(l)]++
		ls.keep(l)
	}
	select {
	case ls.came <- struct{}{}:
	default:
	}
}

// Run writes what was refused at the door, and takes in the messages of devices once they are registered, and asks for
// what is missing, until ctx ends.
func (in *Intake) Run(ctx context.Context) error {
	var asked time.Time
	for {
		var look <-chan time.Time
		if in.ports.Again != nil || in.ports.Down != nil {
			look = in.clk.After(lookEvery)
		}
		select {
		case <-look:
			if in.ports.Again != nil {
				in.takeIn(ctx)
			}
			if now := in.clk.Now(); in.ports.Down != nil && now.Sub(asked) >= askEvery {
				asked = now
				in.settle()
				in.askAgain(ctx)
			}
			continue
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
			defer cancel()
			return in.flushDoor(last)
		case <-in.letters.came:
		}
		for {
			err := in.flushDoor(ctx)
			if err == nil || ctx.Err() != nil {
				break
			}
			in.log.Error("dead_letters_not_written", "error", err)
			if clock.Sleep(ctx, in.clk, time.Second) != nil {
				break
			}
		}
	}
}

func (in *Intake) flushDoor(ctx context.Context) error {
	puts, settle, err := in.letters.collect(sourceDoor)
	if err != nil || len(puts) == 0 {
		return err
	}
	if err := in.kv.Write(ctx, puts); err != nil {
		in.letters.giveBack(sourceDoor, puts)
		return err
	}
	settle()
	return nil
}

// giveBack keeps what could not be written for the next time.
func (ls *letters) giveBack(source string, puts []Pair) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	w := ls.at(source)
	w.puts = append(puts, w.puts...)
	select {
	case ls.came <- struct{}{}:
	default:
	}
}
