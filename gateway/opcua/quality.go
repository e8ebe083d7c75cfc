package opcua

import (
	"github.com/gopcua/opcua/ua"

	"github.com/lineshaft/lineshaft/gateway/driver"
	"github.com/lineshaft/lineshaft/twin"
)

// qualities maps status codes to the classic quality byte (OPC 10000-8 A.3.2.3), and what a client meets on the way
// to a value to what it means for the value. Any other code has its severity's quality.
var qualities = map[ua.StatusCode]twin.Quality{
	ua.StatusGood: twin.Good, ua.StatusGoodLocalOverride: twin.GoodLocalOverride,

	ua.StatusUncertain: twin.Uncertain, ua.StatusUncertainLastUsableValue: twin.LastUsable,
	ua.StatusUncertainNoCommunicationLastUsableValue: twin.LastUsable,
	ua.StatusUncertainSensorNotAccurate:              twin.SensorNotAccurate,
	ua.StatusUncertainEngineeringUnitsExceeded:       twin.EngUnitsExceeded,
	ua.StatusUncertainSubNormal:                      twin.SubNormal,

	ua.StatusBad: twin.Bad, ua.StatusBadConfigurationError: twin.ConfigurationError, ua.StatusBadNotConnected: twin.NotConnected,
	ua.StatusBadDeviceFailure: twin.DeviceFailure, ua.StatusBadSensorFailure: twin.SensorFailure,
	ua.StatusBadNoCommunication: twin.CommFailure, ua.StatusBadCommunicationError: twin.CommFailure,
	ua.StatusBadTimeout: twin.CommFailure, ua.StatusBadConnectionClosed: twin.CommFailure,
	ua.StatusBadServerNotConnected: twin.CommFailure,
	ua.StatusBadOutOfService:       twin.OutOfService, ua.StatusBadWaitingForInitialData: twin.WaitingInitial,

	ua.StatusBadNodeIDUnknown: twin.ConfigurationError, ua.StatusBadNodeIDInvalid: twin.ConfigurationError,
	ua.StatusBadAttributeIDInvalid: twin.ConfigurationError, ua.StatusBadNotReadable: twin.ConfigurationError,
	ua.StatusBadUserAccessDenied: twin.ConfigurationError, ua.StatusBadNodeIDRejected: twin.ConfigurationError,
}

// severityMask is the two bits of a status code that say good, uncertain or bad; infoMask leaves out the bits that
// add information about the value (limits, overflow) and do not change what the code means.
const (
	severityMask = 0xC0000000
	infoMask     = 0xFFFF0000
)

func quality(c ua.StatusCode) twin.Quality {
	if q, ok := qualities[c&infoMask]; ok {
		return q
	}
	switch c & severityMask {
	case 0:
		return twin.Good
	case 0x40000000:
		return twin.Uncertain
	}
	return twin.Bad
}

// sample makes a sample of a data value: its status and its source's time, or the server's, or now.
func sample(dv *ua.DataValue, now int64) twin.Sample {
	if dv == nil {
		return twin.Sample{T: now, Q: twin.Bad}
	}
	s := twin.Sample{T: now, Q: quality(dv.Status)}
	switch {
	case !dv.SourceTimestamp.IsZero() && dv.SourceTimestamp.Unix() > 0:
		s.T = dv.SourceTimestamp.UnixNano()
	case !dv.ServerTimestamp.IsZero() && dv.ServerTimestamp.Unix() > 0:
		s.T = dv.ServerTimestamp.UnixNano()
	}
	if s.Q.IsBad() {
		return s
	}
	v, ok := scalar(dv.Value)
	if !ok {
		s.Q = twin.ConfigurationError // an array, a structure: nothing a tag can be
		return s
	}
	s.V = v
	return s
}

// scalar is a variant as a value, where it is one.
func scalar(v *ua.Variant) (twin.Value, bool) {
	if v == nil {
		return twin.Value{}, false
	}
	switch x := v.Value().(type) {
	case bool:
		return twin.BoolValue(x), true
	case int8:
		return twin.IntValue(int64(x)), true
	case int16:
		return twin.IntValue(int64(x)), true
	case int32:
		return twin.IntValue(int64(x)), true
	case int64:
		return twin.IntValue(x), true
	case uint8:
		return twin.IntValue(int64(x)), true
	case uint16:
		return twin.IntValue(int64(x)), true
	case uint32:
		return twin.IntValue(int64(x)), true
	case uint64:
		if x > 1<<63-1 {
			return twin.FloatValue(float64(x)), true
		}
		return twin.IntValue(int64(x)), true
	case float32:
		return driver.Float32(x), true
	case float64:
		return twin.FloatValue(x), true
	case string:
		return twin.StringValue(x), true
	case *ua.LocalizedText:
		return twin.StringValue(x.Text), true
	}
	return twin.Value{}, false
}
