package intake

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/lineshaft/lineshaft/twin"
	"github.com/lineshaft/lineshaft/twin/wire"
)

// TestStories runs testdata/*.txt: what devices publish, and what must be known afterwards. Each story is run
// straight, with a commit after every line, with a crash after every line, and with every record delivered again.
func TestStories(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no stories: %v", err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(filepath.Base(f), ".txt")
		for mode, after := range map[string]func(*site){
			"straight":       func(*site) {},
			"committing":     func(s *site) { s.commit() },
			"crashing":       func(s *site) { s.crash(s.durable) },
			"half committed": func(s *site) { s.commit(); s.crash(0) },
		} {
			t.Run(name+"/"+mode, func(t *testing.T) {
				st := &story{site: newSite(t)}
				for i, line := range strings.Split(string(text), "\n") {
					st.at = fmt.Sprintf("%s:%d: %s", f, i+1, line)
					if !st.line(strings.Fields(strings.Split(line, "#")[0]), line) {
						after(st.site)
					}
				}
				st.site.commit()
			})
		}
	}
}

type story struct {
	*site
	at string
}

func (s *story) fail(format string, args ...any) {
	s.t.Helper()
	s.t.Errorf("%s\n\t%s", s.at, fmt.Sprintf(format, args...))
}

// line does or checks what a line says; it returns true where nothing was published.
func (s *story) line(w []string, raw string) (check bool) {
	if len(w) == 0 {
		return true
	}
	switch w[0] {
	case "register": // register P-001
		s.plant.registered[w[1]] = true
	case "tag": // tag P-001.temp float64 [scale offset]
		s.tag(w[1:])
	case "at": // at 10:00:05
		s.clk.Advance(s.clock(w[1]).Sub(s.clk.Now()))
	case "telemetry": // telemetry P-001 seq=1 epoch=A temp=71.5 flow=3/24
		s.publish(w[1], "telemetry", s.envelope(w[1], w[2:]))
	case "raw": // raw P-001 telemetry <anything>
		_, body, _ := strings.Cut(raw, w[2]+" ")
		s.publish(w[1], w[2], strings.NewReplacer(`\xff`, "\xff", "%A", id("A"), "%B", id("B")).Replace(body))
	case "host": // host P-001 gw-det-01
		s.plant.hosts[w[1]] = w[2]
	case "loss": // loss P-001 epoch=A seq=1 3-6 …: a data_loss event of its telemetry
		s.publish(w[1], "events", fmt.Sprintf(`{"event":"data_loss","epoch":%q,"seq":%s,"of_epoch":%q,"channel":"telemetry","ranges":%s}`,
			id(w[2][6:]), w[3][4:], id(w[2][6:]), spans(w[4:])))
	case "answer": // answer gw-det-01 3-4 …: to the last request, with what is gone
		var r resendRequest
		if err := json.Unmarshal(s.plant.down[len(s.plant.down)-1], &r); err != nil {
			s.t.Fatal(s.at, err)
		}
		s.publish(w[1], "resend/result", fmt.Sprintf(`{"request_id":%q,"msg_id":%q,"sent":0,"gone":%s}`, r.RequestID, r.RequestID, spans(w[2:])))
	case "replay": // replay P-001 unregistered
		s.commit()
		n, err := s.in.Replay(s.t.Context(), "acme", LetterFilter{Device: w[1], Reason: wire.Reason(w[2])}, func(p wire.Publish, done func(error)) {
			s.add(p)
			done(nil)
		})
		if err != nil {
			s.fail("replayed %d: %v", n, err)
		}
	default:
		s.check(w)
		return true
	}
	return false
}

func (s *story) clock(hms string) time.Time {
	d, err := time.Parse("15:04:05", hms)
	if err != nil {
		s.t.Fatal(s.at, err)
	}
	return tenOClock.Add(time.Duration(d.Hour()-10)*time.Hour + time.Duration(d.Minute())*time.Minute + time.Duration(d.Second())*time.Second)
}

