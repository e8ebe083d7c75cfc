// Package export is history as a file: one row per reading, the same rows as CSV, Parquet and XLSX, and read back from
// the first two.
package export

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/lineshaft/lineshaft/twin"
)

// Row is one reading of a tag, or one aggregate of an interval.
type Row struct {
	T    int64  // ns UTC
	Path string // of the asset
	Tag  string
	Agg  string // empty for readings
	Unit string
	V    twin.Value
	Q    twin.Quality
}

// columns are the names of the columns all formats have.
func columns() []string { return []string{"ts", "path", "tag", "agg", "unit", "v", "q", "quality"} }

// Writer takes rows one after the other and holds few of them in memory. Nothing may follow a failed Write; Close
// writes what is left and must be called once, Abandon instead of it where the file is not wanted any more.
type Writer interface {
	Write(rows ...Row) error
	Close() error
	Abandon()
}

// Format is a kind of file.
type Format string

// The formats.
const (
	CSV     Format = "csv"
	Parquet Format = "parquet"
	XLSX    Format = "xlsx"
)

// Formats returns them all.
func Formats() []Format { return []Format{CSV, Parquet, XLSX} }

// MediaType is what the format is called in HTTP.
func (f Format) MediaType() string {
	switch f {
	case Parquet:
		return "application/vnd.apache.parquet"
	case XLSX:
		return "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
	case CSV:
	}
	return "text/csv"
}

// FormatOf finds the format a media type or an Accept header names first; false if it names none.
func FormatOf(header string) (Format, bool) {
	for part := range strings.SplitSeq(header, ",") {
		name, _, _ := strings.Cut(part, ";")
		for _, f := range Formats() {
			if strings.EqualFold(strings.TrimSpace(name), f.MediaType()) {
				return f, true
			}
		}
	}
	return "", false
}

// New begins a file of the format.
func New(f Format, w io.Writer) (Writer, error) {
	switch f {
	case CSV:
		return newCSV(w), nil
	case Parquet:
		return newParquet(w), nil
	case XLSX:
		return newXLSX(w)
	}
	return nil, fmt.Errorf("format %q: use csv, parquet or xlsx", f)
}

// instant writes t in UTC with milliseconds, or as many digits as it takes to be exact.
func instant(t int64) string {
	at := time.Unix(0, t).UTC()
	if t%int64(time.Millisecond) == 0 {
		return at.Format("2006-01-02T15:04:05.000Z")
	}
	return at.Format(time.RFC3339Nano)
}

// formula are the characters a spreadsheet takes for the beginning of a formula.
const formula = "=+-@\t\r"

// Inert keeps a spreadsheet from taking a text for a formula: it gets a leading '. So does one that has it already,
// which makes Plain exact.
func Inert(s string) string {
	if dangerous(s) {
		return "'" + s
	}
	return s
}

// Plain takes back what Inert did.
func Plain(s string) string {
	if rest, ok := strings.CutPrefix(s, "'"); ok && dangerous(rest) {
		return rest
	}
	return s
}

func dangerous(s string) bool {
	rest := strings.TrimLeft(s, "'")
	return rest != "" && strings.IndexByte(formula, rest[0]) >= 0
}

// valueText is a value as text: exact, and empty where there is none.
func valueText(v twin.Value) string {
	if v.Kind() == twin.String {
		return Inert(v.Text())
	}
	if !v.IsFinite() {
		return ""
	}
	return v.Text()
}
