// Package stream is the durable stream between broker and intake: JetStream inside the process.
//
// A message is durable once its done callback is called with nil, and stays until every group has committed it.
package stream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/lineshaft/lineshaft/twin/wire"
)

// The two streams. Telemetry and waveforms never share a queue or a worker with status, events, acks and reports.
const (
	Telemetry = "telemetry"
	Facts     = "facts"
)

// The groups. A record stays until each of them has committed it; one that is down holds back only itself.
const (
	Live      = "live"      // twins, fleet, ledger, dead letters
	Historian = "historian" // history
)

// Streams returns the names of the streams.
func Streams() []string { return []string{Telemetry, Facts} }

// Groups returns the names of the groups.
func Groups() []string { return []string{Live, Historian} }

// ErrClosed is given to done for a message that came after Close.
var ErrClosed = errors.New("stream is closed")

// Config says where the stream is kept and how it is committed. The zero values are the defaults given.
type Config struct {
	Dir          string        // directory on disk, made if absent; must be set
	SyncInterval time.Duration // how often the file is synced against power loss; 1 s
	SyncAlways   bool          // sync before every acknowledgement instead
	MaxBytes     int64         // bytes kept per stream before messages are refused; unbounded
	CommitEvery  time.Duration // longest time between two commits of a group; 500 ms
	AckWait      time.Duration // how long a record may go without a sign of life before it is delivered again; 3 s
	LastCommit   time.Duration // how long the commit at the end of Consume may take; 10 s
}

func (c Config) withDefaults() Config {
	if c.SyncInterval <= 0 {
		c.SyncInterval = time.Second
	}
	if c.MaxBytes <= 0 {
		c.MaxBytes = -1
	}
	if c.CommitEvery <= 0 {
		c.CommitEvery = 500 * time.Millisecond
	}
	if c.AckWait <= 0 {
		c.AckWait = 3 * time.Second
	}
	if c.LastCommit <= 0 {
		c.LastCommit = 10 * time.Second
	}
	return c
}

// Record is what was appended together: the messages of one stream in order of arrival.
type Record struct {
	Stream    string
	Seq       uint64
	Publishes []wire.Publish
}

// Stream is the pair of streams. It is safe for concurrent use.
type Stream struct {
	cfg Config
	log *slog.Logger
	ns  *server.Server
	nc  *nats.Conn
	js  jetstream.JetStream

	appenders map[string]*appender
	lags      map[lagKey]*lag
	born      map[string]string
	quiet     sync.Mutex // held by Quiet
}

type lagKey struct{ stream, group string }

// Open starts the stream in cfg.Dir and declares every group before anything can be appended, because a record is
// kept only for the groups that exist.
func Open(cfg Config, log *slog.Logger) (*Stream, error) {
	cfg = cfg.withDefaults()
	if cfg.Dir == "" {
		return nil, errors.New("open stream: dir: name a directory (got none)")
	}
	if err := checkFormat(cfg.Dir); err != nil {
		return nil, fmt.Errorf("open stream: %w", err)
	}
	ns, err := startServer(cfg, filepath.Join(cfg.Dir, "js"), log)
	if err != nil {
		return nil, fmt.Errorf("open stream: %w", err)
	}
	s := &Stream{cfg: cfg, log: log, ns: ns, appenders: map[string]*appender{}, lags: map[lagKey]*lag{}, born: map[string]string{}}
	if err := s.declare(); err != nil {
		s.stopServer()
		return nil, fmt.Errorf("open stream: %w", err)
	}
	for _, a := range s.appenders {
		a.start()
	}
	return s, nil
}

// Incarnation names this life of a stream: one made anew numbers its records from 1 again, so a sink that remembers
// the last record it counted remembers this name with it.
func (s *Stream) Incarnation(stream string) string { return s.born[stream] }

func (s *Stream) declare() error {
	nc, err := connect(s.ns)
	if err != nil {
		return err
	}
	s.nc = nc
	if s.js, err = jetstream.New(nc, jetstream.WithPublishAsyncMaxPending(2*window), jetstream.WithPublishAsyncTimeout(publishTimeout)); err != nil {
		return fmt.Errorf("open jetstream: %w", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), publishTimeout)
	defer cancel()
	for _, name := range Streams() {
		st, err := s.js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
			Name: name, Subjects: []string{name}, Storage: jetstream.FileStorage, Retention: jetstream.InterestPolicy,
			Discard: jetstream.DiscardNew, MaxBytes: s.cfg.MaxBytes, MaxMsgSize: maxRecord, Duplicates: 100 * time.Millisecond,
		})
		if err != nil {
			return fmt.Errorf("declare stream %s: %w", name, err)
		}
		s.born[name] = st.CachedInfo().Created.UTC().Format(time.RFC3339Nano)
		for _, g := range Groups() {
			if _, err := st.CreateOrUpdateConsumer(ctx, jetstream.ConsumerConfig{
				Durable: g, AckPolicy: jetstream.AckExplicitPolicy, DeliverPolicy: jetstream.DeliverAllPolicy,
				AckWait: s.cfg.AckWait, MaxAckPending: maxPending, MaxDeliver: -1,
			}); err != nil {
				return fmt.Errorf("declare group %s of stream %s: %w", g, name, err)
			}
		}
		end, err := endOf(ctx, st)
		if err != nil {
			return fmt.Errorf("read end of stream %s: %w", name, err)
		}
		s.appenders[name] = newAppender(s.js, name, end)
		for _, g := range Groups() {
			l, err := openLag(ctx, st, g, end)
			if err != nil {
				return fmt.Errorf("read position of group %s in stream %s: %w", g, name, err)
			}
			s.lags[lagKey{name, g}] = l
		}
	}
	return nil
}

// Append puts p at the end of its stream: telemetry and waveforms in one, everything else in the other. It blocks
// only while more is waiting to be written than fits in memory. done is called exactly once, in order of arrival
// within a stream, on a goroutine of the stream: with nil once p is durable, with an error if it is not known to be.
// It must not block.
func (s *Stream) Append(p wire.Publish, done func(error)) {
	name := Facts
	if bulk(p.Topic) {
		name = Telemetry
	}
	s.appenders[name].append(p, done)
}

// Lag is what a group has not committed yet, over both streams.
func (s *Stream) Lag(group string) (records, publishes int) {
	for _, name := range Streams() {
		l, ok := s.lags[lagKey{name, group}]
		if !ok {
			continue
		}
		r, p := l.behind(s.appenders[name].position())
		records, publishes = records+r, publishes+p
	}
	return records, publishes
}

// Close refuses further messages, writes what is waiting, tells every done callback, and stops. Consumers must have
// returned before.
func (s *Stream) Close() error {
	for _, a := range s.appenders {
		a.close()
	}
	s.stopServer()
	return nil
}
