package wire

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/lineshaft/lineshaft/twin"
	"github.com/lineshaft/lineshaft/twin/wire/sparkplugpb"
)

// maxMetrics bounds what one edge node may declare; the longest birth of 1 MiB has about as many.
const maxMetrics = 100_000

// rebirthEvery is how long an edge node is given to answer a request for rebirth before it is asked again.
const rebirthEvery = 10 * time.Second

// SparkplugNode is what an edge node said of itself on one connection: the specification has it begin anew with every
// connection. It is used by one goroutine.
type SparkplugNode struct {
	group, edge string

	born    bool
	bdSeq   uint64
	epoch   string // of this life, from its birth
	next    uint8  // Sparkplug seq expected
	number  uint64 // of the last message, counted on where seq begins again
	asked   int64  // for a rebirth, ns
	aliases map[uint64]*sparkplugMetric
	named   map[string]map[string]*sparkplugMetric // by device ("" is the node), then by name
	known   int                                    // devices and metrics declared
}

// sparkplugMetric is a metric as its birth declared it, with its last sample.
type sparkplugMetric struct {
	device, name string
	datatype     uint32
	last         twin.Sample
}

// SparkplugOutput is what a Sparkplug message means.
type SparkplugOutput struct {
	Messages []Message         // of the node first; those of a device carry no seq
	Status   []SparkplugStatus // of the node and its devices
	Rebirth  bool              // the node is to be asked to tell of itself again
}

// SparkplugStatus is a change of state of one device.
type SparkplugStatus struct {
	Device string
	DeviceStatus
}

// NewSparkplugNode is an edge node of which nothing is known yet.
func NewSparkplugNode(group, edge string) *SparkplugNode {
	return &SparkplugNode{group: group, edge: edge}
}

// Take reads a message received (ns) on t, whose group and edge node are this one's. What could be read is in the
// output, also beside a refusal.
func (n *SparkplugNode) Take(t SparkplugTopic, payload []byte, received int64) (out SparkplugOutput, refused *Refusal) {
	var p sparkplugpb.Payload
	if len(payload) > MaxPayload {
		return out, &Refusal{ReasonSize, fmt.Sprintf("%d bytes, at most %d are taken", len(payload), MaxPayload)}
	}
	if err := (proto.UnmarshalOptions{DiscardUnknown: true, RecursionLimit: maxDepth}).Unmarshal(payload, &p); err != nil {
		return out, &Refusal{ReasonEncoding, "not a Sparkplug B payload: " + strings.ReplaceAll(err.Error(), "\u00a0", " ")}
	}
	if p.GetTimestamp() > math.MaxInt64/1_000_000 {
		return out, &Refusal{ReasonClock, fmt.Sprintf("timestamp: %d ms is no time a plant has", p.GetTimestamp())}
	}
	if t.Type == NDeath {
		n.nodeDeath(&p, received, &out)
		return out, nil
	}
	if p.Seq == nil || p.GetSeq() > 255 {
		return out, schemaErr("seq: wants 0 to 255 (got %d)", p.GetSeq())
	}
	if t.Type == NBirth {
		n.nodeBirth(&p, received)
	}
	if !n.born {
		out.Rebirth = n.ask(received)
		return out, schemaErr("NBIRTH: none came on this connection before %s", t.Type)
	}
	gap := uint8(p.GetSeq()) - n.next
	n.next = uint8(p.GetSeq()) + 1
	n.number += uint64(gap) + 1
	m := n.message(n.edge, &p, received)
	m.Epoch, m.Seq, m.HasSeq = n.epoch, n.number, true
	out.Rebirth = gap > 0 && n.ask(received)
	out.Messages = append(out.Messages, m)
	if t.Device == "" {
		n.metrics(&out, 0, t, &p, received)
		if t.Type == NBirth {
			out.Status = append(out.Status, n.status(n.edge, true, "", received))
		}
		return out, nil
	}
	return out, n.device(&out, t, &p, received)
}

