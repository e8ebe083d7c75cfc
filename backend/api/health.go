package api

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/lineshaft/lineshaft/twin/fault"
)

// NotReadyError names the part of the backend that cannot do its work yet.
type NotReadyError struct {
	Part string
	Err  error
}

// Error implements error.
func (e *NotReadyError) Error() string { return e.Part + ": " + e.Err.Error() }

// Unwrap gives errors.Is the cause.
func (e *NotReadyError) Unwrap() error { return e.Err }

type healthOut struct {
	Status int
	Body   Health
}

func (a *API) healthz(context.Context, *none) (*healthOut, error) {
	return &healthOut{Status: http.StatusOK, Body: Health{Status: "ok"}}, nil
}

// readyz names the part and leaves the cause to the log: anybody may ask.
func (a *API) readyz(ctx context.Context, _ *none) (*healthOut, error) {
	if a.Ports.Ready == nil {
		return a.healthz(ctx, nil)
	}
	err := a.Ports.Ready(ctx)
	if err == nil {
		return a.healthz(ctx, nil)
	}
	h := Health{Status: "unready", Part: "backend"}
	if n, ok := errors.AsType[*NotReadyError](err); ok {
		h.Part = n.Part
	}
	if f, ok := errors.AsType[*fault.Error](err); ok && f.Kind != fault.Internal {
		h.Detail = f.Message
	}
	return &healthOut{Status: http.StatusServiceUnavailable, Body: h}, nil
}

type rawOut struct {
	Body func(huma.Context)
}

func (p *plant) metrics(context.Context, *none) (*rawOut, error) {
	if p.ports.Metrics == nil {
		return nil, fault.New(fault.NotFound, "This server keeps no metrics.")
	}
	if !p.grant.Whole() {
		return nil, fault.New(fault.Denied, "Metrics are of the whole tenant; your roles are narrower.")
	}
	return &rawOut{Body: func(ctx huma.Context) {
		r, w := humago.Unwrap(ctx)
		p.ports.Metrics(p.tenant()).ServeHTTP(w, r)
	}}, nil
}

func (p *plant) openapi(context.Context, *none) (*rawOut, error) {
	return &rawOut{Body: func(ctx huma.Context) {
		ctx.SetHeader("Content-Type", "application/json")
		_, _ = ctx.BodyWriter().Write(p.api.spec)
	}}, nil
}

func bytesReader(b []byte) io.Reader { return bytes.NewReader(b) }
