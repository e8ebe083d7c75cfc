package broker

import (
	"errors"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mochi-mqtt/server/v2/listeners"
)

// maxConnect bounds what is read from someone who has not logged in: a CONNECT with a will.
const maxConnect = 256 << 10

var errConnectTooLarge = errors.New("more than a CONNECT before logging in")

// listener hands connections to the MQTT server and waits for them when it closes.
type listener struct {
	net.Listener
	b     *Broker
	end   atomic.Bool
	wg    sync.WaitGroup
	mu    sync.Mutex
	conns map[*conn]struct{}
}

func newListener(ln net.Listener, b *Broker) *listener {
	return &listener{Listener: ln, b: b, conns: map[*conn]struct{}{}}
}

// ID, Protocol, Address, Init, Serve and Close implement listeners.Listener.
func (l *listener) ID() string              { return "mqtt" }
func (l *listener) Protocol() string        { return "tcp" }
func (l *listener) Address() string         { return l.Addr().String() }
func (l *listener) Init(*slog.Logger) error { return nil }

// Serve accepts until Close.
func (l *listener) Serve(establish listeners.EstablishFn) {
	for {
		nc, err := l.Accept()
		if err != nil {
			if l.end.Load() || errors.Is(err, net.ErrClosed) {
				return
			}
			l.b.log.Warn("mqtt_accept_failed", "error", err)
			<-time.After(50 * time.Millisecond) // out of file descriptors: let some go
			continue
		}
		c := newConn(nc, l)
		if !l.add(c) {
			_ = nc.Close()
			return
		}
		go func() {
			defer l.wg.Done()
			defer func() { _ = c.Close() }()
			if err := establish(l.ID(), c); err != nil && c.session.Load() == nil {
				l.b.counts.strangers.Add(1)
			}
		}()
	}
}

func (l *listener) add(c *conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.end.Load() {
		return false
	}
	l.wg.Add(1)
	l.conns[c] = struct{}{}
	return true
}

// Close stops accepting, has the server say goodbye to its clients, and waits until every connection has ended.
func (l *listener) Close(closeClients listeners.CloseFn) {
	l.mu.Lock()
	l.end.Store(true)
	l.mu.Unlock()
	_ = l.Listener.Close()
	closeClients(l.ID())
	l.stop()
}

// stop ends what is left and waits for it.
func (l *listener) stop() {
	l.mu.Lock()
	l.end.Store(true)
	for c := range l.conns {
		_ = c.Conn.Close()
	}
	l.mu.Unlock()
	_ = l.Listener.Close()
	l.wg.Wait()
}

// conn is a client's connection. Writes have a deadline of their own, so that a client that does not read is found
// out, whatever it sends.
type conn struct {
	net.Conn
	l       *listener
	session atomic.Pointer[session]
	hasty   atomic.Bool
	closed  chan struct{}
	once    sync.Once

	read int    // bytes before login
	head []byte // of the first packet, until its length is known
}

func newConn(nc net.Conn, l *listener) *conn {
	c := &conn{Conn: nc, l: l, closed: make(chan struct{}), head: make([]byte, 0, 5)}
	_ = nc.SetReadDeadline(time.Now().Add(l.b.cfg.ConnectWithin))
	if err := limitSilence(nc, l.b.cfg.WriteWithin); err != nil {
		l.b.log.Warn("mqtt_socket_option_failed", "error", err)
	}
	return c
}

// Read implements net.Conn.
func (c *conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if c.session.Load() == nil {
		c.read += n
		if c.read > maxConnect || c.claims(p[:n]) > maxConnect {
			return 0, errConnectTooLarge
		}
	}
	return n, err
}

// claims is the length that the first packet says it has; the server would make room for it at once.
func (c *conn) claims(p []byte) int {
	c.head = append(c.head, p[:min(len(p), cap(c.head)-len(c.head))]...)
	length := 0
	for i, b := range c.head[min(1, len(c.head)):] {
		length |= int(b&0x7f) << (7 * i)
		if b&0x80 == 0 {
			break
		}
	}
	return length
}

// Write implements net.Conn.
func (c *conn) Write(p []byte) (int, error) {
	within := c.l.b.cfg.WriteWithin
	if c.hasty.Load() {
		within = 100 * time.Millisecond
	}
	if err := c.Conn.SetWriteDeadline(time.Now().Add(within)); err != nil {
		return 0, err
	}
	return c.Conn.Write(p)
}

// hurry leaves writes little time from now on.
func (c *conn) hurry() {
	c.hasty.Store(true)
	_ = c.Conn.SetWriteDeadline(time.Now().Add(100 * time.Millisecond))
}

// SetDeadline is the server's keep-alive: it bounds reading only.
func (c *conn) SetDeadline(t time.Time) error { return c.Conn.SetReadDeadline(t) }

// Close implements net.Conn.
func (c *conn) Close() error {
	var err error
	c.once.Do(func() {
		close(c.closed)
		err = c.Conn.Close()
		c.l.mu.Lock()
		delete(c.l.conns, c)
		c.l.mu.Unlock()
		if s := c.session.Load(); s != nil {
			s.end()
		}
	})
	return err
}
