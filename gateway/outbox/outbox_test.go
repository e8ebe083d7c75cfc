package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/lineshaft/lineshaft/gateway/outbox"
	"github.com/lineshaft/lineshaft/gateway/outbox/outboxtest"
	"github.com/lineshaft/lineshaft/twin/clock"
	"github.com/lineshaft/lineshaft/twin/fault"
	"github.com/lineshaft/lineshaft/twin/wire"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv("OUTBOX_VICTIM"); dir != "" {
		fill(dir)
	}
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/golang/glog.(*fileSink).flushDaemon"))
}

func entry(device, body string) outbox.Entry {
	return outbox.Entry{
		Device: device, Channel: wire.Telemetry, Topic: "acme/detroit/body/l1/pump/" + device + "/telemetry",
		Payload: func(b []byte, s outbox.Stamp) []byte {
			return fmt.Appendf(b, "%s %d %s %s", s.Epoch, s.Seq, s.MsgID, body)
		},
	}
}

func open(t *testing.T, dir string, opts outbox.Options) *outbox.Outbox {
	t.Helper()
	o, err := outbox.Open(dir, opts)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func put(t *testing.T, o *outbox.Outbox, entries ...outbox.Entry) {
	t.Helper()
	if _, err := o.Put(entries...); err != nil {
		t.Fatal(err)
	}
}

// next takes a row that must be there.
func next(t *testing.T, o *outbox.Outbox) outbox.Row {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	r, err := o.Next(ctx)
	if err != nil {
		t.Fatalf("nothing to send: %v", err)
	}
	return r
}

func nothingNext(t *testing.T, o *outbox.Outbox) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if r, err := o.Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("got %s %d, %v", r.Device, r.Seq, err)
	}
}

func kept(t *testing.T, dir string) []outbox.Kept {
	t.Helper()
	var rows []outbox.Kept
	for k, err := range outbox.Inspect(dir) {
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, k)
	}
	return rows
}

