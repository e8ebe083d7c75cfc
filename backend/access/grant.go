package access

import (
	"slices"
	"time"

	"github.com/lineshaft/lineshaft/twin"
)

// Subject is who asks.
type Subject struct {
	User    string // name without tenant
	Tenant  string
	Roles   []string
	Expires time.Time // when the session ends

	memberships []Membership
}

// Local is the subject of the program's own user, such as the desktop shell's: a tenant administrator.
func Local(name, tenant string, expires time.Time) Subject {
	return Subject{
		User: name, Tenant: tenant, Roles: []string{TenantAdmin}, Expires: expires,
		memberships: []Membership{{Role: TenantAdmin}},
	}
}

func (u user) subject(expires time.Time) Subject {
	return Subject{User: u.Name, Tenant: u.Tenant, Roles: u.roleNames(), Expires: expires, memberships: slices.Clone(u.Roles)}
}

// String is the subject as people write it: name@tenant.
func (s Subject) String() string { return s.User + "@" + s.Tenant }

// Grant is the proof that a subject may use a permission, and on which subtrees. Only a Guard makes one; the zero
// Grant covers nothing.
type Grant struct {
	subject    Subject
	permission Permission
	scopes     []string // roots of subtrees, none within another
	guard      *Guard
}

// Subject is who the grant was given to.
func (g Grant) Subject() Subject { return g.subject }

// Permission is what was granted.
func (g Grant) Permission() Permission { return g.permission }

// Tenant is the tenant the grant is for.
func (g Grant) Tenant() string { return g.subject.Tenant }

// Covers says whether the asset path lies in a subtree of the grant, on whole segments.
func (g Grant) Covers(path string) bool {
	return slices.ContainsFunc(g.scopes, func(root string) bool { return path != "" && twin.Under(path, root) })
}

// Whole says whether the grant covers the whole tenant.
func (g Grant) Whole() bool { return g.Covers(g.subject.Tenant) }

// Scopes are the roots of the subtrees covered.
func (g Grant) Scopes() []string { return slices.Clone(g.scopes) }

// Also asks for another permission for the same subject, or says which grant is missing.
func (g Grant) Also(p Permission) (Grant, error) { return g.guard.Allow(g.subject, p) }
