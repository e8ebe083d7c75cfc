package link

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"
	"golang.org/x/sync/errgroup"
)

var (
	errGone = errors.New("connection is gone")
	errDone = errors.New("session ends")
)

const (
	ioBuffer = 64 << 10
	// farewell bounds how long the last acknowledgements are waited for after a DISCONNECT.
	farewell = time.Second
	// maxIncoming is the largest packet taken from a broker.
	maxIncoming = 17 << 20
)

// conn is one connection: what was sent on it can only be acknowledged on it.
type conn struct {
	nc      net.Conn
	r       *bufio.Reader
	keep    time.Duration
	log     *slog.Logger
	slots   chan struct{} // one per publish without PUBACK
	gone    chan struct{} // closed when nothing can be sent any more
	leaving chan struct{} // closed when the session ends and says goodbye
	dirty   chan struct{} // something is in the write buffer

	wmu sync.Mutex // held while writing; taken before mu, never by the reader
	w   *bufio.Writer

	mu      sync.Mutex
	dead    bool
	lastID  uint16
	pending map[uint16]waiting
}

// waiting is a packet that was sent and not answered; publishes hold one of the window's slots.
type waiting struct {
	acked func(error)
	slot  bool
}

func newConn(nc net.Conn, cfg Config) *conn {
	return &conn{
		nc: nc, r: bufio.NewReaderSize(nc, ioBuffer), w: bufio.NewWriterSize(nc, ioBuffer), keep: cfg.KeepAlive, log: cfg.Log,
		slots: make(chan struct{}, min(cfg.Window, 60000)), gone: make(chan struct{}), leaving: make(chan struct{}),
		dirty: make(chan struct{}, 1), pending: make(map[uint16]waiting),
	}
}

// handshake sends CONNECT, reads CONNACK and writes the hello.
func (cn *conn) handshake(cfg Config) error {
	p := &packets.ConnectPacket{
		FixedHeader:  packets.FixedHeader{MessageType: packets.Connect},
		ProtocolName: "MQTT", ProtocolVersion: 4, CleanSession: true,
		Keepalive: uint16(min(cfg.KeepAlive/time.Second, 65535)), ClientIdentifier: cfg.ClientID,
	}
	if cfg.Password != "" {
		p.UsernameFlag, p.Username = true, cfg.ClientID
		p.PasswordFlag, p.Password = true, []byte(cfg.Password)
	}
	if cfg.Will != nil {
		will := cfg.Will()
		p.WillFlag, p.WillQos, p.WillRetain = true, 1, will.Retained
		p.WillTopic, p.WillMessage = will.Topic, will.Payload
	}
	if err := cn.nc.SetDeadline(time.Now().Add(dialTimeout)); err != nil {
		return fmt.Errorf("send CONNECT: %w", err)
	}
	if err := p.Write(cn.nc); err != nil {
		return fmt.Errorf("send CONNECT: %w", err)
	}
	answer, err := cn.read()
	if err != nil {
		return fmt.Errorf("read CONNACK: %w", err)
	}
	ack, ok := answer.(*packets.ConnackPacket)
	if !ok {
		return fmt.Errorf("read CONNACK: got %T", answer)
	}
	if ack.ReturnCode != packets.Accepted {
		return refused{ack.ReturnCode}
	}
	return cn.nc.SetDeadline(time.Time{})
}

// run says hello, opens the connection to publishers, and serves it until it is gone or ctx ends. Every publish
// taken on the connection is answered before run returns.
func (cn *conn) run(ctx context.Context, c *Client) error {
	g, gctx := errgroup.WithContext(context.WithoutCancel(ctx))
	if c.cfg.Hello != nil {
		hello := c.cfg.Hello()
		hello.Retained = true
		_ = cn.publish(ctx, hello, func(err error) {
			if err != nil {
				cn.log.Warn("hello not acknowledged", "topic", hello.Topic, "err", err)
			}
		})
	}
	if filters := c.rise(cn); len(filters) > 0 {
		cn.subscribe(filters)
	}
	g.Go(func() error { return cn.readLoop(c) })
	g.Go(func() error { return cn.writeLoop(gctx, ctx.Done()) })
	err := g.Wait()
	c.fall()
	cn.fail(err)
	_ = cn.nc.Close()
	return err
}

// fail answers everything that waits for a PUBACK: it can no longer come.
func (cn *conn) fail(cause error) {
	cn.mu.Lock()
	cn.dead = true
	close(cn.gone)
	lost := cn.pending
	cn.pending = nil
	cn.mu.Unlock()
	err := fmt.Errorf("%w before the broker acknowledged: %w", errGone, cause)
	for _, w := range lost {
		w.acked(err)
	}
}

