package influx

import (
	"strconv"
	"strings"

	"github.com/lineshaft/lineshaft/backend/historian"
	"github.com/lineshaft/lineshaft/twin"
)

// Place is where a series is kept. Series of one thing share a line where they have samples of one instant. The
// place of a series never changes.
type Place struct {
	Measurement string    // what kind of thing: asset, device
	ID          string    // of the thing
	Field       string    // which of its tags
	Kind        twin.Kind // what its values usually are
}

// Places finds the place of a series; ok is false for a series nobody knows.
type Places func(tenant string, id historian.SeriesID) (p Place, ok bool)

// numbered is where series are kept that have nothing but a number.
func numbered(_ string, id historian.SeriesID) (Place, bool) {
	return Place{Measurement: "series", ID: strconv.FormatUint(uint64(id), 10), Field: "v", Kind: twin.Float}, true
}

// place is a Place in the words of the server.
type place struct {
	key    string // the line's beginning: measurement and tags
	from   string // the same in InfluxQL
	field  string // name of the float field; the others' begin with it
	fields string // all of them, in InfluxQL, in the order of columns
	kind   twin.Kind
}

// The fields of a series. The type is part of the name, because the server gives a field of a measurement one type,
// and two classes may declare a tag of one name with two.
const (
	intSuffix     = ":i"
	boolSuffix    = ":b"
	stringSuffix  = ":s"
	qualitySuffix = ":q"
)

func newPlace(tenant string, p Place) *place {
	id, ten, field := word(p.ID), word(tenant), word(p.Field)
	out := &place{
		key:   word(p.Measurement) + ",id=" + id + ",tenant=" + ten,
		from:  ` FROM "` + word(p.Measurement) + `" WHERE "id" = '` + id + `' AND "tenant" = '` + ten + `'`,
		field: field, kind: p.Kind,
	}
	if out.kind == twin.None {
		out.kind = twin.Float
	}
	names := make([]string, 0, 5)
	for _, suffix := range []string{"", intSuffix, boolSuffix, stringSuffix, qualitySuffix} {
		names = append(names, `"`+field+suffix+`"`)
	}
	out.fields = strings.Join(names, ",")
	return out
}

// word writes a name without the characters that mean something in line protocol or InfluxQL: each is a colon and
// two hexadecimal digits. The server keeps names that begin with _ and the name time to itself.
func word(s string) string {
	if s == "" {
		return ":"
	}
	const hex = "0123456789abcdef"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if c <= ' ' || c == 0x7f || strings.IndexByte(`\"',=:#`, c) >= 0 || i == 0 && (c == '_' || s == "time") {
			b.Write([]byte{':', hex[c>>4], hex[c&15]})
			continue
		}
		b.WriteByte(c)
	}
	return b.String()
}
