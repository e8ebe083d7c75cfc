package api

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/lineshaft/lineshaft/twin/fault"
)

// Problem is an error as the API tells it (RFC 9457).
type Problem struct {
	Type      string         `json:"type" doc:"a word for the kind: not_found, invalid, denied, …"`
	Title     string         `json:"title"`
	Status    int            `json:"status"`
	Detail    string         `json:"detail"`
	Instance  string         `json:"instance" doc:"the path asked for"`
	Errors    []ProblemField `json:"errors"`
	Hint      string         `json:"hint,omitempty" doc:"what to do next"`
	RequestID string         `json:"request_id"`
}

// problemError is a problem on its way to the caller.
type problemError struct {
	Problem
	retryAfter time.Duration
}

// ProblemField names an input that was refused.
type ProblemField struct {
	Line    int64  `json:"line,omitempty" doc:"of the file that was sent"`
	Field   string `json:"field"`
	Value   any    `json:"value,omitempty"`
	Message string `json:"message"`
}

// Error implements error.
func (p *problemError) Error() string { return p.Detail }

// GetStatus implements huma.StatusError.
func (p *problemError) GetStatus() int { return p.Status }

// ContentType implements huma.ContentTypeFilter.
func (p *problemError) ContentType(string) string { return "application/problem+json" }

// GetHeaders implements huma.HeadersError.
func (p *problemError) GetHeaders() http.Header {
	h := http.Header{}
	if p.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Bearer realm="lineshaft"`)
	}
	if p.retryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int(max(1, (p.retryAfter+time.Second-1)/time.Second))))
	}
	return h
}

// errUnauthenticated is the one answer to a missing, unknown or expired token.
var errUnauthenticated = errors.New("log in first")

// tooManyError refuses for a while.
type tooManyError struct {
	after  time.Duration
	detail string
}

func (e tooManyError) Error() string { return e.detail }

// problem turns any error into the answer for the user. The text of an error without a kind goes to the log only.
func (a *API) problem(ctx context.Context, err error) *problemError {
	if p, ok := errors.AsType[*problemError](err); ok {
		return p
	}
	if errors.Is(err, errUnauthenticated) {
		return a.newProblem(ctx, http.StatusUnauthorized, "unauthenticated", "The token is missing, unknown or expired.").
			hint("Log in again with POST " + base + "/login.")
	}
	if errors.Is(err, errCursor) {
		p := a.newProblem(ctx, http.StatusBadRequest, string(fault.Invalid), "The cursor does not belong to this list and filter.").
			hint("Begin again without a cursor.")
		p.Errors = append(p.Errors, ProblemField{Field: "cursor", Message: "does not belong to this list and filter"})
		return p
	}
	if e, ok := errors.AsType[tooManyError](err); ok {
		p := a.newProblem(ctx, http.StatusTooManyRequests, "too_many", e.detail)
		p.retryAfter = e.after
		return p
	}
	if errors.Is(err, context.DeadlineExceeded) {
		p := a.newProblem(ctx, http.StatusServiceUnavailable, string(fault.Unavailable), "The answer took too long.").
			hint("Ask for less: a shorter span, a coarser interval, fewer tags.")
		p.retryAfter = time.Second
		return p
	}
	f, ok := errors.AsType[*fault.Error](err)
	if !ok || f.Kind == fault.Internal {
		a.log.LogAttrs(ctx, slog.LevelError, "request failed", slog.String("request_id", meta(ctx).id), slog.Any("err", err))
		return a.newProblem(ctx, http.StatusInternalServerError, string(fault.Internal), "Something failed on our side.").
			hint("Tell your administrator the request id.")
	}
	p := a.newProblem(ctx, statusOf(f.Kind), string(f.Kind), f.Message).hint(f.Hint)
	if f.Field != "" {
		if f.Kind == fault.Invalid {
			p.Detail = sentence(f.Field + " " + f.Message)
		}
		p.Errors = append(p.Errors, ProblemField{Field: f.Field, Value: f.Value, Message: f.Message})
	}
	if f.Kind == fault.Unavailable {
		p.retryAfter = 5 * time.Second
	}
	return p
}

func statusOf(k fault.Kind) int {
	switch k {
	case fault.NotFound:
		return http.StatusNotFound
	case fault.Invalid:
		return http.StatusUnprocessableEntity
	case fault.Denied:
		return http.StatusForbidden
	case fault.Conflict:
		return http.StatusConflict
	case fault.Unavailable:
		return http.StatusServiceUnavailable
	case fault.Internal:
	}
	return http.StatusInternalServerError
}

func (a *API) newProblem(ctx context.Context, status int, kind, detail string) *problemError {
	m := meta(ctx)
	return &problemError{Problem: Problem{
		Type: kind, Title: http.StatusText(status), Status: status, Detail: detail, Instance: m.path,
		Errors: []ProblemField{}, RequestID: m.id,
	}}
}

func (p *problemError) hint(h string) *problemError {
	p.Hint = h
	return p
}

// asProblem replaces huma's own errors, made before a handler runs, by ours.
func (a *API) asProblem(ctx huma.Context, _ string, v any) (any, error) {
	e, ok := v.(*huma.ErrorModel)
	if !ok {
		return v, nil
	}
	kind := string(fault.Invalid)
	if e.Status >= http.StatusInternalServerError {
		kind = string(fault.Internal)
	}
	p := a.newProblem(ctx.Context(), e.Status, kind, sentence(e.Detail))
	for _, d := range e.Errors {
		if d == nil {
			continue
		}
		p.Errors = append(p.Errors, fieldOf(d))
	}
	return p, nil
}

// fieldOf names the field as the caller knows it. A whole body, or what may be a secret, is not echoed.
func fieldOf(d *huma.ErrorDetail) ProblemField {
	field := d.Location
	for _, prefix := range []string{"body.", "query.", "path.", "header."} {
		field = strings.TrimPrefix(field, prefix)
	}
	value := d.Value
	switch field {
	case "body", "password", "old", "new", "Authorization":
		value = nil
	}
	if s, ok := value.(string); ok && len(s) > 200 {
		value = s[:200] + "…"
	}
	if _, ok := value.(map[string]any); ok {
		value = nil
	}
	return ProblemField{Field: field, Value: value, Message: d.Message}
}

func sentence(s string) string {
	if s == "" {
		return s
	}
	s = strings.ToUpper(s[:1]) + s[1:]
	if !strings.HasSuffix(s, ".") {
		s += "."
	}
	return s
}
