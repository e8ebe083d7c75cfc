package access_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/lineshaft/lineshaft/backend/access"
	"github.com/lineshaft/lineshaft/twin/fault"
)

// What each role may do, written out once more by hand.
func TestRolesAllowWhatTheySay(t *testing.T) {
	p := openPlant(t)
	everybody := []access.Permission{
		access.SelfRead, access.SelfWrite, access.AssetsRead, access.HistoryRead, access.DevicesRead, access.LedgerRead, access.ServerRead,
	}
	allowed := map[string]map[access.Permission]bool{access.Viewer: {}, access.TenantAdmin: {access.DevicesWrite: true, access.HistoryWrite: true, access.LedgerWrite: true, access.ModelsWrite: true}}
	for _, perm := range everybody {
		allowed[access.Viewer][perm], allowed[access.TenantAdmin][perm] = true, true
	}
	for _, role := range access.Roles() {
		if err := p.AddUser(t.Context(), "acme", "user-"+role, "seven pumps and a tank", access.Membership{Role: role}); err != nil {
			t.Fatal(err)
		}
		s := p.login(t, "user-"+role+"@acme", "seven pumps and a tank").Subject
		for _, perm := range access.Permissions() {
			g, err := p.Guard().Allow(s, perm)
			if (err == nil) != allowed[role][perm] {
				t.Errorf("%s, %s: %v", role, perm, err)
			}
			if err == nil && (g.Tenant() != "acme" || !g.Whole() || g.Permission() != perm) {
				t.Errorf("%s, %s: grant for %s", role, perm, g.Tenant())
			}
		}
	}
}

// Who may not is told what is missing and who has it.
func TestADenialNamesTheMissingGrant(t *testing.T) {
	p := openPlant(t)
	if err := p.AddUser(t.Context(), "acme", "eve", "seven pumps and a tank", access.Membership{Role: access.Viewer}); err != nil {
		t.Fatal(err)
	}
	s := p.login(t, "eve@acme", "seven pumps and a tank").Subject
	_, err := p.Guard().Allow(s, access.DevicesWrite)
	f, ok := errors.AsType[*fault.Error](err)
	if !ok || f.Kind != fault.Denied || !strings.Contains(f.Message, "devices:write") || !strings.Contains(f.Hint, "tenant_admin") {
		t.Errorf("%v", err)
	}
	if _, err := p.Guard().Allow(s, ""); err == nil {
		t.Error("a permission nobody declared was granted")
	}
	if _, err := p.Guard().Allow(access.Subject{}, access.SelfRead); err == nil {
		t.Error("nobody was granted something")
	}
	// A subject put together by hand has no membership and so no grant, whatever its roles say.
	if _, err := p.Guard().Allow(access.Subject{User: "x", Tenant: "acme", Roles: []string{access.TenantAdmin}}, access.SelfRead); err == nil {
		t.Error("a made-up subject was granted something")
	}
}

// A role on a subtree reaches exactly that, on whole segments: body-shop2 is another building.
func TestARoleOnASubtreeEndsAtASegment(t *testing.T) {
	p := openPlant(t)
	if err := p.AddUser(t.Context(), "acme", "joe", "seven pumps and a tank",
		access.Membership{Role: access.Viewer, Path: "acme/detroit/body-shop"},
		access.Membership{Role: access.Viewer, Path: "acme/detroit/body-shop/line-3"},
		access.Membership{Role: access.TenantAdmin, Path: "acme/rotterdam"},
	); err != nil {
		t.Fatal(err)
	}
	s := p.login(t, "joe@acme", "seven pumps and a tank").Subject
	g, err := p.Guard().Allow(s, access.AssetsRead)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]bool{
		"acme/detroit/body-shop": true, "acme/detroit/body-shop/line-3/P-007": true, "acme/rotterdam/reactor": true,
		"acme/detroit/body-shop2": false, "acme/detroit": false, "acme": false, "": false, "globex": false,
	} {
		if g.Covers(path) != want {
			t.Errorf("%q covered: %v", path, !want)
		}
	}
	if g.Whole() || len(g.Scopes()) != 2 {
		t.Errorf("scopes %v", g.Scopes())
	}
	w, err := g.Also(access.DevicesWrite)
	if err != nil || w.Covers("acme/detroit/body-shop") || !w.Covers("acme/rotterdam") {
		t.Errorf("devices:write reaches %v, %v", w.Scopes(), err)
	}
}

// Taking a role away counts from the next request on, also for who is logged in.
func TestARevokedRoleCountsAtOnce(t *testing.T) {
	p := openPlant(t)
	user, password := p.admin(t, "acme")
	token := p.login(t, user, password).Token
	may := func() bool {
		s, ok := p.Authenticate(token)
		if !ok {
			t.Fatal("the session is gone")
		}
		_, err := p.Guard().Allow(s, access.DevicesWrite)
		return err == nil
	}
	if !may() {
		t.Fatal("an administrator may not register devices")
	}
	if err := p.SetRoles(t.Context(), "acme", "admin", access.Membership{Role: access.Viewer}); err != nil {
		t.Fatal(err)
	}
	if may() {
		t.Error("the role was taken away and still counts")
	}
	if err := p.SetRoles(t.Context(), "globex", "admin", access.Membership{Role: access.Viewer}); !fault.Is(err, fault.NotFound) {
		t.Errorf("roles of a user that is not there: %v", err)
	}
}
