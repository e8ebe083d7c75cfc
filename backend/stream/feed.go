package stream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/lineshaft/lineshaft/twin/wire"
)

// feed is one running Consume.
type feed struct {
	stream string
	h      Handler
	lag    *lag
	cons   jetstream.Consumer
	cfg    Config
	log    *slog.Logger

	last      uint64                   // newest record applied
	committed uint64                   // newest record committed
	at        position                 // end of what was applied
	held      map[uint64]jetstream.Msg // delivered and not acknowledged, by Seq
	bytes     int                      // of what was applied since the last commit
	in        chan jetstream.Msg       //
	commitAt  <-chan time.Time         // set while something waits to be committed
	alive     *time.Ticker             //
}

func (f *feed) run(ctx context.Context) error {
	f.held = map[uint64]jetstream.Msg{}
	f.in = make(chan jetstream.Msg, maxPending+fetchRecords)
	f.alive = time.NewTicker(f.cfg.AckWait / 3)
	defer f.alive.Stop()
	cc, err := f.cons.Consume(func(m jetstream.Msg) {
		select {
		case f.in <- m:
		case <-ctx.Done():
		}
	}, jetstream.PullMaxMessages(fetchRecords), jetstream.ConsumeErrHandler(func(_ jetstream.ConsumeContext, err error) {
		if ctx.Err() == nil && !errors.Is(err, jetstream.ErrNoHeartbeat) {
			f.log.Warn("stream_consumer_warning", "error", err)
		}
	}))
	if err != nil {
		return err
	}
	defer func() {
		cc.Stop()
		<-cc.Closed()
	}()
	if err := f.recover(ctx); err != nil {
		return err
	}
	if err := f.follow(ctx); err != nil {
		return err
	}
	return f.finish(ctx)
}

// recover waits until every record that was delivered before and not acknowledged is here again, because new
// records are delivered before those, and applies what has come in order.
func (f *feed) recover(ctx context.Context) error {
	for ctx.Err() == nil {
		info, err := f.cons.Info(ctx)
		if err != nil && ctx.Err() == nil {
			return fmt.Errorf("read position: %w", err)
		}
		if err != nil {
			break
		}
		if f.gather(ctx, info.Delivered.Stream, info.NumAckPending) {
			break
		}
	}
	for _, seq := range slices.Sorted(maps.Keys(f.held)) {
		if err := f.apply(ctx, seq); err != nil {
			return err
		}
	}
	return nil
}

// gather takes deliveries until n of them are not newer than seq, for a while: a record that every other group
// acknowledged may be gone, and then the count has to be asked for again.
func (f *feed) gather(ctx context.Context, seq uint64, n int) bool {
	for s := range f.held {
		if s <= seq {
			n--
		}
	}
	enough := time.After(200 * time.Millisecond)
	for n > 0 {
		select {
		case m := <-f.in:
			if s, fresh := f.hold(m); fresh && s <= seq {
				n--
			}
		case <-f.alive.C:
			f.keepAlive()
		case <-enough:
			return false
		case <-ctx.Done():
			return false
		}
	}
	return true
}

// hold keeps the delivery that the record will be acknowledged by, and says whether it is new here.
func (f *feed) hold(m jetstream.Msg) (seq uint64, fresh bool) {
	meta, err := m.Metadata()
	if err != nil {
		f.log.Error("stream_record_without_metadata", "error", err)
		return 0, false
	}
	seq = meta.Sequence.Stream
	if seq <= f.committed {
		f.ack(m)
		return seq, false
	}
	_, again := f.held[seq]
	f.held[seq] = m
	return seq, !again && seq > f.last
}

func (f *feed) follow(ctx context.Context) error {
	for ctx.Err() == nil {
		select {
		case m := <-f.in:
			if seq, fresh := f.hold(m); fresh {
				if err := f.apply(ctx, seq); err != nil {
					return err
				}
			}
		case <-f.commitAt:
			f.commit(ctx)
		case <-f.alive.C:
			f.keepAlive()
		case <-ctx.Done():
			return nil
		}
		if len(f.held) >= commitRecords || f.bytes >= commitBytes {
			f.commit(ctx)
		}
	}
	return nil
}

// apply hands a record to the handler until it is taken. A record this program cannot read is an error: it is
// neither skipped nor acknowledged.
func (f *feed) apply(ctx context.Context, seq uint64) error {
	m := f.held[seq]
	ps, err := wire.DecodePublishes(m.Data())
	if err != nil {
		return fmt.Errorf("decode record %d: %w", seq, err)
	}
	ok := f.insist(ctx, "apply", func(ctx context.Context) error {
		return f.h.Apply(ctx, Record{Stream: f.stream, Seq: seq, Publishes: ps})
	})
	if !ok { // ctx ended
		delete(f.held, seq)
		return nil
	}
	f.last = seq
	f.bytes += len(m.Data())
	f.at.seq = seq
	if total, err := parseTotal(m.Headers().Get(totalHeader)); err == nil {
		f.at.total = total
	}
	if f.commitAt == nil {
		f.commitAt = time.After(f.cfg.CommitEvery)
	}
	return nil
}

// commit makes durable what was applied, then acknowledges it.
func (f *feed) commit(ctx context.Context) {
	f.commitAt = nil
	if !f.insist(ctx, "commit", f.h.Commit) {
		return
	}
	f.committed, f.bytes = f.last, 0
	for seq, m := range f.held {
		if seq <= f.committed {
			f.ack(m)
			delete(f.held, seq)
		}
	}
	f.lag.committed(f.at)
}

// insist repeats op with longer and longer pauses until it succeeds or ctx ends, while the records stay ours.
func (f *feed) insist(ctx context.Context, verb string, op func(context.Context) error) bool {
	pause := retryLeast
	for {
		err := f.watched(ctx, op)
		if err == nil {
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		f.log.Error("stream_sink_failed", "verb", verb, "error", err, "retry_in", pause)
		select {
		case <-ctx.Done():
			return false
		case <-time.After(pause):
		}
		f.keepAlive()
		pause = min(2*pause, retryMost, f.cfg.AckWait/2)
	}
}

// watched runs op and tells the stream that the records are being worked on for as long as it takes.
func (f *feed) watched(ctx context.Context, op func(context.Context) error) error {
	select {
	case <-f.alive.C:
		f.keepAlive()
	default:
	}
	done := make(chan error, 1)
	go func() { done <- op(ctx) }()
	for {
		select {
		case err := <-done:
			return err
		case <-f.alive.C:
			f.keepAlive()
		}
	}
}

func (f *feed) keepAlive() {
	for _, m := range f.held {
		if err := m.InProgress(); err != nil {
			f.log.Warn("stream_in_progress_failed", "error", err)
			return
		}
	}
}

func (f *feed) ack(m jetstream.Msg) {
	if err := m.Ack(); err != nil {
		// It is delivered again, and acknowledged then.
		f.log.Warn("stream_ack_failed", "error", err)
	}
}

// finish commits what was applied before ctx ended, so that a clean stop leaves nothing to be repeated.
func (f *feed) finish(ctx context.Context) error {
	if f.last == f.committed || len(f.held) == 0 {
		return nil
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), f.cfg.LastCommit)
	defer cancel()
	f.commit(last)
	if f.last != f.committed {
		return fmt.Errorf("commit at the end: not done after %v", f.cfg.LastCommit)
	}
	return nil
}
