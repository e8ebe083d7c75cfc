package access_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lineshaft/lineshaft/backend/access"
	"github.com/lineshaft/lineshaft/backend/store"
	"github.com/lineshaft/lineshaft/twin/clock"
	"github.com/lineshaft/lineshaft/twin/fault"
)

var shiftStart = time.Date(2026, 3, 19, 6, 0, 0, 0, time.UTC)

// plant is an access over a real store, with hashes cheap enough for a test.
type plant struct {
	*access.Access
	clock *clock.Driven
	dir   string
	db    *store.Store
}

func openPlant(t *testing.T) *plant {
	t.Helper()
	p := &plant{clock: clock.NewDriven(shiftStart), dir: t.TempDir()}
	p.start(t)
	t.Cleanup(func() { _ = p.db.Close() })
	return p
}

func (p *plant) start(t *testing.T) {
	t.Helper()
	db, err := store.Open(p.dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatalf("open store: %v", err)
	}
	p.db = db
	p.Access, err = access.Open(access.Options{
		KV: db.Space("access"), Clock: p.clock, Work: access.Work{Memory: 64, Time: 1, Threads: 1},
	})
	if err != nil {
		t.Fatalf("open access: %v", err)
	}
}

func (p *plant) restart(t *testing.T) {
	t.Helper()
	if err := p.db.Close(); err != nil {
		t.Fatalf("close store: %v", err)
	}
	p.start(t)
}

func (p *plant) admin(t *testing.T, tenant string) (user, password string) {
	t.Helper()
	user, password, created, err := p.Bootstrap(t.Context(), tenant)
	if err != nil || !created {
		t.Fatalf("bootstrap %s: created %v, %v", tenant, created, err)
	}
	return user, password
}

func (p *plant) login(t *testing.T, user, password string) access.Session {
	t.Helper()
	s, err := p.Login(t.Context(), user, password, "10.0.0.7")
	if err != nil {
		t.Fatalf("log in as %s: %v", user, err)
	}
	return s
}

// The first administrator gets a password nobody chose, once.
func TestATenantGetsItsFirstPasswordOnce(t *testing.T) {
	p := openPlant(t)
	user, password := p.admin(t, "acme")
	if user != "admin@acme" || len(password) < 20 {
		t.Errorf("user %q with a password of %d letters", user, len(password))
	}
	again, second, created, err := p.Bootstrap(t.Context(), "acme")
	if err != nil || created || second != "" || again != user {
		t.Errorf("second start: user %q, password %q, created %v, %v", again, second, created, err)
	}
	_, other := p.admin(t, "globex")
	if other == password {
		t.Error("two tenants got the same password")
	}
}

