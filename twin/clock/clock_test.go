package clock_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineshaft/lineshaft/twin/clock"
)

var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func fired(ch <-chan time.Time) (time.Time, bool) {
	select {
	case at := <-ch:
		return at, true
	default:
		return time.Time{}, false
	}
}

func TestADrivenClockMovesOnlyWhenTold(t *testing.T) {
	c := clock.NewDriven(start)
	late, soon, now := c.After(10*time.Minute), c.After(time.Minute), c.After(0)
	if at, ok := fired(now); !ok || !at.Equal(start) {
		t.Errorf("no wait at all: %v, %v", at, ok)
	}
	c.Advance(59 * time.Second)
	if _, ok := fired(soon); ok {
		t.Error("fired a second too early")
	}
	c.Advance(time.Second)
	if at, ok := fired(soon); !ok || !at.Equal(start.Add(time.Minute)) {
		t.Errorf("after a minute: %v, %v", at, ok)
	}
	c.Advance(time.Hour)
	if at, ok := fired(late); !ok || !at.Equal(start.Add(10*time.Minute)) {
		t.Errorf("a long step wakes with the waiter's own instant: %v, %v", at, ok)
	}
	if got := c.Now(); !got.Equal(start.Add(61 * time.Minute)) {
		t.Errorf("it stands at %s", got)
	}
}

func TestADrivenClockWakesInOrderOfTime(t *testing.T) {
	c := clock.NewDriven(start)
	var at []time.Time
	chans := []<-chan time.Time{c.After(3 * time.Second), c.After(time.Second), c.After(2 * time.Second)}
	c.Advance(time.Minute)
	for _, i := range []int{1, 2, 0} {
		got, ok := fired(chans[i])
		if !ok {
			t.Fatalf("waiter %d did not fire", i)
		}
		at = append(at, got)
	}
	for i, got := range at {
		if want := start.Add(time.Duration(i+1) * time.Second); !got.Equal(want) {
			t.Errorf("waiter %d woke at %s, want %s", i, got, want)
		}
	}
}

func TestSleepEndsWithTimeOrContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := clock.NewDriven(start)
		done := make(chan error, 1)
		go func() { done <- clock.Sleep(t.Context(), c, time.Hour) }()
		synctest.Wait()
		c.Advance(time.Hour)
		if err := <-done; err != nil {
			t.Errorf("an hour passed: %v", err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		go func() { done <- clock.Sleep(ctx, c, time.Hour) }()
		synctest.Wait()
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: %v", err)
		}
		if err := clock.Sleep(ctx, c, 0); !errors.Is(err, context.Canceled) {
			t.Errorf("an ended context does not sleep at all: %v", err)
		}
	})
}

func TestTheWallClockTellsUTC(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		before := time.Now()
		if err := clock.Sleep(t.Context(), clock.Wall{}, time.Second); err != nil {
			t.Fatal(err)
		}
		now := clock.Wall{}.Now()
		if now.Location() != time.UTC || now.Sub(before) != time.Second {
			t.Errorf("%s, %s after %s", now, now.Sub(before), before)
		}
	})
}
