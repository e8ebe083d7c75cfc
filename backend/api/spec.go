package api

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/danielgtaylor/huma/v2"
)

// Spec is the OpenAPI description of the API, indented and the same at every call.
func Spec() ([]byte, error) {
	a, err := build(Options{})
	if err != nil {
		return nil, err
	}
	raw, err := a.describe()
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := json.Indent(&out, raw, "", "  "); err != nil {
		return nil, fmt.Errorf("indent description: %w", err)
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}

// describe writes the description. Lists are never null, and huma's own error shape is never sent.
func (a *API) describe() ([]byte, error) {
	api := a.huma.OpenAPI()
	schemas := api.Components.Schemas.Map()
	delete(schemas, "ErrorModel")
	delete(schemas, "ErrorDetail")
	for _, s := range schemas {
		neverNull(s)
	}
	for _, item := range api.Paths {
		for _, op := range []*huma.Operation{item.Get, item.Post, item.Put, item.Patch, item.Delete} {
			if op == nil {
				continue
			}
			for _, p := range op.Parameters {
				neverNull(p.Schema)
			}
		}
	}
	raw, err := json.Marshal(api)
	if err != nil {
		return nil, fmt.Errorf("write description: %w", err)
	}
	return raw, nil
}

func neverNull(s *huma.Schema) {
	if s == nil {
		return
	}
	if s.Type == huma.TypeArray {
		s.Nullable = false
	}
	for _, p := range s.Properties {
		neverNull(p)
	}
	neverNull(s.Items)
	if more, ok := s.AdditionalProperties.(*huma.Schema); ok {
		neverNull(more)
	}
	for _, p := range s.AnyOf {
		neverNull(p)
	}
}
