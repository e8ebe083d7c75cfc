package embedded

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/dgraph-io/badger/v4"

	"github.com/lineshaft/lineshaft/backend/historian"
	"github.com/lineshaft/lineshaft/backend/historian/block"
	"github.com/lineshaft/lineshaft/twin"
)

// state is what is kept of a series beside its blocks.
type state struct {
	seq    uint64 // checkpoints up to this one hold nothing of the series that is not in its blocks, or deleted
	blocks bool   // there is, or was, a block
	sealed int64  // newest time in one
	some   bool   // last is a sample
	last   twin.Sample
}

func encodeState(enc *block.Encoder, s state) []byte {
	v := binary.AppendUvarint(nil, s.seq)
	flags := byte(0)
	if s.blocks {
		flags |= 1
	}
	v = append(v, flags)
	v = binary.AppendVarint(v, s.sealed)
	var rows block.Rows
	if s.some {
		rows.Append(s.last, 0)
	}
	return enc.Append(v, &rows)
}

var errState = errors.New("state of a series is corrupt")

func decodeState(v []byte) (state, error) {
	var s state
	var n int
	if s.seq, n = binary.Uvarint(v); n <= 0 || len(v) <= n {
		return s, errState
	}
	s.blocks = v[n]&1 != 0
	v = v[n+1:]
	if s.sealed, n = binary.Varint(v); n <= 0 {
		return s, errState
	}
	b, err := block.Open(v[n:])
	if err != nil {
		return s, err
	}
	var scratch block.Scratch
	rows, err := b.Rows(&scratch)
	if err != nil {
		return s, err
	}
	if rows.Len() > 0 {
		s.some, s.last = true, rows.Sample(0)
	}
	return s, nil
}

// replay reads the states of the tenant's series and fills their heads from the checkpoints.
func (t *tenant) replay() error {
	return t.store.db.View(func(txn *badger.Txn) error {
		sealed, err := t.loadStates(txn)
		if err != nil {
			return err
		}
		if err := t.loadStale(txn); err != nil {
			return err
		}
		if err := t.loadCheckpoints(txn, sealed); err != nil {
			return err
		}
		return t.loadRevisions(txn)
	})
}

// loadRevisions reads when the past of each series changed.
func (t *tenant) loadRevisions(txn *badger.Txn) error {
	prefix := t.key(kindRevision, 0)
	it := txn.NewIterator(badger.IteratorOptions{Prefix: prefix})
	defer it.Close()
	for it.Rewind(); it.Valid(); it.Next() {
		key := it.Item().Key()[len(prefix):]
		err := it.Item().Value(func(v []byte) error {
			rev, n := binary.Varint(v)
			if n <= 0 || len(key) != 4 {
				return fmt.Errorf("revision %x: %w", key, block.ErrCorrupt)
			}
			s := t.grow(historian.SeriesID(binary.BigEndian.Uint32(key)))
			s.rev, s.kept = rev, rev
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// loadStates returns up to which checkpoint each series is sealed.
func (t *tenant) loadStates(txn *badger.Txn) (map[historian.SeriesID]uint64, error) {
	sealed := map[historian.SeriesID]uint64{}
	prefix := t.key(kindState, 0)
	it := txn.NewIterator(badger.IteratorOptions{Prefix: prefix})
	defer it.Close()
	for it.Rewind(); it.Valid(); it.Next() {
		key := it.Item().Key()[len(prefix):]
		if len(key) != 4 {
			return nil, errState
		}
		id := historian.SeriesID(binary.BigEndian.Uint32(key))
		err := it.Item().Value(func(v []byte) error {
			st, err := decodeState(v)
			if err != nil {
				return err
			}
			s := t.grow(id)
			s.sealed, s.blocks, s.some, s.last = st.sealed, st.blocks, st.some, st.last
			sealed[id] = st.seq
			t.seq = max(t.seq, st.seq)
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("read state of series %d: %w", id, err)
		}
	}
	return sealed, nil
}

func (t *tenant) loadCheckpoints(txn *badger.Txn, sealed map[historian.SeriesID]uint64) error {
	prefix := t.key(kindCheckpoint, 0)
	it := txn.NewIterator(badger.IteratorOptions{Prefix: prefix})
	defer it.Close()
	for it.Rewind(); it.Valid(); it.Next() {
		key := it.Item().Key()[len(prefix):]
		if len(key) != 10 {
			return fmt.Errorf("checkpoint key %x: %w", key, block.ErrCorrupt)
		}
		seq, part := binary.BigEndian.Uint64(key), int(binary.BigEndian.Uint16(key[8:]))
		err := it.Item().Value(func(v []byte) error { return t.replayCheckpoint(v, seq, sealed) })
		if err != nil {
			return fmt.Errorf("read checkpoint %d: %w", seq, err)
		}
		if n := len(t.log); n == 0 || t.log[n-1].seq != seq {
			t.log = append(t.log, checkpoint{seq: seq})
		}
		c := &t.log[len(t.log)-1]
		c.parts = part + 1
		c.bytes += it.Item().EstimatedSize()
		t.seq = max(t.seq, seq)
	}
	return nil
}

// replayCheckpoint appends to the heads what a checkpoint has of series that were not sealed since.
func (t *tenant) replayCheckpoint(v []byte, seq uint64, sealed map[historian.SeriesID]uint64) error {
	count, n := binary.Uvarint(v)
	if n <= 0 || count > uint64(len(v)) {
		return block.ErrCorrupt
	}
	v = v[n:]
	type run struct {
		id   historian.SeriesID
		rows int
	}
	runs := make([]run, count)
	var prev int64
	for i := range runs {
		step, n := binary.Varint(v)
		if n <= 0 {
			return block.ErrCorrupt
		}
		rows, m := binary.Uvarint(v[n:])
		prev += step
		if m <= 0 || prev <= 0 || prev > maxSeries || rows > block.MaxRows {
			return block.ErrCorrupt
		}
		runs[i] = run{historian.SeriesID(prev), int(rows)}
		v = v[n+m:]
	}
	b, err := block.Open(v)
	if err != nil {
		return err
	}
	var scratch block.Scratch
	rows, err := b.Rows(&scratch)
	if err != nil {
		return err
	}
	at := 0
	for _, r := range runs {
		if at+r.rows > rows.Len() {
			return block.ErrCorrupt
		}
		part := rows.Slice(at, at+r.rows)
		at += r.rows
		if seq <= sealed[r.id] {
			continue
		}
		s := t.grow(r.id)
		for i := range part.T {
			s.add(part.Sample(i), part.Late[i])
		}
		s.marked = s.head.Len()
		if s.since == 0 {
			s.since = seq
		}
		t.points += r.rows
	}
	return nil
}
