package export_test

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"
	"github.com/xuri/excelize/v2"

	"github.com/lineshaft/lineshaft/backend/historian/export"
	"github.com/lineshaft/lineshaft/twin"
)

// evil are rows of every kind: numbers of all sorts, no value, and texts that a spreadsheet would run.
func evil() []export.Row {
	t := time.Date(2026, 3, 19, 11, 20, 0, 0, time.UTC).UnixNano()
	values := []twin.Value{
		twin.FloatValue(72.4), twin.FloatValue(-0.1), twin.FloatValue(1e-300), twin.IntValue(-7), twin.IntValue(math.MaxInt64),
		twin.BoolValue(true), twin.BoolValue(false),
		{},
		twin.StringValue("running"), twin.StringValue("=cmd|' /C calc'!A0"),
		twin.StringValue("+1"), twin.StringValue("-1"), twin.StringValue("@SUM(1)"), twin.StringValue("\t=1"),
		twin.StringValue("'=1"), twin.StringValue("''"), twin.StringValue("a,\"b\"\nc"), twin.StringValue("Druck ≥ 5 bar"),
	}
	rows := make([]export.Row, len(values))
	for i, v := range values {
		rows[i] = export.Row{
			T: t + int64(i)*int64(250*time.Millisecond), Path: "acme/detroit/P-007", Tag: "flow", Unit: "=m³/h", V: v, Q: twin.Good,
		}
		if v.Kind() == twin.None {
			rows[i].Q = twin.SensorFailure
		}
	}
	rows[0].Agg = "avg"
	return rows
}

