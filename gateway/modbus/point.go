// Package modbus reads Modbus TCP units: adjacent registers in one request, each unit on a connection of its own.
//
// A connection per unit, because a gateway in front of a serial bus answers for many units on one port, and one that
// is dead would hold every other back for as long as its timeouts last if they shared a connection.
package modbus

import (
	"fmt"
	"time"
)

// Table is one of the four address spaces of a unit.
type Table string

// The tables.
const (
	Holding  Table = "holding"
	Input    Table = "input"
	Coil     Table = "coil"
	Discrete Table = "discrete"
)

// bits says whether the table's cells are bits rather than registers.
func (t Table) bits() bool { return t == Coil || t == Discrete }

// Encoding is how registers hold a number.
type Encoding string

// The encodings. Bit is one bit of a register, or a coil.
const (
	Uint16  Encoding = "uint16"
	Int16   Encoding = "int16"
	Uint32  Encoding = "uint32"
	Int32   Encoding = "int32"
	Float32 Encoding = "float32"
	Int64   Encoding = "int64"
	Float64 Encoding = "float64"
	Bit     Encoding = "bit"
)

// words is the number of registers an encoding takes.
func (e Encoding) words() uint16 {
	switch e {
	case Uint32, Int32, Float32:
		return 2
	case Int64, Float64:
		return 4
	case Uint16, Int16, Bit:
	}
	return 1
}

// Order is the order of the bytes of a number of two registers, A being the most significant. A number of four
// registers follows the same rule: CDAB reverses the registers, BADC the bytes in each, DCBA both.
type Order string

// The orders.
const (
	ABCD Order = "ABCD"
	CDAB Order = "CDAB"
	BADC Order = "BADC"
	DCBA Order = "DCBA"
)

// Point is one number or bit of a unit.
type Point struct {
	Unit     uint8
	Table    Table
	Address  uint16 // from 0, as on the wire
	Encoding Encoding
	Order    Order
	Bit      uint8 // for Bit in a register, 0 the lowest
	Interval time.Duration
}

// Check reports what is wrong with a point, as field, value and reason; an empty field is none.
func (p Point) Check() (field string, value any, reason string) {
	switch p.Table {
	case Holding, Input:
	case Coil, Discrete:
		if p.Encoding != Bit {
			return "encoding", p.Encoding, fmt.Sprintf("a %s is a bit", p.Table)
		}
	default:
		return "table", p.Table, "use holding, input, coil or discrete"
	}
	switch p.Encoding {
	case Uint16, Int16, Uint32, Int32, Float32, Int64, Float64, Bit:
	default:
		return "encoding", p.Encoding, "use uint16, int16, uint32, int32, float32, int64, float64 or bit"
	}
	switch p.Order {
	case ABCD, CDAB, BADC, DCBA:
	default:
		return "word_order", p.Order, "use ABCD, CDAB, BADC or DCBA"
	}
	if p.Bit > 15 {
		return "bit", p.Bit, "a register has bits 0 to 15"
	}
	if int(p.Address)+int(p.Encoding.words()) > 1<<16 {
		return "address", p.Address, "the value reaches beyond address 65535"
	}
	if p.Interval <= 0 {
		return "interval", p.Interval, "must be positive"
	}
	return "", nil, ""
}
