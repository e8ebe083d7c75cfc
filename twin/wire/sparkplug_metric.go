package wire

import (
	"fmt"
	"math"

	"github.com/lineshaft/lineshaft/twin"
	"github.com/lineshaft/lineshaft/twin/wire/sparkplugpb"
)

// The data types of Sparkplug that are kept; the others are tables, files and templates.
const (
	sparkInt8 uint32 = iota + 1
	sparkInt16
	sparkInt32
	sparkInt64
	sparkUInt8
	sparkUInt16
	sparkUInt32
	sparkUInt64
	sparkFloat
	sparkDouble
	sparkBoolean
	sparkString
	sparkDateTime
	sparkText
	sparkUUID
)

// sparkplugStale is the quality word of Sparkplug for a value that is no longer heard of.
const sparkplugStale = 500

// sparkplugValue is a metric's value by its data type, or what is wrong with it.
func sparkplugValue(m *sparkplugpb.Metric, datatype uint32) (twin.Value, string) {
	bits := m.GetLongValue()
	if v, ok := m.GetValue().(*sparkplugpb.Metric_IntValue); ok {
		bits = uint64(v.IntValue)
	}
	switch datatype {
	case sparkInt8:
		return twin.IntValue(int64(int8(bits))), ""
	case sparkInt16:
		return twin.IntValue(int64(int16(bits))), ""
	case sparkInt32:
		return twin.IntValue(int64(int32(bits))), ""
	case sparkInt64:
		return twin.IntValue(int64(bits)), ""
	case sparkUInt8, sparkUInt16, sparkUInt32, sparkUInt64, sparkDateTime:
		if bits > math.MaxInt64 {
			return twin.Value{}, fmt.Sprintf("%d does not fit an int64", bits)
		}
		return twin.IntValue(int64(bits)), ""
	case sparkFloat:
		return finite(float64(m.GetFloatValue()))
	case sparkDouble:
		return finite(m.GetDoubleValue())
	case sparkBoolean:
		return twin.BoolValue(m.GetBooleanValue()), ""
	case sparkString, sparkText, sparkUUID:
		return twin.StringValue(m.GetStringValue()), ""
	}
	return twin.Value{}, fmt.Sprintf("datatype %d is not one that is kept", datatype)
}

func finite(f float64) (twin.Value, string) {
	v := twin.FloatValue(f)
	if !v.IsFinite() {
		return twin.Value{}, "is not finite: send is_null"
	}
	return v, ""
}

// matches says whether the metric carries its value in the field of its data type.
func matches(m *sparkplugpb.Metric, datatype uint32) bool {
	switch m.GetValue().(type) {
	case *sparkplugpb.Metric_IntValue, *sparkplugpb.Metric_LongValue:
		return datatype >= sparkInt8 && datatype <= sparkUInt64 || datatype == sparkDateTime
	case *sparkplugpb.Metric_FloatValue:
		return datatype == sparkFloat
	case *sparkplugpb.Metric_DoubleValue:
		return datatype == sparkDouble
	case *sparkplugpb.Metric_BooleanValue:
		return datatype == sparkBoolean
	case *sparkplugpb.Metric_StringValue:
		return datatype == sparkString || datatype == sparkText || datatype == sparkUUID
	}
	return false
}

// sparkplugQuality is the metric's property Quality as the OPC byte; good where it has none.
func sparkplugQuality(m *sparkplugpb.Metric) (twin.Quality, string) {
	for i, key := range m.GetProperties().GetKeys() {
		values := m.GetProperties().GetValues()
		if key != "Quality" || i >= len(values) || values[i].GetIsNull() {
			continue
		}
		q := values[i].GetLongValue()
		if v, ok := values[i].GetValue().(*sparkplugpb.PropertyValue_IntValue); ok {
			q = uint64(v.IntValue)
		}
		switch {
		case q == sparkplugStale:
			return twin.LastKnown, ""
		case q > 255:
			return twin.Bad, fmt.Sprintf("Quality: wants 0 to 255, or %d (got %d)", sparkplugStale, q)
		}
		return twin.Quality(q), ""
	}
	return twin.Good, ""
}

// sparkplugSample is a metric as a sample at its own time or, if it has none, at ts (ns).
func sparkplugSample(m *sparkplugpb.Metric, datatype uint32, ts int64) (s twin.Sample, what string) {
	s.T = ts
	if m.Timestamp != nil {
		if m.GetTimestamp() > math.MaxInt64/1_000_000 {
			return s, fmt.Sprintf("timestamp: %d ms is no time a plant has", m.GetTimestamp())
		}
		s.T = int64(m.GetTimestamp()) * 1e6
	}
	if s.Q, what = sparkplugQuality(m); what != "" {
		return s, what
	}
	if m.GetIsNull() || m.GetValue() == nil && datatype <= sparkUUID {
		if s.Q.IsGood() {
			s.Q = twin.Bad
		}
		return s, ""
	}
	if datatype >= sparkInt8 && datatype <= sparkUUID && !matches(m, datatype) {
		return s, fmt.Sprintf("its value is not of datatype %d", datatype)
	}
	s.V, what = sparkplugValue(m, datatype)
	return s, what
}