func (s *story) tag(w []string) {
	kind, err := twin.ParseKind(w[1])
	if err != nil {
		s.t.Fatal(s.at, err)
	}
	device, tag, _ := strings.Cut(w[0], ".")
	b := Binding{Asset: device, Tag: tag, Kind: kind}
	if len(w) == 4 {
		b.Scale, b.Offset = number(w[2]), number(w[3])
	}
	s.plant.tags[w[0]] = b
}

func number(s string) float64 {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return -1
	}
	return f
}

func id(word string) string { return wire.DerivedID(tenOClock, word) }

// envelope writes a message of schema 2.1: name=value[/quality] for readings, and seq, epoch, ts, id, device.
func (s *story) envelope(device string, fields []string) string {
	head := map[string]string{"schema_version": `"2.1"`, "device_id": strconv.Quote(device)}
	head["ts"] = strconv.FormatInt(s.clk.Now().UnixMilli(), 10)
	head["msg_id"] = strconv.Quote(id(s.at))
	var d []string
	for _, f := range fields {
		k, v, _ := strings.Cut(f, "=")
		switch k {
		case "seq":
			head["seq"] = v
		case "epoch":
			head["epoch"] = strconv.Quote(id(v))
		case "id":
			head["msg_id"] = strconv.Quote(id(v))
		case "device":
			head["device_id"] = strconv.Quote(v)
		case "ts":
			head["ts"] = strconv.FormatInt(s.clock(v).UnixMilli(), 10)
		default:
			v, q, ok := strings.Cut(v, "/")
			if !ok {
				q = "192"
			}
			d = append(d, fmt.Sprintf("%q:{\"v\":%s,\"q\":%s}", k, v, q))
		}
	}
	var all []string
	for k, v := range head {
		all = append(all, fmt.Sprintf("%q:%s", k, v))
	}
	slices.Sort(all)
	return "{" + strings.Join(all, ",") + `,"d":{` + strings.Join(d, ",") + "}}"
}

func (s *story) publish(device, channel, body string) {
	class, line := "pump", "cooling"
	if strings.HasPrefix(device, "gw-") {
		class, line = wire.GatewayClass, "_"
	}
	s.add(wire.Publish{
		Topic: "acme/detroit/body-shop/" + line + "/" + class + "/" + device + "/" + channel, Payload: []byte(body),
		Client: "acme::gw-det-01", Received: s.clk.Now().UnixNano(),
	})
}

