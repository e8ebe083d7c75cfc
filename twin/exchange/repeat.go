package exchange

import (
	"fmt"
	"maps"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// maxRows bounds what one repeat may generate, maxAssets what all of a file may.
const (
	maxRows   = 10_000
	maxAssets = 200_000
)

// expand replaces {name} by the variable's text and {name:03} by its number padded with zeros. A variable that
// is not set is a mistake, so that a typo does not become part of a name.
func expand(s string, vars map[string]string) (string, error) {
	if !strings.Contains(s, "{") {
		return s, nil
	}
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(s, "{")
		b.WriteString(before)
		if !ok {
			return b.String(), nil
		}
		ref, after, ok := strings.Cut(rest, "}")
		if !ok {
			return "", fmt.Errorf("{%s has no closing brace", rest)
		}
		name, width, padded := strings.Cut(ref, ":")
		v, known := vars[name]
		switch {
		case !known:
			return "", fmt.Errorf("{%s} is not a variable of a repeat around it", ref)
		case padded:
			w, err := strconv.Atoi(width)
			n, nerr := strconv.Atoi(v)
			if err != nil || nerr != nil || w < 1 || w > 9 {
				return "", fmt.Errorf("{%s} wants a number and a width of 1 to 9", ref)
			}
			fmt.Fprintf(&b, "%0*d", w, n)
		default:
			b.WriteString(v)
		}
		s = after
	}
}

// rows reads a repeat: its variables, each a range "1..4" or a list, walked side by side.
func (d *decoder) rows(n ast.Node, field string) []map[string]string {
	var out []map[string]string
	first := true
	for _, p := range d.pairs(n, field) {
		values := d.values(p.value, join(field, p.key))
		if values == nil {
			return nil
		}
		if first {
			out = make([]map[string]string, len(values))
			for i := range out {
				out[i] = maps.Clone(d.vars)
				if out[i] == nil {
					out[i] = map[string]string{}
				}
			}
			first = false
		}
		if len(values) != len(out) {
			d.fail(p.at, join(field, p.key), len(values), "the variables of a repeat have as many values each: the first has %d", len(out))
			return nil
		}
		for i, v := range values {
			out[i][p.key] = v
		}
	}
	if d.generated += len(out); d.generated > maxAssets {
		d.fail(n, field, d.generated, "the repeats of a file make at most %d assets", maxAssets)
		return nil
	}
	return out
}

func (d *decoder) values(n ast.Node, field string) []string {
	if _, ok := n.(*ast.SequenceNode); ok {
		return d.texts(n, field)
	}
	s := d.text(n, field)
	lo, hi, ok := strings.Cut(s, "..")
	from, err := strconv.Atoi(lo)
	to, err2 := strconv.Atoi(hi)
	if !ok || err != nil || err2 != nil || to < from || to-from >= maxRows {
		d.fail(n, field, s, `wants a list or a range such as "1..4" of at most %d`, maxRows)
		return nil
	}
	out := make([]string, 0, to-from+1)
	for i := from; i <= to; i++ {
		out = append(out, strconv.Itoa(i))
	}
	return out
}
