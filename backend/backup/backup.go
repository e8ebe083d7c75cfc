// Package backup is the file a backend is backed up into: one stream of checked pieces, written and read from front
// to end, that a program can tell to be whole before it uses any of it.
package backup

import (
	"encoding/binary"
	"hash/crc32"
	"time"
)

// Format is the version of the file this program writes; it reads files up to it.
const Format = 1

// magic begins every file. The format follows in the header.
const magic = "lineshaft backup\n"

// Header says of what a backup is, before anything of it.
type Header struct {
	Format  int       `json:"format"`
	Release string    `json:"release"` // the program that wrote it
	At      time.Time `json:"at"`      // the instant everything in it is of
	Store   int       `json:"store"`   // format of the store's pairs
	History int       `json:"history"` // format of the history's pairs, 0 if it is kept elsewhere
}

// Part says where an item belongs.
type Part byte

// The parts of a backend.
const (
	Store   Part = 's' // a pair of the store
	History Part = 'h' // a pair of the history
	File    Part = 'f' // a file of the data directory: its name and its content
)

// Kinds of pieces that hold no items.
const (
	header Part = 'H'
	end    Part = 'E' // holds the SHA-256 of everything before it
)

// Item is a pair, or a file, of a part.
type Item struct {
	Part       Part
	Key, Value []byte
}

// A piece is its part, the length of its content, the content, and the CRC-32C of all three. Items in it are the length
// of the key, the key, the length of the value, the value.
const (
	headSize  = 1 + 4
	sumSize   = 4
	pieceSize = 256 << 10 // a piece is written once it is this long
	pieceMost = 256 << 20 // no piece is longer, or it is damaged
)

func castagnoli() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }

func appendItem(b, key, value []byte) []byte {
	b = append(binary.AppendUvarint(b, uint64(len(key))), key...)
	return append(binary.AppendUvarint(b, uint64(len(value))), value...)
}

// cutItem takes the first item off a piece.
func cutItem(b []byte) (key, value, rest []byte, ok bool) {
	if key, b, ok = cutBytes(b); !ok {
		return nil, nil, nil, false
	}
	value, rest, ok = cutBytes(b)
	return key, value, rest, ok
}

func cutBytes(b []byte) (cut, rest []byte, ok bool) {
	n, used := binary.Uvarint(b)
	if used <= 0 || n > uint64(len(b)-used) {
		return nil, nil, false
	}
	b = b[used:]
	return b[:n:n], b[n:], true
}
