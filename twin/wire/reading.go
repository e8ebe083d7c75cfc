package wire

import (
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/lineshaft/lineshaft/twin"
)

// columns is one tag's part of a message while it is read: each of v, q and t a scalar or an array.
type columns struct {
	v     []twin.Value
	q     []twin.Quality
	t     []int64 // ns from ts
	parts [4]part // v, q, t, t_ns
	wrong []wrongPart
}

type part uint8

const (
	absent part = iota
	scalarPart
	arrayPart
)

var partNames = [...]string{"v", "q", "t", "t_ns"}

// wrongPart is a value that cannot be taken: the one at i of an array, all of them where i is -1.
type wrongPart struct {
	i    int
	what string
}

func (c *columns) reset() {
	c.v, c.q, c.t, c.wrong = c.v[:0], c.q[:0], c.t[:0], c.wrong[:0]
	c.parts = [4]part{}
}

// reading reads {"v":…,"q":…,"t":…} or, with several samples, arrays of them, and appends what is right to the
// message. An error means the message is no JSON.
func (d *decoder) reading(tag string) error {
	if k := d.kind(); k != tokenObject {
		err := d.skipReading()
		d.wrong(tag, `wants {"v":…,"q":…}, this is %s`, k)
		return err
	}
	d.cols.reset()
	if err := d.object(d.part); err != nil {
		return err
	}
	d.take(tag)
	return nil
}

// part reads one of v, q, t and t_ns.
func (d *decoder) part(key []byte) error {
	c := &d.cols
	p := -1
	switch string(key) {
	case "v":
		p = 0
	case "q":
		p = 1
	case "t":
		p = 2
	case "t_ns":
		p = 3
	default:
		return d.skipReading()
	}
	if c.parts[p] != absent {
		c.wrong = append(c.wrong, wrongPart{-1, partNames[p] + ": stands twice"})
	}
	if d.kind() != tokenArray {
		c.parts[p] = scalarPart
		return d.scalar(p, -1)
	}
	c.parts[p] = arrayPart
	return d.array(func(i int) error { return d.scalar(p, i) })
}

func (d *decoder) scalar(p, i int) (err error) {
	c := &d.cols
	var what string
	switch p {
	case 0:
		var v twin.Value
		v, what, err = d.value()
		c.v = append(c.v, v)
	case 1:
		var q int64
		q, what, err = d.whole("the OPC quality byte, 0 to 255")
		if what == "" && (q < 0 || q > 255) {
			what = "wants the OPC quality byte, 0 to 255 (got " + strconv.FormatInt(q, 10) + ")"
		}
		c.q = append(c.q, twin.Quality(q))
	default:
		var t int64
		t, what, err = d.whole("a whole number, the offset from ts")
		if p == 2 && what == "" && (t > math.MaxInt64/1_000_000 || t < math.MinInt64/1_000_000) {
			what = "is no time a plant has (got " + strconv.FormatInt(t, 10) + ")"
		}
		if p == 2 {
			t *= 1e6
		}
		c.t = append(c.t, t)
	}
	if what != "" {
		c.wrong = append(c.wrong, wrongPart{i, partNames[p] + ": " + what})
	}
	return err
}

// value takes one value of a tag, and says what is wrong with it if it is none.
func (d *decoder) value() (v twin.Value, what string, err error) {
	k := d.kind()
	switch k {
	case tokenInt, tokenFloat:
		return d.numeric()
	case tokenString:
		s, err := d.text()
		return twin.StringValue(string(s)), "", err
	case tokenTrue, tokenFalse:
		return twin.BoolValue(k == tokenTrue), "", d.word()
	case tokenNull:
		return twin.Value{}, "", d.word()
	case tokenNotFinite:
		return twin.Value{}, "is not finite: send null and the quality that says why", d.word()
	case tokenObject, tokenArray:
		err := d.skipReading()
		return twin.Value{}, "wants a number, true, false or a string, this is " + k.String(), err
	case tokenBad:
	}
	return twin.Value{}, "", d.bad("no value")
}

func (d *decoder) numeric() (v twin.Value, what string, err error) {
	text, integer, err := d.number()
	if err != nil {
		return twin.Value{}, "", err
	}
	if integer {
		if n, ok := parseInt(text); ok && (n != 0 || text[0] != '-') {
			return twin.IntValue(n), "", nil
		}
	}
	f, ok := parseFloat(text)
	if !ok {
		return twin.Value{}, clip(string(text)) + " does not fit a float64", nil
	}
	return twin.FloatValue(f), "", nil
}

