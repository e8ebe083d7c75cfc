package block

import (
	"encoding/binary"
	"fmt"
	"math/bits"
)

// A column of integers is stored as the order of its differences (0: offsets from the smallest, 1: differences,
// 2: differences of differences), the values the differences start from, and the residuals in groups of
// groupSize. A group is a width, a number of exceptions, its residuals' low bits packed at that width, and for
// each exception its position and its high bits, so that one outlier does not widen its neighbours. Where all
// residuals are 0 (a steady interval, a constant) the order carries the flag steady and there are no groups.
const (
	groupSize = 128
	steady    = 4
)

// intsEncoder keeps the scratch space of one Encoder.
type intsEncoder struct {
	res []uint64
}

func zigzag(d int64) uint64   { return uint64(d<<1) ^ uint64(d>>63) }
func unzigzag(u uint64) int64 { return int64(u>>1) ^ -int64(u&1) }

// append appends the column vs at the cheapest of the orders up to maxOrder. Arithmetic wraps, so any int64 passes.
func (e *intsEncoder) append(dst []byte, vs []int64, maxOrder int) []byte {
	if len(vs) == 0 {
		return dst
	}
	order, low, flat := chooseOrder(vs, maxOrder)
	flag := byte(0)
	if flat {
		flag = steady
	}
	dst = append(dst, byte(order)|flag)
	if order == 0 {
		dst = binary.AppendVarint(dst, low)
	} else {
		dst = binary.AppendVarint(dst, vs[0])
	}
	if order == 2 {
		first := int64(0)
		if len(vs) > 1 {
			first = vs[1] - vs[0]
		}
		dst = binary.AppendVarint(dst, first)
	}
	if flat {
		return dst
	}
	e.residuals(vs, order, low)
	for at := 0; at < len(e.res); at += groupSize {
		dst = appendGroup(dst, e.res[at:min(at+groupSize, len(e.res))])
	}
	return dst
}

// residuals fills e.res. The values an order starts from leave none behind.
func (e *intsEncoder) residuals(vs []int64, order int, low int64) {
	n := max(0, len(vs)-order)
	if cap(e.res) < n {
		e.res = make([]uint64, n)
	}
	e.res = e.res[:n]
	switch order {
	case 0:
		for i, v := range vs {
			e.res[i] = uint64(v - low)
		}
	case 1:
		for i := range e.res {
			e.res[i] = zigzag(vs[i+1] - vs[i])
		}
	default:
		for i := range e.res {
			e.res[i] = zigzag(vs[i+2] - 2*vs[i+1] + vs[i])
		}
	}
}

// chooseOrder returns the order that needs the fewest bits, the smallest value, and whether no residual is left. A sum
// of bit lengths is close to what groups with exceptions take; every fourth value is asked, in pairs.
func chooseOrder(vs []int64, maxOrder int) (order int, low int64, flat bool) {
	low, high := vs[0], vs[0]
	for _, v := range vs {
		low, high = min(low, v), max(high, v)
	}
	if low == high {
		return 0, low, true
	}
	if maxOrder >= 1 && evenly(vs) {
		return 2, low, true
	}
	var sum [3]int
	for i := 2; i < len(vs); i += 1 + i&1*2 {
		d := vs[i] - vs[i-1]
		sum[0] += bits.Len64(uint64(vs[i] - low))
		sum[1] += bits.Len64(zigzag(d))
		sum[2] += bits.Len64(zigzag(d - vs[i-1] + vs[i-2]))
	}
	for o := 1; o <= maxOrder; o++ {
		if sum[o] < sum[order] {
			order = o
		}
	}
	return order, low, false
}

// evenly says whether all differences are equal.
func evenly(vs []int64) bool {
	if len(vs) < 2 {
		return true
	}
	d := vs[1] - vs[0]
	for i := 2; i < len(vs); i++ {
		if vs[i]-vs[i-1] != d {
			return false
		}
	}
	return true
}

// chooseWidth returns the width at which packing the group takes fewest bytes.
func chooseWidth(group []uint64) int {
	var all uint64
	for _, r := range group {
		all |= r
	}
	top := bits.Len64(all)
	// Exceptions pay only for outliers: nothing to gain where a quarter of the residuals reach the top two widths.
	near, least := 0, uint64(1)<<max(0, top-2)
	for _, r := range group {
		if r >= least {
			near++
		}
	}
	if near*4 > len(group) || top < 2 {
		return top
	}
	var count [65]int
	for _, r := range group {
		count[bits.Len64(r)]++
	}
	width, cheapest, over := top, len(group)*top, 0
	for w := top - 1; w >= 0; w-- {
		over += count[w+1]
		// An exception takes its position and its high bits as a varint: about 16 bits and 8/7 per bit.
		if cost := len(group)*w + over*(16+(top-w)*8/7); cost < cheapest {
			width, cheapest = w, cost
		}
	}
	return width
}

func appendGroup(dst []byte, group []uint64) []byte {
	width := chooseWidth(group)
	var over [groupSize]uint8
	n := 0
	if width < 64 {
		for i, r := range group {
			if r>>width != 0 {
				over[n] = uint8(i)
				n++
			}
		}
	}
	dst = append(dst, byte(width), byte(n))
	dst = pack(dst, group, width)
	for _, i := range over[:n] {
		dst = append(dst, i)
		dst = binary.AppendUvarint(dst, group[i]>>width)
	}
	return dst
}

