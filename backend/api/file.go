package api

import (
	"cmp"
	"context"
	"iter"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/lineshaft/lineshaft/backend/historian/export"
	"github.com/lineshaft/lineshaft/twin"
)

const (
	pageRows  = 50_000         // of a file, about so many are in memory at once
	firstPage = time.Hour      // of a tag that says nothing about its interval
	longPage  = 24 * time.Hour // nobody knows what a longer one holds
	shortPage = 100 * time.Millisecond
)

// fileFormat is the kind of file the caller wants; false is JSON. The parameter wins over the header.
func (in *historyIn) fileFormat() (export.Format, bool) {
	switch in.Format {
	case "json":
		return "", false
	case "":
		return export.FormatOf(in.Accept)
	}
	return export.Format(in.Format), true
}

// historyFile answers with a file of any length, page after page. What goes wrong once it has begun cuts the
// connection, so that nobody takes a part for the whole.
func (p *plant) historyFile(ctx context.Context, q HistoryQuery, f export.Format) (*rawOut, error) {
	next, stop := iter.Pull2(p.pages(ctx, q))
	rows, err, more := next() // a question that fails is answered, not cut off
	if err != nil {
		stop()
		return nil, err
	}
	return &rawOut{Body: func(hc huma.Context) {
		defer stop()
		hc.SetHeader("Content-Type", contentType(f))
		hc.SetHeader("Content-Disposition", `attachment; filename="history.`+string(f)+`"`)
		hc.SetStatus(http.StatusOK)
		r, w := humago.Unwrap(hc)
		out := &patient{w: w, control: http.NewResponseController(w)}
		file, err := export.New(f, out)
		if err != nil {
			p.cut(r.Context(), err)
		}
		for ; more && err == nil; rows, err, more = next() {
			if err = file.Write(rows...); err != nil {
				break
			}
			out.alive()
		}
		if err == nil {
			err = file.Close()
		} else {
			file.Abandon()
		}
		if err != nil {
			p.cut(r.Context(), err)
		}
	}}, nil
}

// cut breaks an answer off that has begun.
func (p *plant) cut(ctx context.Context, err error) {
	if ctx.Err() == nil {
		p.api.log.LogAttrs(ctx, slog.LevelWarn, "file broken off", slog.String("request_id", meta(ctx).id), slog.Any("err", err))
	}
	panic(http.ErrAbortHandler) //nolint:forbidigo // net/http's own way to cut a connection
}

func contentType(f export.Format) string {
	if f == export.CSV {
		return f.MediaType() + "; charset=utf-8"
	}
	return f.MediaType()
}

// patient is an answer that may last as long as it moves.
type patient struct {
	w       http.ResponseWriter
	control *http.ResponseController
}

// Write implements io.Writer.
func (o *patient) Write(b []byte) (int, error) {
	o.alive()
	return o.w.Write(b)
}

// alive gives the next write its time; net/http gives up a request whose read deadline passes as well. Where the
// connection knows no deadlines there are none to move.
func (o *patient) alive() {
	_ = o.control.SetReadDeadline(time.Now().Add(answerTime))
	_ = o.control.SetWriteDeadline(time.Now().Add(answerTime))
}

// pages are the rows of the answer, tag after tag, each in order of time.
func (p *plant) pages(ctx context.Context, q HistoryQuery) iter.Seq2[[]export.Row, error] {
	return func(yield func([]export.Row, error) bool) {
		for _, tag := range q.Tags {
			one := q
			one.Tags = []TagRef{tag}
			span := firstSpan(tag.Tag, q)
			for from := q.From; from.Before(q.To); {
				one.From, one.To = from, pageEnd(from, span, q)
				columns, err := p.ports.History.Query(ctx, p.tenant(), one)
				if err != nil {
					yield(nil, err)
					return
				}
				rows := rowsOf(columns)
				if !yield(rows, nil) {
					return
				}
				from = one.To
				if q.Interval == 0 {
					span = nextSpan(span, len(rows))
				}
			}
		}
	}
}

// firstSpan is how much time of a tag the first page has. Readings are thinned and intervals filled by what is around
// them: then there is one page.
func firstSpan(t twin.Tag, q HistoryQuery) time.Duration {
	whole := q.To.Sub(q.From)
	switch {
	case q.MaxPoints > 0 || q.Fill != "":
		return whole
	case q.Interval > 0:
		return max(longPage, q.Interval)
	case t.Interval > 0:
		return min(longPage, t.Interval*pageRows)
	}
	return firstPage
}

// nextSpan follows how dense the readings are.
func nextSpan(span time.Duration, rows int) time.Duration {
	switch {
	case rows > 2*pageRows:
		return max(shortPage, span/time.Duration(rows/pageRows))
	case rows < pageRows/4:
		return min(longPage, span*2)
	}
	return span
}

// pageEnd is where the page that begins at from ends: between two intervals, which are aligned to 1970.
func pageEnd(from time.Time, span time.Duration, q HistoryQuery) time.Time {
	left := q.To.Sub(from)
	if span >= left {
		return q.To
	}
	to := from.Add(span)
	if step := int64(q.Interval); step > 0 {
		ns := to.UnixNano()
		if to = time.Unix(0, ns-ns%step).UTC(); !to.After(from) {
			to = to.Add(q.Interval)
		}
	}
	if to.After(q.To) {
		return q.To
	}
	return to
}

// rowsOf are columns as rows, in order of time where there are several.
func rowsOf(columns []Column) []export.Row {
	n := 0
	for _, c := range columns {
		n += len(c.T)
	}
	rows := make([]export.Row, 0, n)
	for _, c := range columns {
		unit := c.Tag.Tag.Unit
		if c.Agg == aggCount {
			unit = "1"
		}
		for i, t := range c.T {
			rows = append(rows, export.Row{
				T: t, Path: c.Tag.Asset.Path, Tag: c.Tag.Tag.Name, Agg: c.Agg, Unit: unit, V: c.V[i], Q: c.Q[i],
			})
		}
	}
	if len(columns) > 1 {
		slices.SortStableFunc(rows, func(a, b export.Row) int { return cmp.Compare(a.T, b.T) })
	}
	return rows
}
