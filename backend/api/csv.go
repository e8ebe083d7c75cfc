package api

import (
	"encoding/csv"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/lineshaft/lineshaft/twin"
)

// writeCSV writes one line per reading: UTC time, asset, tag, aggregate, unit, value, quality.
func writeCSV(hc huma.Context, h History) {
	hc.SetHeader("Content-Type", "text/csv; charset=utf-8")
	hc.SetHeader("Content-Disposition", `attachment; filename="history.csv"`)
	hc.SetStatus(http.StatusOK)
	w := csv.NewWriter(hc.BodyWriter())
	_ = w.Write([]string{"ts", "path", "tag", "agg", "unit", "v", "q", "quality"})
	for _, s := range h.Series {
		for i, ms := range s.TS {
			line := []string{
				time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z"), s.Path, s.Tag, s.Agg, inert(s.Unit),
				csvValue(s.V[i]), strconv.Itoa(int(s.Q[i])), s.Q[i].String(),
			}
			if w.Write(line) != nil {
				return // the reader went away
			}
		}
	}
	w.Flush()
}

func csvValue(v twin.Value) string {
	if v.Kind() == twin.String {
		return inert(v.Text())
	}
	if !v.IsFinite() {
		return ""
	}
	return v.Text()
}

// inert keeps a spreadsheet from taking a text for a formula.
func inert(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}
