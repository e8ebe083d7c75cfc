package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/lineshaft/lineshaft/twin/fault"
)

// formatFile says in which format the rest of the directory is. It is read before the database is opened.
const formatFile = "FORMAT"

// format is the content of the file. Migrating is set while an older format is being brought up to date; Snapshot is
// then the file that holds all of it as it was.
type format struct {
	Version   int    `json:"lineshaft_store_format"`
	Migrating bool   `json:"migrating,omitempty"`
	Snapshot  string `json:"snapshot,omitempty"`

	fresh bool // there is no store yet
}

// readFormat tells the format of dir: fresh if there is nothing, 0 if there is a database without a format file (as
// the first builds wrote it).
func readFormat(dir string) (format, error) {
	b, err := os.ReadFile(filepath.Join(dir, formatFile))
	if errors.Is(err, fs.ErrNotExist) {
		_, err := os.Stat(filepath.Join(dir, databaseDir, "MANIFEST"))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return format{}, fmt.Errorf("look for a store: %w", err)
		}
		return format{fresh: err != nil}, nil
	}
	if err != nil {
		return format{}, fmt.Errorf("read store format: %w", err)
	}
	var f format
	if err := json.Unmarshal(b, &f); err != nil || f.Version < 1 && !f.Migrating {
		return format{}, (&fault.Error{
			Kind: fault.Unavailable, Message: fmt.Sprintf("%s does not say a store format", filepath.Join(dir, formatFile)), Err: err,
		}).WithHint("restore the data directory from a backup; the file was changed by hand or by a failing disk")
	}
	return f, nil
}

// check refuses a format this program cannot know.
func (f format) check(dir string, known int) error {
	if f.Version <= known {
		return nil
	}
	return fault.New(fault.Unavailable, "the store in %s has format %d, this lineshaft reads formats up to %d", dir, f.Version, known).
		WithHint("start the newer lineshaft that wrote it, or restore the backup made before the upgrade")
}

// write replaces the file so that a crash leaves the old one or the new one.
func (f format) write(dir string) error {
	b, err := json.Marshal(f)
	if err != nil {
		return fmt.Errorf("write store format: %w", err)
	}
	return replaceFile(filepath.Join(dir, formatFile), func(w *os.File) error {
		_, err := w.Write(append(b, '\n'))
		return err
	})
}

// replaceFile writes a file under a temporary name, syncs it, renames it and syncs its directory.
func replaceFile(path string, fill func(*os.File) error) error {
	tmp, err := os.OpenFile(path+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("write %s: %w", filepath.Base(path), err)
	}
	err = errors.Join(fill(tmp), tmp.Sync(), tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err == nil {
		err = syncDir(filepath.Dir(path))
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", filepath.Base(path), err)
	}
	return nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
