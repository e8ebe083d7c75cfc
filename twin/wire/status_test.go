package wire_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/lineshaft/lineshaft/twin/wire"
)

const session = "01HSC5VZ8K3N4Q6R7S8T9V0W1X"

func TestStatusesSurviveTheWire(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := wire.DeviceStatus{
			Online: rapid.Bool().Draw(t, "online"), Session: session, TS: rapid.Int64().Draw(t, "ts"),
			Reason: rapid.String().Draw(t, "reason"), Firmware: rapid.String().Draw(t, "fw"),
			Epoch:  rapid.SampledFrom([]string{"", session}).Draw(t, "epoch"),
			Unsent: rapid.Ptr(rapid.Int64Min(0), true).Draw(t, "unsent"),
		}
		got, err := wire.DecodeStatus(wire.AppendStatus(nil, want))
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Fatal(d)
		}
	})
}

func TestStatusesThatAreNone(t *testing.T) {
	for name, c := range map[string]struct {
		body   string
		reason wire.Reason
	}{
		"empty":                   {``, wire.ReasonEncoding},
		"plain":                   {`online`, wire.ReasonEncoding},
		"not UTF-8":               {"{\"reason\":\"\xff\"}", wire.ReasonEncoding},
		"no object":               {`true`, wire.ReasonBody},
		"online in words":         {`{"online":"yes","session":"` + session + `","ts":1}`, wire.ReasonBody},
		"without session":         {`{"online":true,"ts":1}`, wire.ReasonBody},
		"a session that is none":  {`{"online":true,"session":"1","ts":1}`, wire.ReasonBody},
		"without time":            {`{"online":true,"session":"` + session + `"}`, wire.ReasonBody},
		"online twice":            {`{"online":true,"online":false,"session":"` + session + `","ts":1}`, wire.ReasonBody},
		"fewer than none unsent":  {`{"online":true,"session":"` + session + `","ts":1,"unsent":-1}`, wire.ReasonBody},
		"something after the end": {`{"online":true,"session":"` + session + `","ts":1} x`, wire.ReasonEncoding},
	} {
		_, err := wire.DecodeStatus([]byte(c.body))
		if err == nil {
			t.Errorf("%s: taken", name)
			continue
		}
		if r := refusedAs(t, err); r.Reason != c.reason {
			t.Errorf("%s: refused as %s, want %s", name, r, c.reason)
		}
	}
}

func TestAStatusOfALaterVersionIsTaken(t *testing.T) {
	s, err := wire.DecodeStatus([]byte(`{"online":false,"session":"` + session + `","ts":5,"battery":{"pct":80},"unsent":null}`))
	if err != nil || s.Online || s.TS != 5 || s.Unsent != nil {
		t.Errorf("%+v, %v", s, err)
	}
}

func FuzzDecodeStatus(f *testing.F) {
	f.Add(wire.AppendStatus(nil, wire.DeviceStatus{Online: true, Session: session, TS: 1}))
	f.Add([]byte(`{"online":"yes"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		s, err := wire.DecodeStatus(body)
		if err != nil {
			refusedAs(t, err)
			return
		}
		again, err := wire.DecodeStatus(wire.AppendStatus(nil, s))
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(s, again); d != "" {
			t.Fatal(d)
		}
	})
}
