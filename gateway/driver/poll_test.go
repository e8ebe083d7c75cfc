package driver

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineshaft/lineshaft/twin/clock"
)

func TestADeadUnitDelaysNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		dead, alive := 0, 0
		jobs := []Job{
			{Interval: time.Second, Read: func(ctx context.Context) []Reading {
				dead++
				_ = clock.Sleep(ctx, clock.Wall{}, 3100*time.Millisecond) // three tries that time out
				return nil
			}},
			{Interval: time.Second, Read: func(context.Context) []Reading { alive++; return nil }},
		}
		ended := make(chan error, 1)
		go func() { ended <- Poll(ctx, clock.Wall{}, jobs, func([]Reading) {}) }()
		_ = clock.Sleep(t.Context(), clock.Wall{}, 59900*time.Millisecond)
		cancel()
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		if alive != 60 || dead != 15 {
			t.Errorf("in a minute: alive polled %d times, dead %d", alive, dead)
		}
	})
}

func TestMissedTurnsAreSkipped(t *testing.T) {
	at := func(s float64) time.Time { return time.Unix(0, int64(s*1e9)) }
	for _, c := range []struct{ now, want float64 }{{10.1, 11}, {11, 11}, {11.5, 12}, {14.2, 15}} {
		if got := nextTurn(at(10), at(c.now), time.Second); !got.Equal(at(c.want)) {
			t.Errorf("at %v: next turn %v, want %v", c.now, got.UnixMilli(), c.want)
		}
	}
}
