package server

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/lineshaft/lineshaft/backend/backup"
	"github.com/lineshaft/lineshaft/backend/historian/embedded"
	"github.com/lineshaft/lineshaft/backend/store"
	"github.com/lineshaft/lineshaft/twin/fault"
)

// restoringFile is in a data directory while a backup is being restored into it.
const restoringFile = "RESTORING"

// Restore makes the data directory, which must be empty or absent, what it was when the backup in the file was made.
// The whole file is checked before anything is written; if it fails, the directory is empty again.
func Restore(in, data string, log *slog.Logger) (h backup.Header, err error) {
	f, err := os.Open(in)
	if err != nil {
		return h, fmt.Errorf("restore: %w", err)
	}
	defer f.Close() //nolint:errcheck // only read
	if h, err = backup.Verify(f); err != nil {
		return h, err
	}
	if err := checkFormats(h); err != nil {
		return h, err
	}
	if err := checkEmpty(data); err != nil {
		return h, err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return h, fmt.Errorf("restore: %w", err)
	}
	marker := filepath.Join(data, restoringFile)
	if err := errors.Join(os.MkdirAll(data, 0o700), os.WriteFile(marker, nil, 0o600), syncDir(data)); err != nil {
		return h, fmt.Errorf("restore: %w", err)
	}
	if err := restoreParts(f, data, log); err != nil {
		for _, name := range []string{"store", "history", firstPasswordsFile, restoringFile} {
			err = errors.Join(err, os.RemoveAll(filepath.Join(data, name)))
		}
		return h, err
	}
	return h, errors.Join(syncDir(data), os.Remove(marker), syncDir(data))
}

func checkFormats(h backup.Header) error {
	for _, f := range []struct {
		of        string
		has, most int
	}{{"store", h.Store, store.Format()}, {"history", h.History, embedded.Format()}} {
		if f.has > f.most {
			return fault.New(fault.Unavailable, "the %s in the backup has format %d, this lineshaft reads formats up to %d", f.of, f.has, f.most).
				WithHint("restore with lineshaft %s, which wrote it, or a newer one", h.Release)
		}
	}
	return nil
}

func checkEmpty(data string) error {
	entries, err := os.ReadDir(data)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("restore: %w", err)
	}
	if len(entries) > 0 {
		return fault.Field("data", data, "a backup is restored into an empty directory only; this one has %s in it", entries[0].Name())
	}
	return nil
}

// checkRestored refuses a directory that a restore has not finished.
func checkRestored(data string) error {
	_, err := os.Lstat(filepath.Join(data, restoringFile))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return (&fault.Error{Kind: fault.Unavailable, Message: "a restore into " + data + " was not finished", Err: err}).
		WithHint("empty the directory and restore again")
}

func restoreParts(f io.Reader, data string, log *slog.Logger) error {
	r, err := backup.NewReader(f)
	if err != nil {
		return err
	}
	c := &cursor{from: r}
	c.next()
	for i, err := range c.of(backup.File) {
		if err == nil && string(i.Key) != firstPasswordsFile {
			err = fault.New(fault.Invalid, "the backup has a file %q, which is none of lineshaft's", i.Key)
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(data, firstPasswordsFile), i.Value, 0o600)
		}
		if err != nil {
			return err
		}
	}
	stored, past := filepath.Join(data, "store"), filepath.Join(data, "history")
	err = store.Fill(stored, r.Header.Store, log, func(yield func(store.Pair, error) bool) {
		for i, err := range c.of(backup.Store) {
			if !yield(store.Pair{Key: i.Key, Value: i.Value}, err) {
				return
			}
		}
	})
	if err != nil {
		return err
	}
	if r.Header.History > 0 {
		err = embedded.Fill(past, log, func(yield func([2][]byte, error) bool) {
			for i, err := range c.of(backup.History) {
				if !yield([2][]byte{i.Key, i.Value}, err) {
					return
				}
			}
		})
	}
	if err != nil {
		return err
	}
	if !errors.Is(c.err, io.EOF) {
		return errors.Join(fault.New(fault.Invalid, "the parts of the backup are in no order this lineshaft knows"), c.err)
	}
	s, err := store.Open(stored, log) // as a start does, so that an older format is brought up to date now
	if err != nil {
		return err
	}
	if err := s.Close(); err != nil || r.Header.History == 0 {
		return err
	}
	h, err := embedded.Open(past, embedded.Options{Log: log})
	if err != nil {
		return err
	}
	return h.Close()
}

// cursor reads a backup part by part.
type cursor struct {
	from *backup.Reader
	item backup.Item
	err  error
}

func (c *cursor) next() { c.item, c.err = c.from.Next() }

// of are the items from here on that are of the part; an error of reading is the last.
func (c *cursor) of(part backup.Part) iter.Seq2[backup.Item, error] {
	return func(yield func(backup.Item, error) bool) {
		for c.err == nil && c.item.Part == part {
			if !yield(c.item, nil) {
				return
			}
			c.next()
		}
		if c.err != nil && !errors.Is(c.err, io.EOF) {
			yield(backup.Item{}, c.err)
		}
	}
}
