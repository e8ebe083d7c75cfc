package export

import (
	"fmt"
	"io"
	"iter"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/lineshaft/lineshaft/twin"
	"github.com/lineshaft/lineshaft/twin/fault"
)

// Entry is a row read from a file, before anybody knows what its tag is.
type Entry struct {
	Line int64 // of a CSV file; in a Parquet file the number of the row. Both count from 1
	T    int64 // ns UTC
	Path string
	Tag  string
	Unit string // empty if the file does not say
	Q    twin.Quality

	raw   twin.Value
	plain bool // raw is the text of a CSV field
}

// LineError is what is wrong with a line of a file; the lines after it can be read.
type LineError struct {
	Line    int64
	Field   string
	Value   string
	Message string
}

// Error implements error.
func (e *LineError) Error() string {
	return fmt.Sprintf("line %d: %s %q %s", e.Line, e.Field, e.Value, e.Message)
}

// Wrong is an error about a field of the entry.
func (e *Entry) Wrong(field, value, format string, args ...any) *LineError {
	return &LineError{Line: e.Line, Field: field, Value: short(value), Message: fmt.Sprintf(format, args...)}
}

// Read gives the rows of a CSV or Parquet file one after the other. An error that is a *LineError is about one line
// and the rows after it follow; any other ends the file.
func Read(f Format, file io.ReaderAt, size int64) iter.Seq2[Entry, error] {
	switch f {
	case CSV:
		return readCSV(io.NewSectionReader(file, 0, size))
	case Parquet:
		return readParquet(file, size)
	case XLSX:
	}
	return func(yield func(Entry, error) bool) {
		yield(Entry{}, fault.Field("format", f, "cannot be read").WithHint("Send text/csv or application/vnd.apache.parquet."))
	}
}

// required are the columns a file cannot be without; agg, unit, q, quality, type and text may be missing, and others
// are passed over.
func required() []string { return []string{"ts", "path", "tag", "v"} }

func missing(have func(string) bool) error {
	for _, name := range required() {
		if !have(name) {
			return fault.Field("column", name, "is missing").
				WithHint("The columns are %s, separated by commas; agg, unit, q and quality may be left out.", strings.Join(columns(), ", "))
		}
	}
	return nil
}

// Value is the entry's value for a tag of kind k.
func (e *Entry) Value(k twin.Kind) (twin.Value, error) {
	text := e.raw.Text()
	if e.raw.Kind() == twin.None || e.plain && text == "" || math.IsNaN(e.raw.Float()) && e.raw.Kind() == twin.Float {
		switch {
		case !e.Q.IsGood():
			return twin.Value{}, nil
		case e.plain && k == twin.String:
			return twin.StringValue(""), nil
		}
		return twin.Value{}, e.Wrong("v", "", "is empty: a reading of good quality has a value")
	}
	if k == twin.String && e.plain {
		return twin.StringValue(Plain(text)), nil
	}
	v := e.raw
	if v.Kind() == twin.String && k != twin.String {
		var ok bool
		if v, ok = parse(text, k); !ok {
			return v, e.Wrong("v", text, "is no %s", k)
		}
	}
	if f := v.Float(); v.Kind() == twin.Float && k == twin.Bool && (f == 0 || f == 1) {
		v = twin.BoolValue(f == 1)
	}
	v, err := v.As(k)
	if err != nil || !v.IsFinite() {
		return v, e.Wrong("v", text, "is no %s", k)
	}
	return v, nil
}

func parse(s string, k twin.Kind) (twin.Value, bool) {
	switch k {
	case twin.Float:
		f, err := strconv.ParseFloat(s, 64)
		return twin.FloatValue(f), err == nil
	case twin.Int:
		i, err := strconv.ParseInt(s, 10, 64)
		return twin.IntValue(i), err == nil
	case twin.Bool:
		b, err := strconv.ParseBool(s)
		return twin.BoolValue(b), err == nil
	case twin.None, twin.String:
	}
	return twin.Value{}, false
}

// parseInstant reads RFC 3339 with a zone, as far as nanoseconds since 1970 can hold it.
func parseInstant(s string) (int64, bool) {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil || t.Year() < 1970 || t.Year() > 2261 {
		return 0, false
	}
	return t.UnixNano(), true
}

const noInstant = "is no instant with a zone from 1970 on, such as 2026-03-19T11:20:00.000Z"

func parseQuality(s string) (twin.Quality, bool) {
	if s == "" {
		return twin.Good, true
	}
	n, err := strconv.ParseUint(s, 10, 8)
	return twin.Quality(n), err == nil
}

const (
	noQuality = "is no quality from 0 to 255"
	noImport  = "is an aggregate: only readings can be imported"
)

func short(s string) string {
	if len(s) > 100 {
		s = s[:100] + "…"
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}
