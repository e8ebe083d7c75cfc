package fleet

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/lineshaft/lineshaft/gateway/agent"
	"github.com/lineshaft/lineshaft/simulator/plc"
	"github.com/lineshaft/lineshaft/twin"
	"github.com/lineshaft/lineshaft/twin/fault"
)

// GatewayOptions is what a gateway's configuration needs that the plant does not say.
type GatewayOptions struct {
	Broker            string // tcp://host:port
	PasswordFile      string // of the gateway's broker password
	OPCUAPasswordFile string // of the controllers' OPC UA password
	DataDir           string // of the gateway
	DeadbandPct       float64
	Outbox            agent.Outbox
}

// Gateways is the ids of the plant's gateways, in order.
func (f *Fleet) Gateways() []string {
	var out []string
	for _, d := range f.plant.Devices {
		if d.Kind == twin.Gateway {
			out = append(out, d.ID)
		}
	}
	return out
}

const (
	// flush is how long a reading may wait for others of its device.
	flush = 500 * time.Millisecond
	// samplesPerInterval is how often an OPC UA server samples a tag in the interval a reading is expected in: a value
	// waits for its sampling, for its publishing and for the flush, and is still to arrive fresh.
	samplesPerInterval = 4
)

// GatewayConfig renders the configuration of one of the plant's gateways for the controllers as they answer now:
// every tag of every device behind them, with address and encoding. OPC UA servers are trusted by the fingerprint
// of their certificate.
func (f *Fleet) GatewayConfig(id string, o GatewayOptions) (agent.Config, error) {
	at := slices.IndexFunc(f.plant.Devices, func(d twin.Device) bool { return d.ID == id && d.Kind == twin.Gateway })
	if at < 0 {
		return agent.Config{}, fault.New(fault.NotFound, "the plant has no gateway %s", id)
	}
	gw := f.plant.Devices[at]
	cfg := agent.Config{
		Tenant: f.plant.Tenant, DeviceID: id, Site: gw.Site, Area: gw.Area, Broker: o.Broker, PasswordFile: o.PasswordFile,
		DataDir: o.DataDir, Flush: flush, Report: gw.Interval, Outbox: o.Outbox,
	}
	for i, p := range f.plant.PLCs {
		if p.Gateway != id {
			continue
		}
		src, err := f.source(f.plcs[i], agent.Protocol(p.Protocol), o)
		if err != nil {
			return agent.Config{}, err
		}
		cfg.Sources = append(cfg.Sources, src)
		cfg.Devices = append(cfg.Devices, f.hosted(f.plcs[i], p.WordOrder, o)...)
	}
	return cfg, nil
}

func (f *Fleet) source(s *plc.Server, protocol agent.Protocol, o GatewayOptions) (agent.Source, error) {
	src := agent.Source{Name: s.Name(), Protocol: protocol, Endpoint: s.Endpoint()}
	if protocol != agent.OPCUA {
		return src, nil
	}
	sum, err := fingerprint(s.Certificate())
	if err != nil {
		return src, err
	}
	src.OPCUA = agent.OPCUASource{User: f.cfg.Login.User, PasswordFile: o.OPCUAPasswordFile, Trust: "sha256:" + sum}
	return src, nil
}

func fingerprint(path string) (string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("read certificate: %w", err)
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return "", fmt.Errorf("read certificate %s: no PEM block", path)
	}
	sum := sha256.Sum256(block.Bytes)
	return hex.EncodeToString(sum[:]), nil
}

// hosted gives the devices behind a controller, their tags in the order of its layout.
func (f *Fleet) hosted(s *plc.Server, wordOrder string, o GatewayOptions) []agent.Device {
	var out []agent.Device
	for _, p := range s.Places() {
		if len(out) == 0 || out[len(out)-1].DeviceID != p.Device {
			out = append(out, f.gatewayDevice(p, s.Name()))
		}
		d := &out[len(out)-1]
		d.Tags = append(d.Tags, gatewayTag(p, wordOrder, d.Interval, o.DeadbandPct))
	}
	return out
}

func (f *Fleet) gatewayDevice(p plc.Place, source string) agent.Device {
	at := slices.IndexFunc(f.plant.Devices, func(d twin.Device) bool { return d.ID == p.Device })
	d := f.plant.Devices[at]
	return agent.Device{
		DeviceID: d.ID, DeviceType: d.Type, Site: d.Site, Area: d.Area, Line: d.Line, Source: source, Unit: p.Unit, Interval: d.Interval,
	}
}

func gatewayTag(p plc.Place, wordOrder string, interval time.Duration, deadband float64) agent.Tag {
	t := agent.Tag{Name: p.Name, Type: p.Tag.Type, Unit: p.Tag.Unit}
	if low, high := p.Tag.Range.Low, p.Tag.Range.High; low != nil && high != nil {
		t.Range = &agent.Range{Low: *low, High: *high}
	}
	if p.Tag.Interval > 0 && p.Tag.Interval != interval {
		t.Interval = p.Tag.Interval
	}
	if p.Tag.Kind() == twin.Float && deadband > 0 && t.Range != nil {
		t.DeadbandPct, t.MaxInterval = deadband, 2*max(interval, t.Interval)
	}
	if p.Node != "" {
		t.OPCUA = &agent.OPCUATag{Node: p.Node}
		t.Interval = max(interval, t.Interval) / samplesPerInterval
		if p.Tag.Interval > 0 {
			t.Interval = p.Tag.Interval / samplesPerInterval
		}
		return t
	}
	t.Modbus = &agent.ModbusTag{Table: string(p.Table), Address: p.Address, Encoding: string(p.Encoding), Bit: p.Bit}
	if p.Table == plc.Coil {
		t.Modbus.Encoding = ""
	}
	if p.Scale != 1 {
		t.Scale = p.Scale
	}
	if wordOrder == "little" && (p.Encoding == plc.Float32 || p.Encoding == plc.Int32) {
		t.Modbus.WordOrder = "CDAB"
	}
	return t
}

// WriteGatewayConfigs writes the configuration of every gateway to dir, {gateway}.yaml each, and returns the
// paths. The data directories are dir/{gateway} where the options name none.
func (f *Fleet) WriteGatewayConfigs(dir string, o GatewayOptions) ([]string, error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, fmt.Errorf("make directory: %w", err)
	}
	base := o.DataDir
	if base == "" {
		base = dir
	}
	var out []string
	for _, id := range f.Gateways() {
		o.DataDir = filepath.Join(base, id)
		cfg, err := f.GatewayConfig(id, o)
		if err != nil {
			return out, err
		}
		text, err := cfg.Marshal()
		if err != nil {
			return out, fmt.Errorf("write configuration of %s: %w", id, err)
		}
		path := filepath.Join(dir, id+".yaml")
		if err := os.WriteFile(path, text, 0o600); err != nil {
			return out, fmt.Errorf("write configuration of %s: %w", id, err)
		}
		out = append(out, path)
	}
	return out, nil
}
