package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/lineshaft/lineshaft/backend/backup"
	"github.com/lineshaft/lineshaft/backend/historian/embedded"
	"github.com/lineshaft/lineshaft/backend/store"
	"github.com/lineshaft/lineshaft/twin/clock"
	"github.com/lineshaft/lineshaft/twin/fault"
	"github.com/lineshaft/lineshaft/twin/release"
)

const (
	quietTime = 10 * time.Second // devices wait for a PUBACK at most so much longer while a backup begins
	slowTime  = time.Minute      // how long who takes a backup may take none of it
)

// moment is everything stored at one instant.
type moment struct {
	at      time.Time
	files   []backup.Item
	history *embedded.Snapshot // nil if history is kept elsewhere
	store   *store.Snapshot
}

// moment waits until the groups have committed all that was acknowledged and holds on to what is stored then, so that
// nothing of the stream belongs to it. History comes before the store, whose series it names.
func (p *parts) moment(ctx context.Context, data string, clk clock.Clock) (*moment, error) {
	if err := p.ready(ctx); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, quietTime)
	defer cancel()
	var m moment
	err := p.stream.Quiet(ctx, func() error {
		text, err := os.ReadFile(filepath.Join(data, firstPasswordsFile))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		if err == nil {
			m.files = []backup.Item{{Part: backup.File, Key: []byte(firstPasswordsFile), Value: text}}
		}
		m.at = clk.Now().UTC()
		if h, ok := p.history.(*embedded.Store); ok {
			m.history = h.Snapshot()
		}
		m.store = p.store.Snapshot()
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &m, nil
}

func (m *moment) close() {
	if m.history != nil {
		m.history.Close()
	}
	m.store.Close()
}

// write writes the backup.
func (m *moment) write(ctx context.Context, to io.Writer) error {
	h := backup.Header{Release: release.Version, At: m.at, Store: store.Format()}
	if m.history != nil {
		h.History = embedded.Format()
	}
	w, err := backup.NewWriter(to, h)
	if err != nil {
		return err
	}
	for _, f := range m.files {
		if err := w.Add(f); err != nil {
			return err
		}
	}
	of := func(part backup.Part) func(k, v []byte) error {
		return func(k, v []byte) error {
			return errors.Join(ctx.Err(), w.Add(backup.Item{Part: part, Key: k, Value: v}))
		}
	}
	if err := m.store.Each(of(backup.Store)); err != nil {
		return err
	}
	if m.history != nil {
		if err := m.history.Each(of(backup.History)); err != nil {
			return err
		}
	}
	return w.Close()
}

// backup answers the operator's wish for one.
func (p *parts) backup(data string, clk clock.Clock) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		m, err := p.moment(r.Context(), data, clk)
		if err != nil {
			refuse(w, err)
			return
		}
		defer m.close()
		w.Header().Set("Content-Type", "application/octet-stream")
		if err := m.write(r.Context(), patient{w, http.NewResponseController(w)}); err != nil {
			p.operator.log.Error("backup_failed", "error", err)
			w.Header().Set(http.TrailerPrefix+failedTrailer, "the backend could not finish it, see its log")
			return
		}
		p.operator.log.Info("backup_made", "of", m.at)
	}
}

// patient gives up a write that nobody takes.
type patient struct {
	to  io.Writer
	way *http.ResponseController
}

func (p patient) Write(b []byte) (int, error) {
	if err := p.way.SetWriteDeadline(time.Now().Add(slowTime)); err != nil {
		return 0, err
	}
	return p.to.Write(b)
}

// Backup asks the backend that runs on the data directory for a backup of everything and writes it to the file out,
// which must not exist. A file is there only if all of the backup is in it.
func Backup(ctx context.Context, data, out string) (h backup.Header, err error) {
	if _, err := os.Lstat(out); !errors.Is(err, os.ErrNotExist) {
		return h, fault.Field("out", out, "there is a file of that name already")
	}
	res, err := askBackup(ctx, data)
	if err != nil {
		return h, err
	}
	defer res.Body.Close() //nolint:errcheck // only read
	tmp := out + ".new"
	f, err := os.OpenFile(tmp, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return h, fmt.Errorf("write backup: %w", err)
	}
	h, err = backup.Verify(io.TeeReader(res.Body, f))
	if why := res.Trailer.Get(failedTrailer); err != nil && why != "" {
		err = fault.New(fault.Unavailable, "no backup was made: %s", why)
	}
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(tmp, out)
	}
	if err != nil {
		return h, errors.Join(err, os.Remove(tmp))
	}
	return h, syncDir(filepath.Dir(out))
}

// askBackup calls the operator's door and returns the answer that holds a backup.
func askBackup(ctx context.Context, data string) (*http.Response, error) {
	var call operatorCall
	text, err := os.ReadFile(filepath.Join(data, operatorFile))
	if errors.Is(err, os.ErrNotExist) {
		return nil, fault.New(fault.Unavailable, "no backend runs on %s", data).
			WithHint("start it; or, while it is stopped, copy the directory")
	}
	if err == nil {
		err = json.Unmarshal(text, &call)
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", operatorFile, err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, call.URL+"/backup", http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("ask for a backup: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+call.Key)
	res, err := (&http.Client{Transport: &http.Transport{}}).Do(req) // no proxy stands on loopback
	if err != nil {
		return nil, (&fault.Error{Kind: fault.Unavailable, Message: "the backend on " + data + " does not answer", Err: err}).
			WithHint("see that it runs; or, while it is stopped, copy the directory")
	}
	if res.StatusCode == http.StatusOK {
		return res, nil
	}
	defer res.Body.Close() //nolint:errcheck // only read
	var no refusal
	if err := json.NewDecoder(io.LimitReader(res.Body, 64<<10)).Decode(&no); err != nil {
		return nil, fmt.Errorf("ask for a backup: %s", res.Status)
	}
	return nil, &fault.Error{Kind: no.Kind, Message: "no backup was made: " + no.Message, Hint: no.Hint}
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
