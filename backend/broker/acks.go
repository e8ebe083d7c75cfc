package broker

import "sync"

// acks are the acknowledgements a connection is owed, written in the order its messages came. The queue is bounded:
// a sender with more in flight waits on its own connection. A goroutine writes only while something can be written,
// so an idle connection has none, and one that does not read blocks nobody else.
type acks struct {
	mu      sync.Mutex
	room    *sync.Cond // signalled when entries left
	entries []ack      // ring
	head, n int
	limit   int
	base    uint64 // number of the entry at head
	writing bool
	closed  bool

	write func([]byte) error // blocks while the client does not read
	fail  func(error)        // the message was not stored, or the write failed: the connection ends
	wg    *sync.WaitGroup
}

type ack struct {
	kind   byte // packets.Puback, Pubrec or Pubcomp
	state  ackState
	reason byte // above 0 only to clients that can read it
	id     uint16
}

type ackState uint8

const (
	ackWaiting ackState = iota
	ackReady
)

func newAcks(limit int, wg *sync.WaitGroup, write func([]byte) error, fail func(error)) *acks {
	a := &acks{limit: limit, write: write, fail: fail, wg: wg}
	a.room = sync.NewCond(&a.mu)
	return a
}

// add takes a place in the order and returns its number for done. It blocks while the queue is full; false means the
// connection has ended.
func (a *acks) add(kind byte, id uint16, reason byte) (number uint64, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for a.n == a.limit && !a.closed {
		a.room.Wait()
	}
	if a.closed {
		return 0, false
	}
	if a.n == len(a.entries) {
		a.grow()
	}
	a.entries[(a.head+a.n)%len(a.entries)] = ack{kind: kind, id: id, reason: reason}
	a.n++
	return a.base + uint64(a.n) - 1, true
}

func (a *acks) grow() {
	bigger := make([]ack, min(a.limit, max(16, 2*len(a.entries))))
	for i := range a.n {
		bigger[i] = a.entries[(a.head+i)%len(a.entries)]
	}
	a.entries, a.head = bigger, 0
}

// done says that entry number may be written, once those before it are. It does not block.
func (a *acks) done(number uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed || number < a.base {
		return
	}
	a.entries[(a.head+int(number-a.base))%len(a.entries)].state = ackReady
	if !a.writing && a.entries[a.head].state == ackReady {
		a.writing = true
		a.wg.Go(a.flush)
	}
}

// flush writes what is ready, many acknowledgements to one write, until nothing is.
func (a *acks) flush() {
	var buf []byte
	for {
		buf = a.take(buf[:0])
		if len(buf) == 0 {
			return
		}
		if err := a.write(buf); err != nil {
			a.close()
			a.fail(err)
			return
		}
	}
}

func (a *acks) take(buf []byte) []byte {
	a.mu.Lock()
	defer a.mu.Unlock()
	for !a.closed && a.n > 0 && a.entries[a.head].state == ackReady && len(buf) < 4096 {
		buf = a.entries[a.head].encode(buf)
		a.head = (a.head + 1) % len(a.entries)
		a.base++
		a.n--
	}
	if len(buf) == 0 {
		a.writing = false
	} else {
		a.room.Broadcast()
	}
	return buf
}

func (k ack) encode(b []byte) []byte {
	first := k.kind << 4
	if k.reason == 0 {
		return append(b, first, 2, byte(k.id>>8), byte(k.id))
	}
	return append(b, first, 3, byte(k.id>>8), byte(k.id), k.reason)
}

func (a *acks) close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.closed = true
	a.room.Broadcast()
}

// owed is how many acknowledgements have not been written.
func (a *acks) owed() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return 0
	}
	return a.n
}
