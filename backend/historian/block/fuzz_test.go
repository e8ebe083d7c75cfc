package block

import (
	"encoding/binary"
	"hash/crc32"
	"testing"

	"github.com/lineshaft/lineshaft/twin"
)

// FuzzDecode gives the decoder arbitrary bytes under a checksum that is right, so that it cannot hide behind it.
// It may refuse them; it may not panic, and what it takes must survive being written again.
func FuzzDecode(f *testing.F) {
	var enc Encoder
	var r Rows
	for i, v := range []twin.Value{twin.FloatValue(1.25), twin.FloatValue(1.0 / 3), twin.IntValue(-7), twin.BoolValue(true), twin.StringValue("RUN"), {}} {
		r.Append(twin.Sample{T: int64(i) * 1e9, V: v, Q: twin.Good}, int32(i*40))
		b := enc.Append(nil, &r)
		f.Add(b[:len(b)-4])
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		b, err := Open(binary.LittleEndian.AppendUint32(append([]byte(nil), body...), crc32.Checksum(body, table())))
		if err != nil {
			return
		}
		var s Scratch
		rows, err := b.Rows(&s)
		if err != nil {
			return
		}
		again, err := Open(enc.Append(nil, &rows))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := again.Rows(&s); err != nil || got.Len() != rows.Len() {
			t.Fatalf("%d rows became %d: %v", rows.Len(), got.Len(), err)
		}
	})
}
