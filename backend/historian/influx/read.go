package influx

import (
	"cmp"
	"context"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/lineshaft/lineshaft/backend/historian"
	"github.com/lineshaft/lineshaft/twin"
)

// dated is a sample with its lateness in seconds.
type dated struct {
	twin.Sample
	late int64
}

// Read implements historian.Historian.
func (t *tenant) Read(ctx context.Context, id historian.SeriesID, from, to int64) (historian.Column, error) {
	if err := ctx.Err(); err != nil {
		return historian.Column{}, err
	}
	p := t.place(id)
	if p == nil || from >= to {
		return historian.Column{}, nil
	}
	// What waits is looked at first: what is written meanwhile is then in the answer too, and the same.
	fresh := between(t.unwritten(), id, from, to)
	var kept []dated
	err := t.store.ask(ctx, p.selects(from, to, 0), func(r io.Reader) error {
		return readAnswer(r, func(_ int, r *row) error {
			if s, late, ok := r.sample(p); ok {
				kept = append(kept, dated{s, late})
			}
			return nil
		})
	})
	if err != nil {
		return historian.Column{}, err
	}
	return column(merge(kept, fresh)), nil
}

// selects asks for the rows of a series in order of time, at most limit of them if there is one.
func (p *place) selects(from, to int64, limit int) string {
	q := "SELECT " + p.fields + p.from
	if from > minTime {
		q += " AND time >= " + strconv.FormatInt(from, 10)
	}
	if to <= maxTime {
		q += " AND time < " + strconv.FormatInt(to, 10)
	}
	if limit > 0 {
		q += " LIMIT " + strconv.Itoa(limit)
	}
	return q
}

// between is what ps have of a series with from <= T < to, in order of time; of those of one instant the last.
func between(ps []historian.Point, id historian.SeriesID, from, to int64) []dated {
	var out []dated
	for i := range ps {
		if p := &ps[i]; p.Series == id && from <= p.T && p.T < to {
			out = append(out, dated{p.Sample, lateness(p)})
		}
	}
	slices.SortStableFunc(out, func(a, b dated) int { return cmp.Compare(a.T, b.T) })
	kept := out[:0]
	for i := range out {
		if i+1 == len(out) || out[i+1].T != out[i].T {
			kept = append(kept, out[i])
		}
	}
	return kept
}

// merge joins two columns in order of time; where both have an instant, fresh is right.
func merge(kept, fresh []dated) []dated {
	if len(fresh) == 0 {
		return kept
	}
	out := make([]dated, 0, len(kept)+len(fresh))
	for _, f := range fresh {
		for len(kept) > 0 && kept[0].T < f.T {
			out, kept = append(out, kept[0]), kept[1:]
		}
		if len(kept) > 0 && kept[0].T == f.T {
			kept = kept[1:]
		}
		out = append(out, f)
	}
	return append(out, kept...)
}

func column(ds []dated) historian.Column {
	c := historian.Column{
		T: make([]int64, len(ds)), V: make([]twin.Value, len(ds)), Q: make([]twin.Quality, len(ds)),
	}
	running := false
	for i, d := range ds {
		c.T[i], c.V[i], c.Q[i] = d.T, d.V, d.Q
		if d.late == 0 {
			running = false
			continue
		}
		if !running {
			c.Late = append(c.Late, historian.LateSpan{From: d.T})
		}
		running = true
		span := &c.Late[len(c.Late)-1]
		span.To, span.Arrived = d.T, max(span.Arrived, (d.T/1e9+d.late)*1e9)
	}
	return c
}

// lastAtOnce is how many series are asked for in one request.
const lastAtOnce = 200

// Last implements historian.Historian.
func (t *tenant) Last(ctx context.Context, ids []historian.SeriesID) ([]twin.Sample, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	fresh := map[historian.SeriesID]twin.Sample{}
	for _, p := range t.unwritten() {
		if s, ok := fresh[p.Series]; !ok || p.T >= s.T {
			fresh[p.Series] = p.Sample
		}
	}
	out := make([]twin.Sample, 0, len(ids))
	for part := range slices.Chunk(ids, lastAtOnce) {
		kept, err := t.lastKept(ctx, part)
		if err != nil {
			return nil, err
		}
		for i, id := range part {
			s, ok := fresh[id]
			if k := kept[i]; !ok || k != nil && k.T > s.T {
				s = twin.Sample{}
				if k != nil {
					s = *k
				}
			}
			out = append(out, s)
		}
	}
	return out, nil
}

// lastKept asks the server for the newest sample of each series; nil where it has none.
func (t *tenant) lastKept(ctx context.Context, ids []historian.SeriesID) ([]*twin.Sample, error) {
	out := make([]*twin.Sample, len(ids))
	var q strings.Builder
	var asked []int // which id each statement is about
	places := make([]*place, len(ids))
	for i, id := range ids {
		p := t.place(id)
		if places[i] = p; p == nil {
			continue
		}
		asked = append(asked, i)
		q.WriteString("SELECT " + p.fields + p.from + ` AND "` + p.field + qualitySuffix + `" >= 0 ORDER BY time DESC LIMIT 1;`)
	}
	if len(asked) == 0 {
		return out, nil
	}
	err := t.store.ask(ctx, q.String(), func(r io.Reader) error {
		return readAnswer(r, func(statement int, r *row) error {
			if statement < 0 || statement >= len(asked) {
				return errTable
			}
			i := asked[statement]
			if s, _, ok := r.sample(places[i]); ok {
				out[i] = &s
			}
			return nil
		})
	})
	return out, err
}
