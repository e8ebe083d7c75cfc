package intake

import "slices"

// span is the whole numbers from From to To, both included.
type span struct {
	From uint64 `json:"from"`
	To   uint64 `json:"to"`
}

// ranges is a set of whole numbers as spans: in order, apart from each other by at least one number.
type ranges []span

// find returns the index of the first span that ends at n or later.
func (r ranges) find(n uint64) int {
	if k := len(r); k == 0 || n > r[k-1].To {
		return k
	}
	i, _ := slices.BinarySearchFunc(r, n, func(s span, n uint64) int {
		if s.To < n {
			return -1
		}
		return 1
	})
	return i
}

func (r ranges) has(n uint64) bool {
	i := r.find(n)
	return i < len(r) && r[i].From <= n
}

// add puts n into the set and says whether it was not there.
func (r *ranges) add(n uint64) bool {
	s := *r
	i := s.find(n)
	if i < len(s) && s[i].From <= n {
		return false
	}
	left := i > 0 && s[i-1].To+1 == n // no overflow: s[i-1].To < n
	right := i < len(s) && s[i].From-1 == n
	switch {
	case left && right:
		s[i-1].To = s[i].To
		s = slices.Delete(s, i, i+1)
	case left:
		s[i-1].To = n
	case right:
		s[i].From = n
	default:
		s = slices.Insert(s, i, span{n, n})
	}
	*r = s
	return true
}

// top is the largest number of the set.
func (r ranges) top() (uint64, bool) {
	if len(r) == 0 {
		return 0, false
	}
	return r[len(r)-1].To, true
}

// forget closes the lowest hole until at most n spans are left, and returns the holes closed: what comes in them
// later cannot be told from a duplicate.
func (r *ranges) forget(n int) (closed ranges) {
	for len(*r) > max(1, n) {
		s := *r
		closed = append(closed, span{s[0].To + 1, s[1].From - 1})
		s[1].From = s[0].From
		*r = slices.Delete(s, 0, 1)
	}
	return closed
}