// check compares what is known with what a line says.
func (s *story) check(w []string) {
	s.t.Helper()
	want := strings.Join(w[1:], " ")
	switch w[0] {
	case "twin": // twin P-001.temp 71.5/192
		x, ok := s.plant.state[w[1]]
		if got := fmt.Sprintf("%s %s/%d", w[1], x.V.Text(), x.Q); (!ok && w[2] != "none") || (ok && got != want) {
			s.fail("got %s", got)
		}
	case "history": // history P-001.temp 71.5 71.6 …
		var got []string
		h := s.plant.history[fmt.Sprintf("acme/%d", s.plant.series[w[1]])]
		var times []int64
		for t := range h {
			times = append(times, t)
		}
		slices.Sort(times)
		for _, t := range times {
			got = append(got, h[t].V.Text())
		}
		if strings.Join(got, " ") != strings.Join(w[2:], " ") {
			s.fail("got %v", got)
		}
	case "gaps": // gaps P-001 A:3-4 missing 2 unknown; or: gaps P-001 none
		s.checkGaps(w[1], strings.Join(w[2:], " "))
	case "letters": // letters P-001 schema schema …, newest first; or: letters P-001 none
		ls, _, err := s.in.Letters("acme", LetterFilter{Device: w[1]})
		got := "none"
		if len(ls) > 0 || err != nil {
			got = ""
			for _, l := range ls {
				got += " " + string(l.Reason)
			}
		}
		s.sawLetters(strings.TrimSpace(got), strings.Join(w[2:], " "), ls)
	case "says": // says P-001 <part of the newest letter's sentence>
		ls, _, err := s.in.Letters("acme", LetterFilter{Device: w[1]})
		if s.waiting() {
			return
		}
		if err != nil || len(ls) == 0 || !strings.Contains(ls[0].Detail, strings.Join(w[2:], " ")) {
			s.fail("letters %v: %v", ls, err)
		}
	case "counts": // counts messages=3 duplicates=1 …
		c := s.in.Counters("acme").Sites["detroit"]
		got := map[string]uint64{
			"messages": c.Messages, "readings": c.Readings, "duplicates": c.Duplicates, "untracked": c.Untracked, "letters": c.Letters,
		}
		for _, kv := range w[1:] {
			k, v, _ := strings.Cut(kv, "=")
			if n, ok := got[k]; !ok || strconv.FormatUint(n, 10) != v {
				s.fail("%s is %d", k, n)
			}
		}
	case "asks": // asks P-001 A:3-6; or: asks none
		before := len(s.plant.down)
		s.in.askAgain(s.t.Context())
		got := "none"
		for _, b := range s.plant.down[before:] {
			var r resendRequest
			if err := json.Unmarshal(b, &r); err != nil {
				s.t.Fatal(s.at, err)
			}
			got = strings.TrimPrefix(got, "none") + fmt.Sprintf(" %s %s:%d-%d", r.DeviceID, epochName(r.Epoch), r.FromSeq, r.ToSeq)
		}
		if strings.TrimSpace(got) != want {
			s.fail("got %s", got)
		}
	case "away": // away P-001: every time from now on falls into an absence
		s.plant.away[w[1]] = true
	case "online", "offline":
		if s.plant.online[w[1]] != (w[0] == "online") {
			s.fail("online is %v", s.plant.online[w[1]])
		}
	case "buffered":
		if got := strconv.FormatInt(s.plant.buffered[w[1]], 10); got != w[2] {
			s.fail("got %s", got)
		}
	default:
		s.t.Fatalf("%s: unknown word %q", s.at, w[0])
	}
}

// waiting says whether letters are on their way to the store: they are listed once they are committed.
func (s *story) waiting() bool { return s.durable != s.sent }

func (s *story) sawLetters(got, want string, ls []Letter) {
	s.t.Helper()
	if s.waiting() {
		return
	}
	if got != want {
		s.fail("got %s", got)
	}
	for _, l := range ls {
		if l.Detail == "" || len(l.Payload) != l.Size {
			s.fail("letter %+v", l)
		}
	}
}

func (s *story) checkGaps(device, want string) {
	s.t.Helper()
	gaps, _, err := s.in.Gaps("acme", GapFilter{Device: device})
	if err != nil {
		s.t.Fatal(err)
	}
	got := ""
	for _, g := range gaps {
		epoch := epochName(g.Epoch)
		state := fmt.Sprintf("missing %d", g.Missing)
		if g.HealedAt > 0 {
			state = "healed " + g.HealedHow
		}
		if g.Gone > 0 {
			state += fmt.Sprintf(" gone %d", g.Gone)
		}
		got += fmt.Sprintf("%s:%d-%d %s %s ", epoch, g.FromSeq, g.ToSeq, state, g.Cause)
	}
	if got == "" {
		got = "none"
	}
	if strings.TrimSpace(got) != want {
		s.fail("got %s", got)
	}
}

func epochName(epoch string) string {
	for _, name := range []string{"A", "B", "C"} {
		if epoch == id(name) {
			return name
		}
	}
	if epoch == "" {
		return "-"
	}
	return "?"
}

// spans turns 3-6 8-8 into [[3,6],[8,8]].
func spans(words []string) string {
	var out []string
	for _, w := range words {
		out = append(out, "["+strings.ReplaceAll(w, "-", ",")+"]")
	}
	return "[" + strings.Join(out, ",") + "]"
}
