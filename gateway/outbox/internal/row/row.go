// Package row is the outbox's layout on disk: the keys and what stands behind them.
//
//	r order            → the row
//	u order            → size, put time, priority: the row is unsent
//	s minute order     → size: the row was acknowledged in that minute
//	c device 0 channel → last seq
//	m name             → epoch, totals
package row

import (
	"encoding/binary"
	"errors"
)

// Prefixes of the keys.
const (
	Rows     = 'r'
	Unsent   = 'u'
	Sent     = 's'
	Counters = 'c'
	Meta     = 'm'
)

// Row is one message of the outbox.
type Row struct {
	Order    uint64 // position in the outbox
	Priority uint8
	TS       int64 // when it was put, ns since 1970 UTC
	Seq      uint64
	Epoch    string
	Device   string
	Channel  string
	Topic    string
	Payload  []byte
}

// ErrShort is a row that ends before its fields do.
var ErrShort = errors.New("row is cut short")

// Key is the key of an order under a prefix.
func Key(prefix byte, order uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{prefix}, order)
}

// Order reads the order at the end of a key.
func Order(key []byte) uint64 { return binary.BigEndian.Uint64(key[len(key)-8:]) }

// SentKey is the key that says order was acknowledged in a minute since 1970.
func SentKey(minute uint32, order uint64) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint32([]byte{Sent}, minute), order)
}

// SentMinute reads the minute of a SentKey.
func SentMinute(key []byte) uint32 { return binary.BigEndian.Uint32(key[1:]) }

// CounterKey is the key of the last seq of a device's channel.
func CounterKey(device, channel string) []byte {
	return append([]byte{Counters}, device+"\x00"+channel...)
}

// AppendHead appends all of r but its payload, which stands last and takes the rest.
func AppendHead(b []byte, r Row) []byte {
	b = append(b, r.Priority)
	b = binary.BigEndian.AppendUint64(b, uint64(r.TS))
	b = binary.AppendUvarint(b, r.Seq)
	for _, s := range [...]string{r.Epoch, r.Device, r.Channel, r.Topic} {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	return b
}

// Parse reads a row; its payload is a part of b.
func Parse(order uint64, b []byte) (Row, error) {
	if len(b) < 9 {
		return Row{}, ErrShort
	}
	r := Row{Order: order, Priority: b[0], TS: int64(binary.BigEndian.Uint64(b[1:]))}
	b = b[9:]
	seq, n := binary.Uvarint(b)
	if n <= 0 {
		return Row{}, ErrShort
	}
	r.Seq, b = seq, b[n:]
	for _, s := range [...]*string{&r.Epoch, &r.Device, &r.Channel, &r.Topic} {
		size, n := binary.Uvarint(b)
		if n <= 0 || size > uint64(len(b)-n) {
			return Row{}, ErrShort
		}
		*s, b = string(b[n:n+int(size)]), b[n+int(size):]
	}
	r.Payload = b
	return r, nil
}

// Note is what stands behind an unsent key: enough to decide what to drop without reading the row.
type Note struct {
	Size     uint32
	TS       int64
	Priority uint8
}

// Append appends the note.
func (n Note) Append(b []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, n.Size)
	b = binary.BigEndian.AppendUint64(b, uint64(n.TS))
	return append(b, n.Priority)
}

// ParseNote reads a note.
func ParseNote(b []byte) (Note, error) {
	if len(b) != 13 {
		return Note{}, ErrShort
	}
	return Note{binary.BigEndian.Uint32(b), int64(binary.BigEndian.Uint64(b[4:])), b[12]}, nil
}

// Totals is what the outbox holds; it changes in the same transaction as the rows it counts.
type Totals struct {
	Next        uint64 // order of the next row
	Rows        int64
	Bytes       int64
	Unsent      int64
	UnsentBytes int64
}

// TotalsKey and EpochKey are the keys of the outbox's own facts; FormatKey that of the layout's version.
func TotalsKey() []byte { return []byte("mtotals") }

// EpochKey is the key of the epoch.
func EpochKey() []byte { return []byte("mepoch") }

// FormatKey is the key of the layout's version.
func FormatKey() []byte { return []byte("mformat") }

// Append appends the totals.
func (t Totals) Append(b []byte) []byte {
	for _, v := range [...]uint64{t.Next, uint64(t.Rows), uint64(t.Bytes), uint64(t.Unsent), uint64(t.UnsentBytes)} {
		b = binary.BigEndian.AppendUint64(b, v)
	}
	return b
}

// ParseTotals reads totals.
func ParseTotals(b []byte) (Totals, error) {
	if len(b) != 40 {
		return Totals{}, ErrShort
	}
	at := func(i int) uint64 { return binary.BigEndian.Uint64(b[8*i:]) }
	return Totals{at(0), int64(at(1)), int64(at(2)), int64(at(3)), int64(at(4))}, nil
}
