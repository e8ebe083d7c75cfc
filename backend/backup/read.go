package backup

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"

	"github.com/lineshaft/lineshaft/twin/fault"
)

// Reader reads a backup. It is used by one goroutine.
type Reader struct {
	Header Header

	from  *bufio.Reader
	whole hash.Hash // of the pieces before the last one read
	at    int64
	part  Part
	items []byte
	done  bool
}

// NewReader reads the header. It refuses what is no backup, and one in a format newer than this program knows.
func NewReader(from io.Reader) (*Reader, error) {
	r := &Reader{from: bufio.NewReaderSize(from, 64<<10), whole: sha256.New()}
	got := make([]byte, len(magic))
	if _, err := io.ReadFull(r.from, got); err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, fmt.Errorf("read backup: %w", err)
	}
	if string(got) != magic {
		return nil, fault.New(fault.Invalid, "this is no backup of lineshaft")
	}
	r.whole.Write(got)
	r.at = int64(len(got))
	part, text, err := r.piece()
	if err != nil {
		return nil, err
	}
	if part != header || json.Unmarshal(text, &r.Header) != nil || r.Header.Format < 1 {
		return nil, r.damaged("it does not say of what it is")
	}
	if r.Header.Format > Format {
		return nil, fault.New(fault.Unavailable, "the backup has format %d, this lineshaft reads formats up to %d", r.Header.Format, Format).
			WithHint("restore with lineshaft %s, which wrote it, or a newer one", r.Header.Release)
	}
	return r, nil
}

// Next returns the next item, whose bytes are the caller's to keep. At the end of a whole backup the error is io.EOF;
// of one that was cut off or changed it is another.
func (r *Reader) Next() (Item, error) {
	for len(r.items) == 0 {
		if r.done {
			return Item{}, io.EOF
		}
		sum := r.whole.Sum(nil)
		part, items, err := r.piece()
		if err != nil {
			return Item{}, err
		}
		switch part {
		case Store, History, File:
			r.part, r.items = part, items
		case end:
			if !bytes.Equal(sum, items) {
				return Item{}, r.damaged("pieces of it are missing")
			}
			if _, err := r.from.ReadByte(); !errors.Is(err, io.EOF) {
				return Item{}, r.damaged("something follows its end")
			}
			r.done = true
		default:
			return Item{}, r.damaged("a piece is of no known part")
		}
	}
	key, value, rest, ok := cutItem(r.items)
	if !ok {
		return Item{}, r.damaged("a piece is cut wrongly")
	}
	r.items = rest
	return Item{Part: r.part, Key: key, Value: value}, nil
}

// Verify reads a whole backup and says whether it is one.
func Verify(from io.Reader) (Header, error) {
	r, err := NewReader(from)
	if err != nil {
		return Header{}, err
	}
	for {
		if _, err := r.Next(); errors.Is(err, io.EOF) {
			return r.Header, nil
		} else if err != nil {
			return Header{}, err
		}
	}
}

// piece reads one piece and checks it.
func (r *Reader) piece() (Part, []byte, error) {
	var head [headSize]byte
	if _, err := io.ReadFull(r.from, head[:]); err != nil {
		return 0, nil, r.cutOff(err)
	}
	n := binary.BigEndian.Uint32(head[1:])
	if n > pieceMost {
		return 0, nil, r.damaged("a piece has an impossible length")
	}
	var b bytes.Buffer // grows with what comes, not with what is promised
	if _, err := io.CopyN(&b, r.from, int64(n)+sumSize); err != nil {
		return 0, nil, r.cutOff(err)
	}
	content, sum := b.Bytes()[:n], b.Bytes()[n:]
	crc := crc32.Update(crc32.Checksum(head[:], castagnoli()), castagnoli(), content)
	if binary.BigEndian.Uint32(sum) != crc {
		return 0, nil, r.damaged("a checksum is wrong")
	}
	r.whole.Write(head[:])
	r.whole.Write(b.Bytes())
	r.at += headSize + int64(b.Len())
	return Part(head[0]), content, nil
}

func (r *Reader) cutOff(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return r.damaged("it ends too early")
	}
	return fmt.Errorf("read backup: %w", err)
}

func (r *Reader) damaged(how string) error {
	return fault.New(fault.Invalid, "the backup is damaged near byte %d: %s", r.at, how).
		WithHint("take another copy of it, or an older backup; nothing of this one is used")
}
