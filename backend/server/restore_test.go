package server

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/lineshaft/lineshaft/backend/backup"
	"github.com/lineshaft/lineshaft/backend/historian/embedded"
	"github.com/lineshaft/lineshaft/backend/store"
	"github.com/lineshaft/lineshaft/twin/fault"
)

func backupOf(t *testing.T, h backup.Header, items ...backup.Item) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.lsb")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w, err := backup.NewWriter(f, h)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range items {
		if err := w.Add(i); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), f.Close()); err != nil {
		t.Fatal(err)
	}
	return path
}

// What cannot be restored leaves the directory as it was: absent, or empty.
func TestWhatIsRefusedChangesNothing(t *testing.T) {
	pair := backup.Item{Part: backup.Store, Key: []byte("\x01ak"), Value: []byte("v")}
	for name, c := range map[string]struct {
		h     backup.Header
		items []backup.Item
		kind  fault.Kind
	}{
		"a newer store":     {backup.Header{Store: store.Format() + 1, History: embedded.Format()}, nil, fault.Unavailable},
		"a newer history":   {backup.Header{Store: store.Format(), History: embedded.Format() + 1}, nil, fault.Unavailable},
		"another file":      {backup.Header{Store: store.Format()}, []backup.Item{{Part: backup.File, Key: []byte("../x")}}, fault.Invalid},
		"parts out of turn": {backup.Header{Store: store.Format()}, []backup.Item{pair, {Part: backup.File, Key: []byte(firstPasswordsFile)}}, fault.Invalid},
	} {
		t.Run(name, func(t *testing.T) {
			data := filepath.Join(t.TempDir(), "data")
			if _, err := Restore(backupOf(t, c.h, c.items...), data, slog.New(slog.DiscardHandler)); !fault.Is(err, c.kind) {
				t.Errorf("got %v", err)
			}
			if left, err := os.ReadDir(data); len(left) > 0 || err != nil && !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("left: %v %v", left, err)
			}
		})
	}
}

func TestAnUnfinishedRestoreIsNotServed(t *testing.T) {
	data := t.TempDir()
	if err := os.WriteFile(filepath.Join(data, restoringFile), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := Defaults()
	cfg.Data, cfg.HTTPListen, cfg.MQTTListen = data, "127.0.0.1:0", "127.0.0.1:0"
	if err := Run(t.Context(), cfg, Deps{Log: slog.New(slog.DiscardHandler)}); !fault.Is(err, fault.Unavailable) {
		t.Errorf("got %v", err)
	}
}

func TestABackupNeedsARunningBackend(t *testing.T) {
	out := filepath.Join(t.TempDir(), "x.lsb")
	if _, err := Backup(t.Context(), t.TempDir(), out); !fault.Is(err, fault.Unavailable) {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(out); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file is there: %v", err)
	}
}
