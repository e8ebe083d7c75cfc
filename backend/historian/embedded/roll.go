package embedded

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/dgraph-io/badger/v4"

	"github.com/lineshaft/lineshaft/backend/historian"
	"github.com/lineshaft/lineshaft/backend/historian/block"
	"github.com/lineshaft/lineshaft/backend/historian/rollup"
)

// Roll rolls up everything sealed that waits for it. The store does so by itself in the background, a while after a
// chunk was last touched; a caller that wants it done now may ask.
func (s *Store) Roll(ctx context.Context) error { return s.roll(ctx, true) }

// rollGroup is how many chunks are rolled up at once: they share a sync of the disk, and commits wait for them.
const rollGroup = 16

func (s *Store) roll(ctx context.Context, all bool) error {
	for _, t := range s.all() {
		for cs := range slices.Chunk(t.due(all), rollGroup) {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := t.rollChunks(cs); err != nil {
				return fmt.Errorf("roll up history of tenant %s: %w", t.name, err)
			}
		}
	}
	return nil
}

// rollChunks makes the stale minutes of some chunks, in order, and their hours, again.
func (t *tenant) rollChunks(cs []chunk) error {
	t.commitMu.Lock()
	defer t.commitMu.Unlock()
	b := t.store.batch()
	defer b.discard()
	var hours []rollup.Bucket // of the chunk's series and period; chunks of one period share a record
	var period chunk
	for i, c := range cs {
		st, ok := t.stale[c]
		if !ok {
			continue
		}
		if next := (chunk{c.id, rollup.Floor(c.start, hourChunk)}); i == 0 || next != period {
			var err error
			if hours, err = t.record(kindHours, next); err != nil {
				return err
			}
			period = next
		}
		minutes, err := t.rollMinutes(c, st)
		if err != nil {
			return err
		}
		whole := outward(st.Span, rollup.Hour)
		hours = splice(hours, rollup.Hours(within(minutes, whole)), whole)
		if err := b.set([]pair{
			t.recordPair(kindMinutes, c, minutes),
			t.recordPair(kindHours, period, hours),
			{key: t.chunkKey(kindStale, c.id, c.start)},
		}); err != nil {
			return err
		}
	}
	if err := b.commit(); err != nil {
		return err
	}
	for _, c := range cs {
		delete(t.stale, c)
	}
	return nil
}

// rollMinutes returns the minutes of a chunk, the stale ones made of samples.
func (t *tenant) rollMinutes(c chunk, st stale) ([]rollup.Bucket, error) {
	sources, _, err := t.blockSources(c.id, st.From, st.To)
	if err != nil {
		return nil, err
	}
	fresh, err := t.build(c.id, sources, rollup.Minute, st.Span)
	if err != nil {
		return nil, err
	}
	minutes, err := t.record(kindMinutes, c)
	return splice(minutes, fresh, st.Span), err
}

// recordPair is a record, or its deletion if nothing is left of it.
func (t *tenant) recordPair(kind byte, c chunk, bs []rollup.Bucket) pair {
	p := pair{key: t.chunkKey(kind, c.id, c.start)}
	if len(bs) > 0 {
		p.value = t.rollEnc.Append(nil, bs)
	}
	return p
}

// record reads the buckets of a chunk, nil if there are none.
func (t *tenant) record(kind byte, c chunk) (out []rollup.Bucket, err error) {
	err = t.store.db.View(func(txn *badger.Txn) error {
		item, err := txn.Get(t.chunkKey(kind, c.id, c.start))
		if errors.Is(err, badger.ErrKeyNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		return item.Value(func(v []byte) error {
			out, err = rollup.Decode(nil, v)
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read buckets of series %d: %w", c.id, err)
	}
	return out, nil
}

// build makes the buckets of a span, whole ones, of samples.
func (t *tenant) build(id historian.SeriesID, sources []source, tier time.Duration, in rollup.Span) ([]rollup.Bucket, error) {
	b := rollup.NewBuilder(tier)
	var scratch block.Scratch
	sortSources(sources)
	for len(sources) > 0 {
		n, end := overlapping(sources)
		group := sources[:n:n]
		slices.SortFunc(group, byGeneration)
		rows, err := fold(group, &scratch)
		if err != nil {
			return nil, t.damaged(id, group[0].start, end, err)
		}
		rows = rows.Range(in.From, in.To)
		for i, at := range rows.T {
			arrived := int64(0)
			if late := int64(rows.Late[i]); late > lateSeconds {
				arrived = arrival(at, late)
			}
			b.Add(at, rows.Value(i), rows.Q[i], arrived)
		}
		sources = sources[n:]
	}
	return b.Done(), nil
}

// splice replaces the buckets of a span.
func splice(bs, fresh []rollup.Bucket, in rollup.Span) []rollup.Bucket {
	i, j := find(bs, in.From), find(bs, in.To)
	return slices.Concat(bs[:i], fresh, bs[j:])
}

func within(bs []rollup.Bucket, in rollup.Span) []rollup.Bucket {
	return bs[find(bs, in.From):find(bs, in.To)]
}

// find is where the first bucket is that does not start before at.
func find(bs []rollup.Bucket, at int64) int {
	i, _ := slices.BinarySearchFunc(bs, at, func(b rollup.Bucket, at int64) int {
		switch {
		case b.Start < at:
			return -1
		case b.Start > at:
			return 1
		}
		return 0
	})
	return i
}

// outward is the smallest span of whole buckets around s.
func outward(s rollup.Span, tier time.Duration) rollup.Span {
	step := int64(tier)
	return rollup.Span{From: rollup.Floor(s.From, step), To: rollup.Floor(s.To-1, step) + step}
}
