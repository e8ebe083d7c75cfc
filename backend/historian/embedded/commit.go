package embedded

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/lineshaft/lineshaft/backend/historian"
	"github.com/lineshaft/lineshaft/backend/historian/block"
	"github.com/lineshaft/lineshaft/twin"
)

const (
	carryPoints    = 256     // a head with fewer points is checkpointed again rather than sealed into a small block
	checkpointRows = 1 << 14 // rows of one checkpoint record
	mostText       = 1 << 18 // bytes of text at which a head is sealed, or a record or block ends
	sweepEvery     = 64      // commits between looks for checkpoints that nothing needs
)

// plan is what one commit writes.
type plan struct {
	seq   uint64
	cut   uint64 // checkpoints up to it are to become superfluous; 0 if none
	seals []seal
	marks []mark
	revs  []revision
}

// revision is when the past of a series changed.
type revision struct {
	id  historian.SeriesID
	rev int64
}

// seal is a head on its way into blocks.
type seal struct {
	id     historian.SeriesID
	rows   block.Rows // in order of arrival
	marked int        // what series.marked was
	since  uint64     // what series.since was
	some   bool       // last is a sample
	last   twin.Sample
	sealed int64 // newest time in a block afterwards
}

// mark is a part of a head on its way into a checkpoint.
type mark struct {
	id    historian.SeriesID
	rows  block.Rows
	upto  int  // rows of the head that are in checkpoints afterwards
	carry bool // rows is all of the head, so that older checkpoints are not needed
}

// Commit implements historian.Historian.
func (t *tenant) Commit(ctx context.Context) error {
	t.commitMu.Lock()
	defer t.commitMu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	t.mu.Lock()
	p := t.plan()
	t.mu.Unlock()
	if len(p.seals) == 0 && len(p.marks) == 0 {
		t.seq-- // commits are counted that write something
		return nil
	}
	days, written, err := t.write(&p)
	t.mu.Lock()
	if err != nil {
		t.undo(&p)
	} else {
		t.finish(&p, days)
	}
	t.mu.Unlock()
	if err != nil {
		return fmt.Errorf("commit history of tenant %s: %w", t.name, err)
	}
	if written.parts > 0 {
		t.log = append(t.log, written)
	}
	if p.seq%sweepEvery == 0 || p.cut != 0 {
		if err := t.sweep(); err != nil {
			return fmt.Errorf("delete old checkpoints of tenant %s: %w", t.name, err)
		}
	}
	return nil
}

// plan decides what becomes of each head that has something to write, and of heads that hold back old checkpoints.
// It takes the heads it seals out of the series.
func (t *tenant) plan() plan {
	t.seq++
	p := plan{seq: t.seq, cut: t.logCut()}
	if limit := t.headLimit(); limit < t.store.opt.BlockPoints {
		for id, s := range t.series {
			if s != nil && s.head.Len() >= limit {
				p.seals = append(p.seals, t.freeze(historian.SeriesID(id), s))
			}
		}
	}
	for _, id := range t.dirty {
		s := t.series[id]
		s.dirty = false
		if s.rev != s.kept {
			p.revs = append(p.revs, revision{id, s.rev})
		}
		switch n := s.head.Len(); {
		case n >= t.store.opt.BlockPoints || s.textHeavy():
			p.seals = append(p.seals, t.freeze(id, s))
		case n > s.marked && (s.since == 0 || s.since > p.cut):
			p.marks = append(p.marks, mark{id: id, rows: s.head.Slice(s.marked, n), upto: n})
		}
	}
	t.dirty = t.dirty[:0]
	if p.cut != 0 {
		t.planCut(&p)
	}
	return p
}

// planCut adds the heads that hold back the checkpoints to be freed.
func (t *tenant) planCut(p *plan) {
	for i, s := range t.series {
		if s == nil || s.since == 0 || s.since > p.cut {
			continue
		}
		id, n := historian.SeriesID(i), s.head.Len()
		if n >= carryPoints {
			p.seals = append(p.seals, t.freeze(id, s))
		} else {
			p.marks = append(p.marks, mark{id: id, rows: s.head.Slice(0, n), upto: n, carry: true})
		}
	}
}

