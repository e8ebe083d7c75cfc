package wire

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/lineshaft/lineshaft/twin"
	"github.com/lineshaft/lineshaft/twin/wire/telemetrypb"
)

// protobufHead is the first byte of a message in Protobuf: its field 1, a number. No JSON begins with it.
const protobufHead = 0x08

// protobufSchema is the only version of the Protobuf form so far.
const protobufSchema = 1

// decodeProtobuf reads the binary form. It refuses what the other forms refuse, in the same words.
func decodeProtobuf(payload []byte, m *Message) error {
	m.reset()
	m.SchemaVersion = SchemaProtobuf
	var in telemetrypb.Telemetry
	if err := (proto.UnmarshalOptions{DiscardUnknown: true, RecursionLimit: maxDepth}).Unmarshal(payload, &in); err != nil {
		// The library varies the space in its words, so that nobody compares them; a detail is to be the same each time.
		return &Refusal{ReasonEncoding, "not Protobuf: " + strings.ReplaceAll(err.Error(), "\u00a0", " ")}
	}
	if in.GetSchema() != protobufSchema {
		return schemaErr("schema: %d is not known, use %d", in.GetSchema(), protobufSchema)
	}
	m.MsgID, m.DeviceID, m.DeviceType, m.Epoch = in.GetMsgId(), in.GetDeviceId(), in.GetDeviceType(), in.GetEpoch()
	m.Firmware, m.Gateway = in.GetMeta().GetFwVersion(), in.GetMeta().GetGwId()
	m.TS, m.SourceTS, m.EdgeLatencyMS = in.GetTs(), in.GetMeta().GetSourceTs(), in.GetMeta().GetEdgeLatencyMs()
	m.Seq, m.HasSeq = in.GetSeq(), in.Seq != nil
	if err := checkIDs(m); err != nil {
		return err
	}
	d := decoder{m: m}
	for _, r := range in.GetD() {
		d.protobufReading(r)
	}
	return d.finish()
}

// checkIDs refuses a message without what it cannot do without.
func checkIDs(m *Message) error {
	for _, f := range [...]struct {
		name    string
		missing bool
	}{{"msg_id", m.MsgID == ""}, {"device_id", m.DeviceID == ""}, {"ts", m.TS == 0}} {
		if f.missing {
			return schemaErr("%s: is missing", f.name)
		}
	}
	switch {
	case !ValidID(m.MsgID):
		return schemaErr("msg_id: %q is not a ULID", clip(m.MsgID))
	case m.Epoch != "" && !ValidID(m.Epoch):
		return schemaErr("epoch: %q is not a ULID", clip(m.Epoch))
	}
	return checkDevice("device_id", m.DeviceID)
}

// protobufReading takes the samples of one tag that are right and names those that are not.
func (d *decoder) protobufReading(r *telemetrypb.Reading) {
	key := []byte(r.GetTag())
	tag, fresh := d.tagName(key), d.tags.add(key)
	switch reason := badTag(key); {
	case reason != "":
		d.wrong(tag, "%s", reason)
		return
	case !fresh:
		if d.tags.repeat(tag) {
			d.wrong(tag, "stands twice in the message")
		}
		return
	}
	from := len(d.m.Readings)
	for i, s := range r.GetSamples() {
		sample, what := protobufSample(s)
		switch {
		case what == "":
			d.m.Readings = append(d.m.Readings, Reading{tag, sample})
		case len(r.GetSamples()) > 1:
			d.wrong(tag, "sample %d: %s", i, what)
		default:
			d.wrong(tag, "%s", what)
		}
	}
	slices.SortStableFunc(d.m.Readings[from:], func(a, b Reading) int { return cmp.Compare(a.T, b.T) })
}

// protobufSample is one sample, its time still an offset, or what is wrong with it.
func protobufSample(s *telemetrypb.Sample) (out twin.Sample, what string) {
	out = twin.Sample{T: s.GetTNs(), Q: twin.Good}
	if s.Q != nil {
		if s.GetQ() > 255 {
			return out, fmt.Sprintf("q: wants the OPC quality byte, 0 to 255 (got %d)", s.GetQ())
		}
		out.Q = twin.Quality(s.GetQ())
	}
	switch v := s.GetV().(type) {
	case *telemetrypb.Sample_Number:
		out.V = twin.FloatValue(v.Number)
		if !out.V.IsFinite() {
			return out, "v: is not finite: send no value and the quality that says why"
		}
	case *telemetrypb.Sample_Integer:
		out.V = twin.IntValue(v.Integer)
	case *telemetrypb.Sample_Flag:
		out.V = twin.BoolValue(v.Flag)
	case *telemetrypb.Sample_Text:
		out.V = twin.StringValue(v.Text)
	default:
		if out.Q.IsGood() {
			return out, "v: none, with a good quality: send the quality that says why there is no value"
		}
	}
	return out, ""
}
