package intake

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/lineshaft/lineshaft/twin/wire"
)

// Whatever is sent, in whatever order, and wherever it crashes: the counts, the gaps and the dead letters are those
// of a run without a crash, and history holds every reading.
func TestCrashesChangeNothing(t *testing.T) {
	type send struct{ device, epoch, seq, kind int }
	rapid.Check(t, func(rt *rapid.T) {
		sends := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) send {
			return send{
				rapid.IntRange(1, 2).Draw(t, "device"), rapid.IntRange(0, 2).Draw(t, "epoch"),
				rapid.IntRange(1, 12).Draw(t, "seq"), rapid.IntRange(0, 9).Draw(t, "kind"),
			}
		}), 1, 40).Draw(rt, "sends")
		crashes := rapid.SliceOfN(rapid.SampledFrom([]string{"go on", "commit", "crash", "crash after commit"}), len(sends), len(sends)).Draw(rt, "crashes")
		run := func(crash bool) (*site, string) {
			s := newSite(t)
			st := &story{site: s}
			s.plant.registered["P-1"], s.plant.registered["P-2"] = true, true
			for i, m := range sends {
				s.clk.Advance(time.Second)
				st.at = fmt.Sprint("message ", m.device, m.epoch, m.seq)
				device := fmt.Sprintf("P-%d", m.device)
				fields := []string{fmt.Sprintf("seq=%d", m.seq), fmt.Sprintf("temp=%d.5", i), fmt.Sprintf("id=%d-%d", m.device, m.seq)}
				if m.epoch > 0 {
					fields = append(fields, fmt.Sprintf("epoch=%d", m.epoch))
				}
				switch m.kind {
				case 0:
					st.publish(device, "telemetry", "garbage")
				case 1:
					st.publish("P-3", "telemetry", st.envelope("P-3", fields))
				case 2:
					st.publish(device, "telemetry", st.envelope(device, append(fields, "bad={}")))
				default:
					st.publish(device, "telemetry", st.envelope(device, fields))
				}
				if !crash {
					continue
				}
				switch crashes[i] {
				case "commit":
					s.commit()
				case "crash":
					s.crash(s.durable)
				case "crash after commit":
					s.commit()
					s.crash(max(0, s.durable-3))
				}
			}
			s.commit()
			gaps, _, err := s.in.Gaps("acme", GapFilter{})
			if err != nil {
				t.Fatal(err)
			}
			ls, _, err := s.in.Letters("acme", LetterFilter{})
			if err != nil {
				t.Fatal(err)
			}
			ids := ""
			for _, l := range ls {
				ids += l.ID + " " + string(l.Reason) + "\n"
			}
			return s, fmt.Sprintf("%+v\n%+v\n%s%+v", s.in.Counters("acme"), gaps, ids, s.in.LetterGroups("acme", LetterFilter{}))
		}
		calm, want := run(false)
		torn, got := run(true)
		if got != want {
			rt.Errorf("after crashes:\n%s\nwithout:\n%s", got, want)
		}
		if len(calm.plant.history) != len(torn.plant.history) {
			rt.Errorf("history has %d series after crashes, %d without", len(torn.plant.history), len(calm.plant.history))
		}
		for k, h := range calm.plant.history {
			if !maps.Equal(h, torn.plant.history[k]) {
				rt.Errorf("series %s differs", k)
			}
		}
	})
}

