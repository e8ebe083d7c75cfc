package e2e

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// wire is a network between a gateway and the broker: it can be cut, it has a bandwidth, and it notes every publish
// that crosses it upward, in order.
type wire struct {
	listener net.Listener
	to       string

	mu    sync.Mutex
	cut   bool
	rate  int // bytes a second upward; 0 is all there is
	conns map[net.Conn]bool
	seen  []crossing
	wg    sync.WaitGroup
}

// crossing is one publish seen on the wire.
type crossing struct {
	at      time.Time
	device  string
	channel string
	seq     uint64
	made    time.Time // ts of the envelope
	unsent  int64     // of a status
}

func newWire(t *testing.T, to string) *wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{listener: l, to: to, conns: map[net.Conn]bool{}}
	w.wg.Go(w.accept)
	t.Cleanup(func() {
		_ = l.Close()
		w.setCut(true)
		w.wg.Wait()
	})
	return w
}

func (w *wire) accept() {
	for {
		c, err := w.listener.Accept()
		if err != nil {
			return
		}
		if !w.join(c) {
			_ = c.Close()
			continue
		}
		w.wg.Go(func() { w.carry(c) })
	}
}

// join keeps a connection so that a cut ends it; during a cut nothing gets through.
func (w *wire) join(c net.Conn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.cut {
		w.conns[c] = true
	}
	return !w.cut
}

func (w *wire) setCut(cut bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut = cut
	if cut {
		for c := range w.conns {
			_ = c.Close()
			delete(w.conns, c)
		}
	}
}

func (w *wire) setRate(bytes int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rate = bytes
}

func (w *wire) carry(c net.Conn) {
	b, err := net.Dial("tcp", w.to)
	if err != nil || !w.join(b) {
		_ = c.Close()
		return
	}
	w.wg.Go(func() {
		_, _ = io.Copy(c, b)
		_ = c.Close()
	})
	_ = w.up(c, b)
	_ = b.Close()
	_ = c.Close()
}

// up passes packets on one by one, as fast as the bandwidth allows.
func (w *wire) up(from io.Reader, to io.Writer) error {
	r := bufio.NewReader(from)
	for {
		kind, body, err := readPacket(r)
		if err != nil {
			return err
		}
		w.note(kind, body)
		p := packet(kind, body)
		w.mu.Lock()
		rate := w.rate
		w.mu.Unlock()
		if rate > 0 {
			<-time.After(time.Duration(len(p)) * time.Second / time.Duration(rate))
		}
		if _, err := to.Write(p); err != nil {
			return err
		}
	}
}

func (w *wire) note(kind byte, body []byte) {
	if kind&0xF0 != 0x30 || len(body) < 4 {
		return
	}
	n := int(binary.BigEndian.Uint16(body))
	segs := strings.SplitN(string(body[2:2+n]), "/", 7)
	if len(segs) != 7 {
		return
	}
	payload := body[2+n+2:] // the packet id stands before it: everything here is QoS 1
	var e struct {
		Seq    uint64 `json:"seq"`
		TS     int64  `json:"ts"`
		Unsent int64  `json:"unsent"`
	}
	if err := json.Unmarshal(payload, &e); err != nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seen = append(w.seen, crossing{time.Now(), segs[5], segs[6], e.Seq, time.UnixMilli(e.TS), e.Unsent})
}

// since are the crossings after an instant.
func (w *wire) since(t time.Time) []crossing {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []crossing
	for _, c := range w.seen {
		if c.at.After(t) {
			out = append(out, c)
		}
	}
	return out
}

// errLate and errOrder are what a drain can get wrong.
var (
	errLate  = errors.New("live data waited behind the backlog")
	errOrder = errors.New("the backlog came out of order")
)