func TestNumbersCountPerDeviceAndOutliveARestart(t *testing.T) {
	dir := t.TempDir()
	o := open(t, dir, outbox.Options{})
	epoch := o.Epoch()
	put(t, o, entry("P-1", "a"), entry("P-2", "b"), entry("P-1", "c"))
	first := next(t, o)
	o.Sent(first.Order)
	second := next(t, o) // in flight when the gateway stops: not acknowledged
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	o = open(t, dir, outbox.Options{})
	if o.Epoch() != epoch {
		t.Fatal("the epoch changed though the directory is the same")
	}
	put(t, o, entry("P-1", "d"))
	var got []string
	for range 3 {
		r := next(t, o)
		got = append(got, fmt.Sprintf("%s %d", r.Device, r.Seq))
		if r.Order == second.Order && string(r.Payload) != string(second.Payload) {
			t.Errorf("sent again with another body: %s and %s", second.Payload, r.Payload)
		}
		o.Sent(r.Order)
	}
	// The fresh row and the backlog take turns.
	if want := []string{"P-1 3", "P-2 1", "P-1 2"}; !slices.Equal(got, want) {
		t.Errorf("sent %v, want %v", got, want)
	}
	nothingNext(t, o)
	if s := o.Stats(); s.Unsent != 3 { // acknowledgements are on disk only with the next flush
		t.Errorf("unsent %d before the flush", s.Unsent)
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	for _, k := range kept(t, dir) {
		if !k.Sent {
			t.Errorf("%s %d is not marked sent", k.Device, k.Seq)
		}
	}
}

func TestARowThatWasNotAcknowledgedIsSentAgain(t *testing.T) {
	o := open(t, t.TempDir(), outbox.Options{})
	defer func() { _ = o.Close() }()
	put(t, o, entry("P-1", "a"), entry("P-1", "b"))
	a, b := next(t, o), next(t, o)
	nothingNext(t, o)
	o.Unsent(b.Order)
	o.Unsent(a.Order)
	again := []uint64{next(t, o).Seq, next(t, o).Seq}
	if !slices.Equal(again, []uint64{1, 2}) {
		t.Fatalf("sent again in order %v", again)
	}
}

func TestABacklogDoesNotStarveLiveData(t *testing.T) {
	dir := t.TempDir()
	o := open(t, dir, outbox.Options{})
	const backlog = 5000
	var many []outbox.Entry
	for i := range backlog {
		many = append(many, entry("P-1", fmt.Sprint(i)))
	}
	put(t, o, many...)
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	o = open(t, dir, outbox.Options{})
	defer func() { _ = o.Close() }()
	last, fresh := uint64(0), uint64(backlog)
	sent := 0
	for i := 0; sent < backlog; i++ {
		if i%10 == 0 { // one fresh reading while ten messages go out
			put(t, o, entry("P-1", "live"))
			fresh++
			r := next(t, o)
			if r.Seq == fresh {
				continue
			}
			if next(t, o).Seq != fresh {
				t.Fatalf("fresh reading %d waits behind the backlog", fresh)
			}
			last, sent = r.Seq, sent+1
		}
		r := next(t, o)
		if r.Seq != last+1 {
			t.Fatalf("backlog jumps from %d to %d", last, r.Seq)
		}
		last, sent = r.Seq, sent+1
	}
	nothingNext(t, o)
}

func TestAFullOutboxDropsTheOldestDataAndSaysWhich(t *testing.T) {
	dir := t.TempDir()
	var losses []outbox.Loss
	opts := outbox.Options{MaxBytes: 40 << 10}
	opts.Loss = func(l outbox.Loss) (outbox.Entry, bool) {
		losses = append(losses, l)
		e := entry(l.Device, fmt.Sprintf("lost %v", l.Ranges))
		e.Channel, e.Priority = wire.Events, outbox.Facts
		return e, true
	}
	o := open(t, dir, opts)
	fact := entry("P-1", "a fact")
	fact.Channel, fact.Priority = wire.Events, outbox.Facts
	put(t, o, fact)
	body := strings.Repeat("x", 300)
	for range 100 {
		put(t, o, entry("P-1", body), entry("P-2", body))
	}
	stats := o.Stats()
	if stats.Bytes > opts.MaxBytes || stats.Dropped == 0 {
		t.Fatalf("holds %d bytes, dropped %d", stats.Bytes, stats.Dropped)
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	held := map[string][]uint64{}
	for _, k := range kept(t, dir) {
		held[k.Device+" "+k.Channel] = append(held[k.Device+" "+k.Channel], k.Seq)
	}
	if held["P-1 events"][0] != 1 {
		t.Error("the oldest fact was dropped before data")
	}
	lost := map[string]uint64{}
	for _, l := range losses {
		if l.Reason != "full" || len(l.Ranges) != 1 || l.Ranges[0][0] != lost[l.Device]+1 {
			t.Errorf("told %+v after %d", l, lost[l.Device])
		}
		lost[l.Device] = l.Ranges[0][1]
	}
	for _, d := range []string{"P-1", "P-2"} {
		if got := held[d+" telemetry"]; got[0] != lost[d]+1 || got[len(got)-1] != 100 || len(got) != int(100-lost[d]) {
			t.Errorf("%s: lost up to %d, holds %d to %d", d, lost[d], got[0], got[len(got)-1])
		}
	}
}

func TestSentRowsGoBeforeUnsentOnes(t *testing.T) {
	o := open(t, t.TempDir(), outbox.Options{MaxBytes: 40 << 10})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- o.Run(ctx) }()
	body := strings.Repeat("x", 300)
	for range 60 {
		put(t, o, entry("P-1", body))
		o.Sent(next(t, o).Order)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	for range 80 {
		put(t, o, entry("P-1", body))
	}
	if s := o.Stats(); s.Dropped != 0 || s.Unsent != 80 || s.Rows >= 140 {
		t.Fatalf("%+v", s)
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestSentIsKeptForADayAndUnsentForThree(t *testing.T) {
	dir := t.TempDir()
	clk := clock.NewDriven(time.Date(2026, 3, 1, 6, 0, 0, 0, time.UTC))
	var losses []outbox.Loss
	o := open(t, dir, outbox.Options{Clock: clk, Loss: func(l outbox.Loss) (outbox.Entry, bool) {
		losses = append(losses, l)
		return outbox.Entry{}, false
	}})
	put(t, o, entry("P-1", "sent late"), entry("P-2", "never sent"))
	clk.Advance(70 * time.Hour)
	o.Sent(next(t, o).Order)
	hold := next(t, o)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- o.Run(ctx) }()
	rows := func(n int64, when string) {
		t.Helper()
		deadline := time.After(5 * time.Second)
		for o.Stats().Rows != n {
			clk.Advance(time.Minute)
			select {
			case <-deadline:
				t.Fatalf("%s: %+v", when, o.Stats())
			default:
			}
		}
	}
	rows(2, "a row sent after 70 h is kept for resending")
	o.Unsent(hold.Order)
	clk.Advance(3 * time.Hour)
	rows(1, "unsent for 73 h")
	if len(losses) != 1 || losses[0].Device != "P-2" || losses[0].Reason != "expired" || losses[0].Count() != 1 {
		t.Errorf("told %+v", losses)
	}
	clk.Advance(22 * time.Hour)
	rows(0, "sent for 25 h")
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
}

// fill is the victim's part of the next test: it puts rows and reports each on its standard output until killed.
func fill(dir string) {
	o, err := outbox.Open(dir, outbox.Options{})
	if err != nil {
		panic(err)
	}
	for i := 0; ; i++ {
		device := fmt.Sprintf("P-%d", i%7)
		if _, err := o.Put(entry(device, strings.Repeat("x", i%900))); err != nil {
			panic(err)
		}
		fmt.Println(device)
	}
}

func TestWhatPutReturnedForOutlivesAKill(t *testing.T) {
	dir := t.TempDir()
	told := map[string]uint64{}
	for life := range 3 {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^$")
		cmd.Env = append(os.Environ(), "OUTBOX_VICTIM="+dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := 0
		var device string
		for {
			n, err := fmt.Fscanln(out, &device)
			if n == 1 && err == nil {
				told[device]++
				lines++
			}
			if err != nil {
				break
			}
			if lines == 4000*(life+1) {
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		_ = cmd.Wait()
	}
	seqs := map[string]uint64{}
	epoch := ""
	for _, k := range kept(t, dir) {
		if epoch == "" {
			epoch = k.Epoch
		}
		if k.Epoch != epoch || k.Seq != seqs[k.Device]+1 || k.Sent {
			t.Fatalf("%s jumps from %d to %d (epoch %s)", k.Device, seqs[k.Device], k.Seq, k.Epoch)
		}
		seqs[k.Device] = k.Seq
	}
	for d, n := range told {
		// Each life may have put one row it could not tell of any more.
		if seqs[d] < n || seqs[d] > n+3 {
			t.Errorf("%s: put returned %d times, the disk holds %d", d, n, seqs[d])
		}
	}
	t.Logf("three kills: %v rows told, %v on disk", told, seqs)
}

func TestAnAuditorNoticesARowThatWasTakenAway(t *testing.T) {
	dir := t.TempDir()
	o := open(t, dir, outbox.Options{})
	for range 10 {
		put(t, o, entry("P-1", "a"))
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	if err := outboxtest.Remove(dir, "P-1", "telemetry", 4); err != nil {
		t.Fatal(err)
	}
	var seqs []uint64
	for _, k := range kept(t, dir) {
		seqs = append(seqs, k.Seq)
	}
	if !slices.Equal(seqs, []uint64{1, 2, 3, 5, 6, 7, 8, 9, 10}) {
		t.Fatalf("%v", seqs)
	}
}

func TestALostDirectoryIsANewEpoch(t *testing.T) {
	a := open(t, t.TempDir(), outbox.Options{})
	b := open(t, t.TempDir(), outbox.Options{})
	if a.Epoch() == b.Epoch() || !wire.ValidID(a.Epoch()) {
		t.Fatalf("epochs %s and %s", a.Epoch(), b.Epoch())
	}
	if err := errors.Join(a.Close(), b.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestAMessageThatIsTooLargeSparesItsNeighbours(t *testing.T) {
	o := open(t, t.TempDir(), outbox.Options{})
	defer func() { _ = o.Close() }()
	kept, err := o.Put(entry("P-1", "a"), entry("P-1", strings.Repeat("x", wire.MaxPayload)), entry("P-1", "c"))
	if kept != 1 || !fault.Is(err, fault.Invalid) {
		t.Fatalf("kept %d, %v", kept, err)
	}
	put(t, o, entry("P-1", "c"))
	if a, c := next(t, o), next(t, o); a.Seq != 1 || c.Seq != 2 {
		t.Errorf("numbers %d and %d", a.Seq, c.Seq)
	}
}

func BenchmarkPut(b *testing.B) {
	o, err := outbox.Open(b.TempDir(), outbox.Options{})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan error, 1)
	go func() { ended <- o.Run(ctx) }()
	body := strings.Repeat("x", 300)
	batch := make([]outbox.Entry, 50)
	for i := range batch {
		batch[i] = entry(fmt.Sprintf("P-%d", i), body)
	}
	b.ResetTimer()
	for n := 0; n < b.N; n += len(batch) {
		if _, err := o.Put(batch...); err != nil {
			b.Fatal(err)
		}
	}
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msg/s")
	cancel()
	if err := errors.Join(<-ended, o.Close()); err != nil {
		b.Fatal(err)
	}
}
