package backup_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/lineshaft/lineshaft/backend/backup"
	"github.com/lineshaft/lineshaft/twin/fault"
)

func written(t testing.TB, items []backup.Item) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := backup.NewWriter(&out, backup.Header{Release: "1.2.3", At: time.Unix(7, 0).UTC(), Store: 1, History: 2})
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range items {
		if err := w.Add(i); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func some() []backup.Item {
	items := []backup.Item{{Part: backup.File, Key: []byte("first-passwords.json"), Value: []byte("[]")}}
	for i := range 40 {
		items = append(items, backup.Item{Part: backup.Store, Key: fmt.Appendf(nil, "k%d", i), Value: bytes.Repeat([]byte{byte(i)}, i*i)})
	}
	return append(items,
		backup.Item{Part: backup.History, Key: []byte{0}, Value: bytes.Repeat([]byte("x"), 600<<10)},
		backup.Item{Part: backup.History, Key: []byte{1}})
}

func TestWhatIsBackedUpIsReadBack(t *testing.T) {
	items := some()
	r, err := backup.NewReader(bytes.NewReader(written(t, items)))
	if err != nil {
		t.Fatal(err)
	}
	if h := r.Header; h.Release != "1.2.3" || h.Store != 1 || h.History != 2 || !h.At.Equal(time.Unix(7, 0)) {
		t.Errorf("header is %+v", h)
	}
	for _, want := range items {
		got, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		if got.Part != want.Part || !bytes.Equal(got.Key, want.Key) || !bytes.Equal(got.Value, want.Value) {
			t.Fatalf("read %c %q, written was %c %q", got.Part, got.Key, want.Part, want.Key)
		}
	}
	if _, err := r.Next(); !errors.Is(err, io.EOF) {
		t.Fatalf("at the end: %v", err)
	}
}

// A disk or a copy that went wrong anywhere is noticed.
func TestADamagedBackupIsRefused(t *testing.T) {
	whole := written(t, some()[:12])
	for i := range whole {
		bad := bytes.Clone(whole)
		bad[i] ^= 0x10
		if _, err := backup.Verify(bytes.NewReader(bad)); !fault.Is(err, fault.Invalid) && !fault.Is(err, fault.Unavailable) {
			t.Fatalf("byte %d changed: %v", i, err)
		}
		if _, err := backup.Verify(bytes.NewReader(whole[:i])); !fault.Is(err, fault.Invalid) {
			t.Fatalf("cut at %d: %v", i, err)
		}
	}
	if _, err := backup.Verify(bytes.NewReader(append(bytes.Clone(whole), 0))); !fault.Is(err, fault.Invalid) {
		t.Fatalf("a byte more: %v", err)
	}
	if _, err := backup.Verify(bytes.NewReader(whole)); err != nil {
		t.Fatal(err)
	}
}

func FuzzABackupFromAnywhere(f *testing.F) {
	f.Add(written(f, some()[:5]))
	f.Add([]byte("lineshaft backup\nH\x00\x00\x00\x02{}...."))
	f.Fuzz(func(_ *testing.T, b []byte) {
		_, _ = backup.Verify(bytes.NewReader(b)) // neither panics nor takes memory that was only promised
	})
}
