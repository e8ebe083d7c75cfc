package embedded

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/dgraph-io/badger/v4"
	"golang.org/x/sync/errgroup"

	"github.com/lineshaft/lineshaft/backend/historian"
	"github.com/lineshaft/lineshaft/backend/historian/historiantest"
	"github.com/lineshaft/lineshaft/backend/historian/rollup"
	"github.com/lineshaft/lineshaft/twin"
)

// halfDay appends a reading every ten seconds for twelve hours and commits.
func halfDay(t *testing.T, h historian.Historian) {
	t.Helper()
	var ps []historian.Point
	for at := noon; at < noon+12*3600*second; at += 10 * second {
		ps = append(ps, historian.Point{Series: 1, Sample: twin.Sample{T: at, V: twin.IntValue(at / second % 97), Q: twin.Good}})
	}
	if err := h.Append(t.Context(), ps); err != nil {
		t.Fatal(err)
	}
	if err := h.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func keysOf(t *testing.T, s *Store, kind byte) (keys [][]byte) {
	t.Helper()
	prefix := append(tenantPrefix("acme"), kind)
	err := s.db.View(func(txn *badger.Txn) error {
		it := txn.NewIterator(badger.IteratorOptions{Prefix: prefix})
		defer it.Close()
		for it.Rewind(); it.Valid(); it.Next() {
			keys = append(keys, it.Item().KeyCopy(nil))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func TestAStoreWithoutRollupsGetsThem(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{BlockPoints: 500})
	halfDay(t, s.Tenant("acme"))
	old := slices.Concat(keysOf(t, s, kindStale), keysOf(t, s, kindMinutes), keysOf(t, s, kindHours), keysOf(t, s, kindRevision))
	err := s.db.Update(func(txn *badger.Txn) error {
		for _, k := range old {
			if err := txn.Delete(k); err != nil {
				return err
			}
		}
		return txn.Set(formatKey(), binary.AppendUvarint(nil, 1))
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir, Options{})
	for range 2 {
		if err := historiantest.CheckRollups(t.Context(), s.Tenant("acme"), 1); err != nil {
			t.Fatal(err)
		}
		if err := s.Roll(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if len(keysOf(t, s, kindStale)) != 0 || len(keysOf(t, s, kindMinutes)) != 3 || len(keysOf(t, s, kindHours)) == 0 {
		t.Fatal("nothing was rolled up")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir, Options{})
	defer func() {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}()
	if len(keysOf(t, s, kindStale)) != 0 {
		t.Fatal("a store that was brought to this format once was so again")
	}
}

// One late reading has its minute made again, and its hour, and nothing else: what is wrong elsewhere stays so.
func TestOnlyWhatWasTouchedIsMadeAgain(t *testing.T) {
	s := open(t, t.TempDir(), Options{BlockPoints: 1})
	defer func() {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}()
	h := s.Tenant("acme").(*tenant)
	halfDay(t, h)
	if err := s.Roll(t.Context()); err != nil {
		t.Fatal(err)
	}
	late := noon + 3601*second
	if err := h.Append(t.Context(), []historian.Point{{Series: 1, Sample: twin.Sample{T: late, V: twin.IntValue(1), Q: twin.Good}}}); err != nil {
		t.Fatal(err)
	}
	if err := h.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := stale{Span: rollup.Span{From: noon + 3600*second, To: noon + 3660*second}}
	got := h.stale[chunk{1, rollup.Floor(late, minuteChunk)}]
	if len(h.stale) != 1 || got.Span != want.Span {
		t.Fatalf("to be made again: %v", h.stale)
	}
	if err := historiantest.CheckRollups(t.Context(), h, 1); err != nil {
		t.Fatal(err)
	}
}

// A plant writes, late data comes, the store rolls up and merges, and somebody asks all the while: no answer misses a
// reading that was appended before it was asked for.
func TestAnswersAreWholeWhileTheStoreRollsUp(t *testing.T) {
	s := open(t, t.TempDir(), Options{BlockPoints: 64, HeadPoints: 200})
	h := s.Tenant("acme").(*tenant)
	const rounds, batch = 120, 60
	done := make(chan struct{})
	g, ctx := errgroup.WithContext(t.Context())
	g.Go(func() error {
		for {
			select {
			case <-done:
				return nil
			default:
			}
			if err := errors.Join(s.Roll(ctx), s.Compact(ctx)); err != nil {
				return err
			}
		}
	})
	g.Go(func() error {
		defer close(done)
		for r := range int64(rounds) {
			var ps []historian.Point
			for i := range int64(batch) {
				at := noon + (r/2*batch+i)*20*second + r%2*10*second // every second batch falls between the readings of the one before
				ps = append(ps, historian.Point{Series: 1, Sample: twin.Sample{T: at, V: twin.IntValue(r), Q: twin.Good}})
			}
			if err := errors.Join(h.Append(ctx, ps), h.Commit(ctx)); err != nil {
				return err
			}
			for _, tier := range []time.Duration{rollup.Minute, rollup.Hour} {
				bs, err := h.Rollup(ctx, 1, tier, noon, noon+48*3600*second)
				if err != nil {
					return err
				}
				readings := int64(0)
				for i := range bs {
					readings += bs[i].Readings
				}
				if readings != (r+1)*batch {
					return fmt.Errorf("buckets of %s hold %d readings of %d", tier, readings, (r+1)*batch)
				}
			}
		}
		return nil
	})
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(historiantest.CheckRollups(t.Context(), h, 1), s.Close()); err != nil {
		t.Fatal(err)
	}
}
