package embedded

import (
	"cmp"
	"context"
	"slices"

	"github.com/dgraph-io/badger/v4"

	"github.com/lineshaft/lineshaft/backend/historian/block"
)

const (
	compactAfter = 8       // blocks sealed into a day since it was last compacted
	compactBytes = 1 << 20 // of blocks merged at once
)

// expect counts the blocks sealed into each day, and wakes the compaction for the days that have many.
func (t *tenant) expect(days []day) {
	for _, d := range days {
		t.waiting[d]++
		if t.waiting[d] == compactAfter {
			t.store.wake()
		}
	}
}

// compactWaiting compacts the days that have many new blocks.
func (t *tenant) compactWaiting(ctx context.Context) error {
	t.compactMu.Lock()
	defer t.compactMu.Unlock()
	t.mu.Lock()
	var due []day
	for d, n := range t.waiting {
		if n >= compactAfter {
			due = append(due, d)
		}
	}
	for _, d := range due {
		delete(t.waiting, d)
	}
	if len(t.waiting) > 8*t.known+1024 {
		clear(t.waiting) // of days that few samples reached; the map may not grow for ever
	}
	t.mu.Unlock()
	for _, d := range due {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := t.compactDay(d); err != nil {
			return err
		}
	}
	return nil
}

// compactDay merges the groups of a day's blocks that overlap, and the runs of small ones.
func (t *tenant) compactDay(d day) error {
	t.rewriteMu.Lock()
	defer t.rewriteMu.Unlock()
	blocks, _, err := t.blockSources(d.id, d.start, dayEnd(d.start))
	if err != nil {
		return err
	}
	for _, group := range groups(blocks, t.store.opt.BlockPoints) {
		if err := t.mergeBlocks(d, group); err != nil {
			return err
		}
	}
	return nil
}

// groups cuts blocks, sorted by start, into groups worth merging: blocks that overlap, and neighbours that fit into
// one block together.
func groups(blocks []source, most int) [][]source {
	var out [][]source
	for len(blocks) > 0 {
		n, end, rows, size := 1, blocks[0].end, blocks[0].blk.Len, blocks[0].blk.Size
		for n < len(blocks) {
			next := &blocks[n]
			if next.start > end && (rows+next.blk.Len > most || size+next.blk.Size > mostText) {
				break
			}
			end = max(end, next.end)
			rows += next.blk.Len
			size += next.blk.Size
			n++
		}
		if n > 1 {
			out = append(out, blocks[:n])
		}
		blocks = blocks[n:]
	}
	return out
}

// mergeBlocks replaces blocks by their merger. Too many at once are cut to the oldest generations, so that no block
// left out is older than one taken in, nor as old.
func (t *tenant) mergeBlocks(d day, group []source) error {
	group = slices.Clone(group)
	slices.SortFunc(group, func(a, b source) int { return cmp.Compare(a.gen, b.gen) })
	size := 0
	for i := range group {
		if size += group[i].blk.Size; size > compactBytes && i > 1 && group[i].gen != group[i-1].gen {
			group = group[:i]
			break
		}
	}
	var scratch block.Scratch
	rows, err := fold(group, &scratch)
	if err != nil {
		return t.damaged(d.id, d.start, dayEnd(d.start), err)
	}
	gen := group[len(group)-1].gen
	var enc block.Encoder
	written := map[ref]bool{}
	var pairs []pair
	for _, piece := range cutRows(&rows, t.store.opt.BlockPoints) {
		at := ref{piece.T[0], piece.T[piece.Len()-1], gen}
		written[at] = true
		pairs = append(pairs, pair{t.blockKey(d.id, at), enc.Append(nil, &piece)})
	}
	for _, s := range group {
		if !written[s.ref] {
			pairs = append(pairs, pair{key: t.blockKey(d.id, s.ref)})
		}
	}
	return t.store.db.Update(func(txn *badger.Txn) error {
		for _, p := range pairs {
			if p.value == nil {
				if err := txn.Delete(p.key); err != nil {
					return err
				}
			} else if err := txn.Set(p.key, p.value); err != nil {
				return err
			}
		}
		return nil
	})
}
