package block

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"

	"github.com/lineshaft/lineshaft/twin"
)

// Block is a block whose frame has been checked and whose columns have not been decoded yet.
type Block struct {
	Len     int   // rows
	MaxLate int32 // greatest lateness in seconds
	Size    int   // bytes
	cols    [colCount][]byte
}

// Open checks the frame of a block and finds its columns. b must stay unchanged as long as the Block is used.
func Open(b []byte) (Block, error) {
	if len(b) < 8 {
		return Block{}, fmt.Errorf("%w: %d bytes", ErrCorrupt, len(b))
	}
	body, sum := b[:len(b)-4], binary.LittleEndian.Uint32(b[len(b)-4:])
	if crc32.Checksum(body, table()) != sum {
		return Block{}, fmt.Errorf("%w: checksum", ErrCorrupt)
	}
	out, err := open(body)
	out.Size = len(b)
	return out, err
}

// Count is the number of rows of a block, by its head alone.
func Count(b []byte) (int, error) {
	if len(b) == 0 || b[0] != Version {
		return 0, fmt.Errorf("%w: version", ErrCorrupt)
	}
	rows, n := binary.Uvarint(b[1:])
	if n <= 0 || rows > MaxRows {
		return 0, fmt.Errorf("%w: number of rows", ErrCorrupt)
	}
	return int(rows), nil
}

func open(b []byte) (Block, error) {
	if len(b) == 0 || b[0] != Version {
		return Block{}, fmt.Errorf("%w: version", ErrCorrupt)
	}
	b = b[1:]
	rows, n := binary.Uvarint(b)
	if n <= 0 || rows > MaxRows {
		return Block{}, fmt.Errorf("%w: number of rows", ErrCorrupt)
	}
	b = b[n:]
	late, n := binary.Varint(b)
	if n <= 0 || late != int64(int32(late)) {
		return Block{}, fmt.Errorf("%w: lateness", ErrCorrupt)
	}
	b = b[n:]
	out := Block{Len: int(rows), MaxLate: int32(late)}
	for c := range out.cols {
		size, n := binary.Uvarint(b)
		if n <= 0 || size > uint64(len(b)-n) {
			return Block{}, errShort
		}
		out.cols[c] = b[n : n+int(size)]
		b = b[n+int(size):]
	}
	return out, nil
}

// Scratch is memory a decoder reuses. The zero Scratch works; it is not safe for concurrent use.
type Scratch struct {
	ints  []int64
	kinds []twin.Kind
}

func (s *Scratch) room(n int) []int64 {
	if cap(s.ints) < n {
		s.ints = make([]int64, n)
	}
	return s.ints[:n]
}

// Times fills dst, of length Len, with the times.
func (b *Block) Times(dst []int64) error {
	col := b.cols[colTimes]
	if len(col) == 0 || col[0] > 3 {
		return fmt.Errorf("%w: unit of times", ErrCorrupt)
	}
	if _, err := decodeInts(col[1:], dst); err != nil {
		return err
	}
	if size := unitSize(col[0]); size != 1 {
		for i := range dst {
			dst[i] *= size
		}
	}
	return nil
}

// Qualities fills dst, of length Len.
func (b *Block) Qualities(dst []twin.Quality) error { return decodeRuns(b.cols[colQualities], dst) }

// Late fills dst, of length Len, with the lateness of each row in seconds.
func (b *Block) Late(dst []int32, s *Scratch) error {
	wide := s.room(len(dst))
	if _, err := decodeInts(b.cols[colLate], wide); err != nil {
		return err
	}
	for i, l := range wide {
		dst[i] = int32(l)
	}
	return nil
}

// Values fills dst, of length Len.
func (b *Block) Values(dst []twin.Value, s *Scratch) error {
	kinds, vals := b.cols[colKinds], b.cols[colValues]
	if b.Len == 0 {
		return nil
	}
	if run, n := binary.Uvarint(kinds[min(1, len(kinds)):]); n > 0 && run == uint64(len(dst)) && twin.Kind(kinds[0]) == twin.Float {
		_, err := decodeFloats(vals, s.room(len(dst)), func(of floats) { fillFloats(dst, of) })
		return err
	}
	if cap(s.kinds) < len(dst) {
		s.kinds = make([]twin.Kind, len(dst))
	}
	s.kinds = s.kinds[:len(dst)]
	if err := decodeRuns(kinds, s.kinds); err != nil {
		return err
	}
	var count [twin.String + 1]int
	for _, k := range s.kinds {
		if k > twin.String {
			return fmt.Errorf("%w: kind %d", ErrCorrupt, k)
		}
		count[k]++
	}
	var err error
	for k := twin.Float; k <= twin.String; k++ {
		if count[k] == 0 {
			continue
		}
		if vals, err = decodeKind(vals, k, s.room(count[k]), s.kinds, dst); err != nil {
			return err
		}
	}
	if count[twin.None] > 0 {
		for i, k := range s.kinds {
			if k == twin.None {
				dst[i] = twin.Value{}
			}
		}
	}
	return nil
}

