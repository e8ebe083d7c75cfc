package access

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/lineshaft/lineshaft/twin/fault"
)

// SessionTime is how long a session lasts.
const SessionTime = 12 * time.Hour

// sessionsPerUser is how many sessions a user has at most; one more ends the oldest.
const sessionsPerUser = 50

// session is stored under the digest of its token: who reads the store cannot use it.
type session struct {
	Tenant  string    `json:"tenant"`
	User    string    `json:"user"`
	Expires time.Time `json:"expires"`
}

type digest [sha256.Size]byte

func digestOf(token string) digest { return sha256.Sum256([]byte(token)) }

func (d digest) key() []byte { return []byte("session/" + hex.EncodeToString(d[:])) }

// Session is a new session. Its token is told only here.
type Session struct {
	Subject Subject
	Token   string
}

// errLogin is the one answer to an unknown tenant, user or password. It is made anew: fault.Error is mutable.
func errLogin() error {
	return fault.New(fault.Denied, "User or password is wrong.").WithHint("Write the user as name@tenant.")
}

// Login checks a user, written name@tenant, and opens a session. Unknown tenant, unknown user and wrong password
// get the same answer after the same work; repeated failures from one address must wait (LockedFor).
func (a *Access) Login(ctx context.Context, name, password, addr string) (Session, error) {
	who, tenant := splitUser(name)
	if err := a.attempts.begin(name, addr, a.clk.Now()); err != nil {
		return Session{}, err
	}
	u, known := a.user(tenant, who)
	stored := u.Hash
	if !known {
		stored = a.dummy
	}
	right, old, err := a.matches(ctx, stored, password)
	if err != nil {
		return Session{}, err
	}
	if !known || !right {
		return Session{}, errLogin()
	}
	a.attempts.succeeded(name, addr)
	if old {
		a.rehash(ctx, u, password)
	}
	return a.openSession(ctx, u)
}

// splitUser cuts name@tenant at its last @.
func splitUser(s string) (name, tenant string) {
	if i := strings.LastIndexByte(s, '@'); i >= 0 {
		return s[:i], s[i+1:]
	}
	return s, ""
}

// rehash brings a hash made with other work up to today's. It may fail without harm: the next login tries again.
func (a *Access) rehash(ctx context.Context, u user, password string) {
	hash, err := a.hash(password)
	if err == nil {
		a.mu.Lock()
		defer a.mu.Unlock()
		now, ok := a.users[u.key()]
		if !ok || now.Hash != u.Hash {
			return
		}
		now.Hash = hash
		err = a.saveUser(ctx, now)
	}
	if err != nil {
		a.log.WarnContext(ctx, "password hash not renewed", "user", u.Name, "tenant", u.Tenant, "err", err)
	}
}

func (a *Access) openSession(ctx context.Context, u user) (Session, error) {
	raw := make([]byte, 32)
	if _, err := io.ReadFull(a.rand, raw); err != nil {
		return Session{}, fmt.Errorf("make token: %w", err)
	}
	token := base64.RawURLEncoding.EncodeToString(raw)
	now := a.clk.Now()
	s := session{Tenant: u.Tenant, User: u.Name, Expires: now.Add(SessionTime).Truncate(time.Second)}
	d := digestOf(token)
	put, err := record(string(d.key()), s)
	if err != nil {
		return Session{}, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	gone := a.surplus(u, now)
	puts := []pair{put}
	for _, g := range gone {
		puts = append(puts, pair{Key: g.key()})
	}
	if err := a.kv.Write(ctx, puts); err != nil {
		return Session{}, fmt.Errorf("save session: %w", err)
	}
	for _, g := range gone {
		delete(a.sessions, g)
	}
	a.sessions[d] = s
	return Session{Subject: u.subject(s.Expires), Token: token}, nil
}

// surplus is what a new session of u makes go: all that expired, and u's oldest when there are too many.
func (a *Access) surplus(u user, now time.Time) []digest {
	var gone []digest
	var oldest digest
	count := 0
	for d, s := range a.sessions {
		switch {
		case !now.Before(s.Expires):
			gone = append(gone, d)
		case s.User == u.Name && s.Tenant == u.Tenant:
			if count == 0 || s.Expires.Before(a.sessions[oldest].Expires) {
				oldest = d
			}
			count++
		}
	}
	if count >= sessionsPerUser {
		gone = append(gone, oldest)
	}
	return gone
}

// Authenticate finds the subject of a token, with the roles it has now.
func (a *Access) Authenticate(token string) (Subject, bool) {
	a.mu.RLock()
	defer a.mu.RUnlock()
	s, ok := a.sessions[digestOf(token)]
	if !ok || !a.clk.Now().Before(s.Expires) {
		return Subject{}, false
	}
	u, ok := a.users[userKey{s.Tenant, s.User}]
	if !ok {
		return Subject{}, false
	}
	return u.subject(s.Expires), true
}

// Logout ends the session of a token; one that has ended is no error.
func (a *Access) Logout(ctx context.Context, token string) error {
	d := digestOf(token)
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, ok := a.sessions[d]; !ok {
		return nil
	}
	if err := a.kv.Write(ctx, []pair{{Key: d.key()}}); err != nil {
		return fmt.Errorf("end session: %w", err)
	}
	delete(a.sessions, d)
	return nil
}

// readSessions reads the sessions that have not expired.
func (a *Access) readSessions() error {
	now := a.clk.Now()
	return a.kv.Scan([]byte("session/"), func(k, v []byte) error {
		var s session
		raw, err := hex.DecodeString(strings.TrimPrefix(string(k), "session/"))
		if err == nil && len(raw) == sha256.Size {
			err = json.Unmarshal(v, &s)
		}
		if err != nil || len(raw) != sha256.Size {
			return fmt.Errorf("read session %q: %w", k, err)
		}
		if now.Before(s.Expires) {
			a.sessions[digest(raw)] = s
		}
		return nil
	})
}
