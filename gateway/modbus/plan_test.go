package modbus

import (
	"fmt"
	"slices"
	"testing"
	"testing/quick"
	"time"

	"github.com/lineshaft/lineshaft/twin"
)

func point(table Table, address uint16, e Encoding) Point {
	return Point{Unit: 1, Table: table, Address: address, Encoding: e, Order: ABCD, Interval: time.Second}
}

func TestAdjacentRegistersAreReadInOneRequest(t *testing.T) {
	describe := func(ss []schedule) (out []string) {
		for _, s := range ss {
			for _, b := range s.blocks {
				out = append(out, fmt.Sprintf("unit %d %v %s %d+%d", s.unit, s.interval, b.table, b.start, b.count))
			}
		}
		return out
	}
	var wide []Point
	for a := range uint16(200) {
		wide = append(wide, point(Holding, a, Uint16))
	}
	var coils []Point
	for a := range uint16(2001) {
		coils = append(coils, point(Coil, a, Bit))
	}
	other := point(Holding, 2, Uint16)
	other.Unit = 2
	slow := point(Holding, 2, Uint16)
	slow.Interval = time.Minute
	for name, c := range map[string]struct {
		points []Point
		want   []string
	}{
		"in any order":       {[]Point{point(Holding, 2, Float32), point(Holding, 0, Float32), point(Holding, 4, Int16)}, []string{"unit 1 1s holding 0+5"}},
		"not across a hole":  {[]Point{point(Holding, 0, Uint16), point(Holding, 2, Uint16)}, []string{"unit 1 1s holding 0+1", "unit 1 1s holding 2+1"}},
		"bits of a register": {[]Point{point(Holding, 7, Bit), point(Holding, 7, Bit)}, []string{"unit 1 1s holding 7+1"}},
		"not across tables":  {[]Point{point(Holding, 0, Uint16), point(Input, 1, Uint16)}, []string{"unit 1 1s holding 0+1", "unit 1 1s input 1+1"}},
		"not across units":   {[]Point{point(Holding, 1, Uint16), other}, []string{"unit 1 1s holding 1+1", "unit 2 1s holding 2+1"}},
		"not across speeds":  {[]Point{point(Holding, 1, Uint16), slow}, []string{"unit 1 1s holding 1+1", "unit 1 1m0s holding 2+1"}},
		"125 registers":      {wide, []string{"unit 1 1s holding 0+125", "unit 1 1s holding 125+75"}},
		"2000 coils":         {coils, []string{"unit 1 1s coil 0+2000", "unit 1 1s coil 2000+1"}},
	} {
		if got := describe(plan(c.points)); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestAPlanReadsEveryPointOnceAndNothingElse(t *testing.T) {
	holds := func(addresses []uint16, wide []bool) bool {
		points := make([]Point, min(len(addresses), len(wide)))
		asked := map[int]bool{}
		for i := range points {
			e := Uint16
			if wide[i] {
				e = Float64
			}
			points[i] = point(Holding, addresses[i]%400, e)
			for k := range int(e.words()) {
				asked[int(points[i].Address)+k] = true
			}
		}
		seen := map[int]int{}
		for _, s := range plan(points) {
			for _, b := range s.blocks {
				if b.count > maxRegisters {
					return false
				}
				for k := range int(b.count) {
					if !asked[int(b.start)+k] {
						return false
					}
				}
				for _, i := range b.points {
					seen[i]++
					if points[i].Address < b.start || points[i].Address+points[i].Encoding.words() > b.start+b.count {
						return false
					}
				}
			}
		}
		for i := range points {
			if seen[i] != 1 {
				return false
			}
		}
		return true
	}
	if err := quick.Check(holds, nil); err != nil {
		t.Error(err)
	}
}

func TestBreaker(t *testing.T) {
	now := time.Unix(1000, 0)
	var b breaker
	for range breakAfter {
		if !b.allows(now) {
			t.Fatal("opened too early")
		}
		b = b.after(false, now)
	}
	var waits []time.Duration
	for range 7 {
		if b.allows(now) || !b.allows(b.until) {
			t.Fatal("an open breaker asks only when its wait is over")
		}
		waits = append(waits, b.until.Sub(now))
		now = b.until
		b = b.after(false, now)
	}
	want := []time.Duration{1, 2, 4, 8, 16, 30, 30}
	for i := range want {
		if waits[i] != want[i]*time.Second {
			t.Fatalf("waits %v", waits)
		}
	}
	if b = b.after(true, now); b.open() || !b.allows(now) {
		t.Error("an answer does not close the breaker")
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte{0x41, 0x20, 0, 0}, uint16(0), uint8(4), uint8(1))
	encodings := []Encoding{Uint16, Int16, Uint32, Int32, Float32, Int64, Float64, Bit}
	orders := []Order{ABCD, CDAB, BADC, DCBA}
	f.Fuzz(func(t *testing.T, data []byte, address uint16, e, o uint8) {
		p := Point{Table: Holding, Address: address % 130, Encoding: encodings[int(e)%len(encodings)], Order: orders[int(o)%4]}
		if v, ok := decode(p, block{table: Holding}, data); ok == (v == twin.Value{}) {
			t.Errorf("ok %v with value %q", ok, v.Text())
		}
	})
}
