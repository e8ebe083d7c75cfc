package export

import (
	"encoding/csv"
	"errors"
	"io"
	"iter"
	"strings"
	"unicode/utf8"

	"github.com/lineshaft/lineshaft/twin"
	"github.com/lineshaft/lineshaft/twin/fault"
)

// maxLine is how long a line of a CSV file may be in bytes.
const maxLine = 1 << 20

// leash lets a reader take so much and no more, until it is given more.
type leash struct {
	r    io.Reader
	left int
}

var errLongLine = errors.New("a line is longer than 1 MiB")

// Read implements io.Reader.
func (l *leash) Read(b []byte) (int, error) {
	if l.left <= 0 {
		return 0, errLongLine
	}
	n, err := l.r.Read(b[:min(len(b), l.left)])
	l.left -= n
	return n, err
}

func readCSV(r io.Reader) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		input := &leash{r: r, left: maxLine}
		lines := csv.NewReader(input)
		lines.ReuseRecord = true
		head, err := lines.Read()
		if err != nil {
			yield(Entry{}, csvError(err))
			return
		}
		at := map[string]int{}
		for i, name := range head {
			at[strings.ToLower(strings.TrimSpace(strings.TrimPrefix(name, "\ufeff")))] = i
		}
		if err := missing(func(name string) bool { _, ok := at[name]; return ok }); err != nil {
			yield(Entry{}, err)
			return
		}
		for {
			input.left = maxLine
			line, err := lines.Read()
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil && !errors.Is(err, csv.ErrFieldCount) {
				yield(Entry{}, csvError(err))
				return
			}
			n, _ := lines.FieldPos(0)
			e := Entry{Line: int64(n), plain: true}
			if err != nil {
				err = e.Wrong("line", strings.Join(line, ","), "has %d fields, the heading has %d", len(line), len(head))
			} else {
				err = e.csv(line, at)
			}
			if !yield(e, err) {
				return
			}
		}
	}
}

// csv reads the fields of a line.
func (e *Entry) csv(line []string, at map[string]int) error {
	field := func(name string) string {
		if i, ok := at[name]; ok {
			return line[i]
		}
		return ""
	}
	var ok bool
	if e.T, ok = parseInstant(field("ts")); !ok {
		return e.Wrong("ts", field("ts"), noInstant)
	}
	if e.Q, ok = parseQuality(field("q")); !ok {
		return e.Wrong("q", field("q"), noQuality)
	}
	if agg := field("agg"); agg != "" {
		return e.Wrong("agg", agg, noImport)
	}
	v := field("v")
	if !utf8.ValidString(v) {
		return e.Wrong("v", v, "is no UTF-8")
	}
	e.Path, e.Tag, e.Unit, e.raw = Plain(field("path")), Plain(field("tag")), Plain(field("unit")), twin.StringValue(v)
	return nil
}

func csvError(err error) error {
	if p, ok := errors.AsType[*csv.ParseError](err); ok {
		return &fault.Error{Kind: fault.Invalid, Field: "line", Value: p.Line, Message: "is no CSV: " + p.Err.Error()}
	}
	if errors.Is(err, io.EOF) {
		return fault.New(fault.Invalid, "The file is empty.")
	}
	if errors.Is(err, errLongLine) {
		return fault.New(fault.Invalid, "A line is longer than %d bytes; a quotation mark may be open.", maxLine)
	}
	return err
}
