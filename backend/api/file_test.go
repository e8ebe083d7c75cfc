package api_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"
	"github.com/xuri/excelize/v2"

	"github.com/lineshaft/lineshaft/backend/historian/export"
)

// A file is asked for by header or by parameter, which wins; each carries every reading, and says what it is.
func TestHistoryAsAFile(t *testing.T) {
	s := openSite(t)
	url := "/api/v1/history?tag=" + s.assets["acme"][3].ID + ":flow"
	for _, ask := range []struct {
		query, accept string
		want          export.Format
	}{
		{"", export.Parquet.MediaType(), export.Parquet},
		{"&format=parquet", "application/json", export.Parquet},
		{"&format=xlsx", "", export.XLSX},
		{"", export.XLSX.MediaType(), export.XLSX},
		{"&format=csv", "*/*", export.CSV},
		{"&format=json", "text/csv", ""},
		{"", "*/*", ""},
	} {
		res, body := s.call(t, "viewer@acme", http.MethodGet, url+ask.query, "", "Accept", ask.accept)
		kind, _, _ := strings.Cut(res.Header.Get("Content-Type"), ";")
		if want := ask.want.MediaType(); res.StatusCode != http.StatusOK || ask.want != "" && kind != want || ask.want == "" && kind != "application/json" {
			t.Errorf("%+v: %d %s", ask, res.StatusCode, kind)
			continue
		}
		rows := 2
		switch ask.want {
		case export.Parquet:
			f, err := parquet.OpenFile(bytes.NewReader(body), int64(len(body)))
			if err != nil {
				t.Fatal(err)
			}
			rows = int(f.NumRows())
		case export.XLSX:
			book, err := excelize.OpenReader(bytes.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			lines, err := book.GetRows("history")
			if err != nil {
				t.Fatal(err)
			}
			rows = len(lines) - 1
		case export.CSV:
			rows = bytes.Count(body, []byte("\n")) - 1
		}
		if rows != 2 {
			t.Errorf("%+v: %d rows", ask, rows)
		}
		if most := s.asked.MaxPoints; (ask.want == "") != (most == 1200) {
			t.Errorf("%+v was thinned to %d", ask, most)
		}
	}
}

// Nothing is filled in unless it was asked for.
func TestFillIsAskedFor(t *testing.T) {
	s := openSite(t)
	url := "/api/v1/history?tag=" + s.assets["acme"][3].ID + ":flow"
	if res, body := s.call(t, "viewer@acme", http.MethodGet, url+"&fill=linear", ""); res.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(string(body), "interval") {
		t.Errorf("readings were filled: %d %s", res.StatusCode, body)
	}
	for _, fill := range []string{"", "null", "previous", "linear"} {
		query := "&interval=PT1M"
		if fill != "" {
			query += "&fill=" + fill
		}
		if res, body := s.call(t, "viewer@acme", http.MethodGet, url+query, ""); res.StatusCode != http.StatusOK || s.asked.Fill != fill {
			t.Errorf("%q: %d %s", fill, res.StatusCode, body)
		}
	}
	if res, _ := s.call(t, "viewer@acme", http.MethodGet, url+"&interval=PT1M&fill=guess", ""); res.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("a guess: %d", res.StatusCode)
	}
}
