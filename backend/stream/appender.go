package stream

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/lineshaft/lineshaft/twin/wire"
)

const (
	batchMessages  = 1024
	batchBytes     = 512 << 10
	window         = 32       // records on their way to the file at most
	eager          = 2        // a record that is not full waits while so many are on their way
	queueBytes     = 64 << 20 // waiting in memory before Append blocks
	perMessage     = 64       // what a message costs beside its topic and payload
	publishTimeout = 30 * time.Second

	// totalHeader carries the count of messages up to and including the record, so that lag is known in messages.
	totalHeader = "Lineshaft-Total"
)

type waiting struct {
	p    wire.Publish
	done func(error)
}

// appender batches the messages of one stream into records.
//
//	Append ─▶ queue ─▶ write: batch, PublishAsync ─▶ sent (window) ─▶ settle: wait for the ack, call done
type appender struct {
	js     jetstream.JetStream
	stream string

	mu      sync.Mutex
	room    *sync.Cond // signalled when the queue was taken
	queue   []waiting
	bytes   int
	closed  bool
	durable position // the last durable record
	woken   chan struct{}
	total   uint64 // messages published so far; used by write alone

	sent     chan sentRecord
	inflight chan struct{} // one token per record on its way
	wg       sync.WaitGroup
}

type sentRecord struct {
	future jetstream.PubAckFuture
	err    error
	batch  []waiting
	total  uint64
}

func newAppender(js jetstream.JetStream, stream string, end position) *appender {
	a := &appender{
		js: js, stream: stream, durable: end, total: end.total,
		woken: make(chan struct{}, 1), sent: make(chan sentRecord, window), inflight: make(chan struct{}, window),
	}
	a.room = sync.NewCond(&a.mu)
	return a
}

func (a *appender) start() {
	a.wg.Go(a.write)
	a.wg.Go(a.settle)
}

func (a *appender) append(p wire.Publish, done func(error)) {
	a.mu.Lock()
	for a.bytes > queueBytes && !a.closed {
		a.room.Wait()
	}
	if a.closed {
		a.mu.Unlock()
		done(ErrClosed)
		return
	}
	a.queue = append(a.queue, waiting{p, done})
	a.bytes += len(p.Topic) + len(p.Payload) + perMessage
	first := len(a.queue) == 1
	a.mu.Unlock()
	if first {
		a.wake()
	}
}

func (a *appender) wake() {
	select {
	case a.woken <- struct{}{}:
	default:
	}
}

// take removes what is queued; more is false once the appender is closed and empty.
func (a *appender) take() (q []waiting, more bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	q, a.queue, a.bytes = a.queue, nil, 0
	a.room.Broadcast()
	return q, len(q) > 0 || !a.closed
}

func (a *appender) write() {
	defer close(a.sent)
	var held []waiting // taken from the queue and not yet sent
	for {
		if len(held) == 0 {
			<-a.woken
		}
		q, more := a.take()
		held = append(held, q...)
		if len(held) == 0 {
			if !more {
				return
			}
			continue
		}
		n, full := cut(held)
		if !full && len(a.inflight) >= eager && more {
			// More will come while the file is busy: one record of many costs less than many of one.
			select {
			case <-a.woken:
				continue
			case <-time.After(time.Millisecond):
			}
		}
		a.publish(held[:n:n])
		if held = held[n:]; len(held) == 0 {
			a.rewake()
		}
	}
}

// rewake makes sure that a close or a message that came while held was not empty is seen.
func (a *appender) rewake() {
	a.mu.Lock()
	again := a.closed || len(a.queue) > 0
	a.mu.Unlock()
	if again {
		a.wake()
	}
}

// cut is how many of the messages make one record, and whether that record is full.
func cut(ws []waiting) (n int, full bool) {
	size := 0
	for i := range ws {
		size += len(ws[i].p.Topic) + len(ws[i].p.Payload) + perMessage
		if i > 0 && size > batchBytes {
			return i, true
		}
		if i+1 == batchMessages {
			return batchMessages, true
		}
	}
	return len(ws), size >= batchBytes
}

func (a *appender) publish(batch []waiting) {
	size := 0
	ps := make([]wire.Publish, len(batch))
	for i := range batch {
		ps[i] = batch[i].p
		size += len(ps[i].Topic) + len(ps[i].Payload) + len(ps[i].Client) + perMessage
	}
	a.total += uint64(len(batch))
	msg := nats.NewMsg(a.stream)
	msg.Header[totalHeader] = []string{strconv.FormatUint(a.total, 10)}
	msg.Data = wire.AppendPublishes(make([]byte, 0, size), ps)
	a.inflight <- struct{}{}
	f, err := a.js.PublishMsgAsync(msg)
	a.sent <- sentRecord{f, err, batch, a.total}
}

// settle waits for the acknowledgement of each record in turn and passes it on.
func (a *appender) settle() {
	for r := range a.sent {
		err := r.err
		if err == nil {
			select {
			case ack := <-r.future.Ok():
				a.mu.Lock()
				a.durable = position{ack.Sequence, r.total}
				a.mu.Unlock()
			case err = <-r.future.Err():
			}
		}
		<-a.inflight
		if err != nil {
			err = fmt.Errorf("append to stream %s: %w", a.stream, err)
		}
		for _, w := range r.batch {
			w.done(err)
		}
	}
}

func (a *appender) position() position {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.durable
}

func (a *appender) close() {
	a.mu.Lock()
	a.closed = true
	a.room.Broadcast()
	a.mu.Unlock()
	a.wake()
	a.wg.Wait()
}

// bulk says whether a topic belongs into the telemetry stream, without parsing more of it than its channel.
func bulk(topic string) bool {
	for range 6 {
		_, rest, ok := strings.Cut(topic, "/")
		if !ok {
			return false
		}
		topic = rest
	}
	return wire.Channel(topic).Bulk()
}
