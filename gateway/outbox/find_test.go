package outbox_test

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/lineshaft/lineshaft/gateway/outbox"
	"github.com/lineshaft/lineshaft/twin/clock"
	"github.com/lineshaft/lineshaft/twin/wire"
)

// Three pumps speak often, a fourth hardly ever; the oldest rows have expired. Any range finds exactly what is held.
func TestARangeFindsWhatIsStillHeld(t *testing.T) {
	clk := clock.NewDriven(time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC))
	o := open(t, t.TempDir(), outbox.Options{SentRetention: time.Hour, Clock: clk})
	defer o.Close()
	ctx, stop := runBox(t, o)
	defer stop()
	for i := range 600 {
		put(t, o, entry(fmt.Sprintf("P-%d", i%3), "body"))
		if i%250 == 0 {
			put(t, o, entry("P-rare", "body"))
		}
		if i == 299 {
			for range 302 {
				o.Sent(next(t, o).Order)
			}
			await(t, clk, func() bool { return o.Stats().Unsent == 0 })
			clk.Advance(2 * time.Hour)
			await(t, clk, func() bool { return o.Stats().Rows == 0 }) // the first 302 are gone
		}
	}
	for range 100 { // of the rest, a hundred are sent
		r, err := o.Next(ctx)
		if err != nil {
			t.Fatal(err)
		}
		o.Sent(r.Order)
	}
	await(t, clk, func() bool { return o.Stats().Unsent == 201 })
	for _, c := range []struct {
		device         string
		from, to       uint64
		wantFrom, want int
	}{
		{"P-0", 1, 100, 0, 0},
		{"P-1", 95, 104, 101, 4},
		{"P-2", 101, 200, 101, 100},
		{"P-0", 150, 150, 150, 1},
		{"P-0", 201, 300, 0, 0},
		{"P-rare", 1, 3, 3, 1},
		{"P-404", 1, 9, 0, 0},
	} {
		rows, err := o.Find(outbox.Range{Device: c.device, Channel: wire.Telemetry, Epoch: o.Epoch(), From: c.from, To: c.to})
		if err != nil || len(rows) != c.want {
			t.Errorf("%+v: found %d rows: %v", c, len(rows), err)
			continue
		}
		for i, r := range rows {
			if r.Seq != uint64(c.wantFrom+i) || r.Device != c.device || string(r.Payload[:26]) != o.Epoch() {
				t.Errorf("%+v: row %d is %s %d", c, i, r.Device, r.Seq)
			}
		}
	}
	rows, err := o.Find(outbox.Range{Device: "P-2", Channel: wire.Telemetry, Epoch: o.Epoch(), From: 101, To: 200})
	if sent := slices.IndexFunc(rows, func(r outbox.Found) bool { return !r.Sent }); err != nil || sent < 30 || sent > 36 {
		t.Errorf("the first unsent row is %d: %v", sent, err)
	}
	if rows, err := o.Find(outbox.Range{Device: "P-2", Channel: wire.Telemetry, Epoch: "another", From: 101, To: 200}); err != nil || len(rows) != 0 {
		t.Errorf("another life: %d rows, %v", len(rows), err)
	}
	if got := o.Last("P-rare", wire.Telemetry); got != 3 {
		t.Errorf("last number %d", got)
	}
}

// runBox runs an outbox until stop is called.
func runBox(t *testing.T, o *outbox.Outbox) (ctx context.Context, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- o.Run(ctx) }()
	return ctx, func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

// await lets time pass until something is so.
func await(t *testing.T, clk *clock.Driven, so func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !so(); runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatal("waited 10 s")
		}
		clk.Advance(100 * time.Millisecond)
	}
}
