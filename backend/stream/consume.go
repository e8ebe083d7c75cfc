package stream

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

const (
	maxPending    = 512      // records delivered to a group and not acknowledged, at most
	commitRecords = 256      // records between two commits, at most
	commitBytes   = 16 << 20 // bytes between two commits, about
	fetchRecords  = 64       // records asked for at a time
	retryLeast    = 100 * time.Millisecond
	retryMost     = 5 * time.Second
)

// Handler takes the records of one stream for one group.
type Handler interface {
	// Apply takes a record: visible at once, durable later. Records come in order of Seq. After a crash the records
	// since the last commit come again, so Apply is idempotent by Seq. An error means that nothing of the
	// record counts yet; the same record comes again after a pause.
	Apply(ctx context.Context, r Record) error
	// Commit makes everything applied durable; only then are the records acknowledged. It is repeated after a
	// pause if it fails.
	Commit(ctx context.Context) error
}

// Consume feeds the records of one stream to the handler of one group until ctx ends, then commits what was applied
// and returns nil. Only one Consume may run per stream and group. It returns an error only where the stream itself
// fails.
func (s *Stream) Consume(ctx context.Context, stream, group string, h Handler) error {
	l, ok := s.lags[lagKey{stream, group}]
	if !ok {
		return fmt.Errorf("consume stream %s for group %s: no such stream or group", stream, group)
	}
	nc, err := connect(s.ns)
	if err != nil {
		return fmt.Errorf("consume stream %s for group %s: %w", stream, group, err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		return fmt.Errorf("consume stream %s for group %s: %w", stream, group, err)
	}
	cons, err := js.Consumer(ctx, stream, group)
	if ctx.Err() != nil {
		return nil
	}
	if err != nil {
		return fmt.Errorf("consume stream %s for group %s: %w", stream, group, err)
	}
	f := &feed{
		stream: stream, h: h, lag: l, cons: cons, cfg: s.cfg,
		log: s.log.With("stream", stream, "group", group),
	}
	if err := f.run(ctx); err != nil {
		return fmt.Errorf("consume stream %s for group %s: %w", stream, group, err)
	}
	return nil
}
