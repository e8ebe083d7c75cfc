package export

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"strconv"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"

	"github.com/lineshaft/lineshaft/twin"
	"github.com/lineshaft/lineshaft/twin/fault"
)

// readParquet takes the columns by their names, whoever wrote them: numbers of any size, ts as an instant or as text.
func readParquet(file io.ReaderAt, size int64) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		var f *parquet.File
		var t *table
		err := guarded(func() (err error) {
			f, err = parquet.OpenFile(file, size, parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
			if err != nil {
				return notParquet(err)
			}
			t, err = tableOf(f)
			return err
		})
		if err != nil {
			yield(Entry{}, err)
			return
		}
		line := int64(0)
		for _, group := range f.RowGroups() {
			if !t.group(group, &line, yield) {
				return
			}
		}
	}
}

func notParquet(why any) error {
	return fault.New(fault.Invalid, "The file is no Parquet file, or a damaged one: %v.", why)
}

// guarded runs fn over a file: the library trusts what a file says of itself, and panics where that is wrong.
func guarded(fn func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = notParquet(v)
		}
	}()
	return fn()
}

// table knows what the columns of a file are.
type table struct {
	names []string      // by index
	tick  time.Duration // of ts; 0 where it is text
}

func tableOf(f *parquet.File) (*table, error) {
	t := &table{}
	for _, path := range f.Schema().Columns() {
		name := ""
		if len(path) == 1 {
			name = path[0]
		}
		t.names = append(t.names, name)
	}
	err := missing(func(name string) bool {
		c, ok := f.Schema().Lookup(name)
		return ok && c.Node.Leaf() && !c.Node.Repeated()
	})
	if err != nil {
		return nil, err
	}
	ts, _ := f.Schema().Lookup("ts")
	if ts.Node.Type().Kind() == parquet.ByteArray {
		return t, nil
	}
	if logical := ts.Node.Type().LogicalType(); logical != nil {
		if at, ok := logical.Value.(*format.TimestampType); ok && at.IsAdjustedToUTC && at.Unit.Value != nil {
			t.tick = at.Unit.Value.Duration()
			return t, nil
		}
	}
	return nil, fault.Field("column", "ts", "is a %s, not an instant in UTC", ts.Node.Type()).
		WithHint("Write it as TIMESTAMP(isAdjustedToUTC=true), or as text with a zone.")
}

// group reads a row group; it returns false at the end.
func (t *table) group(group parquet.RowGroup, line *int64, yield func(Entry, error) bool) (more bool) {
	var rows parquet.Rows
	if err := guarded(func() error { rows = group.Rows(); return nil }); err != nil {
		yield(Entry{}, err)
		return false
	}
	defer func() { _ = guarded(rows.Close) }()
	buf := make([]parquet.Row, 1024)
	for {
		n := 0
		err := guarded(func() (err error) { n, err = rows.ReadRows(buf); return err })
		for _, row := range buf[:n] {
			*line++
			e := Entry{Line: *line, Q: twin.Good}
			err := t.read(&e, row)
			if !yield(e, err) {
				return false
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return true
		case err != nil:
			yield(Entry{}, fault.New(fault.Invalid, "Row %d cannot be read: %v.", *line+1, err))
			return false
		case n == 0:
			yield(Entry{}, fault.New(fault.Invalid, "Row %d cannot be read.", *line+1))
			return false
		}
	}
}

// read fills an entry from a row.
func (t *table) read(e *Entry, row parquet.Row) error {
	var wrong error
	var exact twin.Value
	for _, v := range row {
		value := valueOf(v)
		text := value.Text()
		switch t.names[v.Column()] {
		case "ts":
			if !t.instant(e, value) {
				wrong = e.Wrong("ts", text, noInstant)
			}
		case "path":
			e.Path = text
		case "tag":
			e.Tag = text
		case "unit":
			e.Unit = text
		case "agg":
			if text != "" {
				wrong = e.Wrong("agg", text, noImport)
			}
		case "v":
			e.raw = value
		case "text":
			exact = value
		case "q":
			q, ok := parseQuality(text)
			if !ok {
				wrong = e.Wrong("q", text, noQuality)
			}
			e.Q = q
		}
	}
	if exact.Kind() == twin.String {
		e.raw = exact
	}
	return wrong
}

func (t *table) instant(e *Entry, v twin.Value) (ok bool) {
	if t.tick == 0 {
		e.T, ok = parseInstant(v.Text())
		return ok
	}
	n := v.Int()
	if v.Kind() != twin.Int || n < 0 || n > math.MaxInt64/int64(t.tick) {
		return false
	}
	e.T = n * int64(t.tick)
	return true
}

// valueOf is a value of a row; none where there is none.
func valueOf(v parquet.Value) twin.Value {
	if v.IsNull() {
		return twin.Value{}
	}
	switch v.Kind() {
	case parquet.Boolean:
		return twin.BoolValue(v.Boolean())
	case parquet.Int32:
		return twin.IntValue(int64(v.Int32()))
	case parquet.Int64:
		return twin.IntValue(v.Int64())
	case parquet.Float:
		// 0.1 as a float32 is meant to be 0.1.
		f, err := strconv.ParseFloat(strconv.FormatFloat(float64(v.Float()), 'g', -1, 32), 64)
		if err != nil {
			return twin.FloatValue(float64(v.Float()))
		}
		return twin.FloatValue(f)
	case parquet.Double:
		return twin.FloatValue(v.Double())
	case parquet.ByteArray, parquet.FixedLenByteArray:
		return twin.StringValue(string(v.ByteArray()))
	case parquet.Int96:
	}
	return twin.StringValue(fmt.Sprint(v))
}
