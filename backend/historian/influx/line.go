package influx

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/lineshaft/lineshaft/backend/historian"
	"github.com/lineshaft/lineshaft/twin"
)

// The quality field says all about a sample but its value:
//
//	quality + 256 × (form + 8 × lateness in seconds)
//
// so that it is the plain quality of a sample that came in time with a value of its series' kind. A negative one
// marks a sample that was deleted.
const (
	formShift  = 8
	lateShift  = 11
	deletedRow = -1
	maxLate    = 1 << 40 // seconds
)

// The forms. A correction may be of another kind than what it corrects, whose field the server keeps beside it, so
// the kind is told where it is not the series'. Kinds 1 to 4 are their own forms.
const (
	usual    = 0
	noValue  = 5
	bitsForm = 6 // a float the server cannot hold, as its bits in the integer field
)

// line appends the fields of one sample, beginning with sep.
func (p *place) line(b []byte, sep byte, s *historian.Point) []byte {
	form := int64(s.V.Kind())
	b = append(b, sep)
	switch s.V.Kind() {
	case twin.Float:
		if !s.V.IsFinite() {
			form = bitsForm
			b = p.name(b, intSuffix)
			b = append(strconv.AppendInt(b, int64(math.Float64bits(s.V.Float())), 10), 'i', ',')
			break
		}
		b = p.name(b, "")
		b = append(strconv.AppendFloat(b, s.V.Float(), 'g', -1, 64), ',')
	case twin.Int:
		b = p.name(b, intSuffix)
		b = append(strconv.AppendInt(b, s.V.Int(), 10), 'i', ',')
	case twin.Bool:
		b = p.name(b, boolSuffix)
		b = append(strconv.AppendBool(b, s.V.Bool()), ',')
	case twin.String:
		b = p.name(b, stringSuffix)
		b = append(quote(b, s.V.Text()), ',')
	case twin.None:
		form = noValue
	}
	if s.V.Kind() == p.kind && form != bitsForm {
		form = usual
	}
	b = p.name(b, qualitySuffix)
	return append(strconv.AppendInt(b, int64(s.Q)|form<<formShift|lateness(s)<<lateShift, 10), 'i')
}

func (p *place) name(b []byte, suffix string) []byte {
	b = append(b, p.field...)
	b = append(b, suffix...)
	return append(b, '=')
}

func quote(b []byte, s string) []byte {
	b = append(b, '"')
	for _, r := range s { // what is no text becomes U+FFFD: the server would answer so anyway
		if r == '"' || r == '\\' {
			b = append(b, '\\')
		}
		b = append(b, string(r)...)
	}
	return append(b, '"')
}

// lateness is received − t in whole seconds where that counts as late, 0 otherwise.
func lateness(p *historian.Point) int64 {
	if p.Received == 0 || p.Received <= p.T {
		return 0
	}
	late := min(int64((uint64(p.Received)-uint64(p.T))/uint64(time.Second)), maxLate)
	if late <= int64(historian.LateAfter/time.Second) {
		return 0
	}
	return late
}

// lines writes samples as lines, those of one thing at one instant that follow each other in one. It ends when the
// text is long enough, and says how many samples are in it. Of two samples of one series and instant the later is in
// a later line, and the server keeps that.
func lines(ps []historian.Point, at func(historian.SeriesID) *place, enough int) (string, int) {
	var b []byte
	var open *place
	var since int // first sample of the open line
	for i := range ps {
		p, pl := &ps[i], at(ps[i].Series)
		if open != nil && (p.T != ps[since].T || pl.key != open.key || repeats(ps[since:i], p.Series)) {
			b = ending(b, ps[since].T)
			open = nil
			if len(b) >= enough {
				return string(b), i
			}
		}
		sep := byte(',')
		if open == nil {
			open, since, sep = pl, i, ' '
			b = append(b, pl.key...)
		}
		b = pl.line(b, sep, p)
	}
	if open != nil {
		b = ending(b, ps[since].T)
	}
	return string(b), len(ps)
}

func ending(b []byte, t int64) []byte {
	b = append(b, ' ')
	return append(strconv.AppendInt(b, t, 10), '\n')
}

func repeats(ps []historian.Point, id historian.SeriesID) bool {
	for i := range ps {
		if ps[i].Series == id {
			return true
		}
	}
	return false
}

// tombstone is the line that takes a row's value away.
func (p *place) tombstone(b *strings.Builder, r *row) {
	b.WriteString(p.key)
	sep := " "
	for i, field := range []string{p.field + "=0", p.field + intSuffix + "=0i", p.field + boolSuffix + "=false", p.field + stringSuffix + `=""`} {
		if r.has[i] {
			b.WriteString(sep + field)
			sep = ","
		}
	}
	b.WriteString(sep + p.field + qualitySuffix + "=" + strconv.Itoa(deletedRow) + "i " + strconv.FormatInt(r.t, 10) + "\n")
}
