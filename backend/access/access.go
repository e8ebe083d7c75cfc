package access

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"

	"github.com/lineshaft/lineshaft/twin/clock"
)

// KV keeps what must outlive a restart. Write is atomic and durable; a nil value deletes.
type KV interface {
	// Scan calls fn with every pair whose key has the prefix.
	Scan(prefix []byte, fn func(k, v []byte) error) error
	Write(ctx context.Context, puts []struct{ Key, Value []byte }) error
}

type pair = struct{ Key, Value []byte }

// Options are what Access is made of.
type Options struct {
	KV     KV
	Clock  clock.Clock
	Log    *slog.Logger
	Work   Work      // cost of a password hash; the zero Work is DefaultWork
	Random io.Reader // nil is crypto/rand
}

// Access is the users of all tenants, their sessions and roles. It is safe for concurrent use.
type Access struct {
	kv    KV
	clk   clock.Clock
	log   *slog.Logger
	work  Work
	rand  io.Reader
	guard *Guard
	slots chan struct{} // passwords hashed at the same time
	dummy string        // hash compared with where there is no user

	attempts attempts

	mu       sync.RWMutex
	users    map[userKey]user
	sessions map[digest]session
}

type userKey struct{ tenant, name string }

// hashesAtOnce bounds the memory that logging in may take.
const hashesAtOnce = 2

// Open reads users and sessions. Sessions that have expired are forgotten.
func Open(o Options) (*Access, error) {
	if o.Clock == nil {
		o.Clock = clock.Wall{}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Work == (Work{}) {
		o.Work = DefaultWork()
	}
	if o.Random == nil {
		o.Random = rand.Reader
	}
	if o.KV == nil {
		return nil, errors.New("access without a store")
	}
	a := &Access{
		kv: o.KV, clk: o.Clock, log: o.Log, work: o.Work, rand: o.Random, guard: newGuard(),
		slots: make(chan struct{}, hashesAtOnce), attempts: attempts{m: map[string]attempt{}},
		users: map[userKey]user{}, sessions: map[digest]session{},
	}
	var err error
	if a.dummy, err = a.hash("no user has this password"); err != nil {
		return nil, err
	}
	if err := a.kv.Scan([]byte("user/"), func(k, v []byte) error {
		var u user
		if err := json.Unmarshal(v, &u); err != nil {
			return fmt.Errorf("read user %q: %w", k, err)
		}
		a.users[userKey{u.Tenant, u.Name}] = u
		return nil
	}); err != nil {
		return nil, err
	}
	return a, a.readSessions()
}

// Guard decides what a subject may do.
func (a *Access) Guard() *Guard { return a.guard }

// SameSecret compares two secrets in a time that does not tell where they differ.
func SameSecret(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
