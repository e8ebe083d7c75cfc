package api

import (
	"context"
	"encoding/json"
	"math"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/lineshaft/lineshaft/backend/api/prom"
	"github.com/lineshaft/lineshaft/twin"
	"github.com/lineshaft/lineshaft/twin/fault"
)

// promBase is where Grafana's Prometheus source looks.
const promBase = "/prom"

const maxForm = 1 << 20 // bytes

// PromForm is a question in Prometheus's own shape: a form in the query, or in the body.
type PromForm struct {
	Query    string   `query:"query"`
	Time     string   `query:"time"`
	Start    string   `query:"start"`
	End      string   `query:"end"`
	Step     string   `query:"step"`
	Timeout  string   `query:"timeout"`
	Limit    string   `query:"limit"`
	Stats    string   `query:"stats"`
	Lookback string   `query:"lookback_delta"`
	Match    []string `query:"match[],explode"`

	request *http.Request
	answer  http.ResponseWriter
}

// Resolve implements huma.Resolver: the form is read by the handler, once it is known who asks.
func (in *PromForm) Resolve(hc huma.Context) []error {
	in.request, in.answer = humago.Unwrap(hc)
	return nil
}

func (in *PromForm) form() (url.Values, error) {
	in.request.Body = http.MaxBytesReader(in.answer, in.request.Body, maxForm)
	if err := in.request.ParseForm(); err != nil {
		return nil, fault.New(fault.Invalid, "The form cannot be read.")
	}
	return in.request.Form, nil
}

type promLabelIn struct {
	PromForm

	Name string `path:"name"`
}

func (p *plant) promQuery(ctx context.Context, in *PromForm) (*rawOut, error) {
	return p.prom(in, func(s prom.Source, form url.Values) (int, prom.Answer) {
		return p.api.prom.Query(ctx, s, form, p.now())
	})
}

func (p *plant) promRange(ctx context.Context, in *PromForm) (*rawOut, error) {
	return p.prom(in, func(s prom.Source, form url.Values) (int, prom.Answer) {
		return p.api.prom.QueryRange(ctx, s, form)
	})
}

func (p *plant) promLabels(ctx context.Context, in *PromForm) (*rawOut, error) {
	return p.prom(in, func(s prom.Source, form url.Values) (int, prom.Answer) {
		return p.api.prom.Labels(ctx, s, form)
	})
}

func (p *plant) promLabelValues(ctx context.Context, in *promLabelIn) (*rawOut, error) {
	return p.prom(&in.PromForm, func(s prom.Source, form url.Values) (int, prom.Answer) {
		return p.api.prom.LabelValues(ctx, s, in.Name, form)
	})
}

func (p *plant) promSeries(_ context.Context, in *PromForm) (*rawOut, error) {
	return p.prom(in, p.api.prom.Series)
}

// prom asks and answers as Prometheus does.
func (p *plant) prom(in *PromForm, ask func(prom.Source, url.Values) (int, prom.Answer)) (*rawOut, error) {
	form, err := in.form()
	if err != nil {
		return nil, err
	}
	status, answer := ask(&promSource{plant: p}, form)
	body, err := json.Marshal(answer)
	if err != nil {
		return nil, err
	}
	return &rawOut{Body: func(hc huma.Context) {
		hc.SetHeader("Content-Type", "application/json")
		hc.SetStatus(status)
		_, _ = hc.BodyWriter().Write(body)
	}}, nil
}

// promSource is the history one caller may see, for one question.
type promSource struct {
	*plant

	refs []TagRef
}

// Tags implements prom.Source. Texts have no place in Prometheus.
func (s *promSource) Tags(take func(prom.Tag) bool) error {
	levels := map[string]twin.Level{} // by path; parents come with the others
	var assets []twin.Asset
	for after := ""; ; {
		page, next, _, err := s.ports.Twins.Assets(s.tenant(), AssetFilter{After: after, Limit: maxLimit})
		if err != nil {
			return err
		}
		for _, a := range page {
			levels[a.Path] = a.Level
			if s.grant.Covers(a.Path) {
				assets = append(assets, a)
			}
		}
		if after = next; next == "" {
			break
		}
	}
	for _, a := range assets {
		t := place(a, levels)
		for _, tag := range a.Tags {
			if tag.Kind() == twin.String {
				continue
			}
			t.Tag, t.Unit, t.Ref = tag.Name, tag.Unit, len(s.refs)
			s.refs = append(s.refs, TagRef{Asset: a, Tag: tag})
			if !take(t) {
				return nil
			}
		}
	}
	return nil
}

// place says where an asset stands, without its tenant.
func place(a twin.Asset, levels map[string]twin.Level) prom.Tag {
	t := prom.Tag{Name: a.Name(), Class: a.Class, Asset: a.Path}
	for i, c := range a.Path + "/" {
		if c != '/' {
			continue
		}
		name := a.Path[strings.LastIndexByte(a.Path[:i], '/')+1 : i]
		switch levels[a.Path[:i]] {
		case twin.Site:
			t.Site = name
		case twin.Area:
			t.Area = name
		default: // the others have no label of their own
		}
	}
	if _, below, ok := strings.Cut(a.Path, "/"); ok {
		t.Asset = below
	}
	return t
}

// Read implements prom.Source.
func (s *promSource) Read(ctx context.Context, ref int, from, to time.Time, take func(ts []int64, vs []float64) error) error {
	earliest := time.Unix(0, 0)
	if from.Before(earliest) {
		from = earliest
	}
	if !from.Before(to) {
		return nil
	}
	q := HistoryQuery{Tags: []TagRef{s.refs[ref]}, From: from, To: to}
	var ts []int64
	var vs []float64
	for rows, err := range s.pages(ctx, q) {
		if err != nil {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		ts, vs = ts[:0], vs[:0]
		for i := range rows {
			if f := rows[i].V.Float(); !math.IsNaN(f) && rows[i].Q.IsGood() {
				ts, vs = append(ts, rows[i].T), append(vs, f)
			}
		}
		if err := take(ts, vs); err != nil {
			return err
		}
	}
	return nil
}
