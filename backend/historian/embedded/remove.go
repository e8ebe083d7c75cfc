package embedded

import (
	"context"
	"fmt"
	"math"

	"github.com/dgraph-io/badger/v4"

	"github.com/lineshaft/lineshaft/backend/historian"
	"github.com/lineshaft/lineshaft/backend/historian/block"
	"github.com/lineshaft/lineshaft/twin"
)

// Delete implements historian.Historian. The open rows of the series are sealed without the range first, so that no
// checkpoint can bring them back; then the blocks are rewritten. A crash in between leaves a part deleted.
func (t *tenant) Delete(ctx context.Context, id historian.SeriesID, from, to int64) error {
	if err := ctx.Err(); err != nil || to <= from {
		return err
	}
	t.commitMu.Lock()
	defer t.commitMu.Unlock()
	t.rewriteMu.Lock()
	defer t.rewriteMu.Unlock()
	t.mu.Lock()
	s := t.at(id)
	if s == nil {
		t.mu.Unlock()
		return nil
	}
	t.seq++
	s.revise(t.store.opt.Clock.Now().UnixMicro())
	p := plan{seq: t.seq, seals: []seal{t.freeze(id, s)}, revs: []revision{{id, s.rev}}}
	t.mu.Unlock()

	c := &p.seals[0]
	err := t.deleteRange(&p, from, to)
	t.mu.Lock()
	defer t.mu.Unlock()
	if err != nil {
		t.undo(&p)
		return fmt.Errorf("delete history of tenant %s, series %d: %w", t.name, id, err)
	}
	head := s.head.Sorted() // what was appended meanwhile stays
	s.frozen, s.sealed, s.blocks = block.Rows{}, c.sealed, true
	s.last, s.some, s.kept = c.last, c.some, p.revs[0].rev
	if n := head.Len(); n > 0 && (!s.some || head.T[n-1] >= s.last.T) {
		s.last, s.some = head.Sample(n-1), true
	}
	return nil
}

// deleteRange seals the open rows of the plan without the range, cuts it out of the blocks, and leaves the newest sample
// that remains in its seal.
func (t *tenant) deleteRange(p *plan, from, to int64) error {
	seq, c := p.seq, &p.seals[0]
	s := t.peek(c.id)
	c.sealed = math.MinInt64
	if s.blocks {
		c.sealed = s.sealed
	}
	open := c.rows.Sorted()
	kept := open.Without(from, to)
	pairs, err := t.markDeleted(c.id, from, to)
	if err != nil {
		return err
	}
	pairs = append(pairs, t.markRows(c.id, kept.T)...)
	pairs = append(pairs, t.revisionPair(p.revs[0]))
	for _, piece := range cutRows(&kept, t.store.opt.BlockPoints) {
		at := ref{start: piece.T[0], end: piece.T[piece.Len()-1], gen: seq}
		pairs = append(pairs, pair{t.blockKey(c.id, at), t.enc.Append(nil, &piece)})
		c.sealed = max(c.sealed, at.end)
	}
	// The state names a sample that may be gone until the end of this function writes it again.
	st := state{seq: seq, blocks: true, sealed: c.sealed, some: c.some, last: c.last}
	b := t.store.batch()
	defer b.discard()
	if err := b.set(append(pairs, pair{t.stateKey(c.id), encodeState(&t.enc, st)})); err != nil {
		return err
	}
	if err := b.commit(); err != nil {
		return err
	}
	err = t.cutBlocks(b, c.id, from, to)
	if err == nil {
		err = b.commit()
	}
	if err != nil {
		return err
	}
	if c.last, c.some, err = t.newest(c.id); err != nil {
		return err
	}
	st.some, st.last = c.some, c.last
	if err := b.set([]pair{{t.stateKey(c.id), encodeState(&t.enc, st)}}); err != nil {
		return err
	}
	return b.commit()
}

// markDeleted notes what of the blocks is to go.
func (t *tenant) markDeleted(id historian.SeriesID, from, to int64) (pairs []pair, err error) {
	err = t.store.db.View(func(txn *badger.Txn) error {
		return t.eachBlock(txn, id, from, to, func(r ref, _ []byte) error {
			pairs = append(pairs, t.markSpan(id, max(r.start, from), min(r.end, to-1))...)
			return nil
		})
	})
	return pairs, err
}

// cutBlocks removes the range from the blocks on disk; a block keeps its generation.
func (t *tenant) cutBlocks(b *batch, id historian.SeriesID, from, to int64) error {
	var scratch block.Scratch
	return t.store.db.View(func(txn *badger.Txn) error {
		return t.eachBlock(txn, id, from, to, func(r ref, v []byte) error {
			pairs := []pair{{key: t.blockKey(id, r)}}
			if r.start < from || r.end >= to {
				blk, err := block.Open(v)
				if err != nil {
					return t.damaged(id, r.start, r.end, err)
				}
				rows, err := blk.Rows(&scratch)
				if err != nil {
					return t.damaged(id, r.start, r.end, err)
				}
				if rows = rows.Without(from, to); rows.Len() > 0 {
					at := ref{rows.T[0], rows.T[rows.Len()-1], r.gen}
					p := pair{t.blockKey(id, at), t.enc.Append(nil, &rows)}
					if at == r {
						pairs = nil
					}
					pairs = append(pairs, p)
				}
			}
			return b.set(pairs)
		})
	})
}

// newest returns the newest sample in the blocks of a series.
func (t *tenant) newest(id historian.SeriesID) (twin.Sample, bool, error) {
	var end int64
	found := false
	err := t.store.db.View(func(txn *badger.Txn) error {
		prefix := t.blocksKey(id)
		it := txn.NewIterator(badger.IteratorOptions{Prefix: prefix, Reverse: true})
		defer it.Close()
		for it.Seek(append(t.blocksKey(id), 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)); it.Valid(); it.Next() {
			r, ok := parseRef(it.Item().Key()[len(prefix):])
			if !ok {
				return block.ErrCorrupt
			}
			if found && dayOf(r.start) != dayOf(end) {
				return nil
			}
			if !found || r.end > end {
				end, found = r.end, true
			}
		}
		return nil
	})
	if err != nil || !found {
		return twin.Sample{}, false, err
	}
	sources, _, err := t.blockSources(id, end, end+1)
	if err != nil {
		return twin.Sample{}, false, err
	}
	out := column{from: end, to: end + 1}
	if err := out.add(sources); err != nil {
		return twin.Sample{}, false, t.damaged(id, end, end, err)
	}
	return twin.Sample{T: out.T[0], V: out.V[0], Q: out.Q[0]}, true, nil
}

// erase removes everything of the tenant.
func (t *tenant) erase() error {
	t.commitMu.Lock()
	defer t.commitMu.Unlock()
	t.rewriteMu.Lock()
	defer t.rewriteMu.Unlock()
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.store.db.DropPrefix(t.prefix); err != nil {
		return fmt.Errorf("erase history of tenant %s: %w", t.name, err)
	}
	t.series, t.dirty, t.points, t.unwritten, t.known = nil, nil, 0, 0, 0
	t.log, t.waiting, t.stale = nil, map[day]int{}, map[chunk]stale{}
	return nil
}
