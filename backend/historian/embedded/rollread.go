package embedded

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"github.com/dgraph-io/badger/v4"

	"github.com/lineshaft/lineshaft/backend/historian"
	"github.com/lineshaft/lineshaft/backend/historian/block"
	"github.com/lineshaft/lineshaft/backend/historian/rollup"
)

// Rollup implements query.Rollups: what is stored, and what is stale or open made of samples. The stale spans are
// read in the snapshot the records and blocks are read in, and open rows before: what a commit moves meanwhile is
// seen twice, never as neither.
func (t *tenant) Rollup(ctx context.Context, id historian.SeriesID, tier time.Duration, from, to int64) ([]rollup.Bucket, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	from, to = max(from, -rollLimit), min(to, rollLimit)
	if to <= from {
		return nil, nil
	}
	open := t.openSources(id, from, to)
	var out []rollup.Bucket
	err := t.store.db.View(func(txn *badger.Txn) error {
		fresh, err := t.spoilt(txn, id, tier, rollup.Span{From: from, To: to}, open)
		if err != nil {
			return err
		}
		if out, err = t.stored(txn, id, tier, rollup.Span{From: from, To: to}, fresh); err != nil || len(fresh) == 0 {
			return err
		}
		for _, in := range fresh {
			sources, _, err := t.sourcesIn(txn, id, in.From, in.To)
			if err != nil {
				return err
			}
			bs, err := t.build(id, append(sources, open...), tier, in)
			if err != nil {
				return err
			}
			out = append(out, bs...)
		}
		slices.SortFunc(out, func(a, b rollup.Bucket) int { return cmp.Compare(a.Start, b.Start) })
		return nil
	})
	return out, err
}

// spoilt returns the spans of whole buckets whose records cannot be trusted, in order, near ones joined.
func (t *tenant) spoilt(txn *badger.Txn, id historian.SeriesID, tier time.Duration, in rollup.Span, open []source) ([]rollup.Span, error) {
	var out []rollup.Span
	add := func(s rollup.Span) {
		s = outward(s, tier)
		if s.From, s.To = max(s.From, in.From), min(s.To, in.To); s.From < s.To {
			out = append(out, s)
		}
	}
	for i := range open {
		ts := open[i].open.T
		for len(ts) > 0 { // one span for each run of neighbours
			n := 1
			for n < len(ts) && ts[n]-ts[n-1] < int64(time.Hour) {
				n++
			}
			add(rollup.Span{From: ts[0], To: ts[n-1] + 1})
			ts = ts[n:]
		}
	}
	err := t.eachChunk(txn, kindStale, id, rollup.Floor(in.From, minuteChunk), in.To, func(start int64, v []byte) error {
		s, err := decodeSpan(start, v)
		add(s)
		return err
	})
	slices.SortFunc(out, func(a, b rollup.Span) int { return cmp.Compare(a.From, b.From) })
	joined := out[:0]
	for _, s := range out {
		if n := len(joined); n > 0 && s.From-joined[n-1].To < int64(time.Hour) {
			joined[n-1].To = max(joined[n-1].To, s.To)
			continue
		}
		joined = append(joined, s)
	}
	return joined, err
}

// maxStored bounds what is set aside for an answer before it is known how long it is.
const maxStored = 4096

// stored returns the buckets of the records in a span, without those in the spans of except.
func (t *tenant) stored(txn *badger.Txn, id historian.SeriesID, tier time.Duration, in rollup.Span, except []rollup.Span) ([]rollup.Bucket, error) {
	kind, length := kindMinutes, minuteChunk
	if tier == rollup.Hour {
		kind, length = kindHours, hourChunk
	}
	out := make([]rollup.Bucket, 0, min((in.To-in.From)/int64(tier), maxStored))
	err := t.eachChunk(txn, kind, id, rollup.Floor(in.From, length), in.To, func(start int64, v []byte) error {
		left := except
		for len(left) > 0 && left[0].To <= start {
			left = left[1:]
		}
		if len(left) > 0 && left[0].From <= max(start, in.From) && left[0].To >= min(start+length, in.To) {
			return nil
		}
		had := len(out)
		all, err := rollup.Decode(out, v)
		if err != nil {
			return fmt.Errorf("read buckets of tenant %s, series %d: %w", t.name, id, err)
		}
		out = all[:had]
		bs := all[had:]
		if len(left) == 0 && start >= in.From && start+length <= in.To {
			out = all
			return nil
		}
		bs = within(bs, in)
		for len(bs) > 0 && len(left) > 0 { // moves within all, downward
			out = append(out, bs[:find(bs, left[0].From)]...)
			bs = bs[find(bs, left[0].To):]
			left = left[1:]
		}
		out = append(out, bs...)
		return nil
	})
	return out, err
}

// eachChunk calls fn with each record of a kind whose chunk starts at from or later and before to.
func (t *tenant) eachChunk(txn *badger.Txn, kind byte, id historian.SeriesID, from, to int64, fn func(start int64, v []byte) error) error {
	prefix := binary.BigEndian.AppendUint32(t.key(kind, 12), uint32(id))
	it := txn.NewIterator(badger.IteratorOptions{Prefix: prefix})
	defer it.Close()
	for it.Seek(t.chunkKey(kind, id, from)); it.Valid(); it.Next() {
		key := it.Item().Key()[len(prefix):]
		if len(key) != 8 {
			return fmt.Errorf("key %x of series %d: %w", it.Item().Key(), id, block.ErrCorrupt)
		}
		start := unflip(binary.BigEndian.Uint64(key))
		if start >= to {
			return nil
		}
		if err := it.Item().Value(func(v []byte) error { return fn(start, v) }); err != nil {
			return err
		}
	}
	return nil
}

// Revision implements query.Revisions. It is a time in microseconds that only ever grows; nothing but its equality means
// something.
func (t *tenant) Revision(id historian.SeriesID) int64 {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if s := t.at(id); s != nil {
		return s.rev
	}
	return 0
}
