package intake

import (
	"strings"
	"testing"

	"github.com/lineshaft/lineshaft/twin"
	"github.com/lineshaft/lineshaft/twin/fault"
	"github.com/lineshaft/lineshaft/twin/wire"
)

// tell runs lines of a story and commits.
func tell(s *site, text string) {
	s.t.Helper()
	st := &story{site: s}
	for line := range strings.Lines(text) {
		st.at = strings.TrimSpace(line)
		st.line(strings.Fields(line), st.at)
	}
	s.commit()
}

// A pump sends a temperature as a word. The engineer corrects the tag, sees what becomes of the letters, and lets
// them in once.
func TestALetterIsLookedAtBeforeItIsReplayed(t *testing.T) {
	s := newSite(t)
	run := func(text string) {
		t.Helper()
		tell(s, text)
	}
	run(`register P-001
tag P-001.temp float64
telemetry P-001 epoch=A seq=1 temp=1
telemetry P-001 epoch=A seq=2 temp="warm" flow=2
raw P-001 telemetry {"schema_version":"9.9"}
telemetry P-404 epoch=B seq=1 temp=3`)
	before := len(s.kv.rows)
	refuse(s, 1)
	if err := s.in.flushDoor(t.Context()); err != nil {
		t.Fatal(err)
	}
	ls, _, err := s.in.Letters("acme", LetterFilter{})
	if err != nil || len(ls) != 4 {
		t.Fatalf("%d letters: %v", len(ls), err)
	}
	preview := func(reason wire.Reason) Preview {
		t.Helper()
		for _, l := range ls {
			if l.Reason == reason {
				p, err := s.in.Preview("acme", l.ID)
				if err != nil {
					t.Fatal(err)
				}
				return p
			}
		}
		t.Fatalf("no letter for %s", reason)
		return Preview{}
	}
	if p := preview(wire.ReasonValue); p.Refusal != nil || len(p.Wrong) != 1 || p.Wrong[0].Tag != "temp" || len(p.Readings) != 1 || !p.Seen {
		t.Errorf("before the fix: %+v", p)
	}
	for _, reason := range []wire.Reason{wire.ReasonSchema, wire.ReasonUnregistered, wire.ReasonDirection} {
		if p := preview(reason); p.Refusal == nil || p.Refusal.Reason != reason || p.Refusal.Detail == "" {
			t.Errorf("%s: %+v", reason, p)
		}
	}
	got, err := s.in.Try(t.Context(), "acme", LetterFilter{})
	if want := (Trial{Matched: 4, Tried: 3, Partly: 1, Refused: 2, AtDoor: 1}); err != nil || got != want {
		t.Errorf("got %+v, want %+v: %v", got, want, err)
	}

	run(`register P-404
tag P-404.temp float64
tag P-001.temp string`)
	if p := preview(wire.ReasonValue); p.Refusal != nil || len(p.Wrong) != 0 || len(p.Readings) != 2 || !p.Seen {
		t.Errorf("after the fix: %+v", p)
	}
	p := preview(wire.ReasonUnregistered)
	if p.Refusal != nil || p.Seen || len(p.Readings) != 1 || p.Readings[0].Asset != "P-404" || p.Readings[0].V != twin.FloatValue(3) {
		t.Errorf("once registered: %+v", p)
	}
	if len(s.kv.rows) > before+4 { // the letter of the door and its tallies
		t.Errorf("previews wrote: %d rows, %d before", len(s.kv.rows), before)
	}
	n, err := s.in.Replay(t.Context(), "acme", LetterFilter{IDs: []string{ls[0].ID, ls[1].ID, ls[2].ID, ls[3].ID}, Device: "P-404"}, func(p wire.Publish, done func(error)) {
		s.add(p)
		done(nil)
	})
	if n != 1 || err != nil {
		t.Errorf("replayed %d: %v", n, err)
	}
	run("telemetry P-404 epoch=B seq=2 ts=10:00:01 temp=4\nhistory P-404.temp 3 4")
	if ls, _, _ = s.in.Letters("acme", LetterFilter{}); len(ls) != 3 {
		t.Errorf("%d letters are left", len(ls))
	}
	if _, err := s.in.Preview("acme", "00"); !fault.Is(err, fault.NotFound) {
		t.Errorf("a letter that is none: %v", err)
	}
}

// A message of two megabytes is kept by its head, and the letter says how large it was.
func TestALargeMessageSaysHowLargeItWas(t *testing.T) {
	s := newSite(t)
	s.in.Refused(wire.Publish{
		Topic: "acme/detroit/_/_/pump/P-002/telemetry", Payload: make([]byte, wire.DeadLetterHead), Client: "acme::P-002",
		Received: s.clk.Now().UnixNano(),
	}, 2_000_000, &wire.Refusal{Reason: wire.ReasonSize, Detail: "message of 2000000 bytes"})
	if err := s.in.flushDoor(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		ls, _, err := s.in.Letters("acme", LetterFilter{})
		if err != nil || len(ls) != 1 || ls[0].Size != 2_000_000 || len(ls[0].Payload) != wire.DeadLetterHead {
			t.Fatalf("letters %v: %v", ls, err)
		}
		if got := s.in.letters.of("acme").bytes; got != wire.DeadLetterHead+perLetter {
			t.Errorf("the quota counts %d bytes", got)
		}
		s.crash(0)
	}
}