// logCut is the checkpoint up to which the log is to be freed, 0 while it is short enough.
func (t *tenant) logCut() uint64 {
	var total, sum int64
	for _, c := range t.log {
		total += c.bytes
	}
	if total < t.store.opt.LogBytes {
		return 0
	}
	for _, c := range t.log {
		if sum += c.bytes; sum*4 >= total*3 {
			return c.seq
		}
	}
	return 0
}

// headLimit is the length at which heads are sealed now: that of a block, or less when all heads together hold too
// much, so that a quarter of them goes.
func (t *tenant) headLimit() int {
	budget := max(t.store.opt.HeadPoints, 128*t.known)
	if t.points <= budget {
		return t.store.opt.BlockPoints
	}
	lens := make([]int, 0, len(t.series))
	for _, s := range t.series {
		if s != nil {
			lens = append(lens, s.head.Len())
		}
	}
	slices.SortFunc(lens, func(a, b int) int { return cmp.Compare(b, a) })
	free := t.points - budget*3/4
	for _, n := range lens {
		if free -= n; free <= 0 {
			return min(max(n, 1), t.store.opt.BlockPoints-1)
		}
	}
	return 1
}

// textHeavy says whether a head of strings is large although it has few rows.
func (s *series) textHeavy() bool {
	if s.head.S == nil {
		return false
	}
	total := 0
	for _, text := range s.head.S {
		total += len(text)
	}
	return total > mostText
}

// freeze takes the head out of a series to be sealed.
func (t *tenant) freeze(id historian.SeriesID, s *series) seal {
	out := seal{id: id, rows: s.head, marked: s.marked, since: s.since, some: s.some, last: s.last}
	s.frozen, s.head, s.marked, s.since = s.head, block.Rows{}, 0, 0
	t.points -= out.rows.Len()
	t.unwritten -= out.rows.Len() - out.marked
	return out
}

// undo puts back what a failed commit had taken, for the next one.
func (t *tenant) undo(p *plan) {
	for i := range p.seals {
		c := &p.seals[i]
		s := t.series[c.id]
		t.points += c.rows.Len()
		t.unwritten += c.rows.Len() - c.marked
		rows := c.rows.Slice(0, c.rows.Len())
		rows.AddAll(&s.head)
		s.head, s.frozen, s.marked, s.since = rows, block.Rows{}, c.marked, c.since
		t.touch(c.id, s)
	}
	for _, m := range p.marks {
		t.touch(m.id, t.series[m.id])
	}
}

func (t *tenant) touch(id historian.SeriesID, s *series) {
	if !s.dirty {
		s.dirty = true
		t.dirty = append(t.dirty, id)
	}
}

// finish notes what a commit has made durable.
func (t *tenant) finish(p *plan, days []day) {
	for i := range p.seals {
		s := t.series[p.seals[i].id]
		s.frozen = block.Rows{}
		s.sealed, s.blocks = p.seals[i].sealed, true
	}
	for _, m := range p.marks {
		s := t.series[m.id]
		t.unwritten -= m.upto - s.marked
		s.marked = m.upto
		if s.since == 0 || m.carry {
			s.since = p.seq
		}
	}
	for _, r := range p.revs {
		t.series[r.id].kept = r.rev
	}
	t.expect(days)
}

// write puts a plan on disk. Blocks come first: a checkpoint of the same commit has nothing of the series they seal.
func (t *tenant) write(p *plan) (days []day, written checkpoint, err error) {
	b := t.store.batch()
	defer b.discard()
	for i := range p.seals {
		c := &p.seals[i]
		sealed, err := t.writeSeal(b, p.seq, c)
		if err != nil {
			return nil, checkpoint{}, err
		}
		days = append(days, sealed...)
	}
	for _, r := range p.revs {
		if err := b.set([]pair{t.revisionPair(r)}); err != nil {
			return nil, checkpoint{}, err
		}
	}
	written, err = t.writeCheckpoint(b, p)
	if err != nil {
		return nil, checkpoint{}, err
	}
	return days, written, b.commit()
}

