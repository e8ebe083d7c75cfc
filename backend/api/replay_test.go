package api_test

import (
	"net/http"
	"strings"
	"testing"
)

// Dead letters are let in by who may, and never all of them by accident.
func TestAReplaySaysWhich(t *testing.T) {
	s := openSite(t)
	for body, want := range map[string]int{
		`{}`:                                 http.StatusUnprocessableEntity,
		`{"dry_run":true}`:                   http.StatusUnprocessableEntity,
		`{"reason":"schema","limit":100000}`: http.StatusUnprocessableEntity,
		`{"reason":"schema","dry_run":true}`: http.StatusOK,
		`{"ids":["l1"]}`:                     http.StatusOK,
	} {
		res, got := s.call(t, "admin@acme", http.MethodPost, "/api/v1/deadletters/replay", body)
		if res.StatusCode != want {
			t.Errorf("%s: %d %s", body, res.StatusCode, got)
		}
		if strings.Contains(body, "dry_run") && want == http.StatusOK && !strings.Contains(string(got), `"replayed":0`) {
			t.Errorf("%s: %s", body, got)
		}
	}
	if res, body := s.call(t, "admin@acme", http.MethodGet, "/api/v1/deadletters/none/preview", ""); res.StatusCode != http.StatusNotFound {
		t.Errorf("a letter that is none: %d %s", res.StatusCode, body)
	}
}

// The report of a month is a table for a spreadsheet, too.
func TestTheGapReportAsCSV(t *testing.T) {
	s := openSite(t)
	month := now.Format("2006-01")
	res, body := s.call(t, "admin@acme", http.MethodGet, "/api/v1/gaps/report?month="+month, "", "Accept", "text/csv")
	want := "month,site,cause,gaps,messages,missing,gone,healed,healed_late,healed_resend,healed_replay\n" + month + ",detroit,offline,1,5,5,0,0,0,0,0\n"
	if string(body) != want || !strings.HasPrefix(res.Header.Get("Content-Type"), "text/csv") {
		t.Errorf("%s %s", res.Header.Get("Content-Type"), body)
	}
	for _, month := range []string{"2026-13", "march", ""} {
		if res, body := s.call(t, "admin@acme", http.MethodGet, "/api/v1/gaps/report?month="+month, ""); res.StatusCode/100 != 4 {
			t.Errorf("%q: %d %s", month, res.StatusCode, body)
		}
	}
}
