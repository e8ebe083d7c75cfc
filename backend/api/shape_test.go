package api_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/danielgtaylor/huma/v2"
)

// memory is a store of access that forgets.
type memory struct {
	mu sync.Mutex
	m  map[string][]byte
}

func (s *memory) Scan(prefix []byte, fn func(k, v []byte) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for k, v := range s.m {
		if strings.HasPrefix(k, string(prefix)) {
			if err := fn([]byte(k), v); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *memory) Write(_ context.Context, puts []struct{ Key, Value []byte }) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range puts {
		if p.Value == nil {
			delete(s.m, string(p.Key))
		} else {
			s.m[string(p.Key)] = p.Value
		}
	}
	return nil
}

// operationOf finds what the description says of a request.
func operationOf(spec *huma.OpenAPI, method, path string) *huma.Operation {
	want := strings.Split(path, "/")
	var found *huma.Operation
	for pattern, item := range spec.Paths {
		have := strings.Split(pattern, "/")
		if !slices.EqualFunc(have, want, func(h, w string) bool { return h == w || strings.HasPrefix(h, "{") }) {
			continue
		}
		op := map[string]*huma.Operation{http.MethodGet: item.Get, http.MethodPost: item.Post}[method]
		if op != nil && (found == nil || strings.Count(op.Path, "{") < strings.Count(found.Path, "{")) {
			found = op
		}
	}
	return found
}

// checkShape holds an answer to the description: an undocumented field, a missing one, or a null where a list was
// promised is an error.
func checkShape(t *testing.T, spec *huma.OpenAPI, r *http.Request, res answer, body []byte) {
	t.Helper()
	contentType, _, _ := strings.Cut(res.Header.Get("Content-Type"), ";")
	op := operationOf(spec, r.Method, r.URL.EscapedPath())
	if op == nil || !strings.HasSuffix(contentType, "json") || r.URL.Path == "/openapi.json" {
		return
	}
	described := op.Responses[strconv.Itoa(res.StatusCode)]
	if described == nil {
		described = op.Responses["default"]
	}
	if strings.HasSuffix(r.URL.Path, "z") && res.StatusCode == http.StatusServiceUnavailable {
		described = op.Responses["200"] // a health check has one shape
	}
	media := described.Content[contentType]
	if media == nil {
		t.Errorf("%s %s: %d is %s, which is not described", r.Method, r.URL.Path, res.StatusCode, contentType)
		return
	}
	var v any
	if err := json.Unmarshal(body, &v); err != nil {
		t.Errorf("%s %s: %v in %s", r.Method, r.URL.Path, err, body)
		return
	}
	var result huma.ValidateResult
	path := huma.NewPathBuffer([]byte{}, 0)
	huma.Validate(spec.Components.Schemas, media.Schema, path, huma.ModeReadFromServer, v, &result)
	for _, err := range result.Errors {
		t.Errorf("%s %s: %d answer: %v", r.Method, r.URL.Path, res.StatusCode, err)
	}
}

// recorded asks who am I from an address of the caller's choice.
func recorded(s *site, addr, token string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, "/api/v1/me", nil)
	r.RemoteAddr = addr
	r.Header.Set("Authorization", "Bearer "+token)
	w := httptest.NewRecorder()
	s.api.ServeHTTP(w, r)
	return w
}
