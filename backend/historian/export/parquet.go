package export

import (
	"io"

	"github.com/parquet-go/parquet-go"

	"github.com/lineshaft/lineshaft/twin"
)

// groupRows is how many rows a row group has: what a writer holds in memory.
const groupRows = 64 << 10

// exactInts is the greatest integer up to which a float64 has them all.
const exactInts = 1 << 53

// parquetRow is a row as the file has it. A number is in V; what V cannot hold exactly, a string or a large integer,
// is in Text.
type parquetRow struct {
	TS      int64    `parquet:"ts,timestamp(nanosecond),delta"`
	Path    string   `parquet:"path,dict"`
	Tag     string   `parquet:"tag,dict"`
	Agg     string   `parquet:"agg,dict"`
	Unit    string   `parquet:"unit,dict"`
	V       *float64 `parquet:"v,optional"`
	Q       int32    `parquet:"q,dict"`
	Quality string   `parquet:"quality,dict"`
	Type    string   `parquet:"type,dict"`
	Text    *string  `parquet:"text,optional"`
}

type parquetWriter struct {
	w    *parquet.GenericWriter[parquetRow]
	rows []parquetRow
}

func newParquet(w io.Writer) *parquetWriter {
	return &parquetWriter{w: parquet.NewGenericWriter[parquetRow](w, parquet.MaxRowsPerRowGroup(groupRows), parquet.Compression(&parquet.Zstd))}
}

// Write implements Writer.
func (p *parquetWriter) Write(rows ...Row) error {
	p.rows = p.rows[:0]
	for i := range rows {
		r := &rows[i]
		out := parquetRow{
			TS: r.T, Path: r.Path, Tag: r.Tag, Agg: r.Agg, Unit: r.Unit, Q: int32(r.Q), Quality: r.Q.String(),
			Type: r.V.Kind().String(),
		}
		if r.V.IsFinite() && r.V.Kind() != twin.String && r.V.Kind() != twin.None {
			f := r.V.Float()
			out.V = &f
		}
		if inexact(r.V) {
			s := r.V.Text()
			out.Text = &s
		}
		p.rows = append(p.rows, out)
	}
	_, err := p.w.Write(p.rows)
	return err
}

// inexact says whether a float64 cannot hold the value.
func inexact(v twin.Value) bool {
	return v.Kind() == twin.String || (v.Kind() == twin.Int && (v.Int() > exactInts || v.Int() < -exactInts))
}

// Close implements Writer.
func (p *parquetWriter) Close() error { return p.w.Close() }

// Abandon implements Writer.
func (p *parquetWriter) Abandon() {}
