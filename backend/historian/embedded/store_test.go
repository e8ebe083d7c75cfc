package embedded

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dgraph-io/badger/v4"

	"github.com/lineshaft/lineshaft/backend/historian"
	"github.com/lineshaft/lineshaft/backend/historian/block"
	"github.com/lineshaft/lineshaft/twin"
	"github.com/lineshaft/lineshaft/twin/fault"
)

const (
	noon   = int64(1773748800) * 1e9
	second = int64(1e9)
)

func open(t *testing.T, dir string, opt Options) *Store {
	t.Helper()
	s, err := Open(dir, opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil && !errors.Is(err, badger.ErrDBClosed) {
			t.Error(err)
		}
	})
	return s
}

// ramp appends n readings a second apart, of value first, first+1, …, and commits each hundred.
func ramp(t *testing.T, h historian.Historian, id historian.SeriesID, start int64, n int, first int64) {
	t.Helper()
	for i := range n {
		at := start + int64(i)*second
		p := historian.Point{Series: id, Sample: twin.Sample{T: at, V: twin.IntValue(first + int64(i)), Q: twin.Good}, Received: at}
		if err := h.Append(t.Context(), []historian.Point{p}); err != nil {
			t.Fatal(err)
		}
		if i%100 == 99 || i == n-1 {
			if err := h.Commit(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func readAll(t *testing.T, h historian.Historian, id historian.SeriesID) historian.Column {
	t.Helper()
	c, err := h.Read(t.Context(), id, math.MinInt64, math.MaxInt64)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func refs(t *testing.T, h historian.Historian, id historian.SeriesID) []ref {
	t.Helper()
	ten, ok := h.(*tenant)
	if !ok {
		t.Fatalf("%T", h)
	}
	blocks, _, err := ten.blockSources(id, math.MinInt64, math.MaxInt64)
	if err != nil {
		t.Fatal(err)
	}
	out := make([]ref, len(blocks))
	for i, b := range blocks {
		out[i] = b.ref
	}
	return out
}

func TestTenantsAreApartAndOneCanBeErased(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{BlockPoints: 64})
	// A name that begins like another, and one that could be mistaken for a key.
	names := []string{"acme", "acme-2", "ac", "", "s\x00b"}
	for i, name := range names {
		ramp(t, s.Tenant(name), 1, noon, 200, int64(i)*1000)
	}
	if err := s.Erase("acme"); err != nil {
		t.Fatal(err)
	}
	ramp(t, s.Tenant("acme"), 2, noon, 5, 0)
	for range 2 {
		for i, name := range names {
			c := readAll(t, s.Tenant(name), 1)
			if name == "acme" {
				if len(c.T) != 0 || len(readAll(t, s.Tenant(name), 2).T) != 5 {
					t.Fatalf("after its erasure acme has %d samples", len(c.T))
				}
				continue
			}
			if len(c.T) != 200 || c.V[7].Int() != int64(i)*1000+7 {
				t.Fatalf("tenant %q has %d samples", name, len(c.T))
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = open(t, dir, Options{})
	}
}

func TestANewerFormatIsRefused(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	err := s.db.Update(func(txn *badger.Txn) error {
		return txn.Set(append(tenantPrefix(""), kindFormat), binary.AppendUvarint(nil, formatVersion+1))
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, Options{}); !fault.Is(err, fault.Conflict) {
		t.Fatalf("error %v", err)
	}
}

func TestADamagedBlockIsNamedAndItsNeighboursAreRead(t *testing.T) {
	s := open(t, t.TempDir(), Options{BlockPoints: 100})
	h := s.Tenant("acme")
	ramp(t, h, 7, noon, 300, 0)
	where := refs(t, h, 7)
	if len(where) != 3 {
		t.Fatalf("%d blocks", len(where))
	}
	key := h.(*tenant).blockKey(7, where[1])
	err := s.db.Update(func(txn *badger.Txn) error {
		item, err := txn.Get(key)
		if err != nil {
			return err
		}
		v, err := item.ValueCopy(nil)
		if err != nil {
			return err
		}
		v[len(v)/2] ^= 4
		return txn.Set(key, v)
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = h.Read(t.Context(), 7, noon, noon+300*second)
	if !errors.Is(err, block.ErrCorrupt) || !strings.Contains(err.Error(), "series 7, from 2026-03-17T12:01:40Z to 2026-03-17T12:03:19Z") {
		t.Fatalf("error %v", err)
	}
	if c, err := h.Read(t.Context(), 7, noon, noon+100*second); err != nil || len(c.T) != 100 {
		t.Fatalf("the block before: %d samples, %v", len(c.T), err)
	}
}

func TestLateDataIsMergedIntoFewBlocks(t *testing.T) {
	s := open(t, t.TempDir(), Options{BlockPoints: 100})
	h := s.Tenant("acme")
	ramp(t, h, 1, noon, 1000, 0)
	for i := range int64(12) { // the same hour, corrected again and again
		ramp(t, h, 1, noon+i*10*second, 300, 10_000*(i+1))
	}
	if err := s.Compact(t.Context()); err != nil {
		t.Fatal(err)
	}
	c := readAll(t, h, 1)
	if len(c.T) != 1000 || c.V[115].Int() != 12*10_000+5 || c.V[0].Int() != 10_000 || c.V[999].Int() != 999 {
		t.Fatalf("%d samples: %v, %v, %v", len(c.T), c.V[0], c.V[115], c.V[len(c.T)-1])
	}
	if n := len(refs(t, h, 1)); n > 20 {
		t.Fatalf("%d blocks hold 1000 samples", n)
	}
}

func TestSmallBlocksOfSlowSeriesAreMerged(t *testing.T) {
	// Memory for few open points forces heads out early.
	s := open(t, t.TempDir(), Options{BlockPoints: 1000, HeadPoints: 1})
	h := s.Tenant("acme")
	ten := h.(*tenant)
	for range 10 {
		ramp(t, h, 2, noon+int64(len(readAll(t, h, 2).T))*second, 100, 0)
		ten.mu.Lock()
		ten.known = 0 // so that the budget is HeadPoints alone
		ten.mu.Unlock()
	}
	if err := s.Compact(t.Context()); err != nil {
		t.Fatal(err)
	}
	if c, n := readAll(t, h, 2), len(refs(t, h, 2)); len(c.T) != 1000 || n > 4 {
		t.Fatalf("%d samples in %d blocks", len(c.T), n)
	}
}

func TestCheckpointsDoNotPileUp(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{LogBytes: 4096})
	h := s.Tenant("acme")
	ramp(t, h, 1, noon, 1, 42) // a tag that was heard once holds on to the first checkpoint
	for i := range int64(400) {
		ramp(t, h, 2, noon+i*second, 1, i)
	}
	ten := h.(*tenant)
	var bytes int64
	for _, c := range ten.log {
		bytes += c.bytes
	}
	if bytes > 2*4096 {
		t.Fatalf("%d checkpoints of %d bytes", len(ten.log), bytes)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	h = open(t, dir, Options{}).Tenant("acme")
	if c := readAll(t, h, 1); len(c.T) != 1 || c.V[0].Int() != 42 {
		t.Fatalf("the tag heard once has %d samples", len(c.T))
	}
	if c := readAll(t, h, 2); len(c.T) != 400 {
		t.Fatalf("the tag heard 400 times has %d samples", len(c.T))
	}
}

func TestAHeadOfManyCommitsSurvivesTheSweep(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	for i := range int64(3*sweepEvery + 5) {
		ramp(t, s.Tenant("acme"), 1, noon+i*second, 1, i)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if c := readAll(t, open(t, dir, Options{}).Tenant("acme"), 1); len(c.T) != 3*sweepEvery+5 {
		t.Fatalf("%d samples", len(c.T))
	}
}

func TestAFailedCommitLosesNothing(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{BlockPoints: 100})
	h := s.Tenant("acme")
	ramp(t, h, 1, noon, 150, 0)
	for i := range int64(120) {
		at := noon + (150+i)*second
		err := h.Append(t.Context(), []historian.Point{{Series: 1, Sample: twin.Sample{T: at, V: twin.IntValue(150 + i), Q: twin.Good}}})
		if err != nil {
			t.Fatal(err)
		}
	}
	whole := s.db
	closed, err := badger.Open(badgerOptions(t.TempDir(), s.opt.Log))
	if err != nil {
		t.Fatal(err)
	}
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	s.db = closed // the disk is gone
	if err := h.Commit(t.Context()); err == nil {
		t.Fatal("a commit without a disk succeeded")
	}
	s.db = whole
	ramp(t, h, 1, noon+270*second, 30, 270)
	for range 2 {
		c := readAll(t, h, 1)
		if len(c.T) != 300 || c.V[299].Int() != 299 || c.V[200].Int() != 200 {
			t.Fatalf("%d samples", len(c.T))
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = open(t, dir, Options{})
		h = s.Tenant("acme")
	}
}

func TestAThousandMessagesOfTextStayModerate(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	h := s.Tenant("acme")
	text := strings.Repeat("operator note ", 700) // 10 kB, each different
	for i := range int64(500) {
		p := historian.Point{Series: 1, Sample: twin.Sample{T: noon + i*second, V: twin.StringValue(text + string(rune('a'+i))), Q: twin.Good}}
		if err := h.Append(t.Context(), []historian.Point{p}); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	huge := historian.Point{Series: 1, Sample: twin.Sample{T: noon - second, V: twin.StringValue(strings.Repeat("x", 3<<20)), Q: twin.Good}}
	if err := errors.Join(h.Append(t.Context(), []historian.Point{huge}), h.Commit(t.Context())); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir, Options{})
	c := readAll(t, s.Tenant("acme"), 1)
	if len(c.T) != 501 || len(c.V[0].Text()) != 3<<20 || c.V[500].Text() != text+string(rune('a'+499)) {
		t.Fatalf("%d samples", len(c.T))
	}
}

func TestDaysBorderOnEachOther(t *testing.T) {
	day := dayLength
	for _, at := range []int64{0, 1, -1, day, -day, day - 1, -day - 1, noon, math.MaxInt64, math.MinInt64, math.MinInt64 + day} {
		start := dayOf(at)
		end := dayEnd(start)
		if at < start || at > end || dayOf(start) != start || dayOf(end) != start {
			t.Errorf("%d lies in the day from %d to %d", at, start, end)
		}
		if end != math.MaxInt64 && dayOf(end+1) != end+1 {
			t.Errorf("after the day ending %d follows one from %d", end, dayOf(end+1))
		}
	}
}

func TestKeysAreInOrderOfTime(t *testing.T) {
	ten := newTenant(nil, "acme")
	var last []byte
	for _, at := range []int64{math.MinInt64, -5, 0, 3, noon, math.MaxInt64} {
		k := ten.blockKey(3, ref{start: at, end: at, gen: 1})
		if bytes.Compare(last, k) >= 0 {
			t.Fatalf("the key of %d is not after the one before", at)
		}
		if r, ok := parseRef(k[len(ten.blocksKey(3)):]); !ok || r.start != at || r.end != at || r.gen != 1 {
			t.Fatalf("%d came back as %+v", at, r)
		}
		last = k
	}
}

func TestOpenRefusesAFileInThePlaceOfTheFolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history")
	if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path, Options{}); err == nil {
		t.Fatal("opened")
	}
}
