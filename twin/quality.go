package twin

// Quality is the classic OPC quality byte (OPC DA 3.0 clause 6.8; mapped to OPC UA in OPC 10000-8 A.3.2.3).
// The top two bits decide: 00 bad, 01 uncertain, 11 good. 10 is reserved by the standard, and bad here.
type Quality uint8

// The substatuses Lineshaft produces and explains. Any other byte is kept as it came.
const (
	Bad                 Quality = 0
	ConfigurationError  Quality = 4
	NotConnected        Quality = 8
	DeviceFailure       Quality = 12
	SensorFailure       Quality = 16
	LastKnown           Quality = 20
	CommFailure         Quality = 24
	OutOfService        Quality = 28
	WaitingInitial      Quality = 32
	Uncertain           Quality = 64
	LastUsable          Quality = 68
	SensorNotAccurate   Quality = 80
	EngUnitsExceeded    Quality = 84
	SubNormal           Quality = 88
	Good                Quality = 192
	GoodLocalOverride   Quality = 216
	qualityStatusFilter Quality = 0xC0
)

var qualityWords = map[Quality]string{
	Bad: "bad", ConfigurationError: "configuration error", NotConnected: "not connected",
	DeviceFailure: "device failure", SensorFailure: "sensor failure", LastKnown: "last known value",
	CommFailure: "communication failure", OutOfService: "out of service", WaitingInitial: "waiting for initial data",
	Uncertain: "uncertain", LastUsable: "last usable value", SensorNotAccurate: "sensor not accurate",
	EngUnitsExceeded: "engineering units exceeded", SubNormal: "sub-normal",
	Good: "good", GoodLocalOverride: "good, local override",
}

// IsGood says whether the value may enter an aggregate.
func (q Quality) IsGood() bool { return q&qualityStatusFilter == Good }

// IsUncertain says whether the value is usable with doubt.
func (q Quality) IsUncertain() bool { return q&qualityStatusFilter == Uncertain }

// IsBad says whether the value must not be used.
func (q Quality) IsBad() bool { return !q.IsGood() && !q.IsUncertain() }

// String is the standard's word for the quality; a substatus without a word gets its status's.
func (q Quality) String() string {
	if w, ok := qualityWords[q]; ok {
		return w
	}
	switch {
	case q.IsGood():
		return "good"
	case q.IsUncertain():
		return "uncertain"
	default:
		return "bad"
	}
}
