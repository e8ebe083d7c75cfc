package agent_test

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lineshaft/lineshaft/gateway/agent"
	"github.com/lineshaft/lineshaft/twin/fault"
)

// pump is a gateway with one Modbus pump and one OPC UA tank.
func pump() agent.Config {
	return agent.Config{
		Tenant: "acme", DeviceID: "gw-det-01", Site: "detroit", Area: "utilities", Broker: "tcp://127.0.0.1:1883", DataDir: "data",
		Sources: []agent.Source{
			{Name: "plc-1", Protocol: agent.Modbus, Endpoint: "127.0.0.1:502", Timeout: 300 * time.Millisecond},
			{Name: "opc-1", Protocol: agent.OPCUA, Endpoint: "opc.tcp://127.0.0.1:4840", OPCUA: agent.OPCUASource{Trust: "first-use"}},
		},
		Devices: []agent.Device{
			{
				DeviceID: "P-007", DeviceType: "centrifugal_pump", Site: "detroit", Area: "utilities", Line: "cw", Source: "plc-1", Unit: 7,
				Tags: []agent.Tag{
					{Name: "flow", Unit: "m3/h", Range: &agent.Range{High: 200}, DeadbandPct: 0.5, Modbus: &agent.ModbusTag{Address: 40, Encoding: "float32"}},
					{Name: "running", Type: "bool", Modbus: &agent.ModbusTag{Table: "coil", Address: 0}},
				},
			},
			{
				DeviceID: "T-001", DeviceType: "tank", Site: "detroit", Area: "utilities", Line: "_", Source: "opc-1", Interval: 500 * time.Millisecond,
				Tags: []agent.Tag{{Name: "level_pct", OPCUA: &agent.OPCUATag{Node: "ns=2;s=T-001.level_pct"}}},
			},
		},
	}
}

func TestAConfigurationMadeInGoIsTheOneReadBack(t *testing.T) {
	want := pump()
	text, err := want.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	got, err := agent.ParseConfig(text)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s\n%s", diff, text)
	}
}

