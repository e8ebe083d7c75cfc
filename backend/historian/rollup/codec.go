package rollup

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/lineshaft/lineshaft/backend/historian/block"
	"github.com/lineshaft/lineshaft/twin"
)

// codecVersion is the first byte of encoded buckets.
const codecVersion = 1

// Buckets are stored by column, each a block of the codec of readings: what Bucket has, then what Sure has, then what
// All has of the buckets that have one. A column without anything in it is left out.
const (
	bucketColumns = 15
	statsColumns  = 12
)

// Encoder turns buckets into bytes. It keeps scratch space and is not safe for concurrent use; the zero Encoder works.
type Encoder struct {
	enc  block.Encoder
	rows block.Rows
	col  []byte
}

// Append appends buckets, in order and at most block.MaxRows of them, to dst.
func (e *Encoder) Append(dst []byte, bs []Bucket) []byte {
	dst = append(dst, codecVersion)
	dst = binary.AppendUvarint(dst, uint64(len(bs)))
	for c := range bucketColumns {
		e.begin()
		for i := range bs {
			e.put(twin.IntValue(bs[i].field(c)))
		}
		dst = e.end(dst, twin.IntValue(0))
	}
	stats := make([]*Stats, len(bs))
	for i := range bs {
		stats[i] = &bs[i].Sure
	}
	dst = e.appendStats(dst, stats)
	stats = stats[:0]
	for i := range bs {
		if bs[i].All != nil {
			stats = append(stats, bs[i].All)
		}
	}
	if len(stats) > 0 {
		dst = e.appendStats(dst, stats)
	}
	return dst
}

func (e *Encoder) appendStats(dst []byte, stats []*Stats) []byte {
	for c := range statsColumns {
		e.begin()
		for _, s := range stats {
			e.put(s.field(c))
		}
		dst = e.end(dst, blank(c))
	}
	return dst
}

func (e *Encoder) begin() {
	r := &e.rows
	*r = block.Rows{T: r.T[:0], K: r.K[:0], N: r.N[:0], Q: r.Q[:0], Late: r.Late[:0]}
}

func (e *Encoder) put(v twin.Value) {
	e.rows.Append(twin.Sample{T: int64(e.rows.Len()), V: v}, 0)
}

// end appends the column, or nothing where each value is zero.
func (e *Encoder) end(dst []byte, zero twin.Value) []byte {
	e.col = e.col[:0]
	for i := range e.rows.T {
		if e.rows.Value(i) != zero {
			e.col = e.enc.Append(e.col, &e.rows)
			break
		}
	}
	dst = binary.AppendUvarint(dst, uint64(len(e.col)))
	return append(dst, e.col...)
}

// Decode appends the buckets that Encoder.Append encoded to dst.
func Decode(dst []Bucket, v []byte) ([]Bucket, error) {
	if len(v) == 0 || v[0] != codecVersion {
		return dst, fmt.Errorf("%w: version of buckets", block.ErrCorrupt)
	}
	n, w := binary.Uvarint(v[1:])
	if w <= 0 || n > block.MaxRows {
		return dst, fmt.Errorf("%w: number of buckets", block.ErrCorrupt)
	}
	d := decoder{rest: v[1+w:]}
	dst = slices.Grow(dst, int(n))[:len(dst)+int(n)]
	bs := dst[len(dst)-int(n):]
	clear(bs)
	for c := range bucketColumns {
		if err := d.column(int(n), twin.IntValue(0)); err != nil {
			return dst[:len(dst)-int(n)], err
		}
		for i := range bs {
			bs[i].setField(c, d.vals[i].Int())
		}
	}
	stats := make([]*Stats, n)
	wide := 0
	for i := range bs {
		stats[i] = &bs[i].Sure
		if bs[i].All != nil {
			wide++
		}
	}
	err := d.stats(stats)
	if err == nil && wide > 0 {
		stats = stats[:0]
		for i := range bs {
			if bs[i].All != nil {
				stats = append(stats, bs[i].All)
			}
		}
		err = d.stats(stats)
	}
	if err != nil {
		return dst[:len(dst)-int(n)], err
	}
	return dst, nil
}

type decoder struct {
	rest    []byte
	vals    []twin.Value
	scratch block.Scratch
}

func (d *decoder) stats(stats []*Stats) error {
	for c := range statsColumns {
		if err := d.column(len(stats), blank(c)); err != nil {
			return err
		}
		for i, s := range stats {
			s.setField(c, d.vals[i])
		}
	}
	return nil
}

// column decodes the next column of n values into vals.
func (d *decoder) column(n int, zero twin.Value) error {
	if cap(d.vals) < n {
		d.vals = make([]twin.Value, n)
	}
	d.vals = d.vals[:n]
	size, w := binary.Uvarint(d.rest)
	if w <= 0 || size > uint64(len(d.rest)-w) {
		return fmt.Errorf("%w: a column of buckets ends early", block.ErrCorrupt)
	}
	col := d.rest[w : w+int(size)]
	d.rest = d.rest[w+int(size):]
	if size == 0 {
		for i := range d.vals {
			d.vals[i] = zero
		}
		return nil
	}
	b, err := block.Open(col)
	if err != nil {
		return err
	}
	if b.Len != n {
		return fmt.Errorf("%w: %d values of %d buckets", block.ErrCorrupt, b.Len, n)
	}
	return b.Values(d.vals, &d.scratch)
}
