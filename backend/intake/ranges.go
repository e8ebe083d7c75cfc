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

// addSpan puts all of a into the set, which may then have at most maxSpans: the lowest go first.
func (r *ranges) addSpan(a span) {
	s := *r
	i := s.find(a.From)
	if i > 0 && s[i-1].To+1 == a.From {
		i--
	}
	j := i
	for j < len(s) && (s[j].From <= a.To || s[j].From-1 == a.To) {
		a.From, a.To = min(a.From, s[j].From), max(a.To, s[j].To)
		j++
	}
	s = slices.Replace(s, i, j, a)
	*r = s[max(0, len(s)-maxSpans):]
}

// in counts the numbers of the set within a.
func (r ranges) in(a span) (n uint64) {
	for _, s := range r[r.find(a.From):] {
		if s.From > a.To {
			break
		}
		n += min(s.To, a.To) - max(s.From, a.From) + 1
	}
	return n
}

// without are the numbers of the set that are not in o.
func (r ranges) without(o ranges) (out ranges) {
	for _, s := range r {
		at := s.From
		for _, x := range o[o.find(s.From):] {
			if x.From > s.To {
				break
			}
			if x.From > at {
				out = append(out, span{at, x.From - 1})
			}
			if x.To >= s.To {
				at = 0
				break
			}
			at = x.To + 1
		}
		if at > 0 && at <= s.To {
			out = append(out, span{at, s.To})
		}
	}
	return out
}