func TestWhatIsWrongIsNamed(t *testing.T) {
	for want, spoil := range map[string]func(*agent.Config){
		`tenant: has more than 20 bytes (got acme-europe-north-division)`:                                    func(c *agent.Config) { c.Tenant = "acme-europe-north-division" },
		`device_id: does not match [A-Za-z0-9][A-Za-z0-9_-]*, at most 40 bytes (got gw 1)`:                   func(c *agent.Config) { c.DeviceID = "gw 1" },
		`broker: use tcp://host:port or ssl://host:port (got 127.0.0.1:1883)`:                                func(c *agent.Config) { c.Broker = "127.0.0.1:1883" },
		`data_dir: the gateway needs a directory for its outbox (got )`:                                      func(c *agent.Config) { c.DataDir = "" },
		`flush: at least 10ms, with a unit (got 5ns)`:                                                        func(c *agent.Config) { c.Flush = 5 },
		`outbox.max_bytes: at least 1 MiB (1048576) (got 1000)`:                                              func(c *agent.Config) { c.Outbox.MaxBytes = 1000 },
		`sources[1].name: is the name of two sources (got plc-1)`:                                            func(c *agent.Config) { c.Sources[1].Name = "plc-1" },
		`sources[0].protocol: use modbus or opcua (got profinet)`:                                            func(c *agent.Config) { c.Sources[0].Protocol = "profinet" },
		`sources[0].endpoint: use host:port (got plc)`:                                                       func(c *agent.Config) { c.Sources[0].Endpoint = "plc" },
		`sources[1].endpoint: use opc.tcp://host:port/path (got http://plc)`:                                 func(c *agent.Config) { c.Sources[1].Endpoint = "http://plc" },
		`sources[1].opcua.trust: use dir, first-use or sha256: and 64 small hexadecimal digits (got anyone)`: func(c *agent.Config) { c.Sources[1].OPCUA.Trust = "anyone" },
		`sources[1].opcua.password_file: user plant needs a password file (got )`:                            func(c *agent.Config) { c.Sources[1].OPCUA.User = "plant" },
		`sources[1].opcua.security: would send the password of plant in clear (got none)`: func(c *agent.Config) {
			c.Sources[1].OPCUA = agent.OPCUASource{User: "plant", PasswordFile: "f", Security: "none"}
		},
		`devices[1].device_id: is the id of two devices (got P-007)`:                             func(c *agent.Config) { c.Devices[1].DeviceID = "P-007" },
		`devices[0].device_id: is the id of two devices (got gw-det-01)`:                         func(c *agent.Config) { c.Devices[0].DeviceID = "gw-det-01" },
		`devices[0].source: is not the name of a source (got plc-2)`:                             func(c *agent.Config) { c.Devices[0].Source = "plc-2" },
		`devices[0].tags[1].name: is the name of two tags (got flow)`:                            func(c *agent.Config) { c.Devices[0].Tags[1].Name = "flow" },
		`devices[0].tags[0].name: does not match [a-z][a-z0-9_]*, at most 64 bytes (got Flow)`:   func(c *agent.Config) { c.Devices[0].Tags[0].Name = "Flow" },
		`devices[0].tags[0].type: use float64, int64, bool, string or enum (got real)`:           func(c *agent.Config) { c.Devices[0].Tags[0].Type = "real" },
		`devices[0].tags[0].range.high: is not above range.low 300 (got 200)`:                    func(c *agent.Config) { c.Devices[0].Tags[0].Range.Low = 300 },
		`devices[0].tags[1].deadband_pct: is a share of the range, and the tag has none (got 1)`: func(c *agent.Config) { c.Devices[0].Tags[1].DeadbandPct = 1 },
		`devices[0].tags[1].loop: a current loop needs a range (got 4-20ma)`:                     func(c *agent.Config) { c.Devices[0].Tags[1].Loop = "4-20ma" },
		`devices[0].tags[1].modbus.encoding: a coil is a bit (got uint16)`:                       func(c *agent.Config) { c.Devices[0].Tags[1].Modbus.Encoding = "uint16" },
		`devices[0].tags[0].modbus.address: the value reaches beyond address 65535 (got 65535)`:  func(c *agent.Config) { c.Devices[0].Tags[0].Modbus.Address = 65535 },
		`devices[1].tags[0].opcua.node: is not a node id such as ns=2;s=P-007.flow or ns=2;i=1001 (got level)`: func(c *agent.Config) {
			c.Devices[1].Tags[0].OPCUA = &agent.OPCUATag{Node: "ns=x;level"}
		},
	} {
		c := pump()
		spoil(&c)
		err := c.Validate()
		if err == nil || !fault.Is(err, fault.Invalid) || strings.Replace(err.Error(), "ns=x;level", "level", 1) != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
	if err := pump().Validate(); err != nil {
		t.Error(err)
	}
}

func FuzzParseConfig(f *testing.F) {
	text, err := pump().Marshal()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte("tenant: [acme"))
	f.Add([]byte("flush: 5"))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := agent.ParseConfig(text)
		if err != nil {
			if e, ok := errors.AsType[*fault.Error](err); !ok || e.Message == "" {
				t.Errorf("an error without an explanation: %v", err)
			}
			return
		}
		if err := c.Validate(); err != nil {
			t.Errorf("parsed and yet invalid: %v", err)
		}
	})
}

func TestTheConfigurationInTheDocumentationIsGood(t *testing.T) {
	text, err := os.ReadFile("../../docs/how-to/connect-a-plc.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "```yaml\n")
	example, _, found := strings.Cut(rest, "```")
	if !found {
		t.Fatal("the page has no example")
	}
	if _, err := agent.ParseConfig([]byte(example)); err != nil {
		t.Error(err)
	}
}
