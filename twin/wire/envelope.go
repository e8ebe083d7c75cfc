package wire

import "github.com/lineshaft/lineshaft/twin"

// MaxPayload is the largest message taken in bytes; a larger one is a dead letter with its first DeadLetterHead bytes.
const (
	MaxPayload     = 1 << 20
	DeadLetterHead = 64 << 10
)

// Schema versions of the JSON envelope. 1.0 is flat, 2.0 has bare values under d, in 2.1 each value has its quality,
// and in 2.2 t, v and q may be arrays, so that one message carries several samples of a tag. The compact and the
// Protobuf form have names of their own, so that their dead letters stand apart.
const (
	Schema10      = "1.0"
	Schema20      = "2.0"
	Schema21      = "2.1"
	Schema22      = "2.2"
	SchemaCompact = "compact"

	SchemaProtobuf = "protobuf"
)

// Reading is one sample of one of a device's tags.
type Reading struct {
	Tag string
	twin.Sample
}

// Message is a decoded telemetry envelope (domain contract §3). Times are ns since 1970 UTC.
type Message struct {
	SchemaVersion string
	MsgID         string // ULID; of a form without one, made of the content; empty where that has no time
	DeviceID      string
	DeviceType    string
	Epoch         string // ULID, one life of the sender's outbox; empty if the sender has none
	Seq           uint64 // counts per (device, epoch, channel)
	HasSeq        bool
	TS            int64
	Untimed       bool  // no ts, as schema 1.0 may: TS is 0 until Complete
	SourceTS      int64 // 0 if absent
	EdgeLatencyMS int64
	Firmware      string
	Gateway       string
	Readings      []Reading      // in order of the message; samples of one tag together, in order of time
	Wrong         []WrongReading // what could not be read while the rest could
}

// Reason says why a message became a dead letter, in one word that can be grouped by.
type Reason string

// The reasons. Those above the line are decided at the broker's door, the others by intake.
const (
	ReasonTopic     Reason = "topic"     // not a topic of the contract
	ReasonDirection Reason = "direction" // a down-channel, or a device that is not the sender's
	ReasonSize      Reason = "size"      // larger than MaxPayload

	ReasonEncoding     Reason = "encoding"     // not UTF-8, or neither JSON nor Protobuf
	ReasonSchema       Reason = "schema"       // schema version unknown, or a field missing or of the wrong type
	ReasonValue        Reason = "value"        // a value that is no float64, int64, bool or string, or not finite
	ReasonIdentity     Reason = "identity"     // device_id differs from the topic's
	ReasonClock        Reason = "clock"        // more than 5 min ahead of receipt, or before 2000
	ReasonUnregistered Reason = "unregistered" // a device nobody registered
	ReasonBody         Reason = "body"         // a fact (status, ack, report) that cannot be read
)

// Refusal is why a message was not taken: a reason to group by and a sentence naming field and value.
//
//nolint:errname // a refusal is stored and shown as one; that it is an error too is a convenience
type Refusal struct {
	Reason Reason
	Detail string
}

// Error implements error.
func (r *Refusal) Error() string { return string(r.Reason) + ": " + r.Detail }
