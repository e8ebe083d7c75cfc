package access

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/lineshaft/lineshaft/twin"
	"github.com/lineshaft/lineshaft/twin/fault"
)

// Membership is a role on an asset subtree; an empty path is the whole tenant.
type Membership struct {
	Role string `json:"role"`
	Path string `json:"path,omitempty"`
}

// user is a person of a tenant, as stored.
type user struct {
	Tenant  string       `json:"tenant"`
	Name    string       `json:"name"`
	Hash    string       `json:"hash"`
	Roles   []Membership `json:"roles"`
	Created time.Time    `json:"created"`
	Changed time.Time    `json:"changed"` // when the password was set
}

func (u user) key() userKey { return userKey{u.Tenant, u.Name} }

func (u user) roleNames() []string {
	names := make([]string, len(u.Roles))
	for i, m := range u.Roles {
		names[i] = m.Role
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Bootstrap makes sure the tenant has an administrator. If it had no user, one is created, and its password,
// which is told only here, is returned with created true.
func (a *Access) Bootstrap(ctx context.Context, tenant string) (name, password string, created bool, err error) {
	const admin = "admin"
	a.mu.RLock()
	first := ""
	for k, u := range a.users {
		if k.tenant == tenant && slices.Contains(u.roleNames(), TenantAdmin) && (first == "" || k.name < first) {
			first = k.name
		}
	}
	a.mu.RUnlock()
	if first != "" {
		return first + "@" + tenant, "", false, nil
	}
	if password, err = a.newPassword(); err != nil {
		return "", "", false, err
	}
	if err := a.AddUser(ctx, tenant, admin, password, Membership{Role: TenantAdmin}); err != nil {
		return "", "", false, err
	}
	return admin + "@" + tenant, password, true, nil
}

// newPassword is 100 random bits in five groups that can be read aloud.
func (a *Access) newPassword() (string, error) {
	const letters = "abcdefghijkmnpqrstuvwxyz23456789" // 32, none alike
	raw := make([]byte, 20)
	if _, err := io.ReadFull(a.rand, raw); err != nil {
		return "", fmt.Errorf("make password: %w", err)
	}
	var b strings.Builder
	for i, c := range raw {
		if i > 0 && i%4 == 0 {
			b.WriteByte('-')
		}
		b.WriteByte(letters[c%32])
	}
	return b.String(), nil
}

// AddUser creates a user of a tenant.
func (a *Access) AddUser(ctx context.Context, tenant, name, password string, roles ...Membership) error {
	if !twin.ValidSegment(tenant) || tenant == "_" {
		return fault.Field("tenant", tenant, "must match [A-Za-z0-9][A-Za-z0-9_-]*")
	}
	if !validUser(name) {
		return fault.Field("user", name, "must be 1 to 64 letters, digits, dots, _ and -")
	}
	if err := checkPassword(name, password); err != nil {
		return err
	}
	if err := checkRoles(tenant, roles); err != nil {
		return err
	}
	hash, err := a.hash(password)
	if err != nil {
		return err
	}
	now := a.clk.Now()
	u := user{Tenant: tenant, Name: name, Hash: hash, Roles: roles, Created: now, Changed: now}
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, ok := a.users[u.key()]; ok {
		return fault.New(fault.Conflict, "There is a user %s@%s already.", name, tenant)
	}
	return a.saveUser(ctx, u)
}

// SetRoles replaces a user's roles, from the next request on.
func (a *Access) SetRoles(ctx context.Context, tenant, name string, roles ...Membership) error {
	if err := checkRoles(tenant, roles); err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	u, ok := a.users[userKey{tenant, name}]
	if !ok {
		return fault.New(fault.NotFound, "There is no user %s@%s.", name, tenant)
	}
	u.Roles = roles
	if err := a.saveUser(ctx, u); err != nil {
		return err
	}
	a.guard.forget(tenant)
	return nil
}

// saveUser writes first and then lets it count. The caller holds mu.
func (a *Access) saveUser(ctx context.Context, u user, more ...pair) error {
	p, err := record("user/"+u.Tenant+"/"+u.Name, u)
	if err != nil {
		return err
	}
	if err := a.kv.Write(ctx, append(more, p)); err != nil {
		return fmt.Errorf("save user: %w", err)
	}
	a.users[u.key()] = u
	return nil
}

// ChangePassword replaces the subject's password and ends the other sessions: all but the one of token.
func (a *Access) ChangePassword(ctx context.Context, s Subject, old, password, addr, token string) error {
	u, ok := a.user(s.Tenant, s.User)
	if !ok {
		return fault.New(fault.Conflict, "This session has no password of its own.")
	}
	if err := a.attempts.begin(s.String(), addr, a.clk.Now()); err != nil {
		return err
	}
	right, _, err := a.matches(ctx, u.Hash, old)
	if err != nil {
		return err
	}
	if !right {
		return &fault.Error{Kind: fault.Invalid, Field: "old", Message: "is not your password"}
	}
	a.attempts.succeeded(s.String(), addr)
	if err := checkPassword(u.Name, password); err != nil {
		return err
	}
	hash, err := a.hash(password)
	if err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if u, ok = a.users[u.key()]; !ok {
		return fault.New(fault.NotFound, "The user is gone.")
	}
	u.Hash, u.Changed = hash, a.clk.Now()
	keep := digestOf(token)
	var ended []digest
	var puts []pair
	for d, session := range a.sessions {
		if session.Tenant == u.Tenant && session.User == u.Name && d != keep {
			ended = append(ended, d)
			puts = append(puts, pair{Key: d.key()})
		}
	}
	if err := a.saveUser(ctx, u, puts...); err != nil {
		return err
	}
	for _, d := range ended {
		delete(a.sessions, d)
	}
	return nil
}

func (a *Access) user(tenant, name string) (user, bool) {
	a.mu.RLock()
	defer a.mu.RUnlock()
	u, ok := a.users[userKey{tenant, name}]
	return u, ok
}

func validUser(name string) bool {
	if name == "" || len(name) > 64 {
		return false
	}
	for _, c := range name {
		if c != '_' && c != '-' && c != '.' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return true
}

func checkRoles(tenant string, roles []Membership) error {
	if len(roles) == 0 {
		return fault.Field("roles", roles, "a user has at least one role")
	}
	for _, m := range roles {
		if !slices.Contains(Roles(), m.Role) {
			return fault.Field("roles", m.Role, "is no role; use one of %s", strings.Join(Roles(), ", "))
		}
		if m.Path != "" && !twin.Under(m.Path, tenant) {
			return fault.Field("path", m.Path, "is not in tenant %s", tenant)
		}
	}
	return nil
}

func record(key string, v any) (pair, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return pair{}, fmt.Errorf("write %s: %w", key, err)
	}
	return pair{Key: []byte(key), Value: b}, nil
}
