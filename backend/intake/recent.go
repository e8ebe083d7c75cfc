package intake

import (
	"encoding/binary"
	"errors"
	"hash/fnv"
	"io"
	"time"
)

const (
	recentFor = time.Hour // a msg_id is remembered for senders without an epoch
	recentMax = 20_000    // of one sender
)

// sender is who numbers messages, or does not.
type sender struct{ tenant, device string }

// recent is the msg_ids a sender used in the last hour, oldest first.
type recent struct {
	at    map[uint64]int64 // hash of the id → received, ns
	order []uint64
}

func hashID(id string) uint64 {
	h := fnv.New64a()
	_, _ = io.WriteString(h, id)
	return h.Sum64()
}

// take notes an id and says whether it is new.
func (r *recent) take(id uint64, received int64) bool {
	r.expire(received - int64(recentFor))
	if _, known := r.at[id]; known {
		return false
	}
	r.at[id] = received
	r.order = append(r.order, id)
	return true
}

func (r *recent) expire(before int64) {
	n := 0
	for n < len(r.order) && (r.at[r.order[n]] < before || len(r.order)-n >= recentMax) {
		delete(r.at, r.order[n])
		n++
	}
	r.order = r.order[n:]
}

// remembered is an id taken since the last commit.
type remembered struct {
	who      sender
	id       uint64
	received int64
}

// encodeRemembered is one row for all ids of a commit.
func encodeRemembered(rs []remembered) []byte {
	var b []byte
	for _, r := range rs {
		b = append(b, byte(len(r.who.tenant)), byte(len(r.who.device)))
		b = append(append(b, r.who.tenant...), r.who.device...)
		b = binary.BigEndian.AppendUint64(b, r.id)
		b = binary.BigEndian.AppendUint64(b, uint64(r.received))
	}
	return b
}

func decodeRemembered(b []byte) (rs []remembered, err error) {
	for len(b) > 0 {
		if len(b) < 2 {
			return nil, errors.New("row of message ids ends early")
		}
		t, d := int(b[0]), int(b[1])
		b = b[2:]
		if len(b) < t+d+16 {
			return nil, errors.New("row of message ids ends early")
		}
		rs = append(rs, remembered{
			who: sender{string(b[:t]), string(b[t : t+d])},
			id:  binary.BigEndian.Uint64(b[t+d:]), received: int64(binary.BigEndian.Uint64(b[t+d+8:])),
		})
		b = b[t+d+16:]
	}
	return rs, nil
}
