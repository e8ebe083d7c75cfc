package e2e

import (
	"errors"
	"fmt"
	"testing"
	"time"
)

const (
	outage    = 30 * time.Second
	drainRate = 400_000 // bytes a second of the link after the outage, so that the drain takes a while
	liveWait  = 3 * time.Second
)

// TestTheBrokerIsAwayForHalfAMinute cuts the line of a gateway, gives it back narrow, and watches the drain: all of
// it, in order, and live data never behind it.
func TestTheBrokerIsAwayForHalfAMinute(t *testing.T) {
	p := newPress(t, 100*time.Millisecond)
	w := newWire(t, p.mqtt)
	p.through("gw-01", w.listener.Addr().String())
	from := time.Now().Add(-10 * time.Second)
	p.startGateway("gw-01")
	eventually(t, 20*time.Second, "telemetry on the wire", func() error {
		if n := len(w.since(from)); n < 200 {
			return fmt.Errorf("%d publishes", n)
		}
		return nil
	})
	w.setCut(true)
	gone := time.Now()
	<-time.After(outage)
	w.setRate(drainRate)
	w.setCut(false)
	restored := time.Now()
	var hello crossing
	eventually(t, 70*time.Second, "the gateway, which waits up to a minute between its tries", func() error {
		for _, c := range w.since(restored) {
			if c.channel == "status" && c.device == "gw-01" && c.unsent > 0 {
				hello = c
				return nil
			}
		}
		return errors.New("not back yet")
	})
	back := hello.at
	t.Logf("the outbox held %d messages when the gateway was back", hello.unsent)
	var backlog, live []crossing
	eventually(t, 90*time.Second, "the end of the drain", func() error {
		backlog, live = split(w.since(restored), back)
		if len(backlog) < int(hello.unsent)*9/10 || backlog[len(backlog)-1].at.After(time.Now().Add(-3*time.Second)) {
			return fmt.Errorf("%d of the backlog and %d live so far", len(backlog), len(live))
		}
		return nil
	})
	w.setRate(0)
	last := backlog[len(backlog)-1].at
	t.Logf("backlog of %d messages drained in %v, %d live messages meanwhile, the slowest %v after it was made",
		len(backlog), last.Sub(backlog[0].at).Round(time.Millisecond), before(live, last), slowest(live, last).Round(time.Millisecond))
	if len(backlog) < 1000 || before(live, last) < 50 {
		t.Error("the outage was too small to prove anything")
	}
	if err := inOrder(backlog); err != nil {
		t.Error(err)
	}
	if err := onTime(live, last); err != nil {
		t.Error(err)
	}
	p.gateways["gw-01"].stop(t)
	p.account(nil, from, time.Now().Add(time.Minute))
	p.noHole("gw-01", gone, back)
}

// split tells what was made during the outage from what was made after.
func split(cs []crossing, back time.Time) (backlog, live []crossing) {
	for _, c := range cs {
		switch {
		case c.channel != "telemetry":
		case c.made.Before(back):
			backlog = append(backlog, c)
		default:
			live = append(live, c)
		}
	}
	return backlog, live
}

func before(cs []crossing, t time.Time) (n int) {
	for _, c := range cs {
		if c.at.Before(t) {
			n++
		}
	}
	return n
}

// inOrder says whether each device's numbers only grow. What was in flight at the cut may have crossed before.
func inOrder(cs []crossing) error {
	last := map[string]uint64{}
	for _, c := range cs {
		if c.seq <= last[c.device] {
			return fmt.Errorf("%w: %s %d after %d", errOrder, c.device, c.seq, last[c.device])
		}
		last[c.device] = c.seq
	}
	return nil
}

// onTime says whether live messages crossed soon after they were made, while the backlog drained.
func onTime(live []crossing, end time.Time) error {
	for _, c := range live {
		if wait := c.at.Sub(c.made); c.at.Before(end) && wait > liveWait {
			return fmt.Errorf("%w: %s %d crossed %v after it was made", errLate, c.device, c.seq, wait)
		}
	}
	return nil
}

// slowest is the longest a live message took to cross.
func slowest(live []crossing, end time.Time) (wait time.Duration) {
	for _, c := range live {
		if c.at.Before(end) {
			wait = max(wait, c.at.Sub(c.made))
		}
	}
	return wait
}

// TestADrainIsJudged keeps the judges of a drain honest.
func TestADrainIsJudged(t *testing.T) {
	t0 := time.Now()
	ok := []crossing{{at: t0, device: "a", seq: 1, made: t0}, {at: t0, device: "b", seq: 1, made: t0}, {at: t0, device: "a", seq: 2, made: t0}}
	if inOrder(ok) != nil || onTime(ok, t0.Add(time.Second)) != nil {
		t.Error("a good drain is refused")
	}
	if inOrder([]crossing{ok[2], ok[0]}) == nil {
		t.Error("a drain out of order is taken")
	}
	if onTime([]crossing{{at: t0, made: t0.Add(-time.Minute)}}, t0.Add(time.Second)) == nil {
		t.Error("a starved drain is taken")
	}
}
