package export

import (
	"archive/zip"
	"fmt"
	"io"
	"time"

	"github.com/xuri/excelize/v2"

	"github.com/lineshaft/lineshaft/twin"
	"github.com/lineshaft/lineshaft/twin/fault"
)

const (
	sheetRows = excelize.TotalRows // of one sheet, its heading included; the next rows go to the next one
	maxSheets = 10
)

// xlsxWriter spools sheets to a temporary file; the workbook goes out with Close, compressed on its way.
type xlsxWriter struct {
	file    *excelize.File
	sheet   *excelize.StreamWriter
	sheets  int
	row     int // last written in the sheet
	heading int
	instant int // style of a time
}

func newXLSX(w io.Writer) (*xlsxWriter, error) {
	x := &xlsxWriter{file: excelize.NewFile()}
	// The library's own way gathers the whole workbook in memory.
	x.file.SetZipWriter(func(io.Writer) excelize.ZipWriter { return zip.NewWriter(w) })
	var err error
	format := "yyyy-mm-dd hh:mm:ss.000"
	if x.instant, err = x.file.NewStyle(&excelize.Style{CustomNumFmt: &format}); err != nil {
		return nil, err
	}
	if x.heading, err = x.file.NewStyle(&excelize.Style{Font: &excelize.Font{Bold: true}}); err != nil {
		return nil, err
	}
	return x, x.nextSheet()
}

func (x *xlsxWriter) nextSheet() error {
	if x.sheet != nil {
		if err := x.sheet.Flush(); err != nil {
			return err
		}
	}
	if x.sheets == maxSheets {
		return fault.New(fault.Invalid, "A workbook has at most %d rows here.", maxSheets*(sheetRows-1)).
			WithHint("Ask for a shorter span, an interval, or csv or parquet.")
	}
	x.sheets++
	name := "history"
	if x.sheets > 1 {
		name = fmt.Sprintf("history %d", x.sheets)
		if _, err := x.file.NewSheet(name); err != nil {
			return err
		}
	} else if err := x.file.SetSheetName("Sheet1", name); err != nil {
		return err
	}
	var err error
	if x.sheet, err = x.file.NewStreamWriter(name); err != nil {
		return err
	}
	x.row = 0
	for i, width := range []float64{24, 40, 20, 8, 8, 16, 6, 20} {
		if err := x.sheet.SetColWidth(i+1, i+1, width); err != nil {
			return err
		}
	}
	if err := x.sheet.SetPanes(&excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"}); err != nil {
		return err
	}
	var names []any
	for _, c := range columns() {
		if c == "ts" {
			c = "ts (UTC)"
		}
		names = append(names, excelize.Cell{StyleID: x.heading, Value: c})
	}
	return x.put(names)
}

func (x *xlsxWriter) put(cells []any) error {
	x.row++
	at, err := excelize.CoordinatesToCellName(1, x.row)
	if err != nil {
		return err
	}
	return x.sheet.SetRow(at, cells)
}

// Write implements Writer.
func (x *xlsxWriter) Write(rows ...Row) error {
	for i := range rows {
		if x.row == sheetRows {
			if err := x.nextSheet(); err != nil {
				return err
			}
		}
		r := &rows[i]
		cells := []any{
			excelize.Cell{StyleID: x.instant, Value: time.Unix(0, r.T).UTC()},
			Inert(r.Path), Inert(r.Tag), r.Agg, Inert(r.Unit), cellValue(r.V), int(r.Q), r.Q.String(),
		}
		if err := x.put(cells); err != nil {
			return err
		}
	}
	return nil
}

// cellValue is a number where a cell can hold it exactly, and otherwise text.
func cellValue(v twin.Value) any {
	switch v.Kind() {
	case twin.Float:
		if v.IsFinite() {
			return v.Float()
		}
	case twin.Bool:
		return v.Bool()
	case twin.Int:
		if !inexact(v) {
			return v.Int()
		}
		return v.Text()
	case twin.String:
		return Inert(v.Text())
	case twin.None:
	}
	return nil
}

// Close implements Writer.
func (x *xlsxWriter) Close() error {
	defer x.Abandon()
	if err := x.sheet.Flush(); err != nil {
		return err
	}
	return x.file.Write(io.Discard)
}

// Abandon implements Writer.
func (x *xlsxWriter) Abandon() { _ = x.file.Close() } // its temporary files are the operating system's to sweep
