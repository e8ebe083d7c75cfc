package twins

import (
	"sync"

	"github.com/lineshaft/lineshaft/twin"
)

// live is the reported state of one asset. It outlives the graphs the asset is a node of.
type live struct {
	id string

	mu     sync.Mutex
	tags   *tagSet
	values []reading // one per tag, nil before the first report
	device string    // who reported last
	rev    uint64    // counts the changes
	queued bool      // is in its plant's list of what to commit
}

// reading is the newest sample of a tag.
type reading struct {
	twin.Sample
	received int64
	since    int64  // source time at which the standing was entered
	rev      uint64 // of the asset's live, when it came
	standing standing
	there    bool // there has been a sample
	unsaved  bool
}

// standing is where a value stands against its tag's normal band and limits.
type standing uint8

const (
	normal standing = iota
	abnormal
	beyondLo
	beyondHi
	beyondLoLo
	beyondHiHi
)

var limitStates = [...]twin.LimitState{
	normal: twin.Within, abnormal: twin.Within, beyondLo: twin.Lo, beyondHi: twin.Hi, beyondLoLo: twin.LoLo, beyondHiHi: twin.HiHi,
}

func stand(t *twin.Tag, v twin.Value) standing {
	f := v.Float()
	switch t.Limits.State(f) {
	case twin.HiHi:
		return beyondHiHi
	case twin.LoLo:
		return beyondLoLo
	case twin.Hi:
		return beyondHi
	case twin.Lo:
		return beyondLo
	case twin.Within:
	}
	if t.Normal.Low != nil && f < *t.Normal.Low || t.Normal.High != nil && f > *t.Normal.High {
		return abnormal
	}
	return normal
}

// set takes a sample unless a newer one is there; of two of one instant the one received last counts. Telling again
// what is known changes nothing. The caller holds the lock.
func (l *live) set(slot int, s twin.Sample, received int64) bool {
	if l.values == nil {
		l.values = make([]reading, len(l.tags.tags))
	}
	r := &l.values[slot]
	if r.there && (s.T < r.T || s.T == r.T && (received < r.received || received == r.received && s == r.Sample)) {
		return false
	}
	if l.tags.judged[slot] && s.Q.IsGood() { // a value in doubt neither begins an excursion nor ends one
		if now := stand(&l.tags.tags[slot], s.V); now != r.standing || r.since == 0 {
			r.standing, r.since = now, s.T
		}
	}
	l.rev++
	r.Sample, r.received, r.rev, r.there, r.unsaved = s, received, l.rev, true, true
	return true
}

// retag brings the values to another set of tags; those of tags that are gone are forgotten.
func (l *live) retag(tags *tagSet) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.tags == tags {
		return
	}
	old, values := l.tags, l.values
	l.tags, l.values = tags, nil
	for slot, r := range values {
		to, ok := tags.index[old.tags[slot].Name]
		if !ok || !r.there {
			continue
		}
		if l.values == nil {
			l.values = make([]reading, len(tags.tags))
		}
		if now := stand(&tags.tags[to], r.V); r.Q.IsGood() && tags.judged[to] && now != r.standing { // the limits moved
			r.standing, r.since = now, r.T
		}
		l.values[to] = r
	}
}

// each calls fn with the tags that have a value. The caller holds no lock; fn must not report.
func (l *live) each(fn func(slot int, t *twin.Tag, r *reading)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for slot := range l.values {
		if l.values[slot].there {
			fn(slot, &l.tags.tags[slot], &l.values[slot])
		}
	}
}
