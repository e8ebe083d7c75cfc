package wire

import (
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/lineshaft/lineshaft/twin"
)

// WrongReading is a reading that could not be taken while its neighbours in the message were: intake makes it a
// dead letter of reason value.
type WrongReading struct {
	Tag    string
	Detail string
}

// maxWrong bounds the list of wrong readings; the last entry says how many more there were.
const maxWrong = 100

// DecodeTelemetry reads a message in any form of the contract (schema 1.0, 2.0, 2.1, 2.2, compact, Protobuf) into m,
// which is overwritten and whose slices are used again: a worker that keeps one m allocates next to nothing. What m
// holds does not point into payload. The error is a *Refusal. Readings that are wrong by themselves are listed in m.Wrong and do
// not refuse the message. A number without point or exponent is an Int if it fits. A message of schema 1.0 may lack
// its device and time: see Complete.
func DecodeTelemetry(payload []byte, m *Message) error {
	if len(payload) > 0 && payload[0] == protobufHead && len(payload) <= MaxPayload {
		return decodeProtobuf(payload, m)
	}
	if r := checkText(payload); r != nil {
		return r
	}
	if f := formOf(payload); f != formEnvelope {
		return decodeOld(payload, f, m)
	}
	var room struct { // enough for a tag with one sample: nothing is allocated for it
		v [1]twin.Value
		q [1]twin.Quality
		t [1]int64
	}
	d := decoder{scanner: scanner{b: payload}, m: m, arrays: true, cols: columns{v: room.v[:0], q: room.q[:0], t: room.t[:0]}}
	if err := d.envelope(); err != nil {
		return refusal(err)
	}
	if d.sawArray && m.SchemaVersion == Schema21 {
		// The version may stand after the readings: read them again, as 2.1 has them.
		d = decoder{scanner: scanner{b: payload}, m: m, cols: d.cols}
		if err := d.envelope(); err != nil {
			return refusal(err)
		}
	}
	return nil
}

// decoder is one pass over an envelope.
type decoder struct {
	scanner
	m        *Message
	seen     fieldSet
	cols     columns
	arrays   bool // several samples of a tag are legal
	sawArray bool
	more     int // wrong readings beyond maxWrong
	form     form
	tags     tagSet
	quality  map[string]twin.Quality // of a compact message, by tag; "" is for all
}

// fieldSet has a bit for each field of the envelope that was read.
type fieldSet uint16

const (
	fieldSchema fieldSet = 1 << iota
	fieldMsgID
	fieldDevice
	fieldType
	fieldEpoch
	fieldSeq
	fieldTS
	fieldData
	fieldMeta
	fieldFirmware
	fieldGateway
	fieldSourceTS
	fieldLatency

	optional = fieldType | fieldEpoch | fieldFirmware | fieldGateway
)

type requiredField struct {
	bit  fieldSet
	name string
}

// required is what each form cannot do without.
func (f form) required() []requiredField {
	switch f {
	case formEnvelope:
		return requiredEnvelope[:]
	case formBare:
		return []requiredField{{fieldDevice, "device_id"}, {fieldTS, "ts"}, {fieldData, "d"}}
	case formCompact:
		return []requiredField{{fieldSchema, "v"}, {fieldDevice, "id"}, {fieldTS, "t"}}
	case formFlat:
	}
	return nil
}

var requiredEnvelope = [...]requiredField{{fieldSchema, "schema_version"}, {fieldMsgID, "msg_id"}, {fieldDevice, "device_id"}, {fieldTS, "ts"}, {fieldData, "d"}}