// A record that fails in its middle is taken up where it failed: what was counted is not counted again.
func TestARecordThatFailsInItsMiddle(t *testing.T) {
	s := newSite(t)
	st := &story{site: s}
	s.plant.registered["P-1"] = true
	var ps []wire.Publish
	for i := range 3 {
		st.at = fmt.Sprint(i)
		s.clk.Advance(time.Second)
		st.publish("P-1", "telemetry", st.envelope("P-1", []string{fmt.Sprintf("seq=%d", i+1), "epoch=A", fmt.Sprintf("temp=%d", i)}))
		ps = append(ps, s.records[i].ps[0])
	}
	s = newSite(t)
	s.plant.registered["P-1"] = true
	s.plant.tags["P-1.temp"] = Binding{Asset: "P-1", Tag: "temp", Series: 1}
	live := s.live[streamTelemetry]
	s.plant.bindErr = errors.New("store is away")
	if err := live.Apply(t.Context(), 1, ps[:2]); err == nil {
		t.Fatal("no error")
	}
	if err := live.Commit(t.Context()); err != nil { // nothing of the record is counted yet
		t.Fatal(err)
	}
	s.plant.bindErr = nil
	if err := live.Apply(t.Context(), 1, ps[:2]); err != nil {
		t.Fatal(err)
	}
	s.plant.bindErr = errors.New("store is away")
	if err := live.Apply(t.Context(), 2, append(ps[2:3:3], ps[2])); err == nil {
		t.Fatal("no error")
	}
	s.plant.bindErr = nil
	for range 2 {
		if err := live.Apply(t.Context(), 2, append(ps[2:3:3], ps[2])); err != nil {
			t.Fatal(err)
		}
	}
	if c := s.in.Counters("acme").Total; c.Messages != 3 || c.Duplicates != 1 {
		t.Errorf("counts %+v", c)
	}
	if v := s.plant.state["P-1.temp"].V.Text(); v != "2" {
		t.Errorf("twin shows %s", v)
	}
}

// A write that fails is repeated with the next commit, and nothing is forgotten.
func TestAFailedCommitIsRepeated(t *testing.T) {
	s := newSite(t)
	st := &story{site: s}
	s.plant.registered["P-1"] = true
	st.publish("P-1", "telemetry", st.envelope("P-1", []string{"seq=1", "epoch=A", "temp=1", "bad={}"}))
	st.publish("P-2", "telemetry", "{}")
	s.kv.fail = errors.New("disk is full")
	for range 3 {
		if err := s.live[streamTelemetry].Commit(t.Context()); err == nil {
			t.Fatal("no error")
		}
		if err := s.history[streamTelemetry].Commit(t.Context()); err != nil {
			t.Fatal("the historian group had nothing of its own to write:", err)
		}
	}
	s.kv.fail = nil
	s.commit()
	s.crash(len(s.records))
	if c := s.in.Counters("acme").Total; c.Messages != 1 || c.Letters != 2 {
		t.Errorf("after a start: %+v", c)
	}
	ls, _, err := s.in.Letters("acme", LetterFilter{})
	if err != nil || len(ls) != 2 {
		t.Errorf("letters %v %v", ls, err)
	}
}

// A stream that was made anew numbers from 1 again: its records are not taken for old ones.
func TestANewStreamIsNotTakenForTheOldOne(t *testing.T) {
	s := newSite(t)
	st := &story{site: s}
	s.plant.registered["P-1"] = true
	st.at = "first"
	st.publish("P-1", "telemetry", st.envelope("P-1", []string{"seq=1", "epoch=A", "temp=1"}))
	s.commit()
	live, err := s.in.Live(streamTelemetry, "second life")
	if err != nil {
		t.Fatal(err)
	}
	st.at = "second"
	p := s.records[0].ps[0]
	p.Payload = []byte(st.envelope("P-1", []string{"seq=2", "epoch=A", "temp=2"}))
	if err := live.Apply(t.Context(), 1, []wire.Publish{p}); err != nil {
		t.Fatal(err)
	}
	if c := s.in.Counters("acme").Total; c.Messages != 2 {
		t.Errorf("counts %+v", c)
	}
}

func TestALaterFormatIsRefused(t *testing.T) {
	kv := &memory{rows: map[string][]byte{"format": {formatVersion + 1}}}
	_, err := Open(t.Context(), Config{}, kv, newPlant().ports(), newSite(t).clk, slog.New(slog.DiscardHandler))
	if err == nil {
		t.Fatal("opened")
	}
}
