package embedded

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/dgraph-io/badger/v4"

	"github.com/lineshaft/lineshaft/backend/historian"
	"github.com/lineshaft/lineshaft/backend/historian/block"
	"github.com/lineshaft/lineshaft/backend/historian/rollup"
)

// Rollups follow the blocks. A commit that seals rows, or a deletion, notes in the same transaction which minutes of
// which chunk it touched. Until these are rolled up again, readers make them of samples; so an answer is right at
// any moment, and after any crash. Open rows are never rolled up.
const (
	minuteChunk = int64(4 * time.Hour)        // the minutes of one record
	hourChunk   = int64(10 * 24 * time.Hour)  // the hours of one record; a multiple of minuteChunk
	rollLimit   = math.MaxInt64 - 4*hourChunk // nearer to the end of time there are no rollups

	rollQuiet = time.Minute      // a chunk is rolled up once it was left alone for so long,
	rollAfter = 15 * time.Minute // or waited for so long;
	rollOpen  = 6 * time.Hour    // the newest chunk of a series later, because it is touched again and again
)

// chunk names a record of minutes.
type chunk struct {
	id    historian.SeriesID
	start int64
}

// stale is the span of a chunk, whole minutes, in which samples were sealed or deleted since it was rolled up.
type stale struct {
	rollup.Span
	since, touched time.Time
}

// markRows notes that sorted rows of a series are sealed; the pairs are to be written with them.
func (t *tenant) markRows(id historian.SeriesID, ts []int64) []pair {
	var out []pair
	for len(ts) > 0 {
		n := len(ts)
		if end := rollup.Floor(ts[0], minuteChunk) + minuteChunk; ts[n-1] >= end {
			n, _ = slices.BinarySearch(ts, end)
			n = max(n, 1)
		}
		if p, ok := t.mark(id, ts[0], ts[n-1]); ok {
			out = append(out, p)
		}
		ts = ts[n:]
	}
	return out
}

// markSpan notes that samples with from <= T <= last are to be deleted.
func (t *tenant) markSpan(id historian.SeriesID, from, last int64) []pair {
	var out []pair
	for from <= last {
		end := rollup.Floor(from, minuteChunk) + (minuteChunk - 1)
		if end < from {
			return out
		}
		if p, ok := t.mark(id, from, min(end, last)); ok {
			out = append(out, p)
		}
		if end == math.MaxInt64 {
			return out
		}
		from = end + 1
	}
	return out
}

// mark notes samples of one chunk; false if they are too near to an end of time. Memory may run ahead of the disk
// when a commit fails: then a chunk is rolled up once for nothing.
func (t *tenant) mark(id historian.SeriesID, from, last int64) (pair, bool) {
	if from < -rollLimit || last > rollLimit {
		return pair{}, false
	}
	c := chunk{id, rollup.Floor(from, minuteChunk)}
	s := rollup.Span{From: rollup.Floor(from, int64(rollup.Minute)), To: rollup.Floor(last, int64(rollup.Minute)) + int64(rollup.Minute)}
	now := t.store.opt.Clock.Now()
	st, ok := t.stale[c]
	if ok {
		st.From, st.To = min(st.From, s.From), max(st.To, s.To)
	} else {
		st = stale{Span: s, since: now}
	}
	st.touched = now
	t.stale[c] = st
	return pair{t.chunkKey(kindStale, id, c.start), encodeSpan(c.start, st.Span)}, true
}

// encodeSpan stores a span in minutes of its chunk.
func encodeSpan(start int64, s rollup.Span) []byte {
	v := binary.AppendUvarint(nil, uint64((s.From-start)/int64(rollup.Minute)))
	return binary.AppendUvarint(v, uint64((s.To-start)/int64(rollup.Minute)))
}

func decodeSpan(start int64, v []byte) (rollup.Span, error) {
	from, n := binary.Uvarint(v)
	if n <= 0 {
		return rollup.Span{}, block.ErrCorrupt
	}
	to, m := binary.Uvarint(v[n:])
	if m <= 0 || from > to || to > uint64(minuteChunk/int64(rollup.Minute)) {
		return rollup.Span{}, block.ErrCorrupt
	}
	return rollup.Span{From: start + int64(from)*int64(rollup.Minute), To: start + int64(to)*int64(rollup.Minute)}, nil
}

// loadStale reads what waits to be rolled up.
func (t *tenant) loadStale(txn *badger.Txn) error {
	prefix := t.key(kindStale, 0)
	it := txn.NewIterator(badger.IteratorOptions{Prefix: prefix})
	defer it.Close()
	now := t.store.opt.Clock.Now()
	for it.Rewind(); it.Valid(); it.Next() {
		key := it.Item().Key()[len(prefix):]
		if len(key) != 12 {
			return fmt.Errorf("key %x of what is to be rolled up: %w", key, block.ErrCorrupt)
		}
		c := chunk{historian.SeriesID(binary.BigEndian.Uint32(key)), unflip(binary.BigEndian.Uint64(key[4:]))}
		err := it.Item().Value(func(v []byte) error {
			s, err := decodeSpan(c.start, v)
			t.stale[c] = stale{Span: s, since: now, touched: now}
			return err
		})
		if err != nil {
			return fmt.Errorf("read what is to be rolled up of series %d: %w", c.id, err)
		}
	}
	return nil
}

// due returns the chunks to be rolled up now, or all that wait.
func (t *tenant) due(all bool) []chunk {
	t.commitMu.Lock()
	defer t.commitMu.Unlock()
	now := t.store.opt.Clock.Now()
	var out []chunk
	for c, st := range t.stale {
		waited := now.Sub(st.since)
		over := t.peek(c.id).sealed >= c.start+minuteChunk
		if all || waited >= rollOpen || (over && (waited >= rollAfter || now.Sub(st.touched) >= rollQuiet)) {
			out = append(out, c)
		}
	}
	slices.SortFunc(out, func(a, b chunk) int {
		return cmp.Or(cmp.Compare(a.id, b.id), cmp.Compare(a.start, b.start))
	})
	return out
}
