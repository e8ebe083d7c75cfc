package access

import (
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"
)

const (
	freeAttempts = 5                // wrong ones before waiting begins
	longestWait  = 15 * time.Minute // between two attempts
	forgetAfter  = time.Hour        // without an attempt
	mostAttempts = 20_000           // pairs of user and address remembered
)

// attempt is what is remembered of one user name from one address.
type attempt struct {
	failures int
	last     time.Time
	until    time.Time // when the next one is let in
}

// attempts slows guessing down: per user name and address, so that nobody can lock another one out. An attempt
// counts as failed from its beginning, so that many at once gain nothing.
type attempts struct {
	mu sync.Mutex
	m  map[string]attempt
}

// locked is the answer while waiting.
type locked struct{ wait time.Duration }

func (l locked) Error() string { return fmt.Sprintf("locked for %s", l.wait) }

// LockedFor says whether err is a refusal for too many attempts, and how long to wait.
func LockedFor(err error) (time.Duration, bool) {
	l, ok := errors.AsType[locked](err)
	return l.wait, ok
}

// begin lets an attempt in, or says how long to wait.
func (a *attempts) begin(name, addr string, now time.Time) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	key := attemptKey(name, addr)
	at, known := a.m[key]
	if known && now.Sub(at.last) > forgetAfter {
		at = attempt{}
	}
	if now.Before(at.until) {
		return locked{at.until.Sub(now)}
	}
	if !known && len(a.m) >= mostAttempts {
		a.forget(now)
	}
	at.failures++
	at.last, at.until = now, now.Add(waitAfter(at.failures))
	a.m[key] = at
	return nil
}

// waitAfter doubles from one second once the free attempts are used up.
func waitAfter(failures int) time.Duration {
	over := failures - freeAttempts
	if over < 0 {
		return 0
	}
	return min(longestWait, time.Second<<min(over, 20))
}

func (a *attempts) succeeded(name, addr string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.m, attemptKey(name, addr))
}

// attemptKey takes an IPv6 address by its network: whoever has one has all of it.
func attemptKey(name, addr string) string {
	if ip, err := netip.ParseAddr(addr); err == nil && ip.Is6() && !ip.Is4In6() {
		if net, err := ip.WithZone("").Prefix(64); err == nil {
			addr = net.String()
		}
	}
	return name + "\x00" + addr
}

// forget makes room: the old ones go, and if none is old, all whose wait is over.
func (a *attempts) forget(now time.Time) {
	for _, age := range []time.Duration{forgetAfter, 0} {
		for k, at := range a.m {
			if now.Sub(at.last) > age && !now.Before(at.until) {
				delete(a.m, k)
			}
		}
		if len(a.m) < mostAttempts {
			return
		}
	}
	clear(a.m)
}
