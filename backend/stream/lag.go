package stream

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/lineshaft/lineshaft/twin/wire"
)

// position is a place in a stream: a record, and the messages up to and including it.
type position struct {
	seq   uint64
	total uint64
}

// lag is how far a group has come.
type lag struct {
	mu sync.Mutex
	at position
}

func (l *lag) committed(p position) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.at = p
}

func (l *lag) behind(end position) (records, publishes int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if end.seq > l.at.seq {
		records = int(end.seq - l.at.seq)
	}
	if end.total > l.at.total {
		publishes = int(end.total - l.at.total)
	}
	return records, publishes
}

// endOf reads where the stream ends.
func endOf(ctx context.Context, st jetstream.Stream) (position, error) {
	info, err := st.Info(ctx)
	if err != nil {
		return position{}, err
	}
	p := position{seq: info.State.LastSeq}
	if info.State.Msgs == 0 {
		return p, nil
	}
	m, err := st.GetLastMsgForSubject(ctx, info.Config.Name)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return p, nil
	}
	if err != nil {
		return position{}, err
	}
	p.total, err = parseTotal(m.Header.Get(totalHeader))
	return p, err
}

// openLag reads where a group stands: before the first record it has not acknowledged.
func openLag(ctx context.Context, st jetstream.Stream, group string, end position) (*lag, error) {
	c, err := st.Consumer(ctx, group)
	if err != nil {
		return nil, err
	}
	info := c.CachedInfo()
	if info.NumPending == 0 && info.NumAckPending == 0 {
		return &lag{at: end}, nil
	}
	m, err := st.GetMsg(ctx, info.AckFloor.Stream+1, jetstream.WithGetMsgSubject(st.CachedInfo().Config.Name))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return &lag{at: end}, nil
	}
	if err != nil {
		return nil, err
	}
	total, err := parseTotal(m.Header.Get(totalHeader))
	if err != nil {
		return nil, err
	}
	ps, err := wire.DecodePublishes(m.Data)
	if err != nil {
		return nil, fmt.Errorf("decode record %d: %w", m.Sequence, err)
	}
	return &lag{at: position{seq: m.Sequence - 1, total: total - uint64(len(ps))}}, nil
}

func parseTotal(s string) (uint64, error) {
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("header %s: %q is not a count", totalHeader, s)
	}
	return n, nil
}
