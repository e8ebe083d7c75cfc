package block

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
)

// The ways a column of floats is stored, the first that loses nothing wins: as integers times a power of ten, as
// such integers rounded through float32 (what a PLC's REAL becomes), as float32 patterns, as float64 patterns.
// Patterns are mapped to integers of the same order, so that near values are near integers.
const (
	decimal64 byte = iota
	decimal32
	pattern32
	pattern64
)

const (
	maxDecimals = 9
	maxScaled   = 1 << 52 // below, float64 holds every integer and its tenfold fits an int64
)

func power(e int) float64 { return [...]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9}[e] }

// scale returns v·p as an integer if that integer divided by p gives exactly v back.
func scale(v, p float64, narrow bool) (int64, bool) {
	s := v * p
	if !(s > -maxScaled && s < maxScaled) {
		return 0, false
	}
	i := int64(s + math.Copysign(0.5, s))
	return i, math.Float64bits(unscale(i, p, narrow)) == math.Float64bits(v)
}

func unscale(i int64, p float64, narrow bool) float64 {
	if narrow {
		return float64(float32(float64(i) / p))
	}
	return float64(i) / p
}

// decimals is how many digits after the point v needs, -1 if more than maxDecimals.
func decimals(v float64, narrow bool) int {
	for e := range maxDecimals + 1 {
		if _, ok := scale(v, power(e), narrow); ok {
			return e
		}
	}
	return -1
}

// floatsEncoder keeps the scratch space of one Encoder.
type floatsEncoder struct {
	ints []int64
	odd  []int
}

// append appends the column bits of float64 patterns.
func (e *floatsEncoder) append(dst []byte, vs []uint64, ie *intsEncoder) []byte {
	narrow := allNarrow(vs)
	for _, n := range []bool{false, true} {
		if n && !narrow {
			break
		}
		if digits, ok := e.sample(vs, n); ok && e.scaleAll(vs, digits, n) {
			return e.appendDecimal(dst, vs, digits, n, ie)
		}
	}
	e.grow(len(vs))
	if narrow {
		for i, v := range vs {
			b := math.Float32bits(float32(math.Float64frombits(v)))
			e.ints[i] = int64(int32(b) ^ int32(uint32(int32(b)>>31)>>1))
		}
		return ie.append(append(dst, pattern32), e.ints, 1)
	}
	for i, v := range vs {
		e.ints[i] = int64(v) ^ int64(uint64(int64(v)>>63)>>1)
	}
	return ie.append(append(dst, pattern64), e.ints, 1)
}

// allNarrow says whether every value is one of float32, bit for bit.
func allNarrow(vs []uint64) bool {
	for _, v := range vs {
		if math.Float64bits(float64(float32(math.Float64frombits(v)))) != v {
			return false
		}
	}
	return true
}

// sample looks at some values and returns the digits nearly all of them need; false if too many need more.
func (e *floatsEncoder) sample(vs []uint64, narrow bool) (int, bool) {
	step := max(1, len(vs)/61)
	var seen []int
	odd := 0
	for i := 0; i < len(vs); i += step {
		if d := decimals(math.Float64frombits(vs[i]), narrow); d >= 0 {
			seen = append(seen, d)
		} else {
			odd++
		}
	}
	if odd*8 > len(seen) {
		return 0, false
	}
	return slices.Max(seen), true
}

// scaleAll fills e.ints, and e.odd with the positions that do not scale; false if they are too many.
func (e *floatsEncoder) scaleAll(vs []uint64, digits int, narrow bool) bool {
	e.grow(len(vs))
	p := power(digits)
	e.odd = e.odd[:0]
	last := int64(0)
	for i, v := range vs {
		s, ok := scale(math.Float64frombits(v), p, narrow)
		if !ok {
			e.odd = append(e.odd, i)
			if len(e.odd) > 2+len(vs)/8 {
				return false
			}
			s = last
		}
		e.ints[i] = s
		last = s
	}
	return true
}

func (e *floatsEncoder) appendDecimal(dst []byte, vs []uint64, digits int, narrow bool, ie *intsEncoder) []byte {
	mode := decimal64
	if narrow {
		mode = decimal32
	}
	dst = append(dst, mode, byte(digits))
	dst = binary.AppendUvarint(dst, uint64(len(e.odd)))
	prev := 0
	for _, i := range e.odd {
		dst = binary.AppendUvarint(dst, uint64(i-prev))
		dst = binary.LittleEndian.AppendUint64(dst, vs[i])
		prev = i
	}
	return ie.append(dst, e.ints, 1)
}

func (e *floatsEncoder) grow(n int) {
	if cap(e.ints) < n {
		e.ints = make([]int64, n)
	}
	e.ints = e.ints[:n]
}

// exception is a float that did not scale.
type exception struct {
	at   int
	bits uint64
}

// decodeFloats decodes len(ints) floats and hands each to set. ints is scratch space.
func decodeFloats(b []byte, ints []int64, fill func(of floats)) ([]byte, error) {
	if len(b) < 2 || b[0] > pattern64 {
		return nil, fmt.Errorf("%w: mode of floats", ErrCorrupt)
	}
	of := floats{mode: b[0], ints: ints}
	b = b[1:]
	if of.mode == decimal64 || of.mode == decimal32 {
		digits := int(b[0])
		if digits > maxDecimals {
			return nil, fmt.Errorf("%w: %d decimals", ErrCorrupt, digits)
		}
		of.p = power(digits)
		n, size := binary.Uvarint(b[1:])
		if size <= 0 || n > uint64(len(ints)) {
			return nil, errShort
		}
		b = b[1+size:]
		at := uint64(0)
		for range n {
			step, size := binary.Uvarint(b)
			at += step
			if size <= 0 || len(b) < size+8 || step > uint64(len(ints)) || at >= uint64(len(ints)) {
				return nil, errShort
			}
			of.odd = append(of.odd, exception{int(at), binary.LittleEndian.Uint64(b[size:])})
			b = b[size+8:]
		}
	}
	b, err := decodeInts(b, ints)
	if err != nil {
		return nil, err
	}
	fill(of)
	return b, nil
}

// floats is a decoded column whose values are still integers.
type floats struct {
	mode byte
	p    float64
	ints []int64
	odd  []exception
}

// at is the value of an integer of the column, exceptions apart.
func (f *floats) at(i int64) float64 {
	switch f.mode {
	case decimal64:
		return float64(i) / f.p
	case decimal32:
		return float64(float32(float64(i) / f.p))
	case pattern32:
		b := int32(i)
		return float64(math.Float32frombits(uint32(b ^ int32(uint32(b>>31)>>1))))
	default:
		return math.Float64frombits(uint64(i ^ int64(uint64(i>>63)>>1)))
	}
}
