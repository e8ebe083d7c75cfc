package api

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/lineshaft/lineshaft/backend/access"
	"github.com/lineshaft/lineshaft/twin/fault"
)

type loginIn struct {
	Body Credentials
}

type loginOut struct {
	CacheControl string `header:"Cache-Control" hidden:"true"`
	Body         Login
}

// none is an operation's answer without a body.
type none struct{}

func (a *API) login(ctx context.Context, in *loginIn) (*loginOut, error) {
	session, err := a.Access.Login(ctx, in.Body.User, in.Body.Password, meta(ctx).addr)
	if wait, ok := access.LockedFor(err); ok {
		return nil, tooManyError{after: wait, detail: "Too many failed attempts from here. Wait before the next one."}
	}
	if fault.Is(err, fault.Denied) {
		a.log.LogAttrs(ctx, slog.LevelWarn, "login refused", slog.String("addr", meta(ctx).addr)) // people mistype passwords into the user field
		return nil, a.newProblem(ctx, http.StatusUnauthorized, "unauthenticated", "User or password is wrong.").
			hint("Write the user as name@tenant.")
	}
	if err != nil {
		return nil, err
	}
	s := session.Subject
	a.log.LogAttrs(ctx, slog.LevelInfo, "login", slog.String("user", s.String()), slog.String("addr", meta(ctx).addr))
	return &loginOut{CacheControl: "no-store", Body: Login{
		Token: session.Token, ExpiresAt: s.Expires, User: s.String(), Tenant: s.Tenant, Roles: s.Roles,
	}}, nil
}

func (p *plant) logout(ctx context.Context, _ *none) (*none, error) {
	return nil, p.api.Access.Logout(ctx, meta(ctx).bearer)
}

type meOut struct {
	Body Me
}

func (p *plant) me(context.Context, *none) (*meOut, error) {
	s := p.grant.Subject()
	return &meOut{Body: Me{
		User: s.String(), Tenant: s.Tenant, Roles: s.Roles, ExpiresAt: s.Expires, ServerTime: p.now(), Version: p.api.Version,
	}}, nil
}

type passwordIn struct {
	Body PasswordChange
}

func (p *plant) changePassword(ctx context.Context, in *passwordIn) (*none, error) {
	m := meta(ctx)
	err := p.api.Access.ChangePassword(ctx, p.grant.Subject(), in.Body.Old, in.Body.New, m.addr, m.bearer)
	if wait, ok := access.LockedFor(err); ok {
		return nil, tooManyError{after: wait, detail: "Too many failed attempts from here. Wait before the next one."}
	}
	return nil, err
}
