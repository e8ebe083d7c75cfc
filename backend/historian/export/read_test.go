package export_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"

	"github.com/lineshaft/lineshaft/backend/historian/export"
	"github.com/lineshaft/lineshaft/twin"
)

// What was exported comes back exactly, whatever it was: a plant can move house.
func TestAFileComesBackAsItWas(t *testing.T) {
	rows := evil()
	rows[0].Agg = ""
	rows[1].T += 123_456 // nanoseconds
	for _, f := range []export.Format{export.CSV, export.Parquet} {
		file := write(t, f, rows)
		var got []export.Row
		for e, err := range export.Read(f, bytes.NewReader(file), int64(len(file))) {
			if err != nil {
				t.Fatalf("%s: %v", f, err)
			}
			kind := rows[len(got)].V.Kind()
			v, err := e.Value(kind)
			if err != nil {
				t.Fatalf("%s line %d: %v", f, e.Line, err)
			}
			got = append(got, export.Row{T: e.T, Path: e.Path, Tag: e.Tag, Unit: e.Unit, V: v, Q: e.Q})
		}
		if diff := cmp.Diff(rows, got, cmp.Comparer(func(a, b twin.Value) bool { return a == b })); diff != "" {
			t.Errorf("%s (-exported +read):\n%s", f, diff)
		}
	}
}

// Each line that is wrong is named with field and value, and the others are read.
func TestALineThatIsWrongIsNamed(t *testing.T) {
	file := "\ufeffTS,path,tag,v,q,agg\n" +
		"2019-05-01T08:00:00+02:00,P-007,flow,1.5,192,\n" +
		"2019-05-01 08:00:00,P-007,flow,1.5,192,\n" +
		"2019-05-01T08:00:01Z,P-007,flow,fast,192,\n" +
		"2019-05-01T08:00:02Z,P-007,flow,,192,\n" +
		"2019-05-01T08:00:03Z,P-007,flow,,0,\n" +
		"2019-05-01T08:00:04Z,P-007,flow,1,300,\n" +
		"2019-05-01T08:00:05Z,P-007,flow,1,192,avg\n" +
		"2019-05-01T08:00:06Z,P-007\n" +
		"2019-05-01T08:00:07Z,P-007,flow,NaN,192,\n" +
		"2019-05-01T08:00:08Z,P-007,flow,2,,\n"
	type bad struct {
		Line         int64
		Field, Value string
	}
	var wrong []bad
	good := 0
	for e, err := range export.Read(export.CSV, strings.NewReader(file), int64(len(file))) {
		if err == nil {
			_, err = e.Value(twin.Float)
		}
		if err == nil {
			good++
			continue
		}
		l, ok := errors.AsType[*export.LineError](err)
		if !ok {
			t.Fatal(err)
		}
		wrong = append(wrong, bad{l.Line, l.Field, l.Value})
	}
	want := []bad{
		{3, "ts", "2019-05-01 08:00:00"},
		{4, "v", "fast"},
		{5, "v", ""},
		{7, "q", "300"},
		{8, "agg", "avg"},
		{9, "line", "2019-05-01T08:00:06Z,P-007"},
		{10, "v", "NaN"},
	}
	if diff := cmp.Diff(want, wrong); diff != "" || good != 3 {
		t.Errorf("%d good (-want +got):\n%s", good, diff)
	}
}

// A file of another program: millisecond instants, whole numbers, no units.
func TestParquetOfOthers(t *testing.T) {
	type row struct {
		Tag  string    `parquet:"tag"`
		V    int32     `parquet:"v"`
		TS   time.Time `parquet:"ts,timestamp(millisecond)"`
		Path string    `parquet:"path"`
		Note string    `parquet:"note"`
	}
	var b bytes.Buffer
	at := time.Date(2009, 1, 2, 3, 4, 5, 6e6, time.UTC)
	if err := parquet.Write(&b, []row{{"speed", 1480, at, "P-007", "x"}}); err != nil {
		t.Fatal(err)
	}
	n := 0
	for e, err := range export.Read(export.Parquet, bytes.NewReader(b.Bytes()), int64(b.Len())) {
		if err != nil {
			t.Fatal(err)
		}
		v, err := e.Value(twin.Float)
		if err != nil || v != twin.FloatValue(1480) || e.T != at.UnixNano() || e.Path != "P-007" || e.Tag != "speed" || e.Q != twin.Good {
			t.Errorf("%+v %v %v", e, v, err)
		}
		n++
	}
	if n != 1 {
		t.Errorf("%d rows", n)
	}
	type local struct {
		TS             int64 `parquet:"ts"`
		Path, Tag      string
		V              float64 `parquet:"v"`
		PathID, TagRef string
	}
	b.Reset()
	if err := parquet.Write(&b, []local{{TS: 1}}); err != nil {
		t.Fatal(err)
	}
	for _, err := range export.Read(export.Parquet, bytes.NewReader(b.Bytes()), int64(b.Len())) {
		if err == nil {
			t.Error("a number was taken for an instant")
		}
	}
}

// Hostile files end in an error, never in a crash or a great deal of memory.
func FuzzRead(f *testing.F) {
	rows := evil()
	for _, format := range []export.Format{export.CSV, export.Parquet} {
		var b bytes.Buffer
		w, err := export.New(format, &b)
		if err != nil {
			f.Fatal(err)
		}
		if err := errors.Join(w.Write(rows...), w.Close()); err != nil {
			f.Fatal(err)
		}
		f.Add(b.Bytes())
		f.Add(b.Bytes()[:b.Len()/2])
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		for _, format := range export.Formats() {
			n := 0
			for e, err := range export.Read(format, bytes.NewReader(file), int64(len(file))) {
				if n++; n > 1000 {
					break
				}
				if err == nil {
					_, _ = e.Value(twin.Float)
				} else if err.Error() == "" {
					t.Error("an error says nothing")
				}
			}
		}
	})
}

// A quotation mark that nobody closes does not bring the whole file into memory.
func TestALineHasAnEnd(t *testing.T) {
	file := "ts,path,tag,v\n\"" + strings.Repeat("x", 4<<20)
	for _, err := range export.Read(export.CSV, strings.NewReader(file), int64(len(file))) {
		if err == nil || !strings.Contains(err.Error(), "quotation mark") {
			t.Errorf("a line of 4 MiB: %v", err)
		}
	}
}
