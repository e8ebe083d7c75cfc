package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/lineshaft/lineshaft/backend/store"
	"github.com/lineshaft/lineshaft/twin/fault"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashDir); dir != "" {
		writeForever(dir)
		return
	}
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/golang/glog.(*fileSink).flushDaemon"))
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func open(t *testing.T, dir string) *store.Store {
	t.Helper()
	s, err := store.Open(dir, quiet())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func closeStore(t *testing.T, s *store.Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, sp *store.Space, kv ...string) {
	t.Helper()
	var puts []store.Pair
	for i := 0; i < len(kv); i += 2 {
		puts = append(puts, store.Pair{Key: []byte(kv[i]), Value: []byte(kv[i+1])})
	}
	if err := sp.Write(t.Context(), puts); err != nil {
		t.Fatal(err)
	}
}

func dump(t *testing.T, sp *store.Space, prefix string) string {
	t.Helper()
	var out []string
	err := sp.Scan([]byte(prefix), func(k, v []byte) error {
		out = append(out, string(k)+"="+string(v))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(out, " ")
}

func TestWhatWasWrittenIsThereAfterARestart(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	write(t, s.Space("fleet"), "d/acme/P-001", "pump", "d/acme/P-002", "pump", "d/globex/P-001", "fan")
	closeStore(t, s)

	s = open(t, dir)
	defer closeStore(t, s)
	fleet := s.Space("fleet")
	if got, want := dump(t, fleet, "d/acme/"), "d/acme/P-001=pump d/acme/P-002=pump"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if err := fleet.Write(t.Context(), []store.Pair{{Key: []byte("d/acme/P-001")}}); err != nil {
		t.Fatal(err)
	}
	if v, err := fleet.Get([]byte("d/acme/P-001")); v != nil || err != nil {
		t.Errorf("a deleted key gives %q, %v", v, err)
	}
	write(t, fleet, "empty", "")
	if v, err := fleet.Get([]byte("empty")); v == nil || len(v) != 0 || err != nil {
		t.Errorf("an empty value gives %v, %v, and must differ from none", v, err)
	}
}

func TestSpacesAreApart(t *testing.T) {
	s := open(t, t.TempDir())
	defer closeStore(t, s)
	write(t, s.Space("a"), "b/1", "of a")
	write(t, s.Space("a/b"), "1", "of a/b")
	write(t, s.Space("ab"), "/1", "of ab")
	for name, want := range map[string]string{"a": "b/1=of a", "a/b": "1=of a/b", "ab": "/1=of ab", "b": ""} {
		if got := dump(t, s.Space(name), ""); got != want {
			t.Errorf("space %q holds %q, want %q", name, got, want)
		}
	}
	for _, name := range []string{"", strings.Repeat("x", 32)} {
		if err := s.Space(name).Write(t.Context(), []store.Pair{{Key: []byte("k"), Value: []byte("v")}}); err == nil {
			t.Errorf("a space named %q took a write", name)
		}
	}
}

func TestScanStopsWhenTold(t *testing.T) {
	s := open(t, t.TempDir())
	defer closeStore(t, s)
	sp := s.Space("gaps")
	write(t, sp, "g/1", "a", "g/2", "b", "g/3", "c", "h/1", "d")
	enough := errors.New("enough")
	var seen []string
	err := sp.ScanFrom([]byte("g/"), []byte("g/2"), func(k, _ []byte) error {
		seen = append(seen, string(k))
		return enough
	})
	if !errors.Is(err, enough) || len(seen) != 1 || seen[0] != "g/2" {
		t.Errorf("got %v after %v, want to stop at g/2", err, seen)
	}
}

func TestAWriteOfAnySizeIsOneWrite(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	const n = 28_000 // more pairs than a transaction of the database takes
	puts := make([]store.Pair, 0, n+2)
	for i := range n {
		puts = append(puts, store.Pair{Key: fmt.Appendf(nil, "asset/%06d", i), Value: bytes.Repeat([]byte{byte(i)}, 100)})
	}
	puts = append(puts, store.Pair{Key: []byte("asset/000007")}, store.Pair{Key: []byte("big"), Value: make([]byte, 3<<20)})
	if err := s.Space("twins").Write(t.Context(), puts); err != nil {
		t.Fatal(err)
	}
	closeStore(t, s)
	s = open(t, dir)
	defer closeStore(t, s)
	count := 0
	if err := s.Space("twins").Scan([]byte("asset/"), func(_, v []byte) error {
		if len(v) == 100 {
			count++
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if count != n-1 {
		t.Errorf("%d assets, want %d", count, n-1)
	}
	if big, err := s.Space("twins").Get([]byte("big")); len(big) != 3<<20 || err != nil {
		t.Errorf("the large value has %d bytes, %v", len(big), err)
	}
}

func TestAWriteOfACancelledCallerIsNotMade(t *testing.T) {
	s := open(t, t.TempDir())
	defer closeStore(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Space("a").Write(ctx, []store.Pair{{Key: []byte("k"), Value: []byte("v")}}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestASecondProcessIsRefused(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	defer closeStore(t, s)
	_, err := store.Open(dir, quiet())
	if !fault.Is(err, fault.Unavailable) {
		t.Fatalf("got %v, want unavailable", err)
	}
}

func TestManyWritersAtOnce(t *testing.T) {
	s := open(t, t.TempDir())
	defer closeStore(t, s)
	sp := s.Space("many")
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := range 25 {
				if err := sp.Write(t.Context(), []store.Pair{{Key: fmt.Appendf(nil, "%d/%02d", w, i), Value: []byte("x")}}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if got := strings.Count(dump(t, sp, ""), "="); got != 200 {
		t.Errorf("%d keys, want 200", got)
	}
}

// A space is a sorted map: whatever is written and deleted, reading agrees with one.
func TestSpaceIsASortedMap(t *testing.T) {
	s := open(t, t.TempDir())
	defer closeStore(t, s)
	round := 0
	rapid.Check(t, func(rt *rapid.T) {
		round++
		sp, want := s.Space(fmt.Sprintf("round-%d", round)), map[string]string{}
		key := rapid.SampledFrom([]string{"", "a", "a/", "a/b", "b", "\x00", "\xff"})
		for range rapid.IntRange(1, 4).Draw(rt, "writes") {
			var puts []store.Pair
			for range rapid.IntRange(0, 6).Draw(rt, "puts") {
				p := store.Pair{Key: []byte(key.Draw(rt, "key"))}
				delete(want, string(p.Key))
				if rapid.Bool().Draw(rt, "put") {
					p.Value = []byte(rapid.StringN(0, 3, -1).Draw(rt, "value"))
					want[string(p.Key)] = string(p.Value)
				}
				puts = append(puts, p)
			}
			if err := sp.Write(t.Context(), puts); err != nil {
				rt.Fatal(err)
			}
		}
		got, last := map[string]string{}, ""
		if err := sp.Scan(nil, func(k, v []byte) error {
			if len(got) > 0 && string(k) <= last {
				rt.Fatalf("%q after %q", k, last)
			}
			got[string(k)], last = string(v), string(k)
			return nil
		}); err != nil {
			rt.Fatal(err)
		}
		if len(got) != len(want) {
			rt.Fatalf("got %v, want %v", got, want)
		}
		for k, v := range want {
			if got[k] != v {
				rt.Fatalf("%q: got %q, want %q", k, got[k], v)
			}
		}
	})
}

func TestBackupRestoresIntoAnotherStore(t *testing.T) {
	s := open(t, t.TempDir())
	write(t, s.Space("users"), "admin", "hash")
	var copied bytes.Buffer
	if err := s.Backup(&copied); err != nil {
		t.Fatal(err)
	}
	write(t, s.Space("users"), "later", "not in the backup")
	closeStore(t, s)
	other := open(t, filepath.Join(t.TempDir(), "other"))
	defer closeStore(t, other)
	write(t, other.Space("users"), "stranger", "goes away")
	if err := other.Restore(&copied); err != nil {
		t.Fatal(err)
	}
	if got := dump(t, other.Space("users"), ""); got != "admin=hash" {
		t.Errorf("got %q", got)
	}
}

func TestTableKeepsRows(t *testing.T) {
	type user struct {
		Name  string   `json:"name"`
		Roles []string `json:"roles"`
	}
	s := open(t, t.TempDir())
	defer closeStore(t, s)
	users := store.NewTable[user](s.Space("users"))
	if _, ok, err := users.Get("admin@acme"); ok || err != nil {
		t.Errorf("an absent row: %v, %v", ok, err)
	}
	if err := users.Put(t.Context(), "admin@acme", user{"Ada", []string{"tenant_admin"}}); err != nil {
		t.Fatal(err)
	}
	if u, ok, err := users.Get("admin@acme"); !ok || err != nil || u.Name != "Ada" || len(u.Roles) != 1 {
		t.Errorf("got %v, %v, %v", u, ok, err)
	}
	write(t, s.Space("users"), "broken", "{")
	if err := users.Each("", func(string, user) error { return nil }); err == nil || !strings.Contains(err.Error(), `"broken"`) {
		t.Errorf("a damaged row gives %v, want its key", err)
	}
	if err := users.Delete(t.Context(), "broken"); err != nil {
		t.Fatal(err)
	}
	if err := users.Each("", func(k string, _ user) error {
		if k != "admin@acme" {
			t.Errorf("row %q", k)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}
