package block

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"

	"github.com/lineshaft/lineshaft/twin"
)

// Version is the first byte of every block.
const Version = 1

// MaxRows is the most rows one block may hold.
const MaxRows = 1 << 16

// ErrCorrupt says that bytes are not a block, or not the block that was written.
var ErrCorrupt = errors.New("block is corrupt")

var errShort = fmt.Errorf("%w: a column ends early", ErrCorrupt)

// A block is: version, rows (uvarint), greatest lateness (varint), then the columns T, quality, lateness, kinds and
// values, each preceded by its length (uvarint), then CRC-32C of all of it.
const (
	colTimes = iota
	colQualities
	colLate
	colKinds
	colValues
	colCount
)

// Encoder turns rows into blocks. It keeps scratch space and is not safe for concurrent use; the zero Encoder works.
type Encoder struct {
	ints   intsEncoder
	floats floatsEncoder
	col    []byte
	wide   []int64
	nums   []uint64
}

func table() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }

// Append appends the block of r, at most MaxRows rows in any order, to dst.
func (e *Encoder) Append(dst []byte, r *Rows) []byte {
	start := len(dst)
	most := int32(math.MinInt32)
	for _, l := range r.Late {
		most = max(most, l)
	}
	dst = append(dst, Version)
	dst = binary.AppendUvarint(dst, uint64(r.Len()))
	dst = binary.AppendVarint(dst, int64(most))
	for c := range colCount {
		e.col = e.appendColumn(e.col[:0], c, r)
		dst = binary.AppendUvarint(dst, uint64(len(e.col)))
		dst = append(dst, e.col...)
	}
	return binary.LittleEndian.AppendUint32(dst, crc32.Checksum(dst[start:], table()))
}

func (e *Encoder) appendColumn(dst []byte, col int, r *Rows) []byte {
	switch col {
	case colTimes:
		return e.appendTimes(dst, r.T)
	case colQualities:
		return appendRuns(dst, r.Q)
	case colLate:
		e.widen(len(r.Late))
		for i, l := range r.Late {
			e.wide[i] = int64(l)
		}
		return e.ints.append(dst, e.wide, 2)
	case colKinds:
		return appendRuns(dst, r.K)
	default:
		for k := twin.Float; k <= twin.String; k++ {
			dst = e.appendValues(dst, k, r)
		}
		return dst
	}
}

func (e *Encoder) widen(n int) {
	if cap(e.wide) < n {
		e.wide = make([]int64, n)
	}
	e.wide = e.wide[:n]
}

// appendTimes stores times in the coarsest unit of 1 s, 1 ms, 1 µs and 1 ns that is exact. Evenly spaced times need
// no residuals in any unit.
func (e *Encoder) appendTimes(dst []byte, ts []int64) []byte {
	unit := byte(0)
	if len(ts) > 0 && !evenly(ts) {
		unit = unitOf(ts)
	}
	dst = append(dst, unit)
	if unit == 0 {
		return e.ints.append(dst, ts, 2)
	}
	e.widen(len(ts))
	size := unitSize(unit)
	for i, t := range ts {
		e.wide[i] = t / size
	}
	return e.ints.append(dst, e.wide, 2)
}

func unitOf(ts []int64) byte {
	unit := byte(3)
	for _, t := range ts {
		for unit > 0 && t%unitSize(unit) != 0 {
			unit--
		}
		if unit == 0 {
			break
		}
	}
	return unit
}

func unitSize(unit byte) int64 { return [...]int64{1, 1e3, 1e6, 1e9}[unit] }

// appendRuns stores a column of bytes as (byte, repeats) runs.
func appendRuns[B ~uint8](dst []byte, col []B) []byte {
	for i := 0; i < len(col); {
		j := i + 1
		for j < len(col) && col[j] == col[i] {
			j++
		}
		dst = append(dst, byte(col[i]))
		dst = binary.AppendUvarint(dst, uint64(j-i))
		i = j
	}
	return dst
}

// appendValues stores the values of one kind, if there are any.
func (e *Encoder) appendValues(dst []byte, kind twin.Kind, r *Rows) []byte {
	if kind == twin.String {
		return e.appendStrings(dst, r)
	}
	e.nums = e.nums[:0]
	for i, k := range r.K {
		if k == kind {
			e.nums = append(e.nums, r.N[i])
		}
	}
	if len(e.nums) == 0 {
		return dst
	}
	if kind == twin.Float {
		return e.floats.append(dst, e.nums, &e.ints)
	}
	e.widen(len(e.nums))
	for i, n := range e.nums {
		e.wide[i] = int64(n)
	}
	return e.ints.append(dst, e.wide, 2)
}

// appendStrings stores each different string once, in order of first use, then the place of each value among them.
func (e *Encoder) appendStrings(dst []byte, r *Rows) []byte {
	if r.S == nil {
		return dst
	}
	places := map[string]int64{}
	var words []string
	e.wide = e.wide[:0]
	for i, k := range r.K {
		if k != twin.String {
			continue
		}
		place, ok := places[r.S[i]]
		if !ok {
			place = int64(len(words))
			places[r.S[i]] = place
			words = append(words, r.S[i])
		}
		e.wide = append(e.wide, place)
	}
	if len(e.wide) == 0 {
		return dst
	}
	dst = binary.AppendUvarint(dst, uint64(len(words)))
	for _, w := range words {
		dst = binary.AppendUvarint(dst, uint64(len(w)))
		dst = append(dst, w...)
	}
	return e.ints.append(dst, e.wide, 1)
}
