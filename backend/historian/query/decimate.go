package query

import (
	"math"
	"slices"

	"github.com/lineshaft/lineshaft/backend/historian"
	"github.com/lineshaft/lineshaft/twin"
)

// Decimate thins a column to about most readings (at least eight) so that it draws the same picture: of each of
// equal stretches of time the smallest and the greatest value stay, the first reading that is not good, and the last
// change of what is no number; the first and the last reading of all stay.
func Decimate(c historian.Column, most int) historian.Column {
	most = max(most, 8)
	n := len(c.T)
	if n <= most {
		return c
	}
	stretches := int64(most-2) / 2
	if slices.ContainsFunc(c.Q, func(q twin.Quality) bool { return !q.IsGood() }) {
		stretches = int64(most-2) / 3
	}
	first, last := c.T[0], c.T[n-1]
	width := uint64(last-first)/uint64(stretches) + 1
	out := grow(most + 8)
	out.Late = c.Late
	for i := 0; i < n; {
		from := uint64(c.T[i]-first) / width * width
		j := i + 1
		for j < n && uint64(c.T[j]-first)-from < width {
			j++
		}
		for _, k := range keep(c, i, j) {
			take(&out, c, k)
		}
		i = j
	}
	return out
}

// keep returns which of the readings i to before j stay, in order. The edges of the column are always among them.
func keep(c historian.Column, i, j int) []int {
	low, high, odd, changed := -1, -1, -1, -1
	var least, most float64
	for k := i; k < j; k++ {
		v := c.V[k].Float()
		switch {
		case !c.Q[k].IsGood():
			if odd < 0 {
				odd = k
			}
		case math.IsNaN(v): // a string, or nothing
			if changed < 0 || k > 0 && c.V[k] != c.V[k-1] {
				changed = k
			}
		default:
			if low < 0 || v < least {
				low, least = k, v
			}
			if high < 0 || v > most {
				high, most = k, v
			}
		}
	}
	edge := -1
	if i == 0 {
		edge = 0
	} else if j == len(c.T) {
		edge = j - 1
	}
	var out []int
	for k := i; k < j; k++ {
		if k == low || k == high || k == odd || k == changed || k == edge || (j == len(c.T) && k == j-1) {
			out = append(out, k)
		}
	}
	return out
}

func grow(n int) historian.Column {
	return historian.Column{T: make([]int64, 0, n), V: make([]twin.Value, 0, n), Q: make([]twin.Quality, 0, n)}
}

func take(dst *historian.Column, c historian.Column, i int) {
	dst.T, dst.V, dst.Q = append(dst.T, c.T[i]), append(dst.V, c.V[i]), append(dst.Q, c.Q[i])
}
