// Package broker is the embedded MQTT broker: the front door that checks every message, stores it, and only then
// acknowledges it.
//
//	connection ─▶ decide ─▶ Stream.Append ─▶ stored ─▶ acks (in order of arrival) ─▶ PUBACK
//	                 └────▶ Refusals.Refused ─────────▶ acks
//
// It keeps nothing for its clients: down-channels are QoS 0, and what must arrive is repeated by whoever sends it.
package broker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"

	"github.com/lineshaft/lineshaft/twin/clock"
	"github.com/lineshaft/lineshaft/twin/fault"
	"github.com/lineshaft/lineshaft/twin/wire"
)

// MaxPacket is the largest MQTT packet read, in bytes; a larger one ends its connection. Messages between
// wire.MaxPayload and MaxPacket are refused and acknowledged.
const MaxPacket = 16 << 20

// ErrOffline says that nobody listens on the topic now.
var ErrOffline = errors.New("device is not connected")

// Registry knows who may connect and who hosts whom. Its methods are called for every message and must be quick.
type Registry interface {
	Hosts
	// Authenticate says who connects, or why not. An error of kind fault.Unavailable asks the client to come back.
	Authenticate(ctx context.Context, clientID, user string, password []byte) (Identity, error)
}

// Stream stores what is taken.
type Stream interface {
	// Append stores p. It never blocks long. done is called exactly once, with nil once p is durable.
	Append(p wire.Publish, done func(error))
}

// Refusals hears of what is not taken. Refused must not block and may keep p; a payload of more than
// wire.DeadLetterHead bytes is cut to those, size is that of the whole.
type Refusals interface {
	Refused(p wire.Publish, size int, r *wire.Refusal)
}

// Config says where the broker listens and what it allows one connection. The zero values are the defaults given.
type Config struct {
	Listen        string        // host:port; only loopback addresses as long as there is no TLS
	Window        int           // messages of one connection waiting for their acknowledgement; 2048
	Rate          float64       // messages per second of one connection before it is slowed; 20 000
	WriteWithin   time.Duration // a client that takes nothing for so long is disconnected; 10 s
	ConnectWithin time.Duration // time to log in; 10 s
	DrainWithin   time.Duration // time for the last acknowledgements when closing; 2 s
}

func (c Config) withDefaults() Config {
	if c.Window <= 0 {
		c.Window = 2048
	}
	if c.Rate <= 0 {
		c.Rate = 20_000
	}
	if c.WriteWithin <= 0 {
		c.WriteWithin = 10 * time.Second
	}
	if c.ConnectWithin <= 0 {
		c.ConnectWithin = 10 * time.Second
	}
	if c.DrainWithin <= 0 {
		c.DrainWithin = 2 * time.Second
	}
	return c
}

// Check names the first setting that cannot work.
func (c Config) Check() error {
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return fault.Field("mqtt.listen", c.Listen, "write it as host:port")
	}
	ip := net.ParseIP(host)
	if host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fault.Field("mqtt.listen", c.Listen, "only a loopback address may be listened on without TLS").
			WithHint("use 127.0.0.1, and reach it from elsewhere through a TLS proxy")
	}
	return nil
}

// Broker is a running broker. It is safe for concurrent use.
type Broker struct {
	cfg      Config
	reg      Registry
	stream   Stream
	refusals Refusals
	clk      clock.Clock
	log      *slog.Logger

	mq     *mqtt.Server
	listen *listener
	wg     sync.WaitGroup // writers of acknowledgements
	once   sync.Once

	mu       sync.Mutex
	sessions map[string]*session // by client id

	draining atomic.Bool
	readers  atomic.Int64
	counts   counts
}

