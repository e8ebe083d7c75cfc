// Package block is the lossless column codec of the embedded historian: what a run of samples of one series, or of
// several, looks like as bytes.
package block

import (
	"cmp"
	"math"
	"slices"

	"github.com/lineshaft/lineshaft/twin"
)

// Rows are samples by column: slices of equal length. S is nil as long as no value is a string.
type Rows struct {
	T    []int64        // ns UTC
	K    []twin.Kind    //
	N    []uint64       // the value: float bits, the integer, 0 or 1
	S    []string       // the value of kind String
	Q    []twin.Quality //
	Late []int32        // received − T in whole seconds, downward
}

// Len is the number of samples.
func (r *Rows) Len() int { return len(r.T) }

// Append adds a sample received late seconds after its time.
func (r *Rows) Append(s twin.Sample, late int32) {
	r.T = append(r.T, s.T)
	r.Q = append(r.Q, s.Q)
	r.Late = append(r.Late, late)
	k := s.V.Kind()
	r.K = append(r.K, k)
	var n uint64
	if k == twin.Float {
		n = math.Float64bits(s.V.Float())
	} else {
		n = uint64(s.V.Int())
	}
	r.N = append(r.N, n)
	if k == twin.String || r.S != nil {
		for len(r.S) < len(r.T)-1 {
			r.S = append(r.S, "")
		}
		text := ""
		if k == twin.String {
			text = s.V.Text()
		}
		r.S = append(r.S, text)
	}
}

// Value is the value of row i.
func (r *Rows) Value(i int) twin.Value {
	switch r.K[i] {
	case twin.Float:
		return twin.FloatValue(math.Float64frombits(r.N[i]))
	case twin.Int:
		return twin.IntValue(int64(r.N[i]))
	case twin.Bool:
		return twin.BoolValue(r.N[i] == 1)
	case twin.String:
		return twin.StringValue(r.S[i])
	case twin.None:
	}
	return twin.Value{}
}

// Sample is row i.
func (r *Rows) Sample(i int) twin.Sample { return twin.Sample{T: r.T[i], V: r.Value(i), Q: r.Q[i]} }

// Slice is the rows from i to before j; it shares memory with r and may not be appended to.
func (r *Rows) Slice(i, j int) Rows {
	out := Rows{T: r.T[i:j:j], K: r.K[i:j:j], N: r.N[i:j:j], Q: r.Q[i:j:j], Late: r.Late[i:j:j]}
	if r.S != nil {
		out.S = r.S[i:j:j]
	}
	return out
}

// Add appends row i of o.
func (r *Rows) Add(o *Rows, i int) {
	r.T = append(r.T, o.T[i])
	r.K = append(r.K, o.K[i])
	r.N = append(r.N, o.N[i])
	r.Q = append(r.Q, o.Q[i])
	r.Late = append(r.Late, o.Late[i])
	if o.S == nil && r.S == nil {
		return
	}
	for len(r.S) < len(r.T)-1 {
		r.S = append(r.S, "")
	}
	text := ""
	if o.S != nil {
		text = o.S[i]
	}
	r.S = append(r.S, text)
}

// AddAll appends all rows of o.
func (r *Rows) AddAll(o *Rows) {
	if o.S != nil || r.S != nil {
		for len(r.S) < len(r.T) {
			r.S = append(r.S, "")
		}
		r.S = append(r.S, o.S...)
	}
	r.T = append(r.T, o.T...)
	r.K = append(r.K, o.K...)
	r.N = append(r.N, o.N...)
	r.Q = append(r.Q, o.Q...)
	r.Late = append(r.Late, o.Late...)
	if r.S != nil {
		for len(r.S) < len(r.T) {
			r.S = append(r.S, "")
		}
	}
}

// InOrder says whether times rise strictly.
func (r *Rows) InOrder() bool {
	for i := 1; i < len(r.T); i++ {
		if r.T[i] <= r.T[i-1] {
			return false
		}
	}
	return true
}

// Sorted returns the rows in order of time without repeats: of rows of equal time the last one stays. The result
// may share memory with r.
func (r *Rows) Sorted() Rows {
	if r.InOrder() {
		return *r
	}
	type at struct {
		t int64
		i int32
	}
	order := make([]at, r.Len())
	for i, t := range r.T {
		order[i] = at{t, int32(i)}
	}
	slices.SortFunc(order, func(a, b at) int {
		if a.t != b.t {
			return cmp.Compare(a.t, b.t)
		}
		return cmp.Compare(a.i, b.i)
	})
	out := alloc(len(order))
	for i, o := range order {
		if i+1 < len(order) && order[i+1].t == o.t {
			continue
		}
		out.Add(r, int(o.i))
	}
	return out
}

// Range returns the rows of sorted r with from <= T < to.
func (r *Rows) Range(from, to int64) Rows {
	i, _ := slices.BinarySearch(r.T, from)
	j, _ := slices.BinarySearch(r.T, to)
	return r.Slice(i, max(i, j))
}

// Without returns the rows of sorted r outside from <= T < to.
func (r *Rows) Without(from, to int64) Rows {
	i, _ := slices.BinarySearch(r.T, from)
	j, _ := slices.BinarySearch(r.T, to)
	out := r.Slice(0, i)
	tail := r.Slice(max(i, j), r.Len())
	out.AddAll(&tail)
	return out
}

// Merge returns the rows of both, each sorted; where times are equal newer's row wins.
func Merge(older, newer *Rows) Rows {
	switch {
	case older.Len() == 0:
		return *newer
	case newer.Len() == 0:
		return *older
	}
	out := alloc(older.Len() + newer.Len())
	i, j := 0, 0
	for i < older.Len() && j < newer.Len() {
		switch a, b := older.T[i], newer.T[j]; {
		case a < b:
			out.Add(older, i)
			i++
		case a > b:
			out.Add(newer, j)
			j++
		default:
			out.Add(newer, j)
			i++
			j++
		}
	}
	rest := older.Slice(i, older.Len())
	out.AddAll(&rest)
	rest = newer.Slice(j, newer.Len())
	out.AddAll(&rest)
	return out
}

func alloc(n int) Rows {
	return Rows{
		T: make([]int64, 0, n), K: make([]twin.Kind, 0, n), N: make([]uint64, 0, n),
		Q: make([]twin.Quality, 0, n), Late: make([]int32, 0, n),
	}
}
