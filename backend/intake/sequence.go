package intake

import (
	"slices"

	"github.com/lineshaft/lineshaft/twin/wire"
)

const (
	maxSpans = 1024 // of one sequence; beyond, the lowest holes are given up
	maxGaps  = 256  // listed of one sequence; beyond, the oldest are only counted
)

// sequence is the numbers one sender gave to its messages on one channel in one life of its outbox.
type sequence struct {
	Seen       ranges   `json:"seen"`
	Gaps       []gap    `json:"gaps,omitempty"`
	Refused    []uint64 `json:"refused,omitempty"`    // of earlier versions: what is now in Clock
	Dead       ranges   `json:"dead,omitempty"`       // came, and became dead letters
	Clock      ranges   `json:"clock,omitempty"`      // the same, for their time
	Forgotten  uint64   `json:"forgotten,omitempty"`  // numbers missing in gaps no longer listed
	Duplicates uint64   `json:"duplicates,omitempty"` //
	TopTS      int64    `json:"top_ts"`               // source time of the highest number, ns
	LastSeen   int64    `json:"last_seen"`            // time of receipt, ns
	Restarts   uint64   `json:"restarts,omitempty"`   // of a sender without epoch

	dirty bool
}

// gap is a hole in a sequence, as it was when it was found.
type gap struct {
	span
	Missing  uint64 `json:"missing"`
	Detected int64  `json:"detected"`            // time of receipt of the message that showed it, ns
	After    int64  `json:"after,omitempty"`     // source time of the message before, ns; 0 if there was none
	Before   int64  `json:"before"`              // source time of the message behind, ns
	Cause    string `json:"cause"`               // as far as it is not told by the numbers; see causeOf
	HealedAt int64  `json:"healed_at,omitempty"` // when the last missing number came, ns; 0 while some is missing
	Moved    int64  `json:"moved,omitempty"`     // when a missing number last came, ns
	Asked    int64  `json:"asked,omitempty"`     // when the sender was first asked to send it again, ns
	Resent   uint64 `json:"resent,omitempty"`    // numbers that came after that
	Replayed uint64 `json:"replayed,omitempty"`  // numbers that had come and were refused
}

// take notes a number and says whether it is new. A sequence with an epoch begins at 1; one without may begin
// anywhere, and begin again.
func (s *sequence) take(n uint64, epoch bool, ts, received int64) (fresh bool) {
	s.LastSeen = max(s.LastSeen, received)
	if !epoch && s.restarted(n) {
		s.Restarts++
		s.Seen, s.TopTS = ranges{{n, n}}, ts
		return true
	}
	top, some := s.Seen.top()
	if !s.Seen.add(n) {
		s.Duplicates++
		return false
	}
	switch {
	case !some && epoch && n > 1:
		s.found(gap{span: span{1, n - 1}, Detected: received, Before: ts})
	case some && n > top && n-top > 1:
		s.found(gap{span: span{top + 1, n - 1}, Detected: received, After: s.TopTS, Before: ts})
	case some && n < top:
		s.heal(n, received)
	}
	if !some || n > top {
		s.TopTS = ts
	}
	for _, c := range s.Seen.forget(maxSpans) {
		s.Forgotten += c.To - c.From + 1
	}
	return true
}

// restarted says whether a sender without epoch counts from the beginning again: its msg_id was new, so a number
// that was seen belongs to another message, and so does one far below all that were.
func (s *sequence) restarted(n uint64) bool {
	if len(s.Seen) == 0 {
		return false
	}
	const disorder = 100 // messages that may overtake the first one
	least := s.Seen[0].From
	return s.Seen.has(n) || (n < least && (n <= 1 || least-n > disorder))
}

func (s *sequence) found(g gap) {
	g.Missing, g.Cause = g.To-g.From+1, CauseUnknown
	if len(s.Gaps) == maxGaps {
		i := max(0, slices.IndexFunc(s.Gaps, func(g gap) bool { return g.HealedAt > 0 }))
		s.Forgotten += s.Gaps[i].Missing
		s.Gaps = slices.Delete(s.Gaps, i, i+1)
	}
	s.Gaps = append(s.Gaps, g)
}

func (s *sequence) heal(n uint64, received int64) {
	for i := len(s.Gaps) - 1; i >= 0; i-- {
		g := &s.Gaps[i]
		if n < g.From || n > g.To || g.Missing == 0 {
			continue
		}
		g.Missing--
		g.Moved = received
		switch {
		case s.Dead.has(n) || s.Clock.has(n):
			g.Replayed++
		case g.Asked > 0 && received >= g.Asked:
			g.Resent++
		}
		if g.Missing == 0 {
			g.HealedAt = received
		}
		return
	}
}

// refuse notes a number whose message became a dead letter: it is not seen, and not unexplained either.
func (s *sequence) refuse(n uint64, reason wire.Reason) {
	if s.Seen.has(n) || s.Dead.has(n) || s.Clock.has(n) {
		return
	}
	if reason == wire.ReasonClock {
		s.Clock.addSpan(span{n, n})
		return
	}
	s.Dead.addSpan(span{n, n})
}
