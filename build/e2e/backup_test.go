package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestABackupUnderLoadIsOfOneInstant takes a backup while eight devices send, loses the backend, and restores the
// backup elsewhere: what every device had acknowledged by then is there once, nothing of later, and twins, structure,
// users and keys are those of the same instant.
func TestABackupUnderLoadIsOfOneInstant(t *testing.T) {
	p := newPress(t, time.Second)
	var page string
	tree := p.tree()
	if err := p.api.get(t.Context(), "/api/v1/assets", url.Values{"limit": {"3"}}, &page); err != nil {
		t.Fatal(err)
	}
	_, cursor, _ := strings.Cut(page, `"next_cursor":"`)
	cursor, _, _ = strings.Cut(cursor, `"`)

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var senders []*sender
	var wg sync.WaitGroup
	from := time.Now().Add(-10 * time.Second)
	for i := range 8 {
		s := newSender(p, i+1, 9*time.Millisecond)
		senders = append(senders, s)
		wg.Go(func() { s.run(ctx) })
	}
	eventually(t, 20*time.Second, "load", func() error {
		for _, s := range senders {
			if n := len(s.w.ackedSet()); n < 300 {
				return fmt.Errorf("%s has %d PUBACKs", s.device, n)
			}
		}
		return nil
	})
	acked := map[*sender]int{}
	for _, s := range senders {
		acked[s] = len(s.w.ackedSet())
	}
	file := filepath.Join(p.dir, "plant.lsb")
	began := time.Now()
	out, err := lineshaft(t, "backup", "--data", filepath.Join(p.dir, "backend"), "--out", file)
	if err != nil {
		t.Fatalf("backup: %v\n%s", err, out)
	}
	ended := time.Now()
	eventually(t, 20*time.Second, "devices to go on", func() error {
		for _, s := range senders {
			if n := len(s.w.ackedSet()); n < acked[s]+200 {
				return fmt.Errorf("%s has %d PUBACKs, had %d", s.device, n, acked[s])
			}
		}
		return nil
	})
	cancel()
	wg.Wait()
	p.backend.kill()

	q := &press{
		t: t, dir: t.TempDir(), http: freePort(t), mqtt: freePort(t), plant: p.plant, paths: p.paths, tags: p.tags, tokens: p.tokens, topics: p.topics,
	}
	data := filepath.Join(q.dir, "backend")
	if out, err := lineshaft(t, "restore", "--in", file, "--data", data); err != nil {
		t.Fatalf("restore: %v\n%s", err, out)
	}
	q.startBackend()
	f := strings.Fields(q.backend.line(t, "first sign-in ", 60*time.Second))
	if _, err := (client{base: "http://" + q.http}).login(t.Context(), strings.TrimPrefix(f[2], "user="), strings.TrimPrefix(f[3], "password=")); err != nil {
		t.Fatalf("sign in after the restore: %v", err)
	}
	q.api = client{base: "http://" + q.http, token: p.api.token} // the session from before

	sent, kept := map[spot]float64{}, 0
	for _, s := range senders {
		n, err := q.prefix(s, from, time.Now().Add(time.Minute))
		if err != nil {
			t.Error(err)
			continue
		}
		if at := s.begin.Add(time.Duration(n) * s.step); n < acked[s] || at.After(ended.Add(s.step)) {
			t.Errorf("%s has %d readings: %d were acknowledged before, and the backup ended at reading %d", s.device, n, acked[s], ended.Sub(s.begin)/s.step)
		}
		twin, err := q.api.twin(t.Context(), p.paths[s.device])
		if err != nil {
			t.Fatal(err)
		}
		if r := twin.Reported["velocity_rms"]; r.TS.UnixMilli() != s.at(n-1) || r.V != s.base+float64((n-1)%1000)/8 {
			t.Errorf("the twin of %s is at %v of %v, its history at reading %d of %d", s.device, r.V, r.TS.UnixMilli(), n-1, s.at(n-1))
		}
		for i := range n {
			k := spot{s.device, "velocity_rms", s.at(i)}
			sent[k] = s.sent[k]
		}
		kept += n
	}
	if err := q.counts(sent, from, time.Now().Add(time.Minute)); err != nil {
		t.Error(err)
	}
	t.Logf("%v under load; %d readings in the backup, %d sent in all; %s", ended.Sub(began).Round(time.Millisecond), kept, total(senders), strings.TrimSpace(out))

	var again string
	if got := q.tree(); !reflect.DeepEqual(got, tree) {
		t.Errorf("the tree was %v and is %v after the restore", tree, got)
	}
	if err := q.api.get(t.Context(), "/api/v1/assets", url.Values{"limit": {"3"}, "cursor": {cursor}}, &again); err != nil || cursor == "" {
		t.Errorf("a cursor %q from before: %v", cursor, err)
	}
	w := newWitness(q.mqtt, "e2e::"+senders[0].device, p.tokens[senders[0].device])
	if err := w.connect(); err != nil {
		t.Errorf("a device with its token from before: %v", err)
	}
	w.close()
	q.backend.stop(t)
	refusedRestores(t, file, data)
}

// refusedRestores tries what must change nothing.
func refusedRestores(t *testing.T, file, data string) {
	t.Helper()
	if out, err := lineshaft(t, "restore", "--in", file, "--data", data); err == nil || !strings.Contains(out, "empty directory only") {
		t.Errorf("restore over a backend: %v\n%s", err, out)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text[len(text)/2] ^= 1
	bad, dir := filepath.Join(t.TempDir(), "bad.lsb"), filepath.Join(t.TempDir(), "new")
	if err := os.WriteFile(bad, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := lineshaft(t, "restore", "--in", bad, "--data", dir); err == nil || !strings.Contains(out, "damaged") {
		t.Errorf("restore of a damaged backup: %v\n%s", err, out)
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a damaged backup left a directory: %v", err)
	}
}

// lineshaft runs the program to its end.
func lineshaft(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	cmd := exec.CommandContext(t.Context(), filepath.Join(binaries, "lineshaft"), args...)
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	return out.String(), err
}

// prefix is how many of a sender's first readings history has. It is an error if it has any other of the device.
func (p *press) prefix(s *sender, from, to time.Time) (int, error) {
	history := map[spot]float64{}
	var err error
	eventually(p.t, 30*time.Second, "history", func() error {
		history, err = p.history([]string{s.device}, from, to)
		return err
	})
	var ts []int64
	for k := range history {
		if k.tag == "velocity_rms" {
			ts = append(ts, k.ts)
		}
	}
	slices.Sort(ts)
	for i, at := range ts {
		k := spot{s.device, "velocity_rms", at}
		if at != s.at(i) || history[k] != s.sent[k] {
			return 0, fmt.Errorf("reading %d of %s in history is %v at %d, sent was %v at %d", i, s.device, history[k], at, s.sent[k], s.at(i))
		}
	}
	return len(ts), nil
}

// tree is the plant's structure with its revision.
func (p *press) tree() map[string]any {
	p.t.Helper()
	var tree map[string]any
	if err := p.api.get(p.t.Context(), "/api/v1/assets/tree", nil, &tree); err != nil || len(tree) < 5 {
		p.t.Fatalf("tree %v: %v", tree, err)
	}
	delete(tree, "as_of")
	return tree
}

// at is the time of a sender's nth reading, in ms.
func (s *sender) at(n int) int64 {
	return s.begin.Add(time.Duration(n) * s.step).UnixMilli()
}

func total(senders []*sender) (n int) {
	for _, s := range senders {
		n += s.next
	}
	return n
}