// device takes a message of one of the node's devices.
func (n *SparkplugNode) device(out *SparkplugOutput, t SparkplugTopic, p *sparkplugpb.Payload, received int64) *Refusal {
	if t.Type == DBirth {
		n.forget(t.Device)
		if n.known >= maxMetrics {
			return schemaErr("DBIRTH: the node has declared %d devices and metrics, more are not taken", n.known)
		}
		n.named[t.Device] = map[string]*sparkplugMetric{}
		n.known++
		out.Status = append(out.Status, n.status(t.Device, true, "", received))
	}
	if n.named[t.Device] == nil {
		out.Rebirth = out.Rebirth || n.ask(received)
		return schemaErr("DBIRTH: none came for device %q before %s", t.Device, t.Type)
	}
	if t.Type == DDeath {
		n.deviceDeath(out, t.Device, received, "DDEATH")
		return nil
	}
	out.Messages = append(out.Messages, n.message(t.Device, p, received))
	n.metrics(out, len(out.Messages)-1, t, p, received)
	return nil
}

// ask says whether a rebirth is to be asked for now.
func (n *SparkplugNode) ask(received int64) bool {
	if n.asked != 0 && received-n.asked < int64(rebirthEvery) {
		return false
	}
	n.asked = received
	return true
}

func (n *SparkplugNode) message(device string, p *sparkplugpb.Payload, received int64) Message {
	m := Message{DeviceID: device, TS: received}
	if p.Timestamp != nil {
		m.TS = int64(p.GetTimestamp()) * 1e6
	}
	if device != n.edge {
		m.Gateway = n.edge
	}
	m.MsgID = DerivedID(time.Unix(0, max(0, received)), n.epoch, device, strconv.FormatUint(n.number, 10))
	return m
}

func (n *SparkplugNode) status(device string, online bool, reason string, received int64) SparkplugStatus {
	return SparkplugStatus{device, DeviceStatus{Online: online, Session: n.epoch, TS: received / 1e6, Reason: reason}}
}

// nodeBirth begins a life of the node: what it said before counts no more.
func (n *SparkplugNode) nodeBirth(p *sparkplugpb.Payload, received int64) {
	n.born, n.asked, n.number = true, 0, 0
	n.next = uint8(p.GetSeq())
	n.bdSeq = bdSeqOf(p)
	n.epoch = DerivedID(time.Unix(0, max(0, received)), n.group, n.edge, fmt.Sprint(received, n.bdSeq))
	n.aliases = map[uint64]*sparkplugMetric{}
	n.named, n.known = map[string]map[string]*sparkplugMetric{"": {}}, 0
}

func bdSeqOf(p *sparkplugpb.Payload) uint64 {
	for _, m := range p.GetMetrics() {
		if m.GetName() == "bdSeq" {
			if v, ok := m.GetValue().(*sparkplugpb.Metric_IntValue); ok {
				return uint64(v.IntValue)
			}
			return m.GetLongValue()
		}
	}
	return 0
}

// nodeDeath ends the life that the death names; a death of another is late and says nothing.
func (n *SparkplugNode) nodeDeath(p *sparkplugpb.Payload, received int64, out *SparkplugOutput) {
	if !n.born || bdSeqOf(p) != n.bdSeq {
		return
	}
	var devices []string
	for d := range n.named {
		if d != "" {
			devices = append(devices, d)
		}
	}
	slices.Sort(devices)
	out.Status = append(out.Status, n.status(n.edge, false, string(NDeath), received))
	n.stale(out, "", received)
	for _, d := range devices {
		n.deviceDeath(out, d, received, string(NDeath))
	}
	n.born = false
}

func (n *SparkplugNode) deviceDeath(out *SparkplugOutput, device string, received int64, reason string) {
	out.Status = append(out.Status, n.status(device, false, reason, received))
	n.stale(out, device, received)
	n.forget(device)
}

// stale says of every metric of a device that its last value is only that: nothing is heard of it any more.
func (n *SparkplugNode) stale(out *SparkplugOutput, device string, received int64) {
	id := device
	if device == "" {
		id = n.edge
	}
	m := Message{DeviceID: id, TS: received, MsgID: DerivedID(time.Unix(0, max(0, received)), n.epoch, id, "stale", strconv.FormatUint(n.number, 10))}
	if device != "" {
		m.Gateway = n.edge
	}
	for name, metric := range n.named[device] {
		if ofProtocol(name) {
			continue
		}
		m.Readings = append(m.Readings, Reading{name, twin.Sample{T: received, V: metric.last.V, Q: twin.LastKnown}})
	}
	slices.SortFunc(m.Readings, func(a, b Reading) int { return strings.Compare(a.Tag, b.Tag) })
	if len(m.Readings) > 0 {
		out.Messages = append(out.Messages, m)
	}
}

