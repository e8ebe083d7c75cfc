// Package clock is time as a value: domain objects are given one and never read the machine's clock themselves.
package clock

import (
	"context"
	"sync"
	"time"
)

// Clock tells the time and wakes its callers. Implementations are safe for concurrent use.
type Clock interface {
	// Now is the present instant in UTC.
	Now() time.Time
	// After sends the time once d has passed. d <= 0 fires at once. An abandoned channel costs nothing once fired.
	After(d time.Duration) <-chan time.Time
}

// Wall is the machine's clock.
type Wall struct{}

// Now implements Clock.
func (Wall) Now() time.Time { return time.Now().UTC() }

// After implements Clock.
func (Wall) After(d time.Duration) <-chan time.Time { return time.After(d) }

// Sleep waits for d on c, or until ctx ends, and then returns its error.
func Sleep(ctx context.Context, c Clock, d time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-c.After(d):
		return nil
	}
}

// Driven is a clock that moves only when told to.
type Driven struct {
	mu      sync.Mutex
	now     time.Time
	waiters []waiter
}

type waiter struct {
	at time.Time
	ch chan time.Time
}

// NewDriven returns a clock standing at start.
func NewDriven(start time.Time) *Driven { return &Driven{now: start.UTC()} }

// Now implements Clock.
func (d *Driven) Now() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.now
}

// After implements Clock.
func (d *Driven) After(after time.Duration) <-chan time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	ch := make(chan time.Time, 1)
	at := d.now.Add(after)
	if after <= 0 {
		ch <- d.now
		return ch
	}
	d.waiters = append(d.waiters, waiter{at, ch})
	return ch
}

// Advance moves the clock by step and wakes everyone whose time has come, earliest first.
func (d *Driven) Advance(step time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	end := d.now.Add(step)
	for {
		next := -1
		for i, w := range d.waiters {
			if !w.at.After(end) && (next < 0 || w.at.Before(d.waiters[next].at)) {
				next = i
			}
		}
		if next < 0 {
			break
		}
		w := d.waiters[next]
		d.waiters = append(d.waiters[:next], d.waiters[next+1:]...)
		d.now = w.at
		w.ch <- w.at
	}
	d.now = end
}
