package modbus

import (
	"cmp"
	"slices"
	"time"
)

// One request reads at most so much (Modbus Application Protocol 1.1b3, clauses 6.1 to 6.4).
const (
	maxRegisters = 125
	maxBits      = 2000
)

// block is one request: adjacent cells of a table, and the points that lie in them.
type block struct {
	table  Table
	start  uint16
	count  uint16
	points []int // indices into the points planned for
}

// schedule is what is read together from one unit.
type schedule struct {
	unit     uint8
	interval time.Duration
	blocks   []block
}

// plan groups points by unit and interval, and merges what is adjacent or overlaps. Cells that nobody asked for are
// never read: a unit may answer them with an exception for the whole request.
func plan(points []Point) []schedule {
	order := make([]int, len(points))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		p, q := points[a], points[b]
		return cmp.Or(cmp.Compare(p.Unit, q.Unit), cmp.Compare(p.Interval, q.Interval), cmp.Compare(p.Table, q.Table),
			cmp.Compare(p.Address, q.Address))
	})
	var out []schedule
	for _, i := range order {
		p := points[i]
		if n := len(out); n == 0 || out[n-1].unit != p.Unit || out[n-1].interval != p.Interval {
			out = append(out, schedule{unit: p.Unit, interval: p.Interval})
		}
		s := &out[len(out)-1]
		if n := len(s.blocks); n == 0 || !s.blocks[n-1].join(p, i) {
			s.blocks = append(s.blocks, alone(p, i))
		}
	}
	return out
}

func alone(p Point, i int) block {
	return block{table: p.Table, start: p.Address, count: p.Encoding.words(), points: []int{i}}
}

// join takes a point at or behind the block's start into it, if the request stays one.
func (b *block) join(p Point, i int) bool {
	limit := maxRegisters
	if b.table.bits() {
		limit = maxBits
	}
	end := max(int(b.start)+int(b.count), int(p.Address)+int(p.Encoding.words()))
	if p.Table != b.table || int(p.Address) > int(b.start)+int(b.count) || end-int(b.start) > limit {
		return false
	}
	b.count = uint16(end - int(b.start))
	b.points = append(b.points, i)
	return true
}

// split is the block as one request for each point: what is done once a unit has refused it whole.
func (b block) split(points []Point) []block {
	out := make([]block, len(b.points))
	for n, i := range b.points {
		out[n] = alone(points[i], i)
	}
	return out
}
