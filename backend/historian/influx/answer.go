package influx

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"

	"github.com/lineshaft/lineshaft/twin"
)

// row is what the server has of one series at one instant.
type row struct {
	t     int64
	has   [4]bool // which of the value fields
	float float64
	int   int64
	bool  bool
	text  string
	q     int64
}

// sample is the row as a sample, with its lateness in seconds; ok is false for one that was deleted.
func (r *row) sample(p *place) (s twin.Sample, late int64, ok bool) {
	if r.q < 0 {
		return twin.Sample{}, 0, false
	}
	s = twin.Sample{T: r.t, Q: twin.Quality(r.q)} //nolint:gosec // the low eight bits are the quality
	form := r.q >> formShift & 7
	kind := twin.Kind(form) //nolint:gosec // three bits
	switch form {
	case noValue:
		return s, r.q >> lateShift, true
	case bitsForm:
		s.V = twin.FloatValue(math.Float64frombits(uint64(r.int))) //nolint:gosec // bits, not a number
		return s, r.q >> lateShift, true
	case usual:
		kind = p.kind
		if !r.has[kind-twin.Float] { // the series was of another kind when this was written
			kind = r.only()
		}
	}
	switch kind {
	case twin.Float:
		s.V = twin.FloatValue(r.float)
	case twin.Int:
		s.V = twin.IntValue(r.int)
	case twin.Bool:
		s.V = twin.BoolValue(r.bool)
	case twin.String:
		s.V = twin.StringValue(r.text)
	case twin.None:
	}
	return s, r.q >> lateShift, true
}

// only is the kind of the first value there is.
func (r *row) only() twin.Kind {
	for i, has := range r.has {
		if has {
			return twin.Float + twin.Kind(i) //nolint:gosec // below four
		}
	}
	return twin.None
}

// chunk is a part of an answer.
type chunk struct {
	Results []struct {
		Statement int `json:"statement_id"`
		Series    []struct {
			Values json.RawMessage `json:"values"`
		} `json:"series"`
		Error string `json:"error"`
	} `json:"results"`
	Error string `json:"error"`
}

// readAnswer hands the rows of an answer to take, with the number of the statement they answer.
func readAnswer(from io.Reader, take func(statement int, r *row) error) error {
	dec := json.NewDecoder(from)
	for {
		var c chunk
		if err := dec.Decode(&c); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if c.Error != "" {
			return errors.New(c.Error)
		}
		for _, r := range c.Results {
			if r.Error != "" {
				return errors.New(r.Error)
			}
			for _, s := range r.Series {
				if err := readRows(s.Values, func(x *row) error { return take(r.Statement, x) }); err != nil {
					return err
				}
			}
		}
	}
}

// readRows reads [[time, float, int, bool, string, quality], …], where all but time may be null. The text is valid
// JSON: the decoder has seen it.
func readRows(text []byte, take func(*row) error) error {
	s := cells{text: text}
	s.skip('[')
	for s.next() == '[' {
		s.skip('[')
		var r row
		var has [6]bool
		var err error
		for i := range has {
			var cell []byte
			if cell, err = s.cell(); err != nil {
				return err
			}
			if has[i] = string(cell) != "null"; !has[i] {
				continue
			}
			if err := r.set(i, cell); err != nil {
				return fmt.Errorf("column %d: %w", i, err)
			}
		}
		s.skip(']')
		copy(r.has[:], has[1:5])
		if !has[5] {
			continue // not written by us
		}
		if err := take(&r); err != nil {
			return err
		}
	}
	return nil
}

func (r *row) set(column int, cell []byte) (err error) {
	switch column {
	case 0:
		r.t, err = strconv.ParseInt(string(cell), 10, 64)
	case 1:
		r.float, err = strconv.ParseFloat(string(cell), 64)
	case 2:
		r.int, err = strconv.ParseInt(string(cell), 10, 64)
	case 3:
		r.bool, err = strconv.ParseBool(string(cell))
	case 4:
		err = json.Unmarshal(cell, &r.text)
	case 5:
		r.q, err = strconv.ParseInt(string(cell), 10, 64)
	}
	return err
}

// cells walks through the cells of a table in JSON.
type cells struct {
	text []byte
	at   int
}

func (c *cells) next() byte {
	for c.at < len(c.text) {
		switch c.text[c.at] {
		case ' ', '\n', '\r', '\t', ',':
			c.at++
		default:
			return c.text[c.at]
		}
	}
	return 0
}

func (c *cells) skip(b byte) {
	if c.next() == b {
		c.at++
	}
}

var errTable = errors.New("the answer is not a table of six columns")

// cell is the next cell as it stands.
func (c *cells) cell() ([]byte, error) {
	first := c.next()
	start := c.at
	if first == '"' {
		for c.at++; c.at < len(c.text); c.at++ {
			switch c.text[c.at] {
			case '\\':
				c.at++
			case '"':
				c.at++
				return c.text[start:c.at], nil
			}
		}
		return nil, errTable
	}
	for c.at < len(c.text) && c.text[c.at] != ',' && c.text[c.at] != ']' && c.text[c.at] != '[' {
		c.at++
	}
	if c.at == start {
		return nil, errTable
	}
	return c.text[start:c.at], nil
}
