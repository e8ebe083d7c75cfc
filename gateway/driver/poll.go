package driver

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/lineshaft/lineshaft/twin/clock"
)

// Job is something read on a schedule of its own: as a rule one unit on a bus.
type Job struct {
	Interval time.Duration
	Read     func(ctx context.Context) []Reading
}

// Poll runs each job on its own schedule until ctx ends, so that one that waits for a dead unit delays no other. A
// job that took longer than its interval skips the turns it missed. Starts are spread over the interval.
func Poll(ctx context.Context, clk clock.Clock, jobs []Job, emit func([]Reading)) error {
	var g errgroup.Group
	start := clk.Now()
	for i, j := range jobs {
		g.Go(func() error {
			j.run(ctx, clk, start.Add(j.Interval*time.Duration(i)/time.Duration(len(jobs))), emit)
			return nil
		})
	}
	return g.Wait()
}

func (j Job) run(ctx context.Context, clk clock.Clock, due time.Time, emit func([]Reading)) {
	for clock.Sleep(ctx, clk, due.Sub(clk.Now())) == nil {
		if rs := j.Read(ctx); len(rs) > 0 && ctx.Err() == nil {
			emit(rs)
		}
		due = nextTurn(due, clk.Now(), j.Interval)
	}
}

// nextTurn is the first instant of the schedule after now.
func nextTurn(due, now time.Time, interval time.Duration) time.Time {
	due = due.Add(interval)
	if late := now.Sub(due); late > 0 {
		due = due.Add((late/interval + 1) * interval)
	}
	return due
}
