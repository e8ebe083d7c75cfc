package stream

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/lineshaft/lineshaft/twin/fault"
)

// quietLook is how often a stream that is to be quiet is looked at.
const quietLook = 5 * time.Millisecond

// Quiet calls fn at a moment when every message whose done was called is committed by every group, and nothing more
// becomes durable until fn returns: what is appended meanwhile waits. fn is to be brief. If the groups have not caught
// up when ctx ends, fn is not called and the error is fault.Unavailable.
func (s *Stream) Quiet(ctx context.Context, fn func() error) error {
	if !s.quiet.TryLock() {
		return fault.New(fault.Conflict, "the stream is being quieted already")
	}
	defer s.quiet.Unlock()
	for _, a := range s.appenders {
		held, err := a.hold(ctx)
		defer a.release(held)
		if err != nil {
			return fault.New(fault.Unavailable, "records are still on their way to the file of stream %s", a.stream)
		}
	}
	tick := time.NewTicker(quietLook)
	defer tick.Stop()
	for !s.settled() {
		select {
		case <-ctx.Done():
			return s.unsettled()
		case <-tick.C:
		}
	}
	return fn()
}

func (s *Stream) settled() bool {
	for _, g := range Groups() {
		if records, _ := s.Lag(g); records > 0 {
			return false
		}
	}
	return true
}

func (s *Stream) unsettled() error {
	var behind []string
	for _, g := range Groups() {
		_, messages := s.Lag(g)
		behind = append(behind, fmt.Sprintf("%s %d", g, messages))
	}
	return fault.New(fault.Unavailable, "the groups did not catch up in time; messages behind: %s", strings.Join(behind, ", ")).
		WithHint("try again when /readyz answers 200")
}

// hold takes every place of the window, so that nothing is on its way and nothing sets out.
func (a *appender) hold(ctx context.Context) (held int, err error) {
	for ; held < window; held++ {
		select {
		case a.inflight <- struct{}{}:
		case <-ctx.Done():
			return held, ctx.Err()
		}
	}
	return held, nil
}

func (a *appender) release(held int) {
	for range held {
		<-a.inflight
	}
}
