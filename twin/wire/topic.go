package wire

import (
	"fmt"
	"strings"

	"github.com/lineshaft/lineshaft/twin"
)

// Channel is the seventh and following segments of a topic: what a message is about.
type Channel string

// The channels of domain contract §2. Waveform, Commands and Acks are prefixes.
const (
	Telemetry         Channel = "telemetry"
	Status            Channel = "status"
	Events            Channel = "events"
	Waveform          Channel = "waveform"
	Commands          Channel = "commands"
	ConfigDesired     Channel = "config/desired"
	ConfigReported    Channel = "config/reported"
	OTANotification   Channel = "ota/notification"
	OTAStatus         Channel = "ota/status"
	DiagnosticsAsk    Channel = "diagnostics/request"
	DiagnosticsAnswer Channel = "diagnostics/response"
	ResendRequest     Channel = "resend/request"
	ResendResult      Channel = "resend/result"
)

// Direction is who speaks on a channel.
type Direction uint8

// The directions. Unknown is a channel the contract does not have.
const (
	Unknown Direction = iota
	Up                // device to backend
	Down              // backend to device
)

// Topic is a parsed topic: {tenant}/{site}/{area}/{line}/{class}/{device}/{channel}.
// A gateway's own topics have class "gateway" and line "_".
type Topic struct {
	Tenant, Site, Area, Line, Class, Device string
	Channel                                 Channel
}

// GatewayClass is the class segment of a gateway's own topics.
const GatewayClass = "gateway"

// MaxTenant is the longest tenant name in bytes; a device id may have twin.ValidSegment's 40.
const MaxTenant = 20

// ParseTopic reads a topic, naming the segment that is wrong.
func ParseTopic(s string) (Topic, error) {
	segs := strings.SplitN(s, "/", 7)
	if len(segs) < 7 {
		return Topic{}, fmt.Errorf("topic %q: has %d segments, wants tenant/site/area/line/class/device/channel", clip(s), len(segs))
	}
	names := [...]string{"tenant", "site", "area", "line", "class", "device"}
	for i, n := range names {
		if !twin.ValidSegment(segs[i]) {
			return Topic{}, fmt.Errorf("topic %q: %s %q does not match _|[A-Za-z0-9][A-Za-z0-9_-]*", clip(s), n, clip(segs[i]))
		}
	}
	if len(segs[0]) > MaxTenant {
		return Topic{}, fmt.Errorf("topic %q: tenant is longer than %d bytes", clip(s), MaxTenant)
	}
	t := Topic{segs[0], segs[1], segs[2], segs[3], segs[4], segs[5], Channel(segs[6])}
	if t.Channel.Direction() == Unknown {
		return Topic{}, fmt.Errorf("topic %q: channel %q is not one of the contract", clip(s), clip(segs[6]))
	}
	return t, nil
}

// String is the topic as published.
func (t Topic) String() string { return t.Base() + "/" + string(t.Channel) }

// Base is the topic without its channel.
func (t Topic) Base() string {
	return t.Tenant + "/" + t.Site + "/" + t.Area + "/" + t.Line + "/" + t.Class + "/" + t.Device
}

// On is the same device's topic for another channel.
func (t Topic) On(c Channel) Topic {
	t.Channel = c
	return t
}

// DeviceTopic is the base of a registered device's topics; the channel is empty.
func DeviceTopic(tenant string, d twin.Device) Topic {
	return Topic{Tenant: tenant, Site: d.Site, Area: d.Area, Line: d.Line, Class: d.Type, Device: d.ID}
}

// Direction says who may publish on the channel.
func (c Channel) Direction() Direction {
	switch c {
	case Telemetry, Status, Events, ConfigReported, OTAStatus, DiagnosticsAnswer, ResendResult:
		return Up
	case ConfigDesired, OTANotification, DiagnosticsAsk, ResendRequest:
		return Down
	case Waveform, Commands:
		return Unknown
	}
	segs := strings.Split(string(c), "/")
	switch {
	case len(segs) == 2 && segs[0] == "commands" && ValidID(segs[1]):
		return Down
	case len(segs) == 3 && segs[0] == "commands" && ValidID(segs[1]) && segs[2] == "ack":
		return Up
	case len(segs) == 4 && segs[0] == "waveform" && twin.ValidSegment(segs[1]) && segs[2] == "chunk" && isNumber(segs[3]):
		return Up
	case len(segs) == 3 && segs[0] == "waveform" && twin.ValidSegment(segs[1]) && segs[2] == "complete":
		return Up
	}
	return Unknown
}

// Bulk says whether the channel carries telemetry or waveforms; everything else up is a fact.
func (c Channel) Bulk() bool {
	return c == Telemetry || strings.HasPrefix(string(c), string(Waveform)+"/")
}

func isNumber(s string) bool {
	for _, c := range s {
		if c < '0' || c > '9' {
			return false
		}
	}
	return s != "" && len(s) <= 6
}

func clip(s string) string {
	if len(s) > 120 {
		return strings.ToValidUTF8(s[:120], "\uFFFD") + "…"
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}
