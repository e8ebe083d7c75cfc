package wire

import (
	"encoding/json"
	"fmt"
)

// DeviceStatus is the body of the status channel and of the Last Will (domain contract §2).
type DeviceStatus struct {
	Online        bool   `json:"online"`
	Session       string `json:"session"` // ULID per connection, the same in the will
	TS            int64  `json:"ts"`      // UTC ms; in a will the time of the connect
	Reason        string `json:"reason,omitempty"`
	Firmware      string `json:"fw,omitempty"`
	ConfigVersion string `json:"config_version,omitempty"`
	Epoch         string `json:"epoch,omitempty"`  // the outbox's life, where there is one
	Unsent        *int64 `json:"unsent,omitempty"` // messages waiting in the outbox
}

// DecodeStatus reads a status body. The error is a *Refusal: encoding where it is no JSON, body where a field is
// missing or of the wrong type. Fields of later versions are passed over.
func DecodeStatus(payload []byte) (DeviceStatus, error) {
	if r := checkText(payload); r != nil {
		return DeviceStatus{}, r
	}
	d := decoder{scanner: scanner{b: payload}, m: &Message{}}
	if k := d.kind(); k != tokenObject {
		if _, err := d.skip(); err != nil {
			return DeviceStatus{}, refusal(err)
		}
		return DeviceStatus{}, bodyErr("a status is an object, this is " + k.String())
	}
	var s DeviceStatus
	seen := map[string]bool{}
	err := d.object(func(key []byte) error {
		name := string(key)
		if seen[name] {
			return bodyErr(name + ": stands twice")
		}
		seen[name] = true
		return d.statusField(name, &s)
	})
	if err == nil {
		err = d.end()
	}
	if err != nil {
		return DeviceStatus{}, asBody(err)
	}
	for _, name := range [...]string{"online", "session", "ts"} {
		if !seen[name] {
			return DeviceStatus{}, bodyErr(name + ": is missing")
		}
	}
	return s, nil
}

func (d *decoder) statusField(name string, s *DeviceStatus) error {
	switch name {
	case "online":
		k := d.kind()
		if k != tokenTrue && k != tokenFalse {
			return d.wrongType(name, "true or false", k)
		}
		s.Online = k == tokenTrue
		return d.word()
	case "session":
		return d.idField(fieldMsgID, name, &s.Session)
	case "epoch":
		return d.idField(fieldEpoch, name, &s.Epoch)
	case "ts":
		return d.intField(fieldTS, name, &s.TS)
	case "reason":
		return d.stringField(fieldType, name, &s.Reason)
	case "fw":
		return d.stringField(fieldFirmware, name, &s.Firmware)
	case "config_version":
		return d.stringField(fieldGateway, name, &s.ConfigVersion)
	case "unsent":
		if d.null() {
			return nil
		}
		n, what, err := d.whole("a whole number of messages from 0")
		if err == nil && (what != "" || n < 0) {
			return bodyErr(fmt.Sprintf("unsent: wants a whole number of messages from 0 (got %d) %s", n, what))
		}
		s.Unsent = &n
		return err
	}
	return d.skipStrict()
}

func bodyErr(detail string) *Refusal { return &Refusal{ReasonBody, detail} }

// asBody names a fact's mistakes as such.
func asBody(err error) *Refusal {
	r := refusal(err)
	if r.Reason == ReasonSchema {
		r.Reason = ReasonBody
	}
	return r
}

// AppendStatus appends the JSON of s.
func AppendStatus(b []byte, s DeviceStatus) []byte {
	out, err := json.Marshal(s)
	if err != nil { // strings and numbers always have a JSON form
		return b
	}
	return append(b, out...)
}
