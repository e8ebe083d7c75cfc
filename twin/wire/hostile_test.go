package wire_test

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/lineshaft/lineshaft/twin"
	"github.com/lineshaft/lineshaft/twin/wire"
)

type hostile struct {
	name, expect string
	payload      []byte
}

// hostiles reads testdata/hostile.txt, whose head describes it.
func hostiles(t testing.TB) []hostile {
	t.Helper()
	data, err := os.ReadFile("testdata/hostile.txt")
	if err != nil {
		t.Fatal(err)
	}
	_, body, _ := strings.Cut(string(data), "\n\n")
	var out []hostile
	for block := range strings.SplitSeq(strings.TrimSpace(body), "\n\n") {
		lines := strings.SplitN(block, "\n", 3)
		if len(lines) != 3 {
			t.Fatalf("a case has three lines: %q", block)
		}
		payload := lines[2]
		if quoted, ok := strings.CutPrefix(payload, "go:"); ok {
			if payload, err = strconv.Unquote(quoted); err != nil {
				t.Fatalf("%s: %v", lines[0], err)
			}
		}
		out = append(out, hostile{lines[0], lines[1], []byte(payload)})
	}
	return out
}

func TestHostileMessages(t *testing.T) {
	for _, c := range hostiles(t) {
		t.Run(c.name, func(t *testing.T) {
			var m wire.Message
			err := wire.DecodeTelemetry(c.payload, &m)
			if want, ok := strings.CutPrefix(c.expect, "refused "); ok {
				if err == nil {
					t.Fatalf("taken: %+v", m)
				}
				if got := refusedAs(t, err).Error(); !strings.HasPrefix(got, want[:strings.Index(want, ":")+1]) || !strings.Contains(got, want[strings.Index(want, ":")+2:]) {
					t.Errorf("refused as %q, want %q", got, want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			kept, wrong, _ := strings.Cut(strings.TrimPrefix(c.expect, "kept "), "; wrong ")
			var tags, wrongs []string
			for _, r := range m.Readings {
				tags = append(tags, r.Tag)
			}
			for _, w := range m.Wrong {
				wrongs = append(wrongs, w.Tag+": "+w.Detail)
			}
			if got := strings.Join(tags, ","); got != kept {
				t.Errorf("kept %s, want %s", got, kept)
			}
			if len(wrongs) != 1 || !strings.Contains(wrongs[0], wrong) {
				t.Errorf("wrong %q, want one with %q", wrongs, wrong)
			}
		})
	}
}

func TestATooLargeMessageIsRefusedUnread(t *testing.T) {
	var m wire.Message
	err := wire.DecodeTelemetry(bytes.Repeat([]byte("["), wire.MaxPayload+1), &m)
	if r := refusedAs(t, err); r.Reason != wire.ReasonSize {
		t.Errorf("refused as %s", r)
	}
}

// A message may be wrong in every reading: the list of them stays short, and says how many more there are.
func TestAMessageWrongThroughoutNamesABoundedList(t *testing.T) {
	var d strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&d, `,"t%d":NaN`, i)
	}
	m := decode(t, envelope("2.1", "{"+d.String()[1:]+"}"))
	if len(m.Readings) != 0 || len(m.Wrong) > 101 || !strings.Contains(m.Wrong[len(m.Wrong)-1].Detail, "4900 more") {
		t.Errorf("%d readings, %d wrong, the last %v", len(m.Readings), len(m.Wrong), m.Wrong[len(m.Wrong)-1])
	}
}

func backwards() string {
	var t strings.Builder
	for i := range 100000 {
		fmt.Fprintf(&t, "%d,", 100000-i)
	}
	return `{"a":{"v":[` + strings.Repeat("1,", 100000) + `1],"t":[` + t.String() + `0]}}`
}

// The largest message taken, made of whatever is slowest to read, is read in a time that stops nobody.
func TestTheWorstMessagesAreReadQuickly(t *testing.T) {
	pad := func(unit, end string) string {
		return strings.Repeat(unit, (wire.MaxPayload-300)/len(unit)) + end
	}
	distinct := func() string {
		var b strings.Builder
		for i := 0; b.Len() < wire.MaxPayload-400; i++ {
			fmt.Fprintf(&b, `"tag%d":{"v":1},`, i)
		}
		return "{" + strings.TrimSuffix(b.String(), ",") + "}"
	}
	again := func() string {
		half := distinct()
		half = half[:len(half)/2]
		half = half[:strings.LastIndexByte(half, ',')]
		return half + "," + half[1:] + "}"
	}
	for name, p := range map[string]string{
		"every tag twice":         envelope("2.1", again()),
		"times that are wrong":    envelope("2.2", `{"a":{"v":[`+strings.Repeat("NaN,", 150000)+`1],"t":[`+strings.Repeat("1,", 150000)+`1]}}`),
		"times backwards":         envelope("2.2", backwards()),
		"one tag over and over":   envelope("2.1", `{`+strings.TrimSuffix(pad(`"a":{"v":1},`, ""), ",")+`}`),
		"as many tags as fit":     envelope("2.1", distinct()),
		"a field nobody knows":    envelope("2.1", `{},"later":[`+pad("[],", "[]")+`]`),
		"escapes":                 envelope("2.1", `{"a":{"v":"`+pad(`\u0041`, "")+`"}}`),
		"brackets without end":    strings.Repeat("[", wire.MaxPayload),
		"backslashes without end": `{"` + strings.Repeat(`\`, wire.MaxPayload-10),
	} {
		start := time.Now()
		var m wire.Message
		err := wire.DecodeTelemetry([]byte(p), &m)
		took := time.Since(start)
		t.Logf("%s: %s, %d readings, %d wrong, %v", name, took, len(m.Readings), len(m.Wrong), err)
		if took > 10*time.Second {
			t.Errorf("%s: took %s (%v)", name, took, err)
		}
	}
}

func FuzzDecodeTelemetry(f *testing.F) {
	f.Add([]byte(pumpMessage))
	for _, c := range hostiles(f) {
		f.Add(c.payload)
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		var m wire.Message
		if err := wire.DecodeTelemetry(payload, &m); err != nil {
			refusedAs(t, err)
			return
		}
		for _, r := range m.Readings {
			if !r.V.IsFinite() || (r.V.Kind() == twin.None && r.Q.IsGood()) {
				t.Fatalf("a reading that is none: %+v", r)
			}
		}
		m.Complete("P-007", 1710844800123e6)
		if m.MsgID == "" {
			m.MsgID = "01HSC5VZ8K3N4Q6R7S8T9V0W1X"
		}
		// What was taken can be sent on, and means the same. It may be longer than what is taken.
		again := wire.AppendTelemetry(nil, &m)
		if len(again) > wire.MaxPayload {
			return
		}
		var second wire.Message
		if err := wire.DecodeTelemetry(again, &second); err != nil {
			t.Fatalf("%v\nin %s", err, again)
		}
		if third := wire.AppendTelemetry(nil, &second); !bytes.Equal(again, third) {
			t.Fatalf("unstable:\n%s\n%s", again, third)
		}
	})
}