// Open binds the address; Run answers it.
func Open(cfg Config, reg Registry, stream Stream, refusals Refusals, clk clock.Clock, log *slog.Logger) (*Broker, error) {
	cfg = cfg.withDefaults()
	if err := cfg.Check(); err != nil {
		return nil, fmt.Errorf("open broker: %w", err)
	}
	var lc net.ListenConfig
	ln, err := lc.Listen(context.Background(), "tcp", cfg.Listen)
	if err != nil {
		return nil, fmt.Errorf("open broker: %w", err)
	}
	b := &Broker{
		cfg: cfg, reg: reg, stream: stream, refusals: refusals, clk: clk, log: log, sessions: map[string]*session{},
	}
	b.listen = newListener(ln, b)
	b.mq = newServer(cfg)
	if err := errors.Join(b.mq.AddHook(&hook{b: b}, nil), b.mq.AddListener(b.listen)); err != nil {
		_ = ln.Close()
		return nil, fmt.Errorf("open broker: %w", err)
	}
	return b, nil
}

func newServer(cfg Config) *mqtt.Server {
	can := mqtt.NewDefaultServerCapabilities()
	can.MaximumPacketSize = MaxPacket
	can.ReceiveMaximum = uint16(min(cfg.Window, 65535))
	can.TopicAliasMaximum = 0
	can.MaximumSessionExpiryInterval = 60
	can.MaximumClientWritesPending = 1024 // 8 bytes each for every connection; a slow subscriber is disconnected
	return mqtt.New(&mqtt.Options{
		Capabilities: can, InlineClient: true, SysTopicResendInterval: 24 * 3600,
		ClientNetReadBufferSize: 4096, Logger: slog.New(slog.DiscardHandler),
	})
}

// Addr is host:port as bound.
func (b *Broker) Addr() string { return b.listen.Address() }

// Run answers connections until ctx ends, and then closes.
func (b *Broker) Run(ctx context.Context) error {
	if err := b.mq.Serve(); err != nil {
		return fmt.Errorf("serve broker: %w", err)
	}
	b.log.Info("broker_listening", "address", b.Addr())
	<-ctx.Done()
	b.Close()
	return nil
}

// Close takes no more messages, writes the acknowledgements of what is stored, and ends every connection. The
// stream must still be open. It may be called more than once.
func (b *Broker) Close() {
	b.once.Do(func() {
		b.draining.Store(true)
		b.drain()
		for _, s := range b.all() {
			s.conn.hurry()
		}
		_ = b.mq.Close()
		b.listen.stop()
		b.wg.Wait()
	})
}

func (b *Broker) drain() {
	deadline := time.After(b.cfg.DrainWithin)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for b.owed() > 0 {
		select {
		case <-tick.C:
		case <-deadline:
			return
		}
	}
}

func (b *Broker) all() []*session {
	b.mu.Lock()
	defer b.mu.Unlock()
	ss := make([]*session, 0, len(b.sessions))
	for _, s := range b.sessions {
		ss = append(ss, s)
	}
	return ss
}

func (b *Broker) owed() int {
	n := 0
	for _, s := range b.all() {
		n += s.acks.owed()
	}
	return n
}

// Connected says whether the device has a session now.
func (b *Broker) Connected(tenant, device string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	_, ok := b.sessions[wire.ClientID(tenant, device)]
	return ok
}

// Send publishes payload on a down-channel at QoS 0, or returns ErrOffline if the device, or the gateway that hosts
// it, does not listen. A nil error does not mean that it arrived.
func (b *Broker) Send(ctx context.Context, topic string, payload []byte) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	t, err := wire.ParseTopic(topic)
	if err != nil {
		return fmt.Errorf("send: %w", err)
	}
	if t.Channel.Direction() != wire.Down {
		return fmt.Errorf("send: channel %q is not one to a device", t.Channel)
	}
	if !b.listens(topic) {
		return fmt.Errorf("send to %s: %w", topic, ErrOffline)
	}
	if err := b.mq.Publish(topic, payload, false, 0); err != nil {
		return fmt.Errorf("send to %s: %w", topic, err)
	}
	return nil
}

func (b *Broker) listens(topic string) bool {
	subs := b.mq.Topics.Subscribers(topic)
	b.mu.Lock()
	defer b.mu.Unlock()
	hears := func(id string) bool { s, ok := b.sessions[id]; return ok && !s.who.Reader }
	for id := range subs.Subscriptions {
		if hears(id) {
			return true
		}
	}
	for _, members := range subs.Shared {
		for id := range members {
			if hears(id) {
				return true
			}
		}
	}
	return false
}