// A shift that is logged in stays so over a restart, and no token or password can be read from the disk.
func TestSessionsOutliveARestartAndAreHashedAtRest(t *testing.T) {
	p := openPlant(t)
	user, password := p.admin(t, "acme")
	s := p.login(t, user, password)
	err := p.db.Space("access").Scan(nil, func(k, v []byte) error {
		if row := string(k) + string(v); strings.Contains(row, s.Token) || strings.Contains(row, password) {
			t.Errorf("the secret stands in row %q", k)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	p.restart(t)
	who, ok := p.Authenticate(s.Token)
	if !ok || who.String() != "admin@acme" || !slices.Equal(who.Roles, []string{access.TenantAdmin}) {
		t.Errorf("after the restart the token is %v's, known %v", who, ok)
	}
	if _, ok := p.Authenticate(s.Token + "x"); ok {
		t.Error("a token nobody gave out was taken")
	}
}

// A session ends with the shift, at logout, and for the others when the password changes.
func TestSessionsEnd(t *testing.T) {
	p := openPlant(t)
	user, password := p.admin(t, "acme")
	first, second := p.login(t, user, password), p.login(t, user, password)
	if err := p.Logout(t.Context(), first.Token); err != nil {
		t.Fatal(err)
	}
	if _, ok := p.Authenticate(first.Token); ok {
		t.Error("a session went on after logout")
	}
	third := p.login(t, user, password)
	err := p.ChangePassword(t.Context(), third.Subject, password, "seven pumps and a tank", "10.0.0.7", third.Token)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := p.Authenticate(second.Token); ok {
		t.Error("another session went on after the password changed")
	}
	if _, ok := p.Authenticate(third.Token); !ok {
		t.Error("the session that changed the password ended")
	}
	if _, err := p.Login(t.Context(), user, password, "10.0.0.8"); err == nil {
		t.Error("the old password still works")
	}
	p.clock.Advance(access.SessionTime)
	if _, ok := p.Authenticate(third.Token); ok {
		t.Error("a session went on after twelve hours")
	}
	p.restart(t)
	p.login(t, user, "seven pumps and a tank")
}

// An outsider learns nothing from the answer: unknown tenant, unknown user and wrong password read the same.
func TestEveryWrongLoginReadsTheSame(t *testing.T) {
	p := openPlant(t)
	_, password := p.admin(t, "acme")
	answers := map[string]bool{}
	for _, user := range []string{"admin@acme", "nobody@acme", "admin@initech", "admin", "", "@", "admin@acme@acme"} {
		_, err := p.Login(t.Context(), user, password+"x", "10.0.0.7")
		f, ok := errors.AsType[*fault.Error](err)
		if !ok || f.Kind != fault.Denied {
			t.Errorf("%q: %v", user, err)
			continue
		}
		answers[f.Error()+"|"+f.Hint] = true
	}
	if len(answers) != 1 {
		t.Errorf("%d different answers: %v", len(answers), answers)
	}
}

// An unknown user costs the same work: with a hash of some weight the two times are of one order.
func TestAnUnknownUserTakesAsLong(t *testing.T) {
	db, err := store.Open(t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	a, err := access.Open(access.Options{KV: db.Space("access"), Work: access.Work{Memory: 8 << 10, Time: 2, Threads: 1}})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := a.Bootstrap(t.Context(), "acme"); err != nil {
		t.Fatal(err)
	}
	// Turn by turn, so that a busy machine slows both; the fastest of each is the work itself.
	known, unknown := time.Hour, time.Hour
	for i := range 8 {
		for user, least := range map[string]*time.Duration{"admin@acme": &known, "ghost@nowhere": &unknown} {
			start := time.Now()
			_, _ = a.Login(t.Context(), user, "not the password", "10.0.0."+string(rune('1'+i)))
			*least = min(*least, time.Since(start))
		}
	}
	if known > 4*unknown || unknown > 4*known {
		t.Errorf("known user %s, unknown user %s", known, unknown)
	}
}

// Guessing is slowed down, for the guesser's address only, and for unknown users alike.
func TestGuessingMustWait(t *testing.T) {
	p := openPlant(t)
	user, password := p.admin(t, "acme")
	for _, name := range []string{user, "ghost@acme"} {
		var wait time.Duration
		tries := 0
		for locked := false; !locked; tries++ {
			_, err := p.Login(t.Context(), name, "a wrong password", "10.0.0.66")
			wait, locked = access.LockedFor(err)
		}
		if tries != 6 || wait <= 0 || wait > time.Second {
			t.Errorf("%s: locked at attempt %d for %s, want the 6th for a second", name, tries, wait)
		}
	}
	if _, err := p.Login(t.Context(), user, password, "10.0.0.66"); err == nil {
		t.Error("the right password was let in during the wait")
	}
	if _, err := p.Login(t.Context(), user, password, "10.0.0.7"); err != nil {
		t.Errorf("the user at another address: %v", err)
	}
	p.clock.Advance(time.Second)
	_, _ = p.Login(t.Context(), user, "a wrong password", "10.0.0.66")
	_, err := p.Login(t.Context(), user, "a wrong password", "10.0.0.66")
	if wait, ok := access.LockedFor(err); !ok || wait != 2*time.Second {
		t.Errorf("the wait did not double: %s", wait)
	}
	p.clock.Advance(2 * time.Second)
	if _, err := p.Login(t.Context(), user, password, "10.0.0.66"); err != nil {
		t.Errorf("after the wait: %v", err)
	}
	if _, err := p.Login(t.Context(), user, "a wrong password", "10.0.0.66"); !fault.Is(err, fault.Denied) {
		t.Errorf("a success did not clear the count: %v", err)
	}
}

// A guesser with a whole IPv6 network has one address.
func TestAnIPv6NetworkIsOneAddress(t *testing.T) {
	p := openPlant(t)
	user, _ := p.admin(t, "acme")
	locked := false
	for i := range 8 {
		_, err := p.Login(t.Context(), user, "a wrong password", "2001:db8::"+string(rune('1'+i)))
		_, locked = access.LockedFor(err)
	}
	if !locked {
		t.Error("eight attempts from one network were let in")
	}
}

func TestPasswordsAreRefusedWithTheReason(t *testing.T) {
	p := openPlant(t)
	user, password := p.admin(t, "acme")
	s := p.login(t, user, password)
	for _, bad := range []string{"", "short", "aaaaaaaaaaaaaaaa", "theadministrator", strings.Repeat("x1", 200), "bad \xff bytes in here"} {
		err := p.ChangePassword(t.Context(), s.Subject, password, bad, "10.0.0.7", s.Token)
		if !fault.Is(err, fault.Invalid) || strings.Contains(err.Error(), "aaaaaaaa") {
			t.Errorf("%q: %v", bad, err)
		}
	}
	err := p.ChangePassword(t.Context(), s.Subject, "not the old one", "seven pumps and a tank", "10.0.0.7", s.Token)
	if !fault.Is(err, fault.Invalid) {
		t.Errorf("wrong old password: %v", err)
	}
}

// When hashing gets dearer, old hashes are renewed at the next login.
func TestHashesAreRenewedWithMoreWork(t *testing.T) {
	p := openPlant(t)
	user, password := p.admin(t, "acme")
	work := access.Work{Memory: 128, Time: 2, Threads: 1}
	dearer, err := access.Open(access.Options{KV: p.db.Space("access"), Clock: p.clock, Work: work})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := dearer.Login(t.Context(), user, password, "10.0.0.7"); err != nil {
		t.Fatal(err)
	}
	found := ""
	_ = p.db.Space("access").Scan([]byte("user/"), func(_, v []byte) error { found = string(v); return nil })
	if !strings.Contains(found, "m=128,t=2,p=1") {
		t.Errorf("the stored hash was not renewed: %s", found)
	}
	p.restart(t)
	p.login(t, user, password)
}

func TestUsersAreChecked(t *testing.T) {
	p := openPlant(t)
	add := func(tenant, name string, m ...access.Membership) error {
		return p.AddUser(t.Context(), tenant, name, "seven pumps and a tank", m...)
	}
	viewer := access.Membership{Role: access.Viewer}
	for name, err := range map[string]error{
		"no role":        add("acme", "eve"),
		"unknown role":   add("acme", "eve", access.Membership{Role: "root"}),
		"foreign path":   add("acme", "eve", access.Membership{Role: access.Viewer, Path: "globex/detroit"}),
		"path not below": add("acme", "eve", access.Membership{Role: access.Viewer, Path: "acme2"}),
		"odd name":       add("acme", "eve/../admin", viewer),
		"odd tenant":     add("ac/me", "eve", viewer),
	} {
		if !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := add("acme", "eve", viewer); err != nil {
		t.Fatal(err)
	}
	if err := add("acme", "eve", viewer); !fault.Is(err, fault.Conflict) {
		t.Errorf("a second eve: %v", err)
	}
}

// A store that cannot be written stops the change, not only its durability.
func TestAChangeThatCannotBeStoredDoesNotCount(t *testing.T) {
	p := openPlant(t)
	user, password := p.admin(t, "acme")
	s := p.login(t, user, password)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := p.Logout(gone, s.Token); err == nil {
		t.Error("logout succeeded without a store")
	}
	if _, ok := p.Authenticate(s.Token); !ok {
		t.Error("the session ended though that could not be stored")
	}
}
