package intake

import (
	"testing"

	"github.com/lineshaft/lineshaft/twin/wire"
)

// FuzzApply: whatever a device sends, it is taken or becomes a dead letter, and the worker goes on.
func FuzzApply(f *testing.F) {
	f.Add("telemetry", []byte(`{"schema_version":"2.2","msg_id":"01ARZ3NDEKTSV4RRFFQ69G5FAV","device_id":"P-1","ts":1772445600000,"seq":1,"d":{"a":{"t":[0,1],"v":[1,2],"q":192}}}`))
	f.Add("telemetry", []byte(`{"schema_version":"2.1","msg_id":"01ARZ3NDEKTSV4RRFFQ69G5FAV","device_id":"P-1","ts":1772445600000,"epoch":"01ARZ3NDEKTSV4RRFFQ69G5FAV","seq":18446744073709551615,"d":{"a":{"v":1e400}}}`))
	f.Add("status", []byte(`{"online":true}`))
	f.Add("events", []byte(`{"seq":1,"epoch":"x"}`))
	f.Add("waveform/u/complete", []byte{0})
	f.Fuzz(func(t *testing.T, channel string, payload []byte) {
		s := newSite(t)
		s.plant.registered["P-1"] = true
		s.add(wire.Publish{
			Topic: "acme/detroit/_/_/pump/P-1/" + channel, Payload: payload, Client: "acme::P-1", Received: tenOClock.UnixNano(),
		})
		s.commit()
		c := s.in.Counters("acme")
		ls, _, err := s.in.Letters("acme", LetterFilter{})
		if err != nil || c.Total.Messages+uint64(len(ls)) == 0 {
			t.Errorf("neither taken nor kept: %+v %v", c, err)
		}
		for _, l := range ls {
			if string(l.Payload) != string(payload) {
				t.Errorf("kept %d of %d bytes", len(l.Payload), len(payload))
			}
		}
	})
}

func FuzzRemembered(f *testing.F) {
	f.Add(encodeRemembered([]remembered{{sender{"acme", "P-1"}, 7, 9}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		rs, err := decodeRemembered(b)
		if err == nil && string(encodeRemembered(rs)) != string(b) {
			t.Error("does not survive encoding")
		}
	})
}