func write(t *testing.T, f export.Format, rows []export.Row) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := export.New(f, &b)
	if err != nil {
		t.Fatal(err)
	}
	for len(rows) > 0 {
		n := min(7, len(rows))
		if err := w.Write(rows[:n]...); err != nil {
			t.Fatal(err)
		}
		rows = rows[n:]
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// cells are rows as another program reads them: ts, path, tag, agg, unit, v, q, quality as text.
func cells(t *testing.T, f export.Format, file []byte) [][]string {
	t.Helper()
	switch f {
	case export.CSV:
		lines, err := csv.NewReader(bytes.NewReader(file)).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		return lines[1:]
	case export.Parquet:
		return parquetCells(t, file)
	case export.XLSX:
		return xlsxCells(t, file)
	}
	return nil
}

func parquetCells(t *testing.T, file []byte) [][]string {
	t.Helper()
	type row struct {
		TS      time.Time `parquet:"ts,timestamp(nanosecond)"`
		Path    string    `parquet:"path"`
		Tag     string    `parquet:"tag"`
		Agg     string    `parquet:"agg"`
		Unit    string    `parquet:"unit"`
		V       *float64  `parquet:"v,optional"`
		Q       int32     `parquet:"q"`
		Quality string    `parquet:"quality"`
		Type    string    `parquet:"type"`
		Text    *string   `parquet:"text,optional"`
	}
	rows, err := parquet.Read[row](bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	out := make([][]string, len(rows))
	for i, r := range rows {
		v := ""
		switch {
		case r.Type == "string":
			v = export.Inert(*r.Text)
		case r.Text != nil:
			v = *r.Text
		case r.Type == "bool":
			v = strconv.FormatBool(*r.V != 0)
		case r.V != nil:
			v = strconv.FormatFloat(*r.V, 'g', -1, 64)
		}
		out[i] = []string{
			r.TS.UTC().Format("2006-01-02T15:04:05.000Z"), r.Path, r.Tag, r.Agg, export.Inert(r.Unit), v,
			strconv.Itoa(int(r.Q)), r.Quality,
		}
	}
	return out
}

func xlsxCells(t *testing.T, file []byte) [][]string {
	t.Helper()
	book, err := excelize.OpenReader(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = book.Close() }()
	var out [][]string
	for _, sheet := range book.GetSheetList() {
		rows, err := book.GetRows(sheet, excelize.Options{RawCellValue: true})
		if err != nil {
			t.Fatal(err)
		}
		for i, r := range rows[1:] {
			for c := range r {
				at, err := excelize.CoordinatesToCellName(c+1, i+2)
				if err != nil {
					t.Fatal(err)
				}
				if formula, err := book.GetCellFormula(sheet, at); err != nil || formula != "" {
					t.Errorf("%s is the formula %q (%v)", at, formula, err)
				}
				if kind, _ := book.GetCellType(sheet, at); c == 5 && kind == excelize.CellTypeBool {
					r[c] = strconv.FormatBool(r[c] == "1" || strings.EqualFold(r[c], "true"))
				}
			}
			if number, err := strconv.ParseFloat(r[5], 64); err == nil && strings.Contains(r[5], ".") {
				r[5] = strconv.FormatFloat(number, 'g', -1, 64) // the library writes no exponents
			}
			serial, err := strconv.ParseFloat(r[0], 64)
			if err != nil {
				t.Fatal(err)
			}
			day := time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC) // the library's own way back rounds to seconds
			at := day.AddDate(0, 0, int(serial)).Add(time.Duration(math.Mod(serial, 1) * float64(24*time.Hour)))
			r[0] = at.Round(time.Millisecond).Format("2006-01-02T15:04:05.000Z")
			out = append(out, r)
		}
	}
	return out
}

// Whatever the format, a reader with another program finds the same rows, and nothing in them runs.
func TestTheSameRowsInEveryFormat(t *testing.T) {
	rows := evil()
	want := make([][]string, len(rows))
	for i, r := range rows {
		v := r.V.Text()
		if r.V.Kind() == twin.String {
			v = export.Inert(v)
		}
		want[i] = []string{
			time.Unix(0, r.T).UTC().Format("2006-01-02T15:04:05.000Z"), r.Path, r.Tag, r.Agg, "'=m³/h", v,
			strconv.Itoa(int(r.Q)), r.Q.String(),
		}
	}
	for _, f := range export.Formats() {
		if diff := cmp.Diff(want, cells(t, f, write(t, f, rows))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", f, diff)
		}
	}
}

// A text comes back as it was, though no spreadsheet takes it for a formula meanwhile.
func FuzzInert(f *testing.F) {
	for _, r := range evil() {
		f.Add(r.V.Text())
	}
	f.Fuzz(func(t *testing.T, s string) {
		inert := export.Inert(s)
		if inert != "" && strings.ContainsRune("=+-@\t\r", rune(inert[0])) {
			t.Errorf("%q runs", inert)
		}
		if got := export.Plain(inert); got != s {
			t.Errorf("%q came back as %q", s, got)
		}
	})
}

func TestAFormatIsFoundByItsName(t *testing.T) {
	for header, want := range map[string]export.Format{
		"text/csv": export.CSV, "application/vnd.apache.parquet;q=0.9, text/csv": export.Parquet,
		"application/json, */*": "", "Text/CSV; charset=utf-8": export.CSV, "": "",
		"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": export.XLSX,
	} {
		if got, ok := export.FormatOf(header); got != want || ok != (want != "") {
			t.Errorf("%q is %q", header, got)
		}
	}
	if _, err := export.New("pdf", io.Discard); err == nil {
		t.Error("a pdf was begun")
	}
}

// A long file is written with what it takes for one row group, however long it is.
func TestALongFileNeedsLittleMemory(t *testing.T) {
	const n = 400_000
	rows := make([]export.Row, 20_000)
	for _, f := range []export.Format{export.CSV, export.Parquet} {
		var b counter
		w, err := export.New(f, &b)
		if err != nil {
			t.Fatal(err)
		}
		early := int64(0)
		for i := 0; i < n; i += len(rows) {
			for j := range rows {
				k := int64(i + j)
				rows[j] = export.Row{T: k * 1e9, Path: "acme/detroit/P-007", Tag: "flow", Unit: "m³/h", V: twin.FloatValue(math.Sin(float64(k))), Q: twin.Good}
			}
			if err := w.Write(rows...); err != nil {
				t.Fatal(err)
			}
			if i < n-100_000 {
				early = b.n
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if early < b.n/2 {
			t.Errorf("%s: %d of %d bytes had left before the last quarter: it is held back", f, early, b.n)
		}
	}
}

type counter struct{ n int64 }

func (c *counter) Write(b []byte) (int, error) {
	c.n += int64(len(b))
	return len(b), nil
}

func ExampleInert() {
	fmt.Println(export.Inert("=1+1"), export.Inert("running"), export.Plain("'=1+1"))
	// Output: '=1+1 running =1+1
}