// pack appends the low width bits of each value, least significant first.
func pack(dst []byte, group []uint64, width int) []byte {
	if width == 0 {
		return dst
	}
	mask := ^uint64(0) >> (64 - width)
	var acc uint64
	used := 0
	for _, r := range group {
		r &= mask
		acc |= r << used
		used += width
		if used >= 64 {
			dst = binary.LittleEndian.AppendUint64(dst, acc)
			used -= 64
			acc = 0
			if used > 0 {
				acc = r >> (width - used)
			}
		}
	}
	for ; used > 0; used -= 8 {
		dst = append(dst, byte(acc))
		acc >>= 8
	}
	return dst
}

// unpackGroup fills group from b and returns what follows.
func unpackGroup(b []byte, group []uint64) ([]byte, error) {
	if len(b) < 2 {
		return nil, errShort
	}
	width, over := int(b[0]), int(b[1])
	b = b[2:]
	if width > 64 {
		return nil, fmt.Errorf("%w: width %d", ErrCorrupt, width)
	}
	size := (len(group)*width + 7) / 8
	if len(b) < size {
		return nil, errShort
	}
	if width == 0 {
		clear(group)
	} else {
		src := b
		var padded [groupSize*8 + 16]byte
		if len(src) < size+16 {
			copy(padded[:], src[:size])
			src = padded[:size+16]
		}
		unpack(src, group, width)
	}
	b = b[size:]
	for range over {
		if len(b) < 2 || int(b[0]) >= len(group) || width == 64 {
			return nil, errShort
		}
		high, n := binary.Uvarint(b[1:])
		if n <= 0 {
			return nil, errShort
		}
		group[b[0]] |= high << width
		b = b[1+n:]
	}
	return b, nil
}

// unpack reads len(group) values of width bits; src has 16 bytes to spare after them.
func unpack(src []byte, group []uint64, width int) {
	mask := ^uint64(0) >> (64 - width)
	if width <= 57 {
		at := uint(0)
		for i := range group {
			group[i] = binary.LittleEndian.Uint64(src[at>>3:]) >> (at & 7) & mask
			at += uint(width)
		}
		return
	}
	at := uint(0)
	for i := range group {
		p, shift := at>>3, at&7
		low := binary.LittleEndian.Uint64(src[p:]) >> shift
		if shift > 0 {
			low |= uint64(src[p+8]) << (64 - shift)
		}
		group[i] = low & mask
		at += uint(width)
	}
}

// decodeInts fills vs from b and returns what follows.
func decodeInts(b []byte, vs []int64) ([]byte, error) {
	if len(vs) == 0 {
		return b, nil
	}
	if len(b) == 0 || b[0]&^steady > 2 {
		return nil, fmt.Errorf("%w: order of integers", ErrCorrupt)
	}
	order, flat := b[0]&^steady, b[0]&steady != 0
	first, n := binary.Varint(b[1:])
	if n <= 0 {
		return nil, errShort
	}
	b = b[1+n:]
	delta := int64(0)
	if order == 2 {
		if delta, n = binary.Varint(b); n <= 0 {
			return nil, errShort
		}
		b = b[n:]
	}
	switch {
	case flat:
		for i := range vs {
			vs[i] = first + int64(i)*delta
		}
		return b, nil
	case order == 0:
		return decodeOffsets(b, vs, first)
	case order == 1:
		return decodeDeltas(b, vs, first)
	default:
		return decodeSecond(b, vs, first, delta)
	}
}

func decodeOffsets(b []byte, vs []int64, low int64) ([]byte, error) {
	var group [groupSize]uint64
	var err error
	for at := 0; at < len(vs); at += groupSize {
		out := vs[at:min(at+groupSize, len(vs))]
		if b, err = unpackGroup(b, group[:len(out)]); err != nil {
			return nil, err
		}
		for i := range out {
			out[i] = low + int64(group[i&(groupSize-1)])
		}
	}
	return b, nil
}

func decodeDeltas(b []byte, vs []int64, first int64) ([]byte, error) {
	var group [groupSize]uint64
	var err error
	v := first
	vs[0] = v
	for at := 1; at < len(vs); at += groupSize {
		out := vs[at:min(at+groupSize, len(vs))]
		if b, err = unpackGroup(b, group[:len(out)]); err != nil {
			return nil, err
		}
		for i := range out {
			v += unzigzag(group[i&(groupSize-1)])
			out[i] = v
		}
	}
	return b, nil
}

func decodeSecond(b []byte, vs []int64, first, delta int64) ([]byte, error) {
	var group [groupSize]uint64
	var err error
	v := first
	vs[0] = v
	if len(vs) > 1 {
		v += delta
		vs[1] = v
	}
	for at := 2; at < len(vs); at += groupSize {
		out := vs[at:min(at+groupSize, len(vs))]
		if b, err = unpackGroup(b, group[:len(out)]); err != nil {
			return nil, err
		}
		for i := range out {
			delta += unzigzag(group[i&(groupSize-1)])
			v += delta
			out[i] = v
		}
	}
	return b, nil
}
