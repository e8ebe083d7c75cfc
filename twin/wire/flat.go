package wire

import (
	"fmt"

	"github.com/lineshaft/lineshaft/twin"
)

// decodeOld reads the forms that write a reading as a bare value: 2.0, 1.0 and compact.
func decodeOld(payload []byte, f form, m *Message) error {
	d := decoder{scanner: scanner{b: payload}, m: m, form: f}
	// Each of these may be missing here, and what the last message had must not shine through.
	m.SchemaVersion, m.MsgID, m.DeviceID = "", "", ""
	if err := d.envelope(); err != nil {
		return refusal(err)
	}
	switch f {
	case formFlat:
		m.SchemaVersion = Schema10
	case formCompact:
		m.SchemaVersion = SchemaCompact
		d.qualify()
	case formEnvelope, formBare:
	}
	m.Untimed = d.seen&fieldTS == 0
	if m.MsgID == "" && !m.Untimed {
		m.MsgID = contentID(m.TS, payload)
	}
	return nil
}

// bare reads a reading that is only its value. It is good, as these forms have no word for anything else, and bad
// where there is none.
func (d *decoder) bare(tag string) error {
	v, what, err := d.value()
	switch {
	case err != nil:
		return err
	case what != "":
		d.wrong(tag, "%s", what)
		return nil
	}
	s := twin.Sample{V: v, Q: twin.Good}
	if v.Kind() == twin.None {
		s.Q = twin.Bad
	}
	d.m.Readings = append(d.m.Readings, Reading{tag, s})
	return nil
}

// flatField reads a field of 1.0: one of the envelope, or a tag.
func (d *decoder) flatField(key []byte) error {
	switch string(key) {
	case "schema_version", "msg_id", "device_id", "device_type", "epoch", "seq", "ts", "meta":
		return d.field(key)
	}
	return d.tag(key)
}

// compactField reads a field of the compact form: one of the envelope by its short name, or a tag.
func (d *decoder) compactField(key []byte) error {
	m := d.m
	switch string(key) {
	case "v":
		if err := d.stringField(fieldSchema, "v", &m.SchemaVersion); err != nil {
			return err
		}
		if m.SchemaVersion != Schema21 {
			return schemaErr("v: %q is not known, the compact form has %s", clip(m.SchemaVersion), Schema21)
		}
		return nil
	case "id":
		return d.deviceField("id")
	case "t":
		return d.intField(fieldTS, "t", &m.TS)
	case "mi":
		return d.idField(fieldMsgID, "mi", &m.MsgID)
	case "ep":
		return d.idField(fieldEpoch, "ep", &m.Epoch)
	case "sq":
		return d.seqField("sq")
	case "fw":
		return d.stringField(fieldFirmware, "fw", &m.Firmware)
	case "gw":
		return d.stringField(fieldGateway, "gw", &m.Gateway)
	case "q":
		return d.compactQuality()
	}
	return d.tag(key)
}

// compactQuality reads q: one quality for all tags, or an object of those that are not good.
func (d *decoder) compactQuality() error {
	if err := d.once(fieldMeta, "q"); err != nil {
		return err
	}
	d.quality = map[string]twin.Quality{}
	one := func(name, tag string) error {
		n, what, err := d.whole("the OPC quality byte, 0 to 255")
		if err != nil {
			return err
		}
		if what == "" && (n < 0 || n > 255) {
			what = fmt.Sprintf("wants the OPC quality byte, 0 to 255 (got %d)", n)
		}
		if what != "" {
			return schemaErr("%s: %s", name, what)
		}
		d.quality[tag] = twin.Quality(n)
		return nil
	}
	if d.kind() != tokenObject {
		return one("q", "")
	}
	return d.object(func(key []byte) error {
		tag := string(key)
		if _, twice := d.quality[tag]; twice {
			return schemaErr("q.%s: stands twice", clip(tag))
		}
		if tag == "" {
			return schemaErr("q: a tag without a name")
		}
		return one("q."+clip(tag), tag)
	})
}

// qualify gives the readings of a compact message their quality, which may stand behind them.
func (d *decoder) qualify() {
	if d.quality == nil {
		return
	}
	all, forAll := d.quality[""]
	kept := d.m.Readings[:0]
	for _, r := range d.m.Readings {
		if q, ok := d.quality[r.Tag]; ok {
			r.Q = q
		} else if forAll {
			r.Q = all
		}
		if r.V.Kind() == twin.None && r.Q.IsGood() {
			d.wrong(r.Tag, "null with a good quality: send the quality that says why there is no value")
			continue
		}
		kept = append(kept, r)
	}
	d.m.Readings = kept
}

// Complete fills in what schema 1.0 may leave to others: the device of the topic, and the time of receipt, ns.
func (m *Message) Complete(device string, received int64) {
	if m.DeviceID == "" {
		m.DeviceID = device
	}
	if !m.Untimed {
		return
	}
	m.TS, m.Untimed = received, false
	for i := range m.Readings {
		m.Readings[i].T = received
	}
}
