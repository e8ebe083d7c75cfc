package api_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/lineshaft/lineshaft/backend/api"
	"github.com/lineshaft/lineshaft/backend/historian/export"
)

const importPath = "/api/v1/history/import"

// A file with mistakes is refused whole, and each mistake is named by line, field and value.
func TestAFileWithMistakesIsRefusedWhole(t *testing.T) {
	s := openSite(t)
	file := "ts,path,tag,unit,v,q\n" +
		"1998-05-01T08:00:00Z,acme/detroit/body-shop/P-007,flow,,1.5,192\n" +
		"1998-05-01T08:00:01Z,acme/detroit/body-shop/P-007,flow,furlong,1.5,192\n" +
		"1998-05-01T08:00:02Z,globex/berlin,flow,,1.5,192\n" +
		"1998-05-01T08:00:03Z,acme/detroit/body-shop/P-007,flaw,,1.5,192\n" +
		"2098-05-01T08:00:04Z,acme/detroit/body-shop/P-007,flow,,1.5,192\n" +
		"yesterday,acme/detroit/body-shop/P-007,flow,,1.5,192\n"
	res, body := s.call(t, "admin@acme", http.MethodPost, importPath, file, "Content-Type", "text/csv")
	var p api.Problem
	if err := json.Unmarshal(body, &p); err != nil || res.StatusCode != http.StatusUnprocessableEntity {
		t.Fatalf("%d %s", res.StatusCode, body)
	}
	var told []string
	for _, e := range p.Errors {
		told = append(told, fmt.Sprintf("%d %s %v", e.Line, e.Field, e.Value))
	}
	want := "3 unit furlong; 4 path globex/berlin; 5 tag flaw; 6 ts 2098-05-01T08:00:04Z; 7 ts yesterday"
	if got := strings.Join(told, "; "); got != want {
		t.Errorf("told %s\nwant %s", got, want)
	}
	if len(s.recorded) != 0 {
		t.Errorf("%d readings of a refused file were kept", len(s.recorded))
	}
	for _, ask := range []struct{ body, kind, says string }{
		{"", "text/csv", "empty"},
		{"ts,path,tag\n", "text/csv", "column"},
		{"PAR1 and nothing else", export.Parquet.MediaType(), "Parquet"},
		{"x", "application/json", "Content-Type"},
		{strings.Repeat("ts,path,tag,v\n1,2,3,4\n", 1000), "text/csv", "first 20"},
	} {
		res, body := s.call(t, "admin@acme", http.MethodPost, importPath, ask.body, "Content-Type", ask.kind)
		if res.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(string(body), ask.says) {
			t.Errorf("%.20q as %s: %d %.300s", ask.body, ask.kind, res.StatusCode, body)
		}
	}
}

// A dry run says what would happen, and nothing does.
func TestADryRunKeepsNothing(t *testing.T) {
	s := openSite(t)
	file := "ts,path,tag,v\n1998-05-01T08:00:00Z,acme/detroit/body-shop/P-007,flow,1.5\n"
	for _, dry := range []bool{true, false} {
		res, body := s.call(t, "admin@acme", http.MethodPost, fmt.Sprintf("%s?dry_run=%t", importPath, dry), file, "Content-Type", "text/csv")
		var done api.HistoryImported
		if err := json.Unmarshal(body, &done); err != nil || res.StatusCode != http.StatusOK || done.Readings != 1 || done.Tags != 1 || done.DryRun != dry {
			t.Errorf("%d %s", res.StatusCode, body)
		}
		if kept := len(s.recorded) > 0; kept == dry || kept != (s.settled > 0) {
			t.Errorf("dry run %t: %d kept, settled %d times", dry, len(s.recorded), s.settled)
		}
	}
}

// A plant that existed before us brings its years along, twice by mistake; they are there once, in every format, and
// a file that goes out comes in again at another plant.
func TestYearsOfHistoryMoveIn(t *testing.T) {
	b := startBackend(t)
	b.importPlants(t)
	var pumps api.AssetPage
	b.get(t, "acme", "/assets?class=centrifugal_pump&limit=1", &pumps)
	pump, tag := pumps.Items[0], ""
	for _, c := range pump.Tags {
		if c.Type == "float64" {
			tag = c.Name
			break
		}
	}
	const n = 10_000
	start := time.Date(2016, 2, 1, 0, 0, 0, 0, time.UTC)
	var file bytes.Buffer
	file.WriteString("ts,path,tag,v,q\n")
	for i := range n {
		q := 192
		if i%100 == 0 {
			q = 16
		}
		at := start.Add(time.Duration(i) * 6 * time.Hour) // seven years
		fmt.Fprintf(&file, "%s,%s,%s,%d.25,%d\n", at.Format(time.RFC3339), pump.Path, tag, i, q)
	}
	var done api.HistoryImported
	for range 2 {
		b.want(t, "acme", "POST", importPath, "text/csv", file.Bytes(), http.StatusOK, &done)
		if done.Readings != n || done.Tags != 1 || !done.From.Equal(start) {
			t.Errorf("%+v", done)
		}
	}
	url := "/api/v1/history?quality=all&from=2016-01-01T00:00:00Z&to=now&tag=" + url.QueryEscape(pump.Path+":"+tag)
	lines := bytes.Split(b.fetch(t, "acme", url+"&format=csv"), []byte("\n"))
	if len(lines) != n+2 || !bytes.Contains(lines[n], []byte(start.Add((n-1)*6*time.Hour).Format("2006-01-02T15:04:05.000Z"))) {
		t.Errorf("%d lines, the last reading is %s", len(lines), lines[n])
	}
	for _, f := range []export.Format{export.CSV, export.Parquet} {
		out := b.fetch(t, "acme", url+"&format="+string(f))
		b.want(t, "acme", "POST", importPath, f.MediaType(), out, http.StatusOK, &done)
		if done.Readings != n {
			t.Errorf("%s: %+v", f, done)
		}
		if again := b.fetch(t, "acme", url+"&format="+string(f)); !bytes.Equal(out, again) {
			t.Errorf("%s: what came in again is not what went out", f)
		}
		b.want(t, "globex", "POST", importPath, f.MediaType(), out, http.StatusUnprocessableEntity, nil)
	}
	var h api.History
	b.get(t, "acme", "/history?from=2016-01-01T00:00:00Z&to=now&interval=P365D&agg=count&tag="+pump.ID+":"+tag, &h)
	good := int64(0)
	for _, v := range h.Series[0].V {
		good += v.Int()
	}
	if good != n-n/100 {
		t.Errorf("%d good readings, want %d", good, n-n/100)
	}
	if late := h.Series[0].Backfilled; len(late) == 0 {
		t.Error("nothing says that these readings came late")
	}
}

// fetch reads a file.
func (b *backend) fetch(t *testing.T, tenant, path string) []byte {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.HTTP+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+b.tokens[tenant])
	res, err := b.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d %v %.300s", path, res.StatusCode, err, body)
	}
	return body
}