// forget drops what a device declared.
func (n *SparkplugNode) forget(device string) {
	for alias, m := range n.aliases {
		if m.device == device {
			delete(n.aliases, alias)
		}
	}
	if names, ok := n.named[device]; ok {
		n.known -= len(names) + 1
		delete(n.named, device)
	}
}

// metrics reads the metrics of p into message i of the output.
func (n *SparkplugNode) metrics(out *SparkplugOutput, i int, t SparkplugTopic, p *sparkplugpb.Payload, received int64) {
	d := decoder{m: &out.Messages[i]}
	birth := t.Type == NBirth || t.Type == DBirth
	for _, m := range p.GetMetrics() {
		if ofProtocol(m.GetName()) {
			if birth {
				n.declare(t.Device, m) // so that its alias is known; it is no reading
			}
			continue
		}
		var metric *sparkplugMetric
		var what string
		if birth {
			metric, what = n.declare(t.Device, m)
		} else if metric, what = n.find(t.Device, m); metric == nil {
			out.Rebirth = out.Rebirth || n.ask(received)
		}
		if metric != nil && ofProtocol(metric.name) {
			continue
		}
		name := m.GetName()
		if metric != nil {
			name = metric.name
		}
		if what == "" {
			var s twin.Sample
			if s, what = sparkplugSample(m, metric.datatype, d.m.TS); what == "" {
				metric.last = s
				d.m.Readings = append(d.m.Readings, Reading{name, s})
				continue
			}
		}
		if name == "" {
			name = fmt.Sprintf("alias %d", m.GetAlias())
		}
		d.wrong(clip(name), "%s", what)
	}
	if d.more > 0 {
		d.m.Wrong = append(d.m.Wrong, WrongReading{Detail: fmt.Sprintf("and %d more", d.more)})
	}
}

// ofProtocol are the metrics by which Sparkplug itself is run.
func ofProtocol(name string) bool {
	return name == "bdSeq" || strings.HasPrefix(name, "Node Control/") || strings.HasPrefix(name, "Device Control/")
}

// declare notes a metric of a birth, or says why it cannot be.
func (n *SparkplugNode) declare(device string, m *sparkplugpb.Metric) (*sparkplugMetric, string) {
	metric := &sparkplugMetric{device: device, name: m.GetName(), datatype: m.GetDatatype()}
	if what := badTag([]byte(metric.name)); what != "" {
		return nil, what
	}
	names := n.named[device]
	if _, twice := names[metric.name]; twice {
		return nil, "stands twice in the birth"
	}
	if n.known >= maxMetrics {
		return nil, fmt.Sprintf("the node has declared %d devices and metrics, more are not taken", n.known)
	}
	if m.Alias != nil {
		if other := n.aliases[m.GetAlias()]; other != nil {
			return nil, fmt.Sprintf("alias %d belongs to %q already", m.GetAlias(), clip(other.name))
		}
		n.aliases[m.GetAlias()] = metric
	}
	names[metric.name] = metric
	n.known++
	return metric, ""
}

// find is the metric that its birth declared under this alias or name.
func (n *SparkplugNode) find(device string, m *sparkplugpb.Metric) (*sparkplugMetric, string) {
	if m.GetName() == "" {
		metric := n.aliases[m.GetAlias()]
		if m.Alias == nil || metric == nil || metric.device != device {
			return nil, fmt.Sprintf("alias %d stands in no birth", m.GetAlias())
		}
		return metric, ""
	}
	if metric := n.named[device][m.GetName()]; metric != nil {
		return metric, ""
	}
	return nil, "stands in no birth"
}

// SparkplugRebirth is the body of the NCMD that asks an edge node to tell of itself again, sent at an instant (ns).
func SparkplugRebirth(at int64) []byte {
	b, err := proto.Marshal(&sparkplugpb.Payload{
		Timestamp: new(uint64(max(0, at) / 1e6)),
		Metrics: []*sparkplugpb.Metric{{
			Name: new("Node Control/Rebirth"), Datatype: new(sparkBoolean), Value: &sparkplugpb.Metric_BooleanValue{BooleanValue: true},
		}},
	})
	if err != nil { // constant but for a number
		return nil
	}
	return b
}