// whole takes an integer, and says what is wrong if something else stands there.
func (d *decoder) whole(want string) (n int64, what string, err error) {
	k := d.kind()
	if k != tokenInt {
		err := d.skipReading()
		return 0, "wants " + want + ", this is " + k.String(), err
	}
	text, integer, err := d.number()
	if err != nil {
		return 0, "", err
	}
	n, ok := parseInt(text)
	if !integer || !ok {
		return 0, "wants " + want + " (got " + clip(string(text)) + ")", nil
	}
	return n, "", nil
}

// skipReading steps over a value in which a number may be not finite.
func (d *decoder) skipReading() error {
	switch d.kind() {
	case tokenObject:
		return d.object(func([]byte) error { return d.skipReading() })
	case tokenArray:
		return d.array(func(int) error { return d.skipReading() })
	default:
		_, err := d.skip()
		return err
	}
}

// take appends the samples of a tag that are right and names those that are not.
func (d *decoder) take(tag string) {
	c := &d.cols
	if len(c.wrong) == 0 && c.single() && (c.v[0].Kind() != twin.None || !c.q[0].IsGood()) {
		s := twin.Sample{V: c.v[0], Q: c.q[0]}
		if len(c.t) > 0 {
			s.T = c.t[0]
		}
		d.m.Readings = append(d.m.Readings, Reading{tag, s})
		return
	}
	if what := c.shape(d.arrays); what != "" {
		d.wrong(tag, "%s", what)
		return
	}
	several := c.parts[0] == arrayPart
	d.sawArray = d.sawArray || several
	from := len(d.m.Readings)
	slices.SortStableFunc(c.wrong, func(a, b wrongPart) int { return a.i - b.i })
	wrong := c.wrong
	for i, v := range c.v {
		s := twin.Sample{V: v, Q: twin.Good}
		if len(c.q) > 0 {
			s.Q = c.q[min(i, len(c.q)-1)]
		}
		if len(c.t) > 0 {
			s.T = c.t[min(i, len(c.t)-1)]
		}
		what := ""
		for ; len(wrong) > 0 && wrong[0].i <= i; wrong = wrong[1:] {
			if what == "" {
				what = wrong[0].what
			}
		}
		if what == "" && v.Kind() == twin.None && s.Q.IsGood() {
			what = "v: null with a good quality: send the quality that says why there is no value"
		}
		switch {
		case what == "":
			d.m.Readings = append(d.m.Readings, Reading{tag, s})
		case several:
			d.wrong(tag, "sample %d: %s", i, what)
		default:
			d.wrong(tag, "%s", what)
		}
	}
	own := d.m.Readings[from:]
	byTime := func(a, b Reading) int {
		switch {
		case a.T < b.T:
			return -1
		case a.T > b.T:
			return 1
		}
		return 0
	}
	if several && !slices.IsSortedFunc(own, byTime) {
		slices.SortStableFunc(own, byTime)
	}
}

// single is the usual reading: one value with its quality.
func (c *columns) single() bool {
	return c.parts[0] == scalarPart && c.parts[1] == scalarPart && c.parts[2] != arrayPart && c.parts[3] == absent
}

// shape says why the parts of a tag do not go together, if they do not. A tag may have no v where its quality is
// bad: it then gets a sample without value.
func (c *columns) shape(arrays bool) string {
	isArray := func(p int) bool { return c.parts[p] == arrayPart }
	several := isArray(0) || isArray(1) || isArray(2) || isArray(3)
	for _, w := range c.wrong {
		if w.i < 0 {
			return w.what
		}
	}
	switch {
	case c.parts[2] != absent && c.parts[3] != absent:
		return "t and t_ns: one of them is enough"
	case several && !arrays:
		return "arrays need schema_version " + Schema22
	case several && !isArray(0):
		return "v: wants an array, as q or t is one"
	case c.parts[0] == absent:
		c.v = append(c.v, twin.Value{})
		return ""
	case several && len(c.v) != 1 && !isArray(2) && !isArray(3):
		return fmt.Sprintf("t: wants %d offsets, one for each value", len(c.v))
	case several && len(c.t) > 0 && len(c.t) != len(c.v):
		return fmt.Sprintf("t: has %d entries, v has %d", len(c.t), len(c.v))
	case isArray(1) && len(c.q) != len(c.v):
		return fmt.Sprintf("q: has %d entries, v has %d", len(c.q), len(c.v))
	}
	return ""
}
