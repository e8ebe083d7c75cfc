package embedded

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/dgraph-io/badger/v4"

	"github.com/lineshaft/lineshaft/backend/historian"
	"github.com/lineshaft/lineshaft/backend/historian/block"
	"github.com/lineshaft/lineshaft/twin"
)

// source is a run of samples in order of time: a block on disk, or open rows.
type source struct {
	ref
	blk  block.Block
	open *block.Rows // nil for a block
}

// Read implements historian.Historian.
func (t *tenant) Read(ctx context.Context, id historian.SeriesID, from, to int64) (historian.Column, error) {
	if err := ctx.Err(); err != nil || to <= from {
		return historian.Column{}, err
	}
	sources := t.openSources(id, from, to) // before the blocks: what a commit moves meanwhile is then seen twice, not never
	blocks, total, err := t.blockSources(id, from, to)
	if err != nil {
		return historian.Column{}, err
	}
	for _, s := range sources {
		total += s.open.Len()
	}
	sources = append(blocks, sources...)
	sortSources(sources)
	out := column{from: from, to: to, Column: historian.Column{
		T: make([]int64, 0, total), V: make([]twin.Value, 0, total), Q: make([]twin.Quality, 0, total),
	}}
	for len(sources) > 0 {
		n, end := overlapping(sources)
		if err := out.add(sources[:n]); err != nil {
			return historian.Column{}, t.damaged(id, sources[0].start, end, err)
		}
		sources = sources[n:]
	}
	return out.Column, nil
}

func sortSources(sources []source) {
	slices.SortFunc(sources, func(a, b source) int {
		return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(a.gen, b.gen))
	})
}

func byGeneration(a, b source) int { return cmp.Compare(a.gen, b.gen) }

// overlapping is how many of the first sources, sorted, overlap each other, and where they end.
func overlapping(sources []source) (n int, end int64) {
	n, end = 1, sources[0].end
	for n < len(sources) && sources[n].start <= end {
		end = max(end, sources[n].end)
		n++
	}
	return n, end
}

func (t *tenant) damaged(id historian.SeriesID, start, end int64, err error) error {
	at := func(ns int64) string { return time.Unix(0, ns).UTC().Format(time.RFC3339Nano) }
	return fmt.Errorf("read history of tenant %s, series %d, from %s to %s: %w", t.name, id, at(start), at(end), err)
}

// openSources returns what of the range is frozen or in the head, in that order.
func (t *tenant) openSources(id historian.SeriesID, from, to int64) []source {
	t.mu.RLock()
	s := t.at(id)
	var parts [2]block.Rows
	if s != nil {
		parts = [2]block.Rows{s.frozen.Slice(0, s.frozen.Len()), s.head.Slice(0, s.head.Len())}
	}
	t.mu.RUnlock()
	var out []source
	for i := range parts {
		rows := parts[i].Sorted()
		if rows = rows.Range(from, to); rows.Len() > 0 {
			gen := math.MaxUint64 - uint64(1-i)
			out = append(out, source{ref: ref{rows.T[0], rows.T[rows.Len()-1], gen}, open: &rows})
		}
	}
	return out
}

// blockSources returns the blocks that reach into the range in order of their start, and the number of their rows.
func (t *tenant) blockSources(id historian.SeriesID, from, to int64) (out []source, total int, err error) {
	err = t.store.db.View(func(txn *badger.Txn) error {
		out, total, err = t.sourcesIn(txn, id, from, to)
		return err
	})
	return out, total, err
}

func (t *tenant) sourcesIn(txn *badger.Txn, id historian.SeriesID, from, to int64) (out []source, total int, err error) {
	err = t.eachBlock(txn, id, from, to, func(r ref, v []byte) error {
		blk, err := block.Open(slices.Clone(v))
		if err != nil {
			return t.damaged(id, r.start, r.end, err)
		}
		total += blk.Len
		out = append(out, source{ref: r, blk: blk})
		return nil
	})
	return out, total, err
}