func (d *decoder) envelope() error {
	d.m.reset()
	if k := d.kind(); k != tokenObject {
		if _, err := d.skip(); err != nil {
			return err
		}
		return schemaErr("a message is an object, this is %s", k)
	}
	field := d.field
	switch d.form {
	case formFlat:
		field = d.flatField
	case formCompact:
		field = d.compactField
	case formEnvelope, formBare:
	}
	if err := d.object(field); err != nil {
		return err
	}
	if err := d.end(); err != nil {
		return err
	}
	if d.form == formEnvelope && d.seen&fieldSchema != 0 && d.m.SchemaVersion != Schema21 && d.m.SchemaVersion != Schema22 {
		return schemaErr("schema_version: %q is not known, use %s, %s, %s or %s", clip(d.m.SchemaVersion), Schema10, Schema20, Schema21, Schema22)
	}
	for _, f := range d.form.required() {
		if d.seen&f.bit == 0 {
			return schemaErr("%s: is missing", f.name)
		}
	}
	d.forget()
	return d.finish()
}

// finish drops readings of which nobody can know which was meant, and puts the others at their times.
func (d *decoder) finish() error {
	if d.tags.twice != nil {
		d.m.Readings = without(d.m.Readings, d.tags.twice)
	}
	if err := d.widen(); err != nil {
		return err
	}
	if d.more > 0 {
		d.m.Wrong = append(d.m.Wrong, WrongReading{Detail: fmt.Sprintf("and %d more", d.more)})
	}
	return nil
}

func schemaErr(format string, args ...any) *Refusal {
	return &Refusal{ReasonSchema, fmt.Sprintf(format, args...)}
}

func (m *Message) reset() {
	m.Seq, m.HasSeq, m.TS, m.Untimed, m.SourceTS, m.EdgeLatencyMS = 0, false, 0, false, 0, 0
	m.Readings, m.Wrong = m.Readings[:0], m.Wrong[:0]
}

// forget blanks the optional texts that this message did not have: until here they were the last one's, so that
// the same text need not be made again.
func (d *decoder) forget() {
	for _, o := range [...]struct {
		bit fieldSet
		s   *string
	}{{fieldType, &d.m.DeviceType}, {fieldEpoch, &d.m.Epoch}, {fieldFirmware, &d.m.Firmware}, {fieldGateway, &d.m.Gateway}} {
		if d.seen&o.bit == 0 {
			*o.s = ""
		}
	}
}

// widen turns milliseconds into nanoseconds and puts each reading, until now an offset, at its time.
func (d *decoder) widen() error {
	const limit = int64(math.MaxInt64 / 1_000_000)
	m := d.m
	for _, ts := range [...]int64{m.TS, m.SourceTS} {
		if ts > limit || ts < -limit {
			return &Refusal{ReasonClock, fmt.Sprintf("ts: %d ms is no time a plant has", ts)}
		}
	}
	m.TS *= 1e6
	m.SourceTS *= 1e6
	late := false // some reading's time does not fit
	for i := range m.Readings {
		r := &m.Readings[i]
		at := m.TS + r.T
		if (r.T >= 0) != (at >= m.TS) {
			d.wrong(r.Tag, "t: %d ns from ts is no time a plant has", r.T)
			r.Tag, late = "", true
		}
		r.T = at
	}
	if late {
		m.Readings = slices.DeleteFunc(m.Readings, func(r Reading) bool { return r.Tag == "" })
	}
	return nil
}

func (d *decoder) field(key []byte) error {
	m := d.m
	switch string(key) {
	case "schema_version":
		return d.stringField(fieldSchema, "schema_version", &m.SchemaVersion)
	case "msg_id":
		return d.idField(fieldMsgID, "msg_id", &m.MsgID)
	case "device_id":
		return d.deviceField("device_id")
	case "device_type":
		return d.stringField(fieldType, "device_type", &m.DeviceType)
	case "epoch":
		return d.idField(fieldEpoch, "epoch", &m.Epoch)
	case "ts":
		return d.intField(fieldTS, "ts", &m.TS)
	case "seq":
		return d.seqField("seq")
	case "d":
		return d.data()
	case "meta":
		return d.meta()
	}
	return d.skipStrict() // a field of a later minor version
}

