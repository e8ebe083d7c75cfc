package stream

import (
	"encoding/binary"
	"errors"

	"github.com/lineshaft/lineshaft/twin/wire"
)

func appendPublishes(dst []byte, ps []wire.Publish) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(ps)))
	for _, p := range ps {
		dst = binary.AppendUvarint(dst, uint64(len(p.Topic)))
		dst = append(dst, p.Topic...)
		dst = binary.AppendUvarint(dst, uint64(len(p.Client)))
		dst = append(dst, p.Client...)
		dst = binary.AppendVarint(dst, p.Received)
		w := byte(0)
		if p.Will {
			w = 1
		}
		dst = append(dst, w)
		dst = binary.AppendUvarint(dst, uint64(len(p.Payload)))
		dst = append(dst, p.Payload...)
	}
	return dst
}

var errShort = errors.New("record ends early")

func decodePublishes(b []byte) ([]wire.Publish, error) {
	n, k := binary.Uvarint(b)
	if k <= 0 || n > uint64(len(b)) {
		return nil, errShort
	}
	b = b[k:]
	ok := true
	take := func() []byte {
		n, k := binary.Uvarint(b)
		if k <= 0 || n > uint64(len(b)-k) {
			ok = false
			return nil
		}
		v := b[k : k+int(n) : k+int(n)]
		b = b[k+int(n):]
		return v
	}
	ps := make([]wire.Publish, 0, n)
	for range n {
		var p wire.Publish
		p.Topic, p.Client = string(take()), string(take())
		r, k := binary.Varint(b)
		if k <= 0 || len(b) < k+1 || !ok {
			return nil, errShort
		}
		p.Received, p.Will, b = r, b[k] == 1, b[k+1:]
		p.Payload = take()
		if !ok {
			return nil, errShort
		}
		ps = append(ps, p)
	}
	return ps, nil
}
