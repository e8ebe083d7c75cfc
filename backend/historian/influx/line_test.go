package influx

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/lineshaft/lineshaft/backend/historian"
	"github.com/lineshaft/lineshaft/twin"
)

// TestAMessageIsALine reads what goes over the wire: the readings of one message share a line, a reading told twice
// does not, and each has its quality as a signed integer.
func TestAMessageIsALine(t *testing.T) {
	fields := []string{"flow_m3h", "state", "running", "mode"}
	kinds := []twin.Kind{twin.Float, twin.Int, twin.Bool, twin.String}
	places := map[historian.SeriesID]*place{}
	at := func(id historian.SeriesID) *place {
		n := id % 10
		if places[id] == nil {
			places[id] = newPlace("acme", Place{"asset", fmt.Sprintf("P-%d", id/10), fields[n], kinds[n]})
		}
		return places[id]
	}
	point := func(id historian.SeriesID, t int64, v twin.Value) historian.Point {
		return historian.Point{Series: id, Sample: twin.Sample{T: t, V: v, Q: twin.Good}}
	}
	late := point(10, 5e9, twin.FloatValue(0.1))
	late.Received = late.T + 61e9
	ps := []historian.Point{
		point(10, 1, twin.FloatValue(72.4)), point(11, 1, twin.IntValue(2)), point(12, 1, twin.BoolValue(true)), point(13, 1, twin.StringValue(`say "\o/"`)),
		point(20, 1, twin.FloatValue(20)), point(20, 1, twin.FloatValue(21)),
		point(20, 2, twin.IntValue(3)), point(21, 2, twin.Value{}),
		late,
	}
	const want = `asset,id=P-1,tenant=acme flow_m3h=72.4,flow_m3h:q=192i,state:i=2i,state:q=192i,running:b=true,running:q=192i,mode:s="say \"\\o/\"",mode:q=192i 1
asset,id=P-2,tenant=acme flow_m3h=20,flow_m3h:q=192i 1
asset,id=P-2,tenant=acme flow_m3h=21,flow_m3h:q=192i 1
asset,id=P-2,tenant=acme flow_m3h:i=3i,flow_m3h:q=704i,state:q=1472i 2
asset,id=P-1,tenant=acme flow_m3h=0.1,flow_m3h:q=125120i 5000000000
`
	got, n := lines(ps, at, 1<<20)
	if got != want || n != len(ps) {
		t.Errorf("%d samples are\n%s, wanted\n%s", n, got, want)
	}
	var parts strings.Builder
	for left := ps; len(left) > 0; left = left[n:] {
		got, n = lines(left, at, 1)
		parts.WriteString(got)
		if strings.Count(got, "\n") != 1 {
			t.Errorf("a request of one byte has the lines\n%s", got)
		}
	}
	if parts.String() != want {
		t.Errorf("in parts they are\n%s", parts.String())
	}
}

// FuzzWord holds names to what makes them safe: nothing in them means anything to the server, and no two are one.
func FuzzWord(f *testing.F) {
	for _, s := range []string{"flow_m3h", "", "time", "_time", "a b", "a:20b", `x\`, "Störung", "a'; DROP DATABASE lineshaft", "a:q"} {
		f.Add(s, "a:b")
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		w := word(a)
		if strings.ContainsAny(w, " ,=\"'\\\n\t\x00") || w == "" || w[0] == '_' || w == "time" {
			t.Errorf("%q is written %q", a, w)
		}
		if a == b {
			return
		}
		for _, x := range []string{"", intSuffix, boolSuffix, stringSuffix, qualitySuffix} {
			for _, y := range []string{"", intSuffix, boolSuffix, stringSuffix, qualitySuffix} {
				if word(a)+x == word(b)+y {
					t.Errorf("%q%s and %q%s are both %q", a, x, b, y, word(a)+x)
				}
			}
		}
	})
}

// FuzzRows compares our reading of a table with the standard library's, on any JSON.
func FuzzRows(f *testing.F) {
	f.Add(`[[1,2.5,null,null,null,192],[2,null,-3,null,null,704],[3,null,null,true,"a\"]\\,[",192]]`)
	f.Add(`[]`)
	f.Add(`[[1]]`)
	f.Add(`{"a":[[]]}`)
	f.Fuzz(func(t *testing.T, text string) {
		if !json.Valid([]byte(text)) || !utf8.ValidString(text) {
			return
		}
		var rows []row
		err := readRows([]byte(text), func(r *row) error {
			rows = append(rows, *r)
			return nil
		})
		if err != nil || len(rows) == 0 {
			return
		}
		var table [][]json.RawMessage
		if json.Unmarshal([]byte(text), &table) != nil {
			return
		}
		i := 0
		for _, cells := range table {
			if len(cells) != 6 || string(cells[5]) == "null" {
				continue
			}
			if i >= len(rows) {
				t.Fatalf("%s has more rows than %v", text, rows)
			}
			var text *string
			if json.Unmarshal(cells[4], &text) == nil && text != nil && (*text != rows[i].text || !rows[i].has[3]) {
				t.Errorf("text %q was read as %q", *text, rows[i].text)
			}
			if q := fmt.Sprint(rows[i].q); string(cells[5]) != q && string(cells[5]) != "-0" {
				t.Errorf("quality %s was read as %s", cells[5], q)
			}
			i++
		}
	})
}
