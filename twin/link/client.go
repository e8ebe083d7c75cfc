package link

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/url"
	"sync"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"

	"github.com/lineshaft/lineshaft/twin/clock"
	"github.com/lineshaft/lineshaft/twin/fault"
)

const (
	defaultKeepAlive = 30 * time.Second
	defaultWindow    = 1000
	dialTimeout      = 10 * time.Second
	backoffBase      = time.Second
	backoffCap       = 60 * time.Second
	// A connection that lived this long was a good one: the next attempt starts from the base again.
	provedGood = 5 * time.Second
	maxTopic   = 65535
)

// Client is the Session of this package, an MQTT 3.1.1 client with a clean session.
//
// It stands on paho's packet codec and not on paho's client, whose publish token may complete without error
// before anything was delivered when the connection drops. Here a publish is acknowledged in one place only: where
// a PUBACK with its packet id is read from the connection it was written to.
type Client struct {
	cfg    Config
	addr   string
	secure bool

	mu   sync.Mutex
	live *conn         // nil while not connected
	up   chan struct{} // closed while connected
	subs []subscription
}

var _ Session = (*Client)(nil)

type subscription struct {
	filter string
	handle func(Message)
}

// New makes a session that connects when Run is called. It refuses a broker URL that is not tcp:// or ssl://
// (tls://, mqtt:// and mqtts:// are taken too) and a missing client id.
func New(cfg Config) (*Client, error) {
	u, err := url.Parse(cfg.Broker)
	if err != nil || u.Hostname() == "" || u.Port() == "" {
		return nil, fault.Field("broker", cfg.Broker, "use tcp://host:port or ssl://host:port")
	}
	c := &Client{cfg: cfg, addr: u.Host, up: make(chan struct{})}
	switch u.Scheme {
	case "tcp", "mqtt":
	case "ssl", "tls", "mqtts":
		c.secure = true
	default:
		return nil, fault.Field("broker", cfg.Broker, "use tcp://host:port or ssl://host:port")
	}
	if cfg.ClientID == "" {
		return nil, fault.Field("client_id", cfg.ClientID, "a session needs the id of its device")
	}
	if c.cfg.KeepAlive <= 0 {
		c.cfg.KeepAlive = defaultKeepAlive
	}
	if c.cfg.Window <= 0 {
		c.cfg.Window = defaultWindow
	}
	if c.cfg.Clock == nil {
		c.cfg.Clock = clock.Wall{}
	}
	if c.cfg.Log == nil {
		c.cfg.Log = slog.New(slog.DiscardHandler)
	}
	return c, nil
}

// refused is a CONNACK that says no.
type refused struct{ code byte }

func (r refused) Error() string {
	if err := packets.ConnErrors[r.code]; err != nil {
		return "broker refused: " + err.Error()
	}
	return fmt.Sprintf("broker refused: code %d", r.code)
}

// hopeless says that the same CONNECT will be refused for ever. A wrong password is not: it may be registered later.
func (r refused) hopeless() bool {
	return r.code == packets.ErrRefusedBadProtocolVersion || r.code == packets.ErrRefusedIDRejected
}

// Run implements Session.
func (c *Client) Run(ctx context.Context) error {
	for attempt := 0; ; attempt++ {
		began := c.cfg.Clock.Now()
		err := c.connection(ctx)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // the connection ended because it was to
		}
		if no, is := errors.AsType[refused](err); is && no.hopeless() {
			return &fault.Error{
				Kind: fault.Denied, Message: "the broker does not take " + c.cfg.ClientID, Err: err,
				Hint: "check device_id, and that the broker speaks MQTT 3.1.1",
			}
		}
		if c.cfg.Clock.Now().Sub(began) >= provedGood {
			attempt = 0
		}
		wait := Backoff(attempt, rand.Float64())
		c.cfg.Log.WarnContext(ctx, "broker connection lost", "broker", c.cfg.Broker, "client_id", c.cfg.ClientID,
			"err", err, "retry_in", wait.Round(time.Millisecond).String())
		if clock.Sleep(ctx, c.cfg.Clock, wait) != nil {
			return nil //nolint:nilerr // ctx ended while waiting
		}
	}
}

// Backoff is the wait before attempt n+1 with full jitter: between nothing and 1 s doubled n times, at most 60 s;
// r is a random number in [0,1).
func Backoff(n int, r float64) time.Duration {
	top := backoffCap
	if n < 6 {
		top = min(backoffCap, backoffBase<<n)
	}
	return time.Duration(r * float64(top))
}

// connection dials, says hello and stays until the connection is gone or ctx ends.
func (c *Client) connection(ctx context.Context) error {
	nc, err := c.dial(ctx)
	if err != nil {
		return err
	}
	cn := newConn(nc, c.cfg)
	if err := cn.handshake(c.cfg); err != nil {
		_ = nc.Close()
		return err
	}
	c.cfg.Log.InfoContext(ctx, "broker connected", "broker", c.cfg.Broker, "client_id", c.cfg.ClientID)
	return cn.run(ctx, c)
}

func (c *Client) dial(ctx context.Context) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	d := &net.Dialer{}
	var nc net.Conn
	var err error
	if c.secure {
		nc, err = (&tls.Dialer{NetDialer: d, Config: c.cfg.TLS}).DialContext(ctx, "tcp", c.addr)
	} else {
		nc, err = d.DialContext(ctx, "tcp", c.addr)
	}
	if err != nil {
		return nil, fmt.Errorf("connect to broker: %w", err)
	}
	return nc, nil
}

// Publish implements Session.
func (c *Client) Publish(ctx context.Context, m Message, acked func(error)) error {
	if m.Topic == "" || len(m.Topic) > maxTopic {
		return fault.Field("topic", len(m.Topic), "a topic has 1 to %d bytes", maxTopic)
	}
	for {
		cn, err := c.wait(ctx)
		if err != nil {
			return err
		}
		if err := cn.publish(ctx, m, acked); !errors.Is(err, errGone) {
			return err
		}
	}
}

// wait returns the living connection, once there is one.
func (c *Client) wait(ctx context.Context) (*conn, error) {
	for {
		c.mu.Lock()
		cn, up := c.live, c.up
		c.mu.Unlock()
		if cn != nil {
			return cn, ctx.Err()
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-up:
		}
	}
}

// Subscribe implements Session.
func (c *Client) Subscribe(filter string, handle func(Message)) error {
	if !validFilter(filter) {
		return fault.Field("filter", filter, "is not an MQTT topic filter")
	}
	c.mu.Lock()
	c.subs = append(c.subs, subscription{filter, handle})
	cn := c.live
	c.mu.Unlock()
	if cn != nil {
		cn.subscribe([]string{filter})
	}
	return nil
}

// Connected implements Session.
func (c *Client) Connected() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.up
}

// Up implements Session.
func (c *Client) Up() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.live != nil
}

// rise makes cn the living connection and returns what to subscribe to; a subscription made later subscribes itself.
func (c *Client) rise(cn *conn) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.live = cn
	close(c.up)
	filters := make([]string, len(c.subs))
	for i, s := range c.subs {
		filters[i] = s.filter
	}
	return filters
}

// fall says that there is no living connection any more.
func (c *Client) fall() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.live = nil
	c.up = make(chan struct{})
}

// deliver hands a message to every subscription it matches.
func (c *Client) deliver(m Message) {
	c.mu.Lock()
	subs := c.subs // only ever appended to
	c.mu.Unlock()
	for _, s := range subs {
		if matches(s.filter, m.Topic) {
			s.handle(m)
		}
	}
}
