package api

import (
	"context"
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"github.com/lineshaft/lineshaft/backend/access"
)

// operation is one verb of the API before it is registered.
type operation struct {
	method, path string
	id, summary  string
	tag          string
	needs        access.Permission // empty only for registerPublic
	status       int               // 0 is 200, or 204 without a body
	maxBody      int64             // 0 is 1 MiB
	produces     map[string]reflect.Type
	consumes     []string // media types of a body that the handler reads by itself
}

// handler does the work of an operation on the tenant's data as one grant sees it.
type handler[I, O any] func(p *plant, ctx context.Context, in *I) (*O, error)

// register adds an operation that needs a permission. The handler has no way to data but the plant it is given,
// and a plant is made here only, from a grant.
func register[I, O any](a *API, op operation, h handler[I, O]) {
	if !op.needs.Valid() {
		a.faults = append(a.faults, "operation "+op.id+" declares no permission")
		return
	}
	add(a, op, func(ctx context.Context, in *I) (*O, error) {
		p, err := a.enter(ctx, op.needs)
		if err != nil {
			return nil, err
		}
		return h(p, ctx, in)
	})
}

// registerPublic adds an operation that anybody may call: it gets no plant.
func registerPublic[I, O any](a *API, op operation, h func(a *API, ctx context.Context, in *I) (*O, error)) {
	add(a, op, func(ctx context.Context, in *I) (*O, error) { return h(a, ctx, in) })
}

func add[I, O any](a *API, op operation, h func(context.Context, *I) (*O, error)) {
	registry := a.huma.OpenAPI().Components.Schemas
	full := huma.Operation{
		Method: op.method, Path: op.path, OperationID: op.id, Summary: op.summary, Tags: []string{op.tag},
		DefaultStatus: op.status, MaxBodyBytes: op.maxBody,
		// net/http cancels a request whose read deadline passes, also once the body is read.
		BodyReadTimeout: answerTime,
		Extensions:      map[string]any{},
		Responses: map[string]*huma.Response{"default": {
			Description: "What went wrong",
			Content: map[string]*huma.MediaType{
				"application/problem+json": {Schema: registry.Schema(reflect.TypeFor[Problem](), true, "")},
			},
		}},
	}
	if op.needs != "" {
		full.Security = []map[string][]string{{"bearer": {}}}
		full.Extensions["x-permission"] = string(op.needs)
	}
	if op.produces != nil {
		full.Responses["200"] = &huma.Response{Description: http.StatusText(http.StatusOK), Content: content(registry, op.produces)}
	}
	if op.consumes != nil {
		full.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{}}
		for _, contentType := range op.consumes {
			full.RequestBody.Content[contentType] = &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString}}
		}
	}
	a.needs[op.method+" "+op.path] = op.needs
	huma.Register(a.huma, full, func(ctx context.Context, in *I) (*O, error) {
		out, err := h(ctx, in)
		if err != nil {
			return nil, a.problem(ctx, err)
		}
		return out, nil
	})
}

func content(registry huma.Registry, produces map[string]reflect.Type) map[string]*huma.MediaType {
	out := map[string]*huma.MediaType{}
	for contentType, t := range produces {
		schema := &huma.Schema{Type: huma.TypeString}
		if t != nil {
			schema = registry.Schema(t, true, "")
		}
		out[contentType] = &huma.MediaType{Schema: schema}
	}
	return out
}
