// Package prom answers questions in PromQL over history, in the shape of Prometheus's own HTTP API, so that Grafana
// needs no plug-in.
package prom

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
)

// Metric is the name all tags have; their labels tell them apart.
const Metric = "lineshaft_tag"

const (
	maxSteps = 11_000 // of one series, as Prometheus has it
	lookback = 5 * time.Minute
)

// Tag is a tag of an asset as Prometheus sees it.
type Tag struct {
	Site, Area string // names; empty where the asset is not below one
	Asset      string // path without the tenant
	Name       string // of the asset
	Class      string
	Tag, Unit  string
	Ref        int // what the source knows it by
}

// names are the labels a tag may have.
func names() []string {
	return []string{model.MetricNameLabel, "site", "area", "asset", "name", "class", "tag", "unit"}
}

func (t *Tag) label(name string) string {
	switch name {
	case model.MetricNameLabel:
		return Metric
	case "site":
		return t.Site
	case "area":
		return t.Area
	case "asset":
		return t.Asset
	case "name":
		return t.Name
	case "class":
		return t.Class
	case "tag":
		return t.Tag
	case "unit":
		return t.Unit
	}
	return ""
}

// Source is the history of one caller.
type Source interface {
	// Tags gives every tag with numbers that the caller may see, until take returns false.
	Tags(take func(Tag) bool) error
	// Read gives the good samples of a tag with from <= t < to in order of time (ns UTC), in parts.
	Read(ctx context.Context, ref int, from, to time.Time, take func(ts []int64, vs []float64) error) error
}

// Answer is what Prometheus's HTTP API answers with.
type Answer struct {
	Status    string   `json:"status" enum:"success,error"`
	Data      any      `json:"data,omitempty"`
	ErrorType string   `json:"errorType,omitempty"`
	Error     string   `json:"error,omitempty"`
	Warnings  []string `json:"warnings,omitempty"`
	Infos     []string `json:"infos,omitempty"`
}

// Engine evaluates questions. It is safe for concurrent use.
type Engine struct {
	engine *promql.Engine
	parser parser.Parser
}

// New makes an engine.
func New() *Engine {
	p := parser.NewParser(parser.Options{})
	return &Engine{parser: p, engine: promql.NewEngine(promql.EngineOpts{
		MaxSamples: maxSamples, Timeout: 50 * time.Second, LookbackDelta: lookback, EnableAtModifier: true,
		EnableNegativeOffset: true, Parser: p,
		NoStepSubqueryIntervalFn: func(int64) int64 { return time.Minute.Milliseconds() },
	})}
}

// badError is a parameter that cannot be read.
type badError struct{ error }

func bad(name, value, format string, args ...any) error {
	return badError{fmt.Errorf("%s %q: %s", name, value, fmt.Sprintf(format, args...))}
}

// Query answers /query: an expression at one instant.
func (e *Engine) Query(ctx context.Context, s Source, form url.Values, now time.Time) (int, Answer) {
	at, err := instant("time", form.Get("time"), now)
	if err != nil {
		return failed(err)
	}
	q, err := e.engine.NewInstantQuery(ctx, &queryable{source: s}, nil, form.Get("query"), at)
	if err != nil {
		return failed(badError{err})
	}
	return run(ctx, q, form)
}

// QueryRange answers /query_range: an expression at many instants.
func (e *Engine) QueryRange(ctx context.Context, s Source, form url.Values) (int, Answer) {
	from, err1 := instant("start", form.Get("start"), time.Time{})
	to, err2 := instant("end", form.Get("end"), time.Time{})
	step, err3 := span("step", form.Get("step"))
	if err := errors.Join(err1, err2, err3); err != nil {
		return failed(badError{err})
	}
	switch {
	case to.Before(from):
		return failed(bad("end", form.Get("end"), "is before start"))
	case to.Sub(from)/step > maxSteps:
		return failed(bad("step", form.Get("step"), "gives more than %d points", maxSteps))
	}
	q, err := e.engine.NewRangeQuery(ctx, &queryable{source: s}, nil, form.Get("query"), from, to, step)
	if err != nil {
		return failed(badError{err})
	}
	return run(ctx, q, form)
}

func run(ctx context.Context, q promql.Query, form url.Values) (int, Answer) {
	defer q.Close()
	if text := form.Get("timeout"); text != "" {
		d, err := span("timeout", text)
		if err != nil {
			return failed(err)
		}
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, d)
		defer cancel()
	}
	r := q.Exec(ctx)
	if r.Err != nil {
		return failed(r.Err)
	}
	warnings, infos := r.Warnings.AsStrings(form.Get("query"), 10, 10)
	return http.StatusOK, Answer{
		Status: "success", Warnings: warnings, Infos: infos,
		Data: map[string]any{"resultType": r.Value.Type(), "result": r.Value},
	}
}

