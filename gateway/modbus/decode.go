package modbus

import (
	"encoding/binary"
	"math"

	"github.com/lineshaft/lineshaft/gateway/driver"
	"github.com/lineshaft/lineshaft/twin"
)

// decode reads a point out of a block's answer. ok is false when the answer is too short for it.
func decode(p Point, b block, data []byte) (v twin.Value, ok bool) {
	at := int(p.Address) - int(b.start)
	if b.table.bits() {
		if at/8 >= len(data) {
			return twin.Value{}, false
		}
		return twin.BoolValue(data[at/8]>>(at%8)&1 == 1), true
	}
	size := 2 * int(p.Encoding.words())
	if 2*at+size > len(data) {
		return twin.Value{}, false
	}
	var raw [8]byte
	arrange(raw[:size], data[2*at:2*at+size], p.Order)
	return number(p, raw[:size]), true
}

// arrange copies src, in the order given, to dst with the most significant byte first.
func arrange(dst, src []byte, o Order) {
	copy(dst, src)
	if o == CDAB || o == DCBA {
		for i, n := 0, len(src)/2; i < n; i++ {
			dst[2*i], dst[2*i+1] = src[2*(n-1-i)], src[2*(n-1-i)+1]
		}
	}
	if o == BADC || o == DCBA {
		for i := 0; i < len(dst); i += 2 {
			dst[i], dst[i+1] = dst[i+1], dst[i]
		}
	}
}

func number(p Point, b []byte) twin.Value {
	switch p.Encoding {
	case Uint16:
		return twin.IntValue(int64(binary.BigEndian.Uint16(b)))
	case Int16:
		return twin.IntValue(int64(int16(binary.BigEndian.Uint16(b))))
	case Uint32:
		return twin.IntValue(int64(binary.BigEndian.Uint32(b)))
	case Int32:
		return twin.IntValue(int64(int32(binary.BigEndian.Uint32(b))))
	case Float32:
		return driver.Float32(math.Float32frombits(binary.BigEndian.Uint32(b)))
	case Int64:
		return twin.IntValue(int64(binary.BigEndian.Uint64(b)))
	case Float64:
		return twin.FloatValue(math.Float64frombits(binary.BigEndian.Uint64(b)))
	case Bit:
		return twin.BoolValue(binary.BigEndian.Uint16(b)>>p.Bit&1 == 1)
	}
	return twin.Value{}
}
