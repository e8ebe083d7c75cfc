package api

import (
	"reflect"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"github.com/lineshaft/lineshaft/twin"
)

// Scalar is one value in an answer: a number, a boolean, a string, or null where there is none.
type Scalar struct{ twin.Value }

// Schema implements huma.SchemaProvider.
func (Scalar) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{AnyOf: []*huma.Schema{
		{Type: huma.TypeNumber}, {Type: huma.TypeString}, {Type: huma.TypeBoolean}, {Type: "null"},
	}}
}

// Values is a column of values, null where a reading has none.
type Values []twin.Value

// MarshalJSON implements json.Marshaler.
func (vs Values) MarshalJSON() ([]byte, error) {
	return appendColumn(vs, 10, func(b []byte, v twin.Value) []byte { return v.AppendJSON(b) }), nil
}

// Schema implements huma.SchemaProvider.
func (Values) Schema(r huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeArray, Items: Scalar{}.Schema(r)}
}

// Millis is a column of instants in Unix milliseconds.
type Millis []int64

// MarshalJSON implements json.Marshaler.
func (ms Millis) MarshalJSON() ([]byte, error) {
	return appendColumn(ms, 14, func(b []byte, t int64) []byte { return strconv.AppendInt(b, t, 10) }), nil
}

// Schema implements huma.SchemaProvider.
func (Millis) Schema(r huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeArray, Items: r.Schema(reflect.TypeFor[int64](), true, "")}
}

// Qualities is a column of OPC quality bytes.
type Qualities []twin.Quality

// MarshalJSON implements json.Marshaler.
func (qs Qualities) MarshalJSON() ([]byte, error) {
	return appendColumn(qs, 4, func(b []byte, q twin.Quality) []byte { return strconv.AppendUint(b, uint64(q), 10) }), nil
}

// Schema implements huma.SchemaProvider.
func (Qualities) Schema(r huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeArray, Items: r.Schema(reflect.TypeFor[uint8](), true, "")}
}

func appendColumn[T any](vs []T, size int, one func([]byte, T) []byte) []byte {
	b := make([]byte, 0, 2+size*len(vs))
	b = append(b, '[')
	for i, v := range vs {
		if i > 0 {
			b = append(b, ',')
		}
		b = one(b, v)
	}
	return append(b, ']')
}