// Labels answers /labels: the names there are.
func (e *Engine) Labels(ctx context.Context, s Source, form url.Values) (int, Answer) {
	return e.gather(s, form, func(q storage.Querier, ms []*labels.Matcher) ([]string, error) {
		found, _, err := q.LabelNames(ctx, nil, ms...)
		return found, err
	})
}

// LabelValues answers /label/<name>/values.
func (e *Engine) LabelValues(ctx context.Context, s Source, name string, form url.Values) (int, Answer) {
	return e.gather(s, form, func(q storage.Querier, ms []*labels.Matcher) ([]string, error) {
		found, _, err := q.LabelValues(ctx, name, nil, ms...)
		return found, err
	})
}

// gather is what any of the selectors finds, each once.
func (e *Engine) gather(s Source, form url.Values, ask func(storage.Querier, []*labels.Matcher) ([]string, error)) (int, Answer) {
	sets, err := e.selectors(form)
	if err != nil {
		return failed(err)
	}
	if len(sets) == 0 {
		sets = append(sets, nil)
	}
	seen := map[string]bool{}
	for _, ms := range sets {
		found, err := ask(&querier{queryable: &queryable{source: s}}, ms)
		if err != nil {
			return failed(err)
		}
		for _, f := range found {
			seen[f] = true
		}
	}
	return http.StatusOK, Answer{Status: "success", Data: limited(sorted(seen), form)}
}

// Series answers /series: the tags that match any of the selectors.
func (e *Engine) Series(s Source, form url.Values) (int, Answer) {
	sets, err := e.selectors(form)
	if err != nil {
		return failed(err)
	}
	if len(sets) == 0 {
		return failed(bad("match[]", "", "at least one selector is wanted"))
	}
	seen, out := map[string]bool{}, []labels.Labels{}
	for _, ms := range sets {
		q := &queryable{source: s}
		err := q.each(ms, func(l labels.Labels) {
			if key := l.String(); !seen[key] {
				seen[key] = true
				out = append(out, l)
			}
		})
		if err != nil {
			return failed(err)
		}
	}
	return http.StatusOK, Answer{Status: "success", Data: limited(out, form)}
}

func (e *Engine) selectors(form url.Values) ([][]*labels.Matcher, error) {
	sets, err := e.parser.ParseMetricSelectors(form["match[]"])
	if err != nil {
		return nil, badError{err}
	}
	return sets, nil
}

// limited is the beginning of all, as long as was asked for.
func limited[T any](all []T, form url.Values) []T {
	if n, err := strconv.Atoi(form.Get("limit")); err == nil && n > 0 && n < len(all) {
		return all[:n]
	}
	return all
}

// failed is an error in Prometheus's words.
func failed(err error) (int, Answer) {
	status, kind := http.StatusUnprocessableEntity, "execution"
	if _, ok := errors.AsType[badError](err); ok {
		status, kind = http.StatusBadRequest, "bad_data"
	} else if _, ok := errors.AsType[promql.ErrQueryTimeout](err); ok {
		status, kind = http.StatusServiceUnavailable, "timeout"
	} else if _, ok := errors.AsType[promql.ErrQueryCanceled](err); ok {
		status, kind = http.StatusServiceUnavailable, "canceled"
	}
	return status, Answer{Status: "error", ErrorType: kind, Error: err.Error()}
}

// instant reads seconds since 1970 or RFC 3339; missing is what an empty text means, if it may be empty.
func instant(name, text string, missing time.Time) (time.Time, error) {
	if text == "" && !missing.IsZero() {
		return missing, nil
	}
	if f, err := strconv.ParseFloat(text, 64); err == nil && math.Abs(f) < 9e9 {
		whole, part := math.Modf(f)
		return time.Unix(int64(whole), int64(math.Round(part*1000))*int64(time.Millisecond)).UTC(), nil
	}
	if t, err := time.Parse(time.RFC3339Nano, text); err == nil && t.Year() > 1900 && t.Year() < 2262 {
		return t, nil
	}
	return time.Time{}, bad(name, text, "is no instant: write seconds since 1970, or 2026-03-19T11:20:00Z")
}

// span reads seconds or a duration such as 15s, at least a millisecond.
func span(name, text string) (time.Duration, error) {
	if f, err := strconv.ParseFloat(text, 64); err == nil && f >= 0.001 && f < 9e9 {
		return time.Duration(f * float64(time.Second)), nil
	}
	if d, err := model.ParseDuration(text); err == nil && time.Duration(d) >= time.Millisecond {
		return time.Duration(d), nil
	}
	return 0, bad(name, text, "is no duration: write seconds, or 15s")
}
