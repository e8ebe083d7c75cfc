package exchange

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"github.com/lineshaft/lineshaft/twin/fault"
)

// maxFaults bounds how many mistakes of a file are reported at once.
const maxFaults = 20

// decoder walks a YAML tree and collects what is wrong with it. It is strict: a field nobody knows, a value of
// the wrong kind and an alias are mistakes.
type decoder struct {
	errs []error
	vars map[string]string // what {name} in a text stands for, set by repeat

	generated int // rows that repeats made so far
}

// parse reads one YAML document; the node is nil for an empty one.
func parse(data []byte) (ast.Node, error) {
	f, err := parser.ParseBytes(data, 0)
	if err != nil {
		return nil, fault.New(fault.Invalid, "not YAML: %s", strings.TrimSpace(firstLine(err.Error())))
	}
	var docs []ast.Node
	for _, d := range f.Docs {
		if d.Body != nil && d.Body.Type() != ast.CommentType {
			docs = append(docs, d.Body)
		}
	}
	if len(docs) > 1 {
		return nil, fault.New(fault.Invalid, "line %d: a second document in one file", line(docs[1]))
	}
	if len(docs) == 0 {
		return nil, nil
	}
	return docs[0], nil
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return s
}

// err is everything found wrong, nil if nothing.
func (d *decoder) err() error { return errors.Join(d.errs...) }

// fail records a mistake at a node.
func (d *decoder) fail(n ast.Node, field string, value any, format string, args ...any) {
	if len(d.errs) < maxFaults {
		d.errs = append(d.errs, fault.Field(field, value, "line %d: %s", line(n), fmt.Sprintf(format, args...)))
	}
}

func line(n ast.Node) int {
	if n == nil || n.GetToken() == nil || n.GetToken().Position == nil {
		return 0
	}
	return n.GetToken().Position.Line
}

// pair is one entry of a mapping.
type pair struct {
	key   string
	at    ast.Node // the key, for its line
	value ast.Node
}

// pairs returns the entries of a mapping in the order of the file.
func (d *decoder) pairs(n ast.Node, field string) []pair {
	var values []*ast.MappingValueNode
	switch m := n.(type) {
	case *ast.MappingNode:
		values = m.Values
	case *ast.MappingValueNode:
		values = []*ast.MappingValueNode{m}
	case nil, *ast.NullNode:
		return nil
	default:
		d.fail(n, field, show(n), "wants fields")
		return nil
	}
	out := make([]pair, 0, len(values))
	for _, v := range values {
		key, ok := scalar(v.Key)
		if !ok {
			d.fail(v, field, v.Key.String(), "a field's name must be a word")
			continue
		}
		if slices.ContainsFunc(out, func(p pair) bool { return p.key == key }) {
			d.fail(v.Key, join(field, key), key, "stands here twice")
			continue
		}
		out = append(out, pair{key, v.Key, v.Value})
	}
	return out
}

// fields hands each entry of a mapping to the function of its name.
func (d *decoder) fields(n ast.Node, field string, known map[string]func(ast.Node, string)) {
	for _, p := range d.pairs(n, field) {
		read, ok := known[p.key]
		if !ok {
			d.fail(p.at, join(field, p.key), p.key, "is not a field here: use one of %s", words(known))
			continue
		}
		read(p.value, join(field, p.key))
	}
}

func words[T any](m map[string]T) string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

// items returns the entries of a list.
func (d *decoder) items(n ast.Node, field string) []ast.Node {
	switch s := n.(type) {
	case *ast.SequenceNode:
		return s.Values
	case nil, *ast.NullNode:
		return nil
	}
	d.fail(n, field, show(n), "wants a list")
	return nil
}

// text reads a string and puts in what {name} stands for.
func (d *decoder) text(n ast.Node, field string) string {
	s, ok := scalar(n)
	if !ok {
		d.fail(n, field, show(n), "wants a text")
		return ""
	}
	out, err := expand(s, d.vars)
	if err != nil {
		d.fail(n, field, s, "%s", err)
	}
	return out
}

func (d *decoder) texts(n ast.Node, field string) []string {
	if _, ok := scalar(n); ok {
		return []string{d.text(n, field)}
	}
	var out []string
	for i, it := range d.items(n, field) {
		out = append(out, d.text(it, index(field, i)))
	}
	return out
}

// number reads a float; nil stands for null.
func (d *decoder) number(n ast.Node, field string) *float64 {
	switch v := n.(type) {
	case nil, *ast.NullNode:
		return nil
	case *ast.IntegerNode, *ast.FloatNode:
		s, _ := scalar(v)
		if f, err := strconv.ParseFloat(strings.ReplaceAll(s, "_", ""), 64); err == nil {
			return &f
		}
	}
	d.fail(n, field, show(n), "wants a number")
	return nil
}

func (d *decoder) integer(n ast.Node, field string) int {
	f := d.number(n, field)
	if f == nil {
		return 0
	}
	if *f != float64(int(*f)) {
		d.fail(n, field, *f, "wants a whole number")
	}
	return int(*f)
}

func (d *decoder) flag(n ast.Node, field string) bool {
	if b, ok := n.(*ast.BoolNode); ok {
		return b.Value
	}
	d.fail(n, field, show(n), "wants true or false")
	return false
}

func (d *decoder) duration(n ast.Node, field string) time.Duration {
	s := d.text(n, field)
	v, err := time.ParseDuration(s)
	if err != nil || v < 0 {
		d.fail(n, field, s, "wants a duration such as 500ms, 2s or 1m30s")
	}
	return v
}

func (d *decoder) instant(n ast.Node, field string) time.Time {
	s := d.text(n, field)
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		d.fail(n, field, s, "wants an instant such as 2026-01-01T00:00:00Z")
	}
	return t.UTC()
}

// free reads a value of any shape, as nameplates and attributes have them.
func (d *decoder) free(n ast.Node, field string) any {
	switch v := n.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		out := map[string]any{}
		for _, p := range d.pairs(v, field) {
			out[p.key] = d.free(p.value, join(field, p.key))
		}
		return out
	case *ast.SequenceNode:
		out := make([]any, 0, len(v.Values))
		for i, it := range v.Values {
			out = append(out, d.free(it, index(field, i)))
		}
		return out
	case *ast.BoolNode:
		return v.Value
	case *ast.IntegerNode, *ast.FloatNode:
		if f := d.number(v, field); f != nil {
			return *f
		}
		return nil
	case nil, *ast.NullNode:
		return nil
	}
	return d.text(n, field)
}

// scalar is the text of a plain value: words, numbers and booleans as they stand in the file.
func scalar(n ast.Node) (string, bool) {
	switch v := n.(type) {
	case *ast.StringNode:
		return v.Value, true
	case *ast.LiteralNode:
		return strings.TrimSuffix(v.Value.Value, "\n"), true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		return n.GetToken().Value, true
	}
	return "", false
}

// show is a node for an error, short.
func show(n ast.Node) string {
	if n == nil {
		return "nothing"
	}
	s := strings.Join(strings.Fields(n.String()), " ")
	if len(s) > 60 {
		s = strings.ToValidUTF8(s[:60], "") + "…"
	}
	return s
}

func join(field, key string) string {
	if field == "" {
		return key
	}
	return field + "." + key
}

func index(field string, i int) string { return field + "[" + strconv.Itoa(i) + "]" }
