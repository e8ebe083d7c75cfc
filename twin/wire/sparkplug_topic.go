package wire

import (
	"fmt"
	"strings"

	"github.com/lineshaft/lineshaft/twin"
)

// sparkplugPrefix begins every topic of Sparkplug B; nothing else is read as Sparkplug.
const sparkplugPrefix = "spBv1.0/"

// SparkplugType is what a Sparkplug message is about.
type SparkplugType string

// The types that an edge node publishes, and those it hears.
const (
	NBirth SparkplugType = "NBIRTH"
	NDeath SparkplugType = "NDEATH"
	NData  SparkplugType = "NDATA"
	DBirth SparkplugType = "DBIRTH"
	DDeath SparkplugType = "DDEATH"
	DData  SparkplugType = "DDATA"
	NCmd   SparkplugType = "NCMD"
	DCmd   SparkplugType = "DCMD"
)

// SparkplugTopic is spBv1.0/{group}/{type}/{edge}[/{device}]: the group is the tenant, the edge node a gateway, the
// device one it hosts.
type SparkplugTopic struct {
	Group        string
	Type         SparkplugType
	Edge, Device string
}

// IsSparkplug says whether the topic is below spBv1.0/.
func IsSparkplug(topic string) bool { return strings.HasPrefix(topic, sparkplugPrefix) }

// ParseSparkplug reads a topic below spBv1.0/, naming the segment that is wrong.
func ParseSparkplug(s string) (SparkplugTopic, error) {
	segs := strings.Split(strings.TrimPrefix(s, sparkplugPrefix), "/")
	if !IsSparkplug(s) || len(segs) < 3 || len(segs) > 4 {
		return SparkplugTopic{}, fmt.Errorf("topic %q: wants spBv1.0/group/type/edge or spBv1.0/group/type/edge/device", clip(s))
	}
	t := SparkplugTopic{Group: segs[0], Type: SparkplugType(segs[1]), Edge: segs[2]}
	if len(segs) == 4 {
		t.Device = segs[3]
	}
	for i, name := range [...]string{"group", "", "edge node", "device"} {
		if i < len(segs) && name != "" && (!twin.ValidSegment(segs[i]) || segs[i] == "_") {
			return SparkplugTopic{}, fmt.Errorf("topic %q: %s %q does not match [A-Za-z0-9][A-Za-z0-9_-]*", clip(s), name, clip(segs[i]))
		}
	}
	ofDevice := false
	switch t.Type {
	case NBirth, NDeath, NData, NCmd:
	case DBirth, DDeath, DData, DCmd:
		ofDevice = true
	default:
		return SparkplugTopic{}, fmt.Errorf("topic %q: %q is not a type that is read", clip(s), clip(segs[1]))
	}
	if ofDevice != (t.Device != "") {
		return SparkplugTopic{}, fmt.Errorf("topic %q: %s stands with a device if it begins with D, and without one if with N", clip(s), t.Type)
	}
	return t, nil
}

// String is the topic as published.
func (t SparkplugTopic) String() string {
	s := sparkplugPrefix + t.Group + "/" + string(t.Type) + "/" + t.Edge
	if t.Device != "" {
		s += "/" + t.Device
	}
	return s
}

// Down says whether the message goes to the edge node.
func (t SparkplugTopic) Down() bool { return t.Type == NCmd || t.Type == DCmd }
