package api_test

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	prometheus "github.com/prometheus/client_golang/api"
	promv1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"

	"github.com/lineshaft/lineshaft/backend/api"
)

// bearer is how Grafana logs in.
type bearer struct {
	token string
	next  http.RoundTripper
}

func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+b.token)
	return b.next.RoundTrip(r)
}

// client is Prometheus's own.
func (b *backend) prometheus(t *testing.T, token string) promv1.API {
	t.Helper()
	c, err := prometheus.NewClient(prometheus.Config{Address: b.HTTP + "/prom", RoundTripper: bearer{token, b.client.Transport}})
	if err != nil {
		t.Fatal(err)
	}
	return promv1.NewAPI(c)
}

// An hour of two pumps, asked for as Grafana does, with Prometheus's own client: bad readings are not in it, and
// another tenant's are not there.
func TestGrafanaReadsHistory(t *testing.T) {
	b := startBackend(t)
	b.importPlants(t)
	var pumps api.AssetPage
	b.get(t, "acme", "/assets?class=centrifugal_pump&limit=2", &pumps)
	tag := numberTag(pumps.Items[0])
	start := time.Date(2026, 3, 19, 11, 0, 0, 0, time.UTC)
	end := start.Add(time.Hour)
	var file bytes.Buffer
	file.WriteString("ts,path,tag,v,q\n")
	for i, pump := range pumps.Items {
		for s := range 360 {
			q, v := 192, 10*(i+1)
			if s%10 == 9 {
				q, v = 16, 9999 // a broken sensor
			}
			fmt.Fprintf(&file, "%s,%s,%s,%d,%d\n", start.Add(time.Duration(s)*10*time.Second).Format(time.RFC3339), pump.Path, tag, v, q)
		}
	}
	b.want(t, "acme", "POST", importPath, "text/csv", file.Bytes(), http.StatusOK, nil)
	p := b.prometheus(t, b.tokens["acme"])
	ctx := t.Context()

	expr := fmt.Sprintf(`sum(avg_over_time(lineshaft_tag{class="centrifugal_pump",tag=%q}[10m]))`, tag)
	matrix, _, _, err := p.QueryRange(ctx, expr, promv1.Range{Start: start.Add(10 * time.Minute), End: end, Step: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	m, _ := matrix.(model.Matrix)
	if len(m) != 1 || len(m[0].Values) != 51 || m[0].Values[0].Value != 30 || m[0].Values[50].Value != 30 {
		t.Errorf("range: %v", matrix)
	}
	_, below, _ := strings.Cut(pumps.Items[1].Path, "/")
	one := fmt.Sprintf(`lineshaft_tag{asset=%q,tag=%q}`, below, tag)
	vector, _, _, err := p.Query(ctx, one, end)
	if err != nil {
		t.Fatal(err)
	}
	if v, _ := vector.(model.Vector); len(v) != 1 || v[0].Value != 20 || v[0].Metric["site"] == "" || v[0].Metric["name"] != model.LabelValue(pumps.Items[1].Name) {
		t.Errorf("instant: %v", vector)
	}
	names, _, _, err := p.LabelNames(ctx, nil, start, end)
	if err != nil || fmt.Sprint(names) != "__name__, area, asset, class, name, site, tag, unit" {
		t.Errorf("labels %v %v", names, err)
	}
	classes, _, _, err := p.LabelValues(ctx, "class", []string{one}, start, end)
	if err != nil || len(classes) != 1 || classes[0] != "centrifugal_pump" {
		t.Errorf("classes %v %v", classes, err)
	}
	metrics, _, _, err := p.LabelValues(ctx, "__name__", nil, start, end)
	if err != nil || len(metrics) != 1 || metrics[0] != "lineshaft_tag" {
		t.Errorf("metrics %v %v", metrics, err)
	}
	series, _, _, err := p.Series(ctx, []string{one, one}, start, end)
	if err != nil || len(series) != 1 || series[0]["tag"] != model.LabelValue(tag) {
		t.Errorf("series %v %v", series, err)
	}

	other := b.prometheus(t, b.tokens["globex"])
	if v, _, _, err := other.Query(ctx, fmt.Sprintf(`lineshaft_tag{tag=%q,asset=%q}`, tag, below), end); err != nil || len(v.(model.Vector)) != 0 {
		t.Errorf("another tenant reads %v %v", v, err)
	}
	if _, _, _, err := b.prometheus(t, "stranger").Query(ctx, one, end); err == nil {
		t.Error("a stranger reads")
	}
	for _, wrong := range []string{"lineshaft_tag{", "rate(", ""} {
		_, _, _, err := p.Query(ctx, wrong, end)
		if e, ok := err.(*promv1.Error); !ok || e.Type != promv1.ErrBadData { //nolint:errorlint // the client returns it bare
			t.Errorf("%q: %v", wrong, err)
		}
	}
	if _, _, _, err := p.QueryRange(ctx, one, promv1.Range{Start: start, End: end.AddDate(9, 0, 0), Step: time.Second}); err == nil {
		t.Error("millions of points were promised")
	}
}

// numberTag is a tag of the asset that has numbers.
func numberTag(a api.Asset) string {
	for _, c := range a.Tags {
		if c.Type == "float64" {
			return c.Name
		}
	}
	return ""
}
