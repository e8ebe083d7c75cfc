package store

import (
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dgraph-io/badger/v4"

	"github.com/lineshaft/lineshaft/twin/fault"
)

var update = flag.Bool("update", false, "write testdata/format-0.badger again")

const fixture = "testdata/format-0.badger"

// What a store of format 0 held when the fixture was made.
var held = [][2]string{
	{"fleet", "d/acme/P-001"}, {"fleet", "d/globex/P-001"}, {"twins", "j/acme/\x00\x00\x00\x00\x00\x00\x00\x01"}, {"users", "admin@acme"},
}

func TestMakeFixture(t *testing.T) {
	if !*update {
		t.Skip("the fixture is written with -update only")
	}
	s := format0(t, t.TempDir(), nil)
	var puts []Pair
	for _, h := range held {
		puts = append(puts, Pair{Key: []byte(h[0] + "/" + h[1]), Value: []byte("value of " + h[1])})
	}
	if err := s.transact(nil, puts); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(fixture), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := replaceFile(fixture, func(f *os.File) error { return s.Backup(f) }); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// format0 is a database as the first builds left it: no format file.
func format0(t *testing.T, dir string, content *os.File) *Store {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(dir, snapshotsDir), 0o700); err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	db, err := badger.Open(settings(filepath.Join(dir, databaseDir), log))
	if err != nil {
		t.Fatal(err)
	}
	s := &Store{db: db, dir: dir, log: log}
	if content != nil {
		if err := s.Restore(content); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func oldStore(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	f, err := os.Open(fixture)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(format0(t, dir, f).Close(), f.Close()); err != nil {
		t.Fatal(err)
	}
	return dir
}

func checkHeld(t *testing.T, s *Store) {
	t.Helper()
	for _, h := range held {
		v, err := s.Space(h[0]).Get([]byte(h[1]))
		if err != nil || string(v) != "value of "+h[1] {
			t.Errorf("%s of space %s: got %q, %v", h[1], h[0], v, err)
		}
	}
}

func TestAnOlderStoreIsMigratedAfterASnapshot(t *testing.T) {
	dir := oldStore(t)
	for range 2 { // the second start finds nothing to do
		s, err := Open(dir, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		checkHeld(t, s)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	f, err := readFormat(dir)
	if err != nil || f != (format{Version: len(migrations())}) {
		t.Errorf("format is %+v, %v", f, err)
	}
	if st, err := os.Stat(filepath.Join(dir, snapshotsDir, "format-0.badger")); err != nil || st.Size() == 0 {
		t.Errorf("no snapshot: %v", err)
	}
}

func TestAnInterruptedMigrationBeginsAgainFromTheSnapshot(t *testing.T) {
	dir := oldStore(t)
	power := errors.New("power cut")
	half := []migration{{"half", func(s *Store) error {
		if err := s.transact(nil, []Pair{{Key: []byte("fleet/d/acme/P-001")}, {Key: []byte("fleet/half"), Value: []byte("x")}}); err != nil {
			return err
		}
		return power
	}}}
	if _, err := open(dir, slog.New(slog.DiscardHandler), half); !errors.Is(err, power) {
		t.Fatalf("got %v", err)
	}
	s, err := Open(dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	checkHeld(t, s)
	if v, err := s.Space("fleet").Get([]byte("half")); v != nil || err != nil {
		t.Errorf("what the interrupted migration wrote is still there: %q, %v", v, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestANewerStoreIsRefused(t *testing.T) {
	dir := t.TempDir()
	newer := len(migrations()) + 1
	if err := (format{Version: newer}).write(dir); err != nil {
		t.Fatal(err)
	}
	_, err := Open(dir, slog.New(slog.DiscardHandler))
	f, ok := errors.AsType[*fault.Error](err)
	if !ok || f.Kind != fault.Unavailable || f.Hint == "" {
		t.Fatalf("got %v, want a fault with a hint", err)
	}
	for _, word := range []string{dir, fmt.Sprintf("format %d", newer), fmt.Sprintf("up to %d", len(migrations()))} {
		if !strings.Contains(f.Message, word) {
			t.Errorf("%q does not say %q", f.Message, word)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, databaseDir)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the refused store was touched: %v", err)
	}
}

func TestADamagedFormatFileIsRefused(t *testing.T) {
	for _, text := range []string{"", "lineshaft", "{}", `{"lineshaft_store_format":-1}`, `{"lineshaft_store_format":"1"}`} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, formatFile), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(dir, slog.New(slog.DiscardHandler)); !fault.Is(err, fault.Unavailable) {
			t.Errorf("%q: got %v", text, err)
		}
	}
}

// A power cut after the commit record of a large write, and one before it.
func TestStagedWritesAreFinishedOrForgotten(t *testing.T) {
	for _, committed := range []bool{true, false} {
		dir := t.TempDir()
		s, err := Open(dir, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		sp := s.Space("twins")
		if err := sp.Write(t.Context(), []Pair{{Key: []byte("old"), Value: []byte("1")}}); err != nil {
			t.Fatal(err)
		}
		pieces := cut(sp.prefix, []Pair{{Key: []byte("new"), Value: []byte("2")}, {Key: []byte("old")}})
		puts := []Pair{{Key: pieceKey(0), Value: pieces[0]}}
		if committed {
			puts = append(puts, Pair{Key: stagedCommit, Value: []byte{1}})
		}
		if err := errors.Join(s.transact(nil, puts), s.Close()); err != nil {
			t.Fatal(err)
		}
		if s, err = Open(dir, slog.New(slog.DiscardHandler)); err != nil {
			t.Fatal(err)
		}
		sp = s.Space("twins")
		older, err1 := sp.Get([]byte("old"))
		newer, err2 := sp.Get([]byte("new"))
		if err := errors.Join(err1, err2); err != nil {
			t.Fatal(err)
		}
		if committed != (string(newer) == "2") || committed != (older == nil) {
			t.Errorf("committed %v: old %q, new %q", committed, older, newer)
		}
		if err := s.eachPiece(func(k, _ []byte) error { return fmt.Errorf("%q is still staged", k) }); err != nil {
			t.Error(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func FuzzPairs(f *testing.F) {
	f.Add(cut([]byte("p"), []Pair{{Key: []byte("a"), Value: []byte("b")}, {Key: []byte("c")}, {Key: nil, Value: []byte{}}})[0])
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		ps, err := pairs(b)
		if err != nil || len(ps) == 0 || len(ps) > piecePairs || len(b) > pieceSize {
			return
		}
		again, err := pairs(cut(nil, ps)[0])
		if err != nil || len(again) != len(ps) {
			t.Fatalf("%d pairs came back as %d, %v", len(ps), len(again), err)
		}
		for i := range ps {
			if string(again[i].Key) != string(ps[i].Key) || string(again[i].Value) != string(ps[i].Value) || (again[i].Value == nil) != (ps[i].Value == nil) {
				t.Fatalf("pair %d: %q became %q", i, ps[i], again[i])
			}
		}
	})
}
