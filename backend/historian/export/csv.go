package export

import (
	"encoding/csv"
	"io"
	"strconv"
)

type csvWriter struct {
	w    *csv.Writer
	line []string
}

func newCSV(w io.Writer) *csvWriter {
	c := &csvWriter{w: csv.NewWriter(w), line: make([]string, len(columns()))}
	_ = c.w.Write(columns()) // an error comes back with the next flush
	return c
}

// Write implements Writer.
func (c *csvWriter) Write(rows ...Row) error {
	for i := range rows {
		r := &rows[i]
		c.line = append(c.line[:0], instant(r.T), Inert(r.Path), Inert(r.Tag), r.Agg, Inert(r.Unit), valueText(r.V),
			strconv.Itoa(int(r.Q)), r.Q.String())
		if err := c.w.Write(c.line); err != nil {
			return err
		}
	}
	c.w.Flush()
	return c.w.Error()
}

// Close implements Writer.
func (c *csvWriter) Close() error {
	c.w.Flush()
	return c.w.Error()
}

// Abandon implements Writer.
func (c *csvWriter) Abandon() {}