func fillFloats(dst []twin.Value, of floats) {
	if of.mode == decimal64 { // the usual case, without a switch per value
		p := of.p
		for i, n := range of.ints {
			dst[i] = twin.FloatValue(float64(n) / p)
		}
	} else {
		for i, n := range of.ints {
			dst[i] = twin.FloatValue(of.at(n))
		}
	}
	for _, x := range of.odd {
		dst[x.at] = twin.FloatValue(math.Float64frombits(x.bits))
	}
}

// decodeKind decodes the values of one kind and puts them where kinds says.
func decodeKind(b []byte, kind twin.Kind, ints []int64, kinds []twin.Kind, dst []twin.Value) ([]byte, error) {
	put := func(value func(n int64, i int) twin.Value) {
		j := 0
		for i, k := range kinds {
			if k == kind {
				dst[i] = value(ints[j], j)
				j++
			}
		}
	}
	switch kind {
	case twin.Float:
		return decodeFloats(b, ints, func(of floats) {
			odd := of.odd
			put(func(n int64, j int) twin.Value {
				if len(odd) > 0 && odd[0].at == j {
					v := twin.FloatValue(math.Float64frombits(odd[0].bits))
					odd = odd[1:]
					return v
				}
				return twin.FloatValue(of.at(n))
			})
		})
	case twin.String:
		words, b, err := decodeWords(b)
		if err != nil {
			return nil, err
		}
		if b, err = decodeInts(b, ints); err != nil {
			return nil, err
		}
		for _, n := range ints {
			if n < 0 || n >= int64(len(words)) {
				return nil, fmt.Errorf("%w: word %d of %d", ErrCorrupt, n, len(words))
			}
		}
		put(func(n int64, _ int) twin.Value { return twin.StringValue(words[n]) })
		return b, nil
	default:
		b, err := decodeInts(b, ints)
		if err != nil {
			return nil, err
		}
		if kind == twin.Bool {
			put(func(n int64, _ int) twin.Value { return twin.BoolValue(n == 1) })
		} else {
			put(func(n int64, _ int) twin.Value { return twin.IntValue(n) })
		}
		return b, nil
	}
}

func decodeWords(b []byte) ([]string, []byte, error) {
	count, n := binary.Uvarint(b)
	if n <= 0 || count > uint64(len(b)) {
		return nil, nil, errShort
	}
	b = b[n:]
	words := make([]string, count)
	for i := range words {
		size, n := binary.Uvarint(b)
		if n <= 0 || size > uint64(len(b)-n) {
			return nil, nil, errShort
		}
		words[i] = string(b[n : n+int(size)])
		b = b[n+int(size):]
	}
	return words, b, nil
}

func decodeRuns[B ~uint8](b []byte, dst []B) error {
	for len(dst) > 0 {
		if len(b) < 2 {
			return errShort
		}
		v := B(b[0])
		run, n := binary.Uvarint(b[1:])
		if n <= 0 || run == 0 || run > uint64(len(dst)) {
			return fmt.Errorf("%w: run of %d", ErrCorrupt, run)
		}
		for i := range dst[:run] {
			dst[i] = v
		}
		dst, b = dst[run:], b[1+n:]
	}
	return nil
}

// Rows decodes the whole block.
func (b *Block) Rows(s *Scratch) (Rows, error) {
	vs := make([]twin.Value, b.Len)
	if err := b.Values(vs, s); err != nil {
		return Rows{}, err
	}
	r := alloc(b.Len)
	r.T, r.Q, r.Late = r.T[:b.Len], r.Q[:b.Len], r.Late[:b.Len]
	if err := b.Times(r.T); err != nil {
		return Rows{}, err
	}
	if err := b.Qualities(r.Q); err != nil {
		return Rows{}, err
	}
	if err := b.Late(r.Late, s); err != nil {
		return Rows{}, err
	}
	for i, v := range vs {
		r.K = append(r.K, v.Kind())
		if v.Kind() == twin.Float {
			r.N = append(r.N, math.Float64bits(v.Float()))
		} else {
			r.N = append(r.N, uint64(v.Int()))
		}
		if v.Kind() == twin.String && r.S == nil {
			r.S = make([]string, b.Len)
		}
		if r.S != nil {
			if v.Kind() == twin.String {
				r.S[i] = v.Text()
			}
		}
	}
	return r, nil
}
