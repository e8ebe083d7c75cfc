package outbox

import (
	"context"
	"slices"
	"sync"
)

// Bounds of what is held in memory for sending.
const (
	liveRows   = 2048
	liveBytes  = 4 << 20
	fetchRows  = 256
	fetchBytes = 1 << 20
)

// lanes decides what is sent next. There are two: live, the rows that were just put, still in memory; and backlog,
// everything older, read from disk in order. They take turns, so that neither an outage of three days nor a flood of
// fresh data starves the other. Within a lane order is kept.
//
//	orders:  … [cursor ── backlog ── liveFront) [live …) end
type lanes struct {
	fetch func(start, end uint64, skip func(uint64) bool) ([]Row, []int, error)

	mu       sync.Mutex
	live     []Row
	liveSize []int
	liveSum  int
	end      uint64         // order after the last row that was pushed
	cursor   uint64         // nothing below is unsent, but what is taken
	ahead    []Row          // read from disk, in order, not yet taken
	sizes    []int          // theirs
	taken    map[uint64]int // in flight, acknowledged but not yet written so, or being dropped → size
	turn     bool
	wake     chan struct{}
}

func newLanes(end uint64, fetch func(uint64, uint64, func(uint64) bool) ([]Row, []int, error)) *lanes {
	return &lanes{fetch: fetch, end: end, taken: make(map[uint64]int), wake: make(chan struct{}, 1)}
}

// push offers fresh rows. What does not fit into memory is backlog.
func (l *lanes) push(rows []Row, values [][]byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, r := range rows {
		l.live = append(l.live, r)
		l.liveSize = append(l.liveSize, len(values[i]))
		l.liveSum += len(values[i])
		l.end = r.Order + 1
	}
	for len(l.live) > liveRows || l.liveSum > liveBytes {
		l.popLive()
	}
	l.stir()
}

// spill makes everything that waits backlog.
func (l *lanes) spill() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.live, l.liveSize, l.liveSum = nil, nil, 0
}

func (l *lanes) stir() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// popLive takes the oldest live row out of memory.
func (l *lanes) popLive() (Row, int) {
	r, size := l.live[0], l.liveSize[0]
	l.live[0] = Row{} // lets go of the payload
	l.live, l.liveSize = l.live[1:], l.liveSize[1:]
	l.liveSum -= size
	return r, size
}

// liveFront is where the backlog ends.
func (l *lanes) liveFront() uint64 {
	if len(l.live) > 0 {
		return l.live[0].Order
	}
	return l.end
}

// next takes the next row, blocking until there is one or ctx ends.
func (l *lanes) next(ctx context.Context) (Row, error) {
	for {
		r, ok, err := l.take()
		if ok || err != nil {
			return r, err
		}
		select {
		case <-ctx.Done():
			return Row{}, ctx.Err()
		case <-l.wake:
		}
	}
}

// take is next without waiting.
func (l *lanes) take() (Row, bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.turn = !l.turn
	if !l.turn || len(l.live) == 0 {
		if err := l.readAhead(); err != nil {
			return Row{}, false, err
		}
		if len(l.ahead) > 0 {
			r, size := l.ahead[0], l.sizes[0]
			l.ahead, l.sizes = l.ahead[1:], l.sizes[1:]
			l.taken[r.Order] = size
			return r, true, nil
		}
	}
	if len(l.live) == 0 {
		return Row{}, false, nil
	}
	r, size := l.popLive()
	l.taken[r.Order] = size
	if l.cursor == r.Order { // there is no backlog: nothing to look for on disk
		l.cursor++
	}
	return r, true, nil
}

// readAhead fills the window on the backlog when it is empty.
func (l *lanes) readAhead() error {
	end := l.liveFront()
	if len(l.ahead) > 0 || l.cursor >= end {
		return nil
	}
	rows, sizes, err := l.fetch(l.cursor, end, func(order uint64) bool { _, taken := l.taken[order]; return taken })
	if err != nil {
		return err
	}
	l.ahead, l.sizes = rows, sizes
	if len(rows) > 0 {
		l.cursor = rows[len(rows)-1].Order + 1
	} else {
		l.cursor = end
	}
	return nil
}

// giveBack returns a taken row: it was not acknowledged and is backlog again.
func (l *lanes) giveBack(order uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, ok := l.taken[order]; !ok {
		return
	}
	delete(l.taken, order)
	l.rewind(order)
	l.stir()
}

// rewind makes the backlog begin no later than order.
func (l *lanes) rewind(order uint64) {
	l.cursor = min(l.cursor, order)
	if len(l.ahead) > 0 {
		l.cursor = min(l.cursor, l.ahead[0].Order)
		l.ahead, l.sizes = nil, nil
	}
}

// done forgets rows of which the disk now says what became of them.
func (l *lanes) done(orders []uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, order := range orders {
		delete(l.taken, order)
	}
}

// size is the size of a taken row.
func (l *lanes) size(order uint64) (int, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	size, ok := l.taken[order]
	return size, ok
}

// claim takes a row away from sending so that it can be dropped; a row in flight cannot.
func (l *lanes) claim(order uint64, size int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, ok := l.taken[order]; ok {
		return false
	}
	for i, r := range l.live {
		if r.Order == order {
			l.liveSum -= l.liveSize[i]
			l.live, l.liveSize = slices.Delete(l.live, i, i+1), slices.Delete(l.liveSize, i, i+1)
			break
		}
		if r.Order > order {
			break
		}
	}
	if i := slices.IndexFunc(l.ahead, func(r Row) bool { return r.Order == order }); i >= 0 {
		l.ahead, l.sizes = slices.Delete(l.ahead, i, i+1), slices.Delete(l.sizes, i, i+1)
	}
	l.taken[order] = size
	return true
}
