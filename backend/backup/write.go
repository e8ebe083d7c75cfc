package backup

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
)

// Writer writes a backup. It is used by one goroutine.
type Writer struct {
	to    io.Writer
	whole hash.Hash
	part  Part
	piece []byte // with room for the head before the items
}

// NewWriter writes the header.
func NewWriter(to io.Writer, h Header) (*Writer, error) {
	h.Format = Format
	w := &Writer{whole: sha256.New(), piece: make([]byte, headSize)}
	w.to = io.MultiWriter(to, w.whole)
	if _, err := io.WriteString(w.to, magic); err != nil {
		return nil, fmt.Errorf("write backup: %w", err)
	}
	text, err := json.Marshal(h)
	if err != nil {
		return nil, fmt.Errorf("write backup: %w", err)
	}
	w.part, w.piece = header, append(w.piece, text...)
	return w, w.flush()
}

// Add writes an item; key and value may be used again afterwards.
func (w *Writer) Add(i Item) error {
	if i.Part != w.part || len(w.piece) >= pieceSize {
		if err := w.flush(); err != nil {
			return err
		}
	}
	w.part, w.piece = i.Part, appendItem(w.piece, i.Key, i.Value)
	return nil
}

// Close writes what is left and the end, without which a backup is not whole. It leaves the destination open.
func (w *Writer) Close() error {
	if err := w.flush(); err != nil {
		return err
	}
	w.part, w.piece = end, w.whole.Sum(w.piece)
	return w.flush()
}

func (w *Writer) flush() error {
	if len(w.piece) == headSize {
		return nil
	}
	w.piece[0] = byte(w.part)
	binary.BigEndian.PutUint32(w.piece[1:], uint32(len(w.piece)-headSize))
	w.piece = binary.BigEndian.AppendUint32(w.piece, crc32.Checksum(w.piece, castagnoli()))
	_, err := w.to.Write(w.piece)
	w.piece = w.piece[:headSize]
	if err != nil {
		return fmt.Errorf("write backup: %w", err)
	}
	return nil
}