// publish writes m, or returns errGone (nothing was sent, acked is not called) or ctx's error.
func (cn *conn) publish(ctx context.Context, m Message, acked func(error)) error {
	select {
	case cn.slots <- struct{}{}:
	case <-cn.gone:
		return errGone
	case <-ctx.Done():
		return ctx.Err()
	}
	cn.wmu.Lock()
	defer cn.wmu.Unlock()
	id, ok := cn.register(waiting{acked, true})
	if !ok {
		return errGone
	}
	// From here on acked is called: by the PUBACK, or by fail when the write below breaks the connection.
	cn.roomFor(len(m.Topic) + len(m.Payload))
	head := publishHead(cn.w.AvailableBuffer(), m, id)
	_, err := cn.w.Write(head)
	if err == nil {
		_, err = cn.w.Write(m.Payload)
	}
	if err != nil {
		_ = cn.nc.Close()
	}
	cn.stir()
	return nil
}

// register takes a free packet id for w.
func (cn *conn) register(w waiting) (uint16, bool) {
	cn.mu.Lock()
	defer cn.mu.Unlock()
	if cn.dead {
		return 0, false
	}
	for {
		cn.lastID++
		if _, taken := cn.pending[cn.lastID]; !taken && cn.lastID != 0 {
			cn.pending[cn.lastID] = w
			return cn.lastID, true
		}
	}
}

// subscribe asks for the filters at QoS 0.
func (cn *conn) subscribe(filters []string) {
	p := &packets.SubscribePacket{
		FixedHeader: packets.FixedHeader{MessageType: packets.Subscribe, Qos: 1},
		Topics:      filters, Qoss: make([]byte, len(filters)),
	}
	id, ok := cn.register(waiting{acked: func(err error) {
		if err != nil {
			cn.log.Debug("subscribe not answered", "filters", len(filters), "err", err)
		}
	}})
	if ok {
		p.MessageID = id
		cn.write(p)
	}
}

// write puts a control packet into the buffer.
func (cn *conn) write(p packets.ControlPacket) {
	cn.wmu.Lock()
	defer cn.wmu.Unlock()
	cn.roomFor(ioBuffer)
	if err := p.Write(cn.w); err != nil {
		_ = cn.nc.Close()
	}
	cn.stir()
}

// roomFor bounds the write that a full buffer will cause, so that a broker that stops reading is noticed.
func (cn *conn) roomFor(n int) {
	if cn.w.Available() < n+16 {
		_ = cn.nc.SetWriteDeadline(time.Now().Add(cn.keep))
	}
}

func (cn *conn) stir() {
	select {
	case cn.dirty <- struct{}{}:
	default:
	}
}

func (cn *conn) flush() error {
	cn.wmu.Lock()
	defer cn.wmu.Unlock()
	_ = cn.nc.SetWriteDeadline(time.Now().Add(cn.keep))
	if err := cn.w.Flush(); err != nil {
		return fmt.Errorf("write to broker: %w", err)
	}
	return nil
}

// writeLoop sends what publishers buffered, and pings. When done closes it says goodbye and lets the reader take the
// acknowledgements that are still on their way.
func (cn *conn) writeLoop(ctx context.Context, done <-chan struct{}) error {
	ping := time.NewTicker(cn.keep)
	defer ping.Stop()
	for {
		select {
		case <-cn.dirty:
			if err := cn.flush(); err != nil {
				_ = cn.nc.Close()
				return err
			}
		case <-ping.C:
			cn.write(packets.NewControlPacket(packets.Pingreq))
		case <-ctx.Done():
			return ctx.Err() // the reader's error is the one that counts
		case <-done:
			close(cn.leaving)
			cn.write(packets.NewControlPacket(packets.Disconnect))
			_ = cn.flush()
			_ = cn.nc.SetReadDeadline(time.Now().Add(farewell))
			return errDone
		}
	}
}

// publishHead is a PUBLISH at QoS 1 up to its payload.
func publishHead(b []byte, m Message, id uint16) []byte {
	first := byte(packets.Publish<<4 | 1<<1)
	if m.Retained {
		first |= 1
	}
	b = append(b, first)
	b = binary.AppendUvarint(b, uint64(2+len(m.Topic)+2+len(m.Payload))) // MQTT's remaining length is a uvarint
	b = binary.BigEndian.AppendUint16(b, uint16(len(m.Topic)))
	b = append(b, m.Topic...)
	return binary.BigEndian.AppendUint16(b, id)
}