// once notes that a field was read and refuses a second one: nobody can know which of two was meant.
func (d *decoder) once(bit fieldSet, name string) error {
	if d.seen&bit != 0 {
		return schemaErr("%s: stands twice", name)
	}
	d.seen |= bit
	return nil
}

// null takes a null, which stands for an absent field where the field is optional.
func (d *decoder) null() bool {
	if d.kind() == tokenNull && d.has("null") {
		d.i += len("null")
		return true
	}
	return false
}

// stringField reads a string; what the last message had there is kept if it is the same.
func (d *decoder) stringField(bit fieldSet, name string, to *string) error {
	if err := d.once(bit, name); err != nil {
		return err
	}
	if bit&optional != 0 && d.null() {
		*to = ""
		return nil
	}
	if k := d.kind(); k != tokenString {
		return d.wrongType(name, "a string", k)
	}
	s, err := d.text()
	if err != nil {
		return err
	}
	if string(s) != *to {
		*to = string(s)
	}
	return nil
}

func (d *decoder) idField(bit fieldSet, name string, to *string) error {
	if err := d.stringField(bit, name, to); err != nil {
		return err
	}
	if !ValidID(*to) && (*to != "" || bit&optional == 0) {
		return schemaErr("%s: %q is not a ULID", name, clip(*to))
	}
	return nil
}

func (d *decoder) intField(bit fieldSet, name string, to *int64) error {
	if err := d.once(bit, name); err != nil {
		return err
	}
	if bit&(fieldSourceTS|fieldLatency) != 0 && d.null() {
		return nil
	}
	n, what, err := d.whole("whole milliseconds")
	if err == nil && what != "" {
		return schemaErr("%s: %s", name, what)
	}
	*to = n
	return err
}

func (d *decoder) deviceField(name string) error {
	m := d.m
	if err := d.stringField(fieldDevice, name, &m.DeviceID); err != nil {
		return err
	}
	return checkDevice(name, m.DeviceID)
}

func checkDevice(name, id string) error {
	if !twin.ValidSegment(id) || id == "_" {
		return schemaErr("%s: %q does not match [A-Za-z0-9][A-Za-z0-9_-]*", name, clip(id))
	}
	return nil
}

func (d *decoder) seqField(name string) error {
	if err := d.once(fieldSeq, name); err != nil {
		return err
	}
	if d.null() {
		return nil
	}
	if k := d.kind(); k != tokenInt {
		return d.wrongType(name, "a whole number from 0", k)
	}
	text, integer, err := d.number()
	if err != nil {
		return err
	}
	n, perr := strconv.ParseUint(string(text), 10, 64)
	if !integer || perr != nil {
		return schemaErr("%s: wants a whole number from 0 (got %s)", name, clip(string(text)))
	}
	d.m.Seq, d.m.HasSeq = n, true
	return nil
}

// wrongType refuses a field of the wrong type, once it is known to be JSON at all.
func (d *decoder) wrongType(name, want string, got tokenKind) error {
	if _, err := d.skip(); err != nil {
		return err
	}
	return schemaErr("%s: wants %s, this is %s", name, want, got)
}

func (d *decoder) meta() error {
	if err := d.once(fieldMeta, "meta"); err != nil {
		return err
	}
	if d.null() {
		return nil
	}
	if k := d.kind(); k != tokenObject {
		return d.wrongType("meta", "an object", k)
	}
	return d.object(func(key []byte) error {
		switch string(key) {
		case "fw_version":
			return d.stringField(fieldFirmware, "meta.fw_version", &d.m.Firmware)
		case "gw_id":
			return d.stringField(fieldGateway, "meta.gw_id", &d.m.Gateway)
		case "source_ts":
			return d.intField(fieldSourceTS, "meta.source_ts", &d.m.SourceTS)
		case "edge_latency_ms":
			return d.intField(fieldLatency, "meta.edge_latency_ms", &d.m.EdgeLatencyMS)
		}
		return d.skipStrict()
	})
}