// eachBlock calls fn with each block that reaches into from <= T < to. v is valid during the call.
func (t *tenant) eachBlock(txn *badger.Txn, id historian.SeriesID, from, to int64, fn func(r ref, v []byte) error) error {
	prefix := t.blocksKey(id)
	it := txn.NewIterator(badger.IteratorOptions{Prefix: prefix})
	defer it.Close()
	for it.Seek(t.blockKey(id, ref{start: dayOf(from), end: math.MinInt64})); it.Valid(); it.Next() {
		r, ok := parseRef(it.Item().Key()[len(prefix):])
		if !ok {
			return fmt.Errorf("block key %x of series %d: %w", it.Item().Key(), id, block.ErrCorrupt)
		}
		if r.start >= to {
			return nil
		}
		if r.end < from {
			continue
		}
		if err := it.Item().Value(func(v []byte) error { return fn(r, v) }); err != nil {
			return err
		}
	}
	return nil
}

// column collects the answer of a Read.
type column struct {
	historian.Column
	from, to int64
	scratch  block.Scratch
	late     []int32
	running  bool // the last late span may go on
}

// add appends sources that overlap each other and nothing else.
func (c *column) add(sources []source) error {
	if len(sources) == 1 && sources[0].open == nil && sources[0].start >= c.from && sources[0].end < c.to {
		return c.decode(&sources[0].blk)
	}
	slices.SortFunc(sources, byGeneration)
	rows, err := fold(sources, &c.scratch)
	if err != nil {
		return err
	}
	rows = rows.Range(c.from, c.to)
	for i := range rows.T {
		c.V = append(c.V, rows.Value(i))
	}
	c.T = append(c.T, rows.T...)
	c.Q = append(c.Q, rows.Q...)
	c.addLate(rows.T, rows.Late)
	return nil
}

// fold merges sources in order of generation.
func fold(sources []source, scratch *block.Scratch) (block.Rows, error) {
	var rows block.Rows
	for i := range sources {
		next := sources[i].open
		if next == nil {
			decoded, err := sources[i].blk.Rows(scratch)
			if err != nil {
				return rows, err
			}
			next = &decoded
		}
		rows = block.Merge(&rows, next)
	}
	return rows, nil
}

// decode appends a whole block without a detour.
func (c *column) decode(b *block.Block) error {
	at := len(c.T)
	c.T = slices.Grow(c.T, b.Len)[:at+b.Len]
	c.V = slices.Grow(c.V, b.Len)[:at+b.Len]
	c.Q = slices.Grow(c.Q, b.Len)[:at+b.Len]
	if err := b.Times(c.T[at:]); err != nil {
		return err
	}
	if err := b.Values(c.V[at:], &c.scratch); err != nil {
		return err
	}
	if err := b.Qualities(c.Q[at:]); err != nil {
		return err
	}
	if int64(b.MaxLate) <= lateSeconds {
		c.running = false
		return nil
	}
	c.late = slices.Grow(c.late[:0], b.Len)[:b.Len]
	if err := b.Late(c.late, &c.scratch); err != nil {
		return err
	}
	c.addLate(c.T[at:], c.late)
	return nil
}

const lateSeconds = int64(historian.LateAfter / time.Second)

// arrival is when a sample of that lateness arrived, to the second.
func arrival(at, late int64) int64 { return (at/1e9 + late) * 1e9 }

// addLate extends the late spans with the next samples.
func (c *column) addLate(ts []int64, late []int32) {
	for i, seconds := range late {
		if int64(seconds) <= lateSeconds {
			c.running = false
			continue
		}
		arrived := arrival(ts[i], int64(seconds))
		if !c.running {
			c.Late = append(c.Late, historian.LateSpan{From: ts[i]})
			c.running = true
		}
		span := &c.Late[len(c.Late)-1]
		span.To, span.Arrived = ts[i], max(span.Arrived, arrived)
	}
}