// writeSeal writes the blocks of one head and the state that says so, in one transaction. It returns the days it
// touched below what was already sealed, and the day it left behind, if any.
func (t *tenant) writeSeal(b *batch, seq uint64, c *seal) ([]day, error) {
	s := t.peek(c.id)
	c.sealed = c.rows.T[0]
	if s.blocks {
		c.sealed = max(c.sealed, s.sealed)
	}
	rows := c.rows.Sorted()
	pairs := t.markRows(c.id, rows.T)
	var days []day
	for _, piece := range cutRows(&rows, t.store.opt.BlockPoints) {
		n := piece.Len()
		at := ref{start: piece.T[0], end: piece.T[n-1], gen: seq}
		pairs = append(pairs, pair{t.blockKey(c.id, at), t.enc.Append(nil, &piece)})
		days = append(days, day{c.id, dayOf(at.start)})
		c.sealed = max(c.sealed, at.end)
	}
	if s.blocks && dayOf(s.sealed) != dayOf(c.sealed) {
		days = append(days, day{c.id, dayOf(s.sealed)})
	}
	pairs = append(pairs, pair{t.stateKey(c.id), encodeState(&t.enc, state{seq: seq, sealed: c.sealed, blocks: true, some: c.some, last: c.last})})
	return days, b.set(pairs)
}

func (t *tenant) revisionPair(r revision) pair {
	return pair{t.revisionKey(r.id), binary.AppendVarint(nil, r.rev)}
}

// peek copies the fields of a series that only commits change.
func (t *tenant) peek(id historian.SeriesID) series {
	t.mu.RLock()
	defer t.mu.RUnlock()
	s := t.series[id]
	return series{sealed: s.sealed, blocks: s.blocks}
}

// cutRows cuts sorted rows where a day ends, and into pieces of at most most rows and of moderate text.
func cutRows(rows *block.Rows, most int) []block.Rows {
	var out []block.Rows
	start, text, end := 0, 0, int64(0)
	for i := range rows.T {
		if i > start && (i-start == most || rows.T[i] > end || text > mostText) {
			out = append(out, rows.Slice(start, i))
			start, text = i, 0
		}
		if i == start {
			end = dayEnd(dayOf(rows.T[i]))
		}
		if rows.S != nil {
			text += len(rows.S[i])
		}
	}
	if start < rows.Len() {
		out = append(out, rows.Slice(start, rows.Len()))
	}
	return out
}

// writeCheckpoint writes the marks of a plan, cut into records of moderate size.
func (t *tenant) writeCheckpoint(b *batch, p *plan) (checkpoint, error) {
	out := checkpoint{seq: p.seq}
	var rows block.Rows
	var runs []byte
	var prev historian.SeriesID
	text, count := 0, 0
	flush := func() error {
		if count == 0 {
			return nil
		}
		v := binary.AppendUvarint(nil, uint64(count))
		v = t.enc.Append(append(v, runs...), &rows)
		err := b.set([]pair{{t.checkpointKey(p.seq, out.parts), v}})
		out.parts++
		out.bytes += int64(len(v))
		rows, runs, prev, text, count = block.Rows{}, runs[:0], 0, 0, 0
		return err
	}
	for i := range p.marks {
		m := &p.marks[i]
		for at := 0; at < m.rows.Len(); {
			n := min(m.rows.Len()-at, checkpointRows-rows.Len())
			part := m.rows.Slice(at, at+n)
			runs = binary.AppendVarint(runs, int64(m.id)-int64(prev))
			runs = binary.AppendUvarint(runs, uint64(n))
			prev, count = m.id, count+1
			rows.AddAll(&part)
			for _, s := range part.S {
				text += len(s)
			}
			at += n
			if rows.Len() == checkpointRows || text > mostText {
				if err := flush(); err != nil {
					return out, err
				}
			}
		}
	}
	return out, flush()
}

// sweep deletes the checkpoints that no head needs any more.
func (t *tenant) sweep() error {
	t.mu.RLock()
	need := t.seq + 1
	for _, s := range t.series {
		if s != nil && s.since != 0 {
			need = min(need, s.since)
		}
	}
	t.mu.RUnlock()
	b := t.store.batch()
	defer b.discard()
	kept := t.log[:0:0]
	for _, c := range t.log {
		if c.seq >= need {
			kept = append(kept, c)
			continue
		}
		for part := range c.parts {
			if err := b.delete(t.checkpointKey(c.seq, part)); err != nil {
				return err
			}
		}
	}
	if err := b.commit(); err != nil {
		return err
	}
	t.log = kept
	return nil
}
