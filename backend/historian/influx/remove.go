package influx

import (
	"context"
	"io"
	"strings"

	"github.com/lineshaft/lineshaft/backend/historian"
)

// removeAtOnce is how many samples are taken away in one request.
const removeAtOnce = 10_000

// Delete implements historian.Historian. A line holds the samples of several series, and the server deletes only
// whole lines, so the samples' values are overwritten with nothing and their quality with a negative number.
func (t *tenant) Delete(ctx context.Context, id historian.SeriesID, from, to int64) error {
	p := t.place(id)
	if p == nil {
		return nil
	}
	if err := t.lock(ctx); err != nil {
		return err
	}
	defer t.unlock()
	if err := t.write(ctx, t.store.opt.Patience); err != nil {
		return err
	}
	for from < to {
		next, err := t.removeSome(ctx, p, from, to)
		if err != nil {
			return err
		}
		from = next
	}
	return nil
}

// removeSome takes away the oldest samples of the span and returns where what may be left begins.
func (t *tenant) removeSome(ctx context.Context, p *place, from, to int64) (int64, error) {
	var text strings.Builder
	seen, next := 0, to
	err := t.store.ask(ctx, p.selects(from, to, removeAtOnce), func(r io.Reader) error {
		return readAnswer(r, func(_ int, r *row) error {
			if seen++; seen == removeAtOnce {
				next = r.t + 1
			}
			if r.q >= 0 {
				p.tombstone(&text, r)
			}
			return nil
		})
	})
	if err != nil || text.Len() == 0 {
		return next, err
	}
	return next, t.store.write(ctx, text.String(), t.store.opt.Patience)
}
