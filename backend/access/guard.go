package access

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/casbin/casbin/v2"
	"github.com/casbin/casbin/v2/model"

	"github.com/lineshaft/lineshaft/twin"
	"github.com/lineshaft/lineshaft/twin/fault"
)

// The roles a tenant has.
const (
	Viewer      = "viewer"       // reads everything, changes nothing but the own password
	TenantAdmin = "tenant_admin" // a viewer who registers devices, imports plants and histories, and replays dead letters
)

// Roles returns them all.
func Roles() []string { return []string{Viewer, TenantAdmin} }

// policy is which role may do what; tenant_admin has a viewer's as well.
func policy() map[string][]Permission {
	return map[string][]Permission{
		Viewer:      {SelfRead, SelfWrite, AssetsRead, HistoryRead, DevicesRead, LedgerRead, ServerRead},
		TenantAdmin: {DevicesWrite, HistoryWrite, LedgerWrite, ModelsWrite},
	}
}

// rules are the model casbin decides by. Who has a role, and where, is not in it: policies stay few.
const rules = `
[request_definition]
r = role, resource, action
[policy_definition]
p = role, resource, action
[role_definition]
g = _, _
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = g(r.role, p.role) && r.resource == p.resource && r.action == p.action
`

// Guard decides by role and path, never by device. It has one enforcer per tenant.
type Guard struct {
	mu        sync.RWMutex
	enforcers map[string]*casbin.SyncedCachedEnforcer
}

func newGuard() *Guard { return &Guard{enforcers: map[string]*casbin.SyncedCachedEnforcer{}} }

// Allow returns a grant for the subtrees on which the subject has p, or says which grant is missing.
func (g *Guard) Allow(s Subject, p Permission) (Grant, error) {
	if s.Tenant == "" || !p.Valid() {
		return Grant{}, denied(s, p)
	}
	e, err := g.enforcer(s.Tenant)
	if err != nil {
		return Grant{}, err
	}
	resource, action, _ := strings.Cut(string(p), ":")
	var scopes []string
	for _, m := range s.memberships {
		ok, err := e.Enforce(m.Role, resource, action)
		if err != nil {
			return Grant{}, fmt.Errorf("decide %s for %s: %w", p, m.Role, err)
		}
		root := m.Path
		if root == "" {
			root = s.Tenant
		}
		if ok && twin.Under(root, s.Tenant) {
			scopes = append(scopes, root)
		}
	}
	if len(scopes) == 0 {
		return Grant{}, denied(s, p)
	}
	return Grant{subject: s, permission: p, scopes: outermost(scopes), guard: g}, nil
}

// outermost leaves out roots that lie within another.
func outermost(roots []string) []string {
	slices.Sort(roots)
	roots = slices.Compact(roots)
	return slices.DeleteFunc(slices.Clone(roots), func(r string) bool {
		return slices.ContainsFunc(roots, func(o string) bool { return o != r && twin.Under(r, o) })
	})
}

func denied(s Subject, p Permission) error {
	var with []string
	for _, role := range Roles() {
		for r, ps := range policy() {
			if (r == role || role == TenantAdmin) && slices.Contains(ps, p) {
				with = append(with, role)
			}
		}
	}
	have := "no role"
	if len(s.Roles) > 0 {
		have = strings.Join(s.Roles, ", ")
	}
	return fault.New(fault.Denied, "This needs %s; you have %s.", p, have).
		WithHint("Ask an administrator for a role that has it: %s.", strings.Join(with, ", "))
}

// enforcer returns the tenant's enforcer, made on first use.
func (g *Guard) enforcer(tenant string) (*casbin.SyncedCachedEnforcer, error) {
	g.mu.RLock()
	e, ok := g.enforcers[tenant]
	g.mu.RUnlock()
	if ok {
		return e, nil
	}
	e, err := newEnforcer()
	if err != nil {
		return nil, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if there, ok := g.enforcers[tenant]; ok {
		return there, nil
	}
	g.enforcers[tenant] = e
	return e, nil
}

// forget drops a tenant's enforcer with its cached decisions; the next question makes a new one.
func (g *Guard) forget(tenant string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.enforcers, tenant)
}

func newEnforcer() (*casbin.SyncedCachedEnforcer, error) {
	m, err := model.NewModelFromString(rules)
	if err != nil {
		return nil, fmt.Errorf("read access rules: %w", err)
	}
	e, err := casbin.NewSyncedCachedEnforcer(m)
	if err != nil {
		return nil, fmt.Errorf("make enforcer: %w", err)
	}
	if _, err := e.AddGroupingPolicy(TenantAdmin, Viewer); err != nil {
		return nil, fmt.Errorf("make enforcer: %w", err)
	}
	for role, permissions := range policy() {
		for _, p := range permissions {
			resource, action, _ := strings.Cut(string(p), ":")
			if _, err := e.AddPolicy(role, resource, action); err != nil {
				return nil, fmt.Errorf("make enforcer: %w", err)
			}
		}
	}
	return e, nil
}
