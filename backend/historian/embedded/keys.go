package embedded

import (
	"encoding/binary"
	"time"

	"github.com/lineshaft/lineshaft/backend/historian"
)

// Every key starts with the length and the name of its tenant, then a letter:
//
//	b series start end generation → a sealed block; its samples lie in one day
//	c commit part                 → a checkpoint: what was appended before that commit
//	s series                      → up to which commit the series is sealed, and its newest sample
//	m series chunk                → buckets of the minutes of a chunk
//	h series chunk                → buckets of the hours of a longer chunk
//	d series chunk                → which minutes of a chunk are to be made again of samples
//	v series                      → when its past last changed
//
// The empty tenant holds the format version. Numbers are big endian, times with the sign bit flipped, so that the
// order of keys is the order of time.
const (
	kindBlock      = 'b'
	kindCheckpoint = 'c'
	kindState      = 's'
	kindFormat     = 'f'
	kindMinutes    = byte('m')
	kindHours      = byte('h')
	kindStale      = byte('d')
	kindRevision   = byte('v')
)

func tenantPrefix(name string) []byte {
	return append(binary.AppendUvarint(nil, uint64(len(name))), name...)
}

// tenantOf reads the tenant at the start of a key; size is how long that part is, 0 if it is no key of ours.
func tenantOf(key []byte) (name string, size int) {
	n, w := binary.Uvarint(key)
	if w <= 0 || n > uint64(len(key)-w) {
		return "", 0
	}
	return string(key[w : w+int(n)]), w + int(n)
}

func (t *tenant) key(kind byte, extra int) []byte {
	k := make([]byte, 0, len(t.prefix)+1+extra)
	return append(append(k, t.prefix...), kind)
}

// ref is the place of a block: its first and last time, and the commit that sealed it. Where blocks overlap, the
// higher generation was appended later and wins.
type ref struct {
	start, end int64
	gen        uint64
}

func flip(t int64) uint64   { return uint64(t) ^ 1<<63 }
func unflip(u uint64) int64 { return int64(u ^ 1<<63) }

func (t *tenant) blocksKey(id historian.SeriesID) []byte {
	return binary.BigEndian.AppendUint32(t.key(kindBlock, 28), uint32(id))
}

func (t *tenant) blockKey(id historian.SeriesID, r ref) []byte {
	k := binary.BigEndian.AppendUint64(t.blocksKey(id), flip(r.start))
	k = binary.BigEndian.AppendUint64(k, flip(r.end))
	return binary.BigEndian.AppendUint64(k, r.gen)
}

// parseRef reads what follows the series in a block's key.
func parseRef(b []byte) (ref, bool) {
	if len(b) != 24 {
		return ref{}, false
	}
	return ref{
		start: unflip(binary.BigEndian.Uint64(b)),
		end:   unflip(binary.BigEndian.Uint64(b[8:])),
		gen:   binary.BigEndian.Uint64(b[16:]),
	}, true
}

func (t *tenant) checkpointKey(seq uint64, part int) []byte {
	k := binary.BigEndian.AppendUint64(t.key(kindCheckpoint, 10), seq)
	return binary.BigEndian.AppendUint16(k, uint16(part))
}

func (t *tenant) stateKey(id historian.SeriesID) []byte {
	return binary.BigEndian.AppendUint32(t.key(kindState, 4), uint32(id))
}

func (t *tenant) chunkKey(kind byte, id historian.SeriesID, start int64) []byte {
	k := binary.BigEndian.AppendUint32(t.key(kind, 12), uint32(id))
	return binary.BigEndian.AppendUint64(k, flip(start))
}

func (t *tenant) revisionKey(id historian.SeriesID) []byte {
	return binary.BigEndian.AppendUint32(t.key(kindRevision, 4), uint32(id))
}

// dayLength is the span a block may not cross. It bounds how far back a reader must look for a block that reaches
// into its range, and is the unit of compaction.
const dayLength = int64(24 * time.Hour)

// dayOf is the start of the day t lies in; the first representable day starts at the smallest time.
func dayOf(t int64) int64 {
	d := t / dayLength
	if t%dayLength < 0 {
		d--
	}
	start := d * dayLength
	if start > t { // wrapped below the smallest time
		return -1 << 63
	}
	return start
}

// dayEnd is the last instant of the day that starts at start.
func dayEnd(start int64) int64 {
	if start == -1<<63 { // the first day starts late
		return dayOf(-1<<63+dayLength) - 1
	}
	if end := start + (dayLength - 1); end > start {
		return end
	}
	return 1<<63 - 1
}
