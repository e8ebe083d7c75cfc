package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// batchVersion is the first byte of a stored batch of publishes. A reader refuses versions it does not know.
const batchVersion = 1

// The flags of a publish in a batch.
const (
	flagWill       = 1 << iota // sent by the broker for a client that was lost
	flagSameClient             // as the publish before
	flagSameTopic              // as the publish before
	flagsKnown     = 1<<iota - 1
)

// AppendPublishes appends a batch: version, count, and for each publish its flags, topic, client, time of receipt
// as the difference to the one before, and payload, lengths as varints.
func AppendPublishes(b []byte, ps []Publish) []byte {
	b = append(b, batchVersion)
	b = binary.AppendUvarint(b, uint64(len(ps)))
	var last Publish
	for _, p := range ps {
		var flags byte
		if p.Will {
			flags |= flagWill
		}
		if p.Client == last.Client {
			flags |= flagSameClient
		}
		if p.Topic == last.Topic {
			flags |= flagSameTopic
		}
		b = append(b, flags)
		if flags&flagSameTopic == 0 {
			b = binary.AppendUvarint(b, uint64(len(p.Topic)))
			b = append(b, p.Topic...)
		}
		if flags&flagSameClient == 0 {
			b = binary.AppendUvarint(b, uint64(len(p.Client)))
			b = append(b, p.Client...)
		}
		b = binary.AppendVarint(b, p.Received-last.Received)
		b = binary.AppendUvarint(b, uint64(len(p.Payload)))
		b = append(b, p.Payload...)
		last = p
	}
	return b
}

// errBatchShort is a batch that ends too early.
var errBatchShort = errors.New("batch ends within a publish")

// DecodePublishes reads a batch. The payloads are parts of b, which must not change while they are used.
func DecodePublishes(b []byte) ([]Publish, error) {
	if len(b) == 0 {
		return nil, errBatchShort
	}
	if b[0] != batchVersion {
		return nil, fmt.Errorf("batch of version %d: this program reads version %d", b[0], batchVersion)
	}
	r := batchReader{b: b[1:]}
	n := r.uvarint()
	const smallest = 3 // bytes of a publish: flags, time, length
	if r.short || n > uint64(len(r.b)/smallest) {
		return nil, errBatchShort
	}
	ps := make([]Publish, 0, n)
	var last Publish
	for range n {
		p := last
		flags := r.byte()
		if flags&^flagsKnown != 0 {
			return nil, fmt.Errorf("batch holds a publish with flags %#x, unknown here", flags)
		}
		p.Will = flags&flagWill != 0
		if flags&flagSameTopic == 0 {
			p.Topic = string(r.bytes())
		}
		if flags&flagSameClient == 0 {
			p.Client = string(r.bytes())
		}
		p.Received = last.Received + r.varint()
		p.Payload = r.bytes()
		if r.short {
			return nil, errBatchShort
		}
		ps = append(ps, p)
		last = p
	}
	if len(r.b) > 0 {
		return nil, fmt.Errorf("batch has %d bytes after its last publish", len(r.b))
	}
	return ps, nil
}

// batchReader takes parts off the front of b; short once it could not.
type batchReader struct {
	b     []byte
	short bool
}

func (r *batchReader) byte() byte {
	if len(r.b) == 0 {
		r.short = true
		return 0
	}
	c := r.b[0]
	r.b = r.b[1:]
	return c
}

func (r *batchReader) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.short = true
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *batchReader) varint() int64 {
	v, n := binary.Varint(r.b)
	if n <= 0 {
		r.short = true
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *batchReader) bytes() []byte {
	n := r.uvarint()
	if r.short || n > uint64(len(r.b)) {
		r.short = true
		return nil
	}
	out := r.b[:n:n]
	r.b = r.b[n:]
	return out
}
