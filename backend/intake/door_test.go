package intake

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/lineshaft/lineshaft/twin/wire"
)

func refuse(s *site, n int) {
	for i := range n {
		p := wire.Publish{
			Topic: "acme/detroit/_/_/pump/P-002/telemetry", Payload: []byte("{}"), Client: "acme::M-100",
			Received: s.clk.Now().UnixNano() + int64(i),
		}
		s.in.Refused(p, len(p.Payload), &wire.Refusal{Reason: wire.ReasonDirection, Detail: fmt.Sprintf("device M-100 published as P-002, time %d", i)})
	}
}

func TestWhatTheDoorRefusesIsKeptAsExamplesAndCounted(t *testing.T) {
	s := newSite(t)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.in.Run(ctx) }()
	refuse(s, 250)
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	for _, when := range []string{"at once", "after a start"} {
		ls, next, err := s.in.Letters("acme", LetterFilter{Device: "M-100", Reason: wire.ReasonDirection, Limit: 30})
		if err != nil || len(ls) != 30 || next != ls[29].ID {
			t.Fatalf("%s: first page has %d letters, next %q: %v", when, len(ls), next, err)
		}
		total := 30
		for next != "" {
			ls, next, err = s.in.Letters("acme", LetterFilter{Device: "M-100", After: next, Limit: 30})
			if err != nil {
				t.Fatal(err)
			}
			total += len(ls)
		}
		if total != doorExamples {
			t.Errorf("%s: %d examples, want %d", when, total, doorExamples)
		}
		if c := s.in.Counters("acme"); c.Refused != 250 || c.Dropped != 0 {
			t.Errorf("%s: %+v", when, c)
		}
		gs := s.in.LetterGroups("acme", LetterFilter{})
		if len(gs) != 1 || gs[0].Count != 250 || gs[0].DeviceType != "pump" || gs[0].Detail != "device M-100 published as P-002, time 249" {
			t.Errorf("%s: groups %+v", when, gs)
		}
		if ls, _, _ := s.in.Letters("globex", LetterFilter{}); len(ls) != 0 {
			t.Errorf("another tenant sees %d letters", len(ls))
		}
		s.crash(0)
	}
	if n, err := s.in.Replay(t.Context(), "acme", LetterFilter{}, func(wire.Publish, func(error)) { t.Error("let in by the back door") }); n != 0 || err != nil {
		t.Errorf("replayed %d: %v", n, err)
	}
}

// A device that is registered after it spoke: its messages are taken in without anybody asking.
func TestARegisteredDevicesMessagesAreTakenInByThemselves(t *testing.T) {
	s := newSite(t)
	st := &story{site: s}
	for i := range 3 {
		s.clk.Advance(time.Second)
		st.at = fmt.Sprint(i)
		st.publish("P-9", "telemetry", st.envelope("P-9", []string{fmt.Sprintf("seq=%d", i+1), "epoch=A", "temp=1"}))
	}
	s.commit()
	s.crash(len(s.records)) // it is known after a start, too
	again := make(chan wire.Publish, 10)
	s.in.ports.Again = func(p wire.Publish, done func(error)) {
		again <- p
		done(nil)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.in.Run(ctx) }()
	s.plant.mu.Lock()
	s.plant.registered["P-9"] = true
	s.plant.mu.Unlock()
	deadline := time.After(10 * time.Second)
	for len(again) < 3 {
		select {
		case <-time.After(5 * time.Millisecond):
			s.clk.Advance(lookEvery)
		case <-deadline:
			t.Fatalf("%d of 3 messages came again", len(again))
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	close(again)
	for p := range again {
		s.add(p)
	}
	s.commit()
	if c := s.in.Counters("acme").Total; c.Messages != 3 {
		t.Errorf("counts %+v", c)
	}
	if ls, _, err := s.in.Letters("acme", LetterFilter{}); len(ls) != 0 || err != nil || len(s.in.letters.unregistered()) != 0 {
		t.Errorf("%d letters are left: %v", len(ls), err)
	}
}

func TestAFullQuotaDropsCountsAndSaysSo(t *testing.T) {
	s := newSite(t)
	s.quota = 10 * (perLetter + 100)
	s.open()
	body := make([]byte, 100)
	for i := range 25 {
		s.clk.Advance(time.Second)
		s.add(wire.Publish{Topic: "acme/detroit/_/_/pump/P-404/telemetry", Payload: body, Received: int64(i)})
	}
	s.commit()
	for range 2 {
		ls, _, err := s.in.Letters("acme", LetterFilter{})
		if err != nil || len(ls) != 10 {
			t.Fatalf("%d letters kept: %v", len(ls), err)
		}
		if c := s.in.Counters("acme"); c.Total.Letters != 25 || c.Dropped != 15 {
			t.Errorf("counts %+v", c)
		}
		if gs := s.in.LetterGroups("acme", LetterFilter{}); len(gs) != 1 || gs[0].Count != 25 {
			t.Errorf("groups %+v", gs)
		}
		s.crash(len(s.records))
	}
	// Another tenant's quota is its own.
	s.add(wire.Publish{Topic: "globex/north/_/_/pump/X-1/telemetry", Payload: body, Received: 1})
	s.commit()
	if ls, _, err := s.in.Letters("globex", LetterFilter{}); err != nil || len(ls) != 1 {
		t.Errorf("globex has %d letters: %v", len(ls), err)
	}
}

func TestGapsAreListedInPages(t *testing.T) {
	s := newSite(t)
	st := &story{site: s}
	for d := range 5 {
		device := fmt.Sprintf("P-%d", d)
		s.plant.registered[device] = true
		for _, seq := range []int{1, 3, 7} {
			s.clk.Advance(time.Second)
			st.at = fmt.Sprint(device, seq)
			st.publish(device, "telemetry", st.envelope(device, []string{fmt.Sprintf("seq=%d", seq), "epoch=A", "temp=1"}))
		}
	}
	st.at = "heal"
	st.publish("P-0", "telemetry", st.envelope("P-0", []string{"seq=2", "epoch=A", "temp=1"}))
	var all []Gap
	for after := "start"; after != ""; {
		page, next, err := s.in.Gaps("acme", GapFilter{Limit: 3, After: map[bool]string{true: "", false: after}[after == "start"]})
		if err != nil {
			t.Fatal(err)
		}
		all, after = append(all, page...), next
	}
	if len(all) != 10 || all[0].Detected <= all[9].Detected {
		t.Errorf("%d gaps in pages: %+v", len(all), all)
	}
	open, healed := true, false
	if g, _, _ := s.in.Gaps("acme", GapFilter{Open: &open}); len(g) != 9 {
		t.Errorf("%d open", len(g))
	}
	if g, _, _ := s.in.Gaps("acme", GapFilter{Open: &healed, Device: "P-0"}); len(g) != 1 || g[0].HealedAt == 0 || g[0].Missing != 0 {
		t.Errorf("healed: %+v", g)
	}
	if g, _, _ := s.in.Gaps("acme", GapFilter{To: all[9].Before}); len(g) != 1 {
		t.Errorf("%d gaps before the first one's end", len(g))
	}
	if g, _, _ := s.in.Gaps("globex", GapFilter{}); len(g) != 0 {
		t.Errorf("another tenant sees %d gaps", len(g))
	}
	if _, _, err := s.in.Gaps("acme", GapFilter{After: "nonsense"}); err == nil {
		t.Error("a cursor that is none is taken")
	}
}
