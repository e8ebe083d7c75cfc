package wire

import "bytes"

// form is how an envelope writes its readings.
type form uint8

const (
	formEnvelope form = iota // 2.1 and 2.2: {"v":…,"q":…} under d
	formBare                 // 2.0: values under d
	formFlat                 // 1.0: values beside the fields
	formCompact              // values beside the fields, whose names are short
)

var envelopeHead = []byte(`{"schema_version":"2.`)

// formOf looks for what tells the forms apart. Most messages begin with their version; of the others, the names of
// the outer fields are read. What is no JSON is left to the decoder of the envelope, which says where it stops.
func formOf(payload []byte) form {
	if at := len(envelopeHead); len(payload) > at+1 && payload[at] != '0' && bytes.Equal(payload[:at], envelopeHead) {
		return formEnvelope
	}
	var o outer
	d := decoder{scanner: scanner{b: payload}}
	if d.kind() != tokenObject || d.object(func(key []byte) error { return o.field(&d, key) }) != nil {
		return formEnvelope
	}
	switch {
	case o.version == Schema20:
		return formBare
	case o.version == Schema10:
		return formFlat
	case o.versioned || o.data:
		return formEnvelope
	case o.short && o.id:
		return formCompact
	case o.others:
		return formFlat // the oldest senders do not name a version
	}
	return formEnvelope
}

// outer is what the outer fields of a message say of its form.
type outer struct {
	version                            string
	versioned, data, short, id, others bool
}

func (o *outer) field(d *decoder, key []byte) error {
	switch string(key) {
	case "schema_version":
		o.versioned = true
		if d.kind() == tokenString {
			s, err := d.text()
			o.version = string(s)
			return err
		}
	case "d":
		o.data = true
	case "v":
		o.short = d.kind() == tokenString
		o.others = true
	case "id":
		o.id = true
		o.others = true
	case "msg_id", "device_id", "device_type", "epoch", "seq", "ts", "meta":
	default:
		o.others = true
	}
	return d.skipReading()
}
