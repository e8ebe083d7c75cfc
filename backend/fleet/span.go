package fleet

import (
	"cmp"
	"encoding/binary"
	"math"
	"slices"

	"github.com/lineshaft/lineshaft/twin"
)

// maxSpans is how many offline spans are kept of a device; the oldest goes first.
const maxSpans = 256

// Cause says how it was noticed that a device is gone.
type Cause string

// The causes. Backend means that we were not there to see.
const (
	CauseLost    Cause = "connection_lost"
	CauseStatus  Cause = "status"
	CauseSilence Cause = "silence"
	CauseGateway Cause = "gateway_offline"
	CauseBackend Cause = "backend_down"
)

// Span is a time in which a device could not be heard. Times are ns; To is 0 while it lasts.
type Span struct {
	From     int64  `json:"from"`     // the last moment it is known to have been there
	Detected int64  `json:"detected"` // when we noticed
	To       int64  `json:"to,omitempty"`
	Cause    Cause  `json:"cause"`
	Detail   string `json:"detail,omitempty"`
}

func (d *device) isOpen() bool { return len(d.spans) > 0 && d.spans[len(d.spans)-1].To == 0 }

// open begins a span, unless one lasts already.
func (d *device) open(s Span) {
	if d.isOpen() {
		return
	}
	if n := len(d.spans); n > 0 { // spans are kept by their beginning
		s.From = max(s.From, d.spans[n-1].From+1)
	}
	if len(d.spans) == maxSpans {
		d.gone = append(d.gone, uint64(d.spans[0].From))
		d.spans = slices.Delete(d.spans, 0, 1)
	}
	d.spans = append(d.spans, s)
	d.newSpans = min(d.newSpans+1, len(d.spans))
}

// shut ends the span that lasts, if one does.
func (d *device) shut(at int64) {
	if !d.isOpen() {
		return
	}
	last := &d.spans[len(d.spans)-1]
	last.To = max(at, last.From+1)
	d.newSpans = max(d.newSpans, 1)
}

// spanPairs appends what has to be written of the device's spans.
func (d *device) spanPairs(tenant string, puts []Pair) ([]Pair, error) {
	base := spanKey + tenant + "/" + d.ID + "/"
	for _, from := range d.gone {
		puts = append(puts, Pair{Key: binary.BigEndian.AppendUint64([]byte(base), from)})
	}
	for _, s := range d.spans[len(d.spans)-d.newSpans:] {
		p, err := pair(base, s)
		if err != nil {
			return nil, err
		}
		p.Key = binary.BigEndian.AppendUint64(p.Key, uint64(s.From))
		puts = append(puts, p)
	}
	return puts, nil
}

// Offline returns the spans between from and to (ns) in which the device could not be heard, its own and its
// gateway's, joined where they overlap. A span that lasts has To 0.
func (f *Fleet) Offline(tenant, id string, from, to int64) []Span {
	r, d := f.find(tenant, id)
	if d == nil {
		return nil
	}
	now := f.clock.Now().UnixNano()
	r.mu.RLock()
	defer r.mu.RUnlock()
	spans := d.offline(now)
	if g := r.devices[d.Gateway]; d.Kind == twin.Hosted && g != nil {
		for _, s := range g.offline(now) {
			s.Cause, s.Detail = CauseGateway, string(s.Cause)
			spans = append(spans, s)
		}
	}
	spans = slices.DeleteFunc(spans, func(s Span) bool { return s.From > to || s.end() < from })
	return joined(spans)
}

// offline is a copy of the device's own spans, with the silence that lasts now.
func (d *device) offline(now int64) []Span {
	out := slices.Clone(d.spans)
	if !d.isOpen() && d.presence.Seen > 0 && !d.own(now) {
		out = append(out, Span{From: d.presence.Seen, Detected: d.presence.Seen + int64(wait(d.Interval)), Cause: CauseSilence})
	}
	return out
}

func (s Span) end() int64 {
	if s.To == 0 {
		return math.MaxInt64
	}
	return s.To
}

// joined merges spans that overlap; the first one's cause is the whole's.
func joined(spans []Span) []Span {
	slices.SortStableFunc(spans, func(a, b Span) int { return cmp.Compare(a.From, b.From) })
	var out []Span
	for _, s := range spans {
		if n := len(out); n > 0 && out[n-1].end() >= s.From {
			if s.end() > out[n-1].end() {
				out[n-1].To = s.To
			}
			continue
		}
		out = append(out, s)
	}
	return out
}
