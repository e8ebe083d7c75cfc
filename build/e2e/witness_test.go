package e2e

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"sync"
	"time"
)

// witness is an MQTT 3.1.1 client of the tests' own, sharing no code with the product: it writes down what it
// published and which PUBACKs it got, and nothing else.
type witness struct {
	addr, clientID, password string

	mu      sync.Mutex
	conn    net.Conn
	nextID  uint16
	pending map[uint16]int // packet id → number of the message
	acked   map[int]bool
	changed chan struct{} // closed and replaced whenever pending, acked or conn change
}

func newWitness(addr, clientID, password string) *witness {
	return &witness{
		addr: addr, clientID: clientID, password: password, pending: map[uint16]int{}, acked: map[int]bool{},
		changed: make(chan struct{}),
	}
}

var errNotConnected = errors.New("witness is not connected")

// connect opens a clean session; PUBACKs still expected on an older connection will never count.
func (w *witness) connect() error {
	conn, err := net.DialTimeout("tcp", w.addr, 2*time.Second)
	if err != nil {
		return err
	}
	var body []byte
	body = appendString(body, "MQTT")
	body = append(body, 4, 0xC2, 0, 60) // level 4; user, password, clean session; keep alive 60 s
	body = appendString(body, w.clientID)
	body = appendString(body, w.clientID)
	body = appendString(body, w.password)
	if _, err := conn.Write(packet(0x10, body)); err != nil {
		return errors.Join(err, conn.Close())
	}
	r := bufio.NewReader(conn)
	if err := conn.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return errors.Join(err, conn.Close())
	}
	kind, ack, err := readPacket(r)
	if err != nil || kind != 0x20 || len(ack) != 2 || ack[1] != 0 {
		return errors.Join(fmt.Errorf("connect refused: packet %x %x %w", kind, ack, err), conn.Close())
	}
	if err := conn.SetReadDeadline(time.Time{}); err != nil {
		return errors.Join(err, conn.Close())
	}
	w.mu.Lock()
	w.conn, w.pending = conn, map[uint16]int{}
	w.signal()
	w.mu.Unlock()
	go w.listen(conn, r)
	return nil
}

// listen ends with the connection.
func (w *witness) listen(conn net.Conn, r *bufio.Reader) {
	for {
		kind, body, err := readPacket(r)
		w.mu.Lock()
		if err != nil || w.conn != conn {
			if w.conn == conn {
				w.conn = nil
			}
			w.signal()
			w.mu.Unlock()
			_ = conn.Close()
			return
		}
		if kind&0xF0 == 0x40 && len(body) >= 2 {
			id := binary.BigEndian.Uint16(body)
			if n, ok := w.pending[id]; ok {
				delete(w.pending, id)
				w.acked[n] = true
				w.signal()
			}
		}
		w.mu.Unlock()
	}
}

func (w *witness) signal() {
	close(w.changed)
	w.changed = make(chan struct{})
}

// publish sends message n at QoS 1 and does not wait for its PUBACK.
func (w *witness) publish(n int, topic string, payload []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.conn == nil {
		return errNotConnected
	}
	for {
		w.nextID++
		if _, taken := w.pending[w.nextID]; w.nextID != 0 && !taken {
			break
		}
	}
	body := appendString(nil, topic)
	body = binary.BigEndian.AppendUint16(body, w.nextID)
	body = append(body, payload...)
	w.pending[w.nextID] = n
	if err := w.conn.SetWriteDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return err
	}
	_, err := w.conn.Write(packet(0x32, body))
	return err
}

// inFlight is how many PUBACKs are outstanding, and whether the connection stands.
func (w *witness) inFlight() (int, bool, <-chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.pending), w.conn != nil, w.changed
}

// ackedSet is a copy of the numbers of the messages whose PUBACK came.
func (w *witness) ackedSet() map[int]bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return maps.Clone(w.acked)
}

func (w *witness) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.conn != nil {
		_, _ = w.conn.Write([]byte{0xE0, 0})
		_ = w.conn.Close()
		w.conn = nil
	}
}

func packet(kind byte, body []byte) []byte {
	p := []byte{kind}
	for n := len(body); ; {
		b := byte(n & 0x7F)
		n >>= 7
		if n > 0 {
			p = append(p, b|0x80)
			continue
		}
		p = append(p, b)
		break
	}
	return append(p, body...)
}

func readPacket(r *bufio.Reader) (kind byte, body []byte, err error) {
	kind, err = r.ReadByte()
	if err != nil {
		return 0, nil, err
	}
	n, err := binary.ReadUvarint(r)
	if err != nil {
		return 0, nil, err
	}
	body = make([]byte, n)
	_, err = io.ReadFull(r, body)
	return kind, body, err
}

func appendString(b []byte, s string) []byte {
	b = binary.BigEndian.AppendUint16(b, uint16(len(s)))
	return append(b, s...)
}
