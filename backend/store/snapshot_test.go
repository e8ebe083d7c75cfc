package store_test

import (
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"slices"
	"testing"

	"github.com/lineshaft/lineshaft/backend/store"
	"github.com/lineshaft/lineshaft/twin/fault"
)

func pairsOf(t *testing.T, s *store.Snapshot) []store.Pair {
	t.Helper()
	var out []store.Pair
	if err := s.Each(func(k, v []byte) error {
		out = append(out, store.Pair{Key: slices.Clone(k), Value: slices.Clone(v)})
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return out
}

func from(pairs []store.Pair, end error) iter.Seq2[store.Pair, error] {
	return func(yield func(store.Pair, error) bool) {
		for _, p := range pairs {
			if !yield(p, nil) {
				return
			}
		}
		if end != nil {
			yield(store.Pair{}, end)
		}
	}
}

// A backup is of its instant, whatever is written while it is read, and fills a store elsewhere.
func TestASnapshotFillsAStoreElsewhere(t *testing.T) {
	s, err := store.Open(t.TempDir(), quiet())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	plant := s.Space("plant")
	var large []store.Pair // staged, because it does not fit a transaction
	for i := range 30_000 {
		large = append(large, store.Pair{Key: fmt.Appendf(nil, "k%05d", i), Value: fmt.Appendf(nil, "%0200d", i)})
	}
	if err := plant.Write(t.Context(), large); err != nil {
		t.Fatal(err)
	}
	snap := s.Snapshot()
	if err := plant.Write(t.Context(), []store.Pair{{Key: []byte("k00000"), Value: []byte("later")}, {Key: []byte("k00001")}}); err != nil {
		t.Fatal(err)
	}
	pairs := pairsOf(t, snap)
	snap.Close()

	dir := filepath.Join(t.TempDir(), "elsewhere")
	if err := store.Fill(dir, store.Format(), quiet(), from(pairs, nil)); err != nil {
		t.Fatal(err)
	}
	if err := store.Fill(dir, store.Format(), quiet(), from(pairs, nil)); err == nil {
		t.Error("a store was filled twice")
	}
	other, err := store.Open(dir, quiet())
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	n := 0
	if err := other.Space("plant").Scan(nil, func(k, v []byte) error {
		if string(k) != string(large[n].Key) || string(v) != string(large[n].Value) {
			return fmt.Errorf("pair %d is %q %q", n, k, v)
		}
		n++
		return nil
	}); err != nil || n != len(large) {
		t.Fatalf("%d of %d pairs: %v", n, len(large), err)
	}
}

func TestAStoreIsNotFilledWithWhatItCannotRead(t *testing.T) {
	if err := store.Fill(t.TempDir(), store.Format()+1, quiet(), from(nil, nil)); !fault.Is(err, fault.Unavailable) {
		t.Errorf("a newer format: %v", err)
	}
	if err := store.Fill(t.TempDir(), 0, quiet(), from(nil, nil)); err == nil {
		t.Error("a store without a format was filled")
	}
	cut := errors.New("cut off")
	if err := store.Fill(t.TempDir(), store.Format(), quiet(), from([]store.Pair{{Key: []byte("\x05plantk"), Value: []byte("v")}}, cut)); !errors.Is(err, cut) {
		t.Errorf("pairs that end early: %v", err)
	}
}
