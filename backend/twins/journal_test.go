package twins_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/lineshaft/lineshaft/backend/twins"
	"github.com/lineshaft/lineshaft/twin/fault"
)

func TestTheJournalSaysWhatChangedAndWho(t *testing.T) {
	r := newRig(t)
	m := small("acme")
	r.load(m)
	r.clock.Advance(time.Hour)
	head, err := r.Journal(t.Context(), "acme", 0, 1000)
	if err != nil || len(head) != 1+2+8+2 {
		t.Fatalf("%d entries, %v, want one per title, class, asset and relation", len(head), err)
	}
	pump := m.Assets[4]
	m.Assets[4].Title = "Pump two"
	m.Assets[4].Nameplate = map[string]any{"serial": "4712", "year": 2019, "power_kw": 7.5}
	in, err := r.Import(t.Context(), m, "ada@acme", false)
	if err != nil || in.Changed != 1 || in.Created != 0 || in.Lines[0] != "change asset acme/detroit/body-shop/P-2: nameplate, title" {
		t.Fatalf("%+v, %v", in, err)
	}
	tail, err := r.Journal(t.Context(), "acme", uint64(len(head)), 10)
	if err != nil || len(tail) != 1 {
		t.Fatalf("%d entries, %v", len(tail), err)
	}
	e := tail[0]
	if e.Seq != 14 || e.Who != "ada@acme" || e.Known != r.now() || e.Valid != r.now() || e.Kind != twins.AssetKind || e.Subject != pump.ID {
		t.Errorf("entry %+v", e)
	}
	if !bytes.Contains(e.Before, []byte(`"4711"`)) || !bytes.Contains(e.After, []byte(`"4712"`)) {
		t.Errorf("before %s, after %s", e.Before, e.After)
	}
	if doc, err := r.Twin("acme", pump.ID); err != nil || doc.Version != 14 || doc.Title != "Pump two" {
		t.Errorf("%+v, %v", doc, err)
	}
	if v := r.Version("acme", m.Assets[3].ID); v == 14 || v == 0 {
		t.Errorf("the other pump has version %d", v)
	}
}

func TestSomebodyElseWroteTheJournal(t *testing.T) {
	r := newRig(t)
	m := small("acme")
	r.load(m)
	other, err := twins.Open(t.Context(), r.store.Space("twins"), r.clock, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	m.Assets[0].Title = "theirs"
	if _, err := other.Import(t.Context(), m, "them", false); err != nil {
		t.Fatal(err)
	}
	m.Assets[0].Title = "ours"
	if _, err := r.Import(t.Context(), m, "us", false); !fault.Is(err, fault.Conflict) {
		t.Errorf("got %v, want a conflict", err)
	}
	r.restart()
	if a, _ := r.Asset("acme", "acme"); a.Title != "theirs" {
		t.Errorf("the title is %q", a.Title)
	}
}

func TestManyChangesAreSnapshotAndNothingIsLost(t *testing.T) {
	r := newRig(t)
	m := small("acme")
	r.load(m)
	const rounds = 280
	for round := range rounds {
		for i := range m.Assets {
			m.Assets[i].Title = strings.Repeat("x", round%7) + asJSON(t, round)
		}
		if in := r.load(m); in.Changed != len(m.Assets) {
			t.Fatalf("round %d: %+v", round, in)
		}
	}
	snapshots := 0
	if err := r.store.Space("twins").Scan([]byte("s/acme/"), func(_, _ []byte) error { snapshots++; return nil }); err != nil {
		t.Fatal(err)
	}
	if snapshots == 0 {
		t.Error("no snapshot was written")
	}
	before, _ := r.Tree("acme")
	r.restart()
	if after, _ := r.Tree("acme"); asJSON(t, after) != asJSON(t, before) {
		t.Error("after a restart the tree differs")
	}
	for _, a := range m.Assets {
		if doc, err := r.Twin("acme", a.ID); err != nil || doc.Title != a.Title || doc.Version == 0 {
			t.Errorf("%s: %+v, %v", a.Path, doc, err)
		}
	}
	entries, err := r.Journal(t.Context(), "acme", 0, 1<<20)
	if err != nil || len(entries) != 13+rounds*len(m.Assets) {
		t.Errorf("%d entries, %v", len(entries), err)
	}
	if in := r.load(m); in.Changed+in.Created != 0 {
		t.Errorf("%+v", in)
	}
}
