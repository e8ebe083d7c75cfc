package stream_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/lineshaft/lineshaft/backend/stream"
	"github.com/lineshaft/lineshaft/twin/fault"
)

// A backup is taken of groups that have committed all that was acknowledged, while devices go on sending.
func TestQuietIsAMomentWithNothingOnItsWay(t *testing.T) {
	s := open(t, stream.Config{Dir: t.TempDir(), CommitEvery: 20 * time.Millisecond})
	ctx, stop := context.WithCancel(t.Context())
	group, ctx := errgroup.WithContext(ctx)
	sinks := map[string]*sink{stream.Live: newSink(), stream.Historian: newSink()}
	for name, k := range sinks {
		group.Go(func() error { return s.Consume(ctx, stream.Telemetry, name, k) })
	}
	var acknowledged atomic.Int64
	group.Go(func() error {
		for n := 0; ctx.Err() == nil; n++ {
			done := make(chan error, 1)
			s.Append(reading(n), func(err error) {
				if err == nil {
					acknowledged.Add(1)
				}
				done <- err
			})
			if n%7 == 0 {
				<-done
			}
		}
		return nil
	})
	for range 5 {
		sinks[stream.Live].until(t, "load", func(k *sink) bool { return int64(k.committed) > acknowledged.Load()/2 && k.committed > 0 })
		err := s.Quiet(ctx, func() error {
			before := acknowledged.Load()
			for name, k := range sinks {
				k.set(func(k *sink) {
					if int64(k.committed) < before || k.committed != len(k.applied) {
						t.Errorf("%s has committed %d of %d applied, %d were acknowledged", name, k.committed, len(k.applied), before)
					}
				})
			}
			select { // long enough for what would go on
			case <-ctx.Done():
			case <-time.After(30 * time.Millisecond):
			}
			for _, k := range sinks {
				k.set(func(k *sink) {
					if n := int64(k.committed); n < acknowledged.Load() {
						t.Errorf("%d were acknowledged while the stream was quiet", acknowledged.Load()-n)
					}
				})
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}

	block := make(chan struct{})
	sinks[stream.Historian].set(func(k *sink) { k.slow = block })
	before := acknowledged.Load()
	short, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
	defer cancel()
	if err := s.Quiet(short, func() error { t.Error("called although a group hangs"); return nil }); !fault.Is(err, fault.Unavailable) {
		t.Errorf("quiet with a group that hangs: %v", err)
	}
	sinks[stream.Live].until(t, "devices to go on", func(*sink) bool { return acknowledged.Load() > before+1000 })
	close(block)
	stop()
	if err := group.Wait(); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
