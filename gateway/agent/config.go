// Package agent is a whole gateway as one value: its configuration, and Run, which wires the stages in the order
// data flows.
package agent

import (
	"time"
)

// Config is everything a gateway is told. The file is YAML with the same keys, read strictly by ReadConfig; a
// program may also build one in Go and write it with Marshal. Zero values take the defaults named here.
type Config struct {
	Tenant   string `yaml:"tenant"`    // first segment of every topic
	DeviceID string `yaml:"device_id"` // the gateway's own id, e.g. gw-det-01
	Site     string `yaml:"site"`      // topic segments two and three of the gateway's own topics
	Area     string `yaml:"area"`      //

	Broker       string `yaml:"broker"`                  // tcp://host:port or ssl://host:port
	PasswordFile string `yaml:"password_file,omitempty"` // file holding the broker password; no default
	CAFile       string `yaml:"ca_file,omitempty"`       // certificates to trust for ssl://; empty is the system's
	CertFile     string `yaml:"cert_file,omitempty"`     // client certificate for ssl://
	KeyFile      string `yaml:"key_file,omitempty"`      // and its key

	DataDir string        `yaml:"data_dir"`         // outbox and OPC UA certificates
	Flush   time.Duration `yaml:"flush,omitempty"`  // readings of a device are sent together this often; default 1s
	Report  time.Duration `yaml:"report,omitempty"` // the gateway's own telemetry; default 10s
	Outbox  Outbox        `yaml:"outbox,omitempty"` //
	Sources []Source      `yaml:"sources"`          // the PLCs
	Devices []Device      `yaml:"devices"`          // the devices the gateway speaks for
}

// Outbox bounds what is kept on disk.
type Outbox struct {
	SentRetention   time.Duration `yaml:"sent_retention,omitempty"`   // for resending; default 24h
	UnsentRetention time.Duration `yaml:"unsent_retention,omitempty"` // default 72h
	MaxBytes        int64         `yaml:"max_bytes,omitempty"`        // default 2 GiB
}

// Protocol is how a source is spoken to.
type Protocol string

// The protocols.
const (
	Modbus Protocol = "modbus"
	OPCUA  Protocol = "opcua"
)

// Source is one PLC.
type Source struct {
	Name     string        `yaml:"name"`
	Protocol Protocol      `yaml:"protocol"`          // modbus or opcua
	Endpoint string        `yaml:"endpoint"`          // host:port for modbus, opc.tcp://host:port/path for opcua
	Timeout  time.Duration `yaml:"timeout,omitempty"` // of one request; default 1s for modbus, 5s for opcua
	OPCUA    OPCUASource   `yaml:"opcua,omitempty"`   // opcua only
}

// OPCUASource is how an OPC UA server is trusted and how the gateway shows who it is.
type OPCUASource struct {
	Security     string        `yaml:"security,omitempty"`      // sign_and_encrypt (default, Basic256Sha256) or none
	User         string        `yaml:"user,omitempty"`          // empty is anonymous
	PasswordFile string        `yaml:"password_file,omitempty"` // needed with user
	Trust        string        `yaml:"trust,omitempty"`         // "dir" (default), "sha256:<hex>" of the server's certificate, or "first-use"
	TrustDir     string        `yaml:"trust_dir,omitempty"`     // trusted server certificates (.pem, .der); default {data_dir}/pki/trusted
	Publishing   time.Duration `yaml:"publishing,omitempty"`    // publishing interval; default the shortest interval of its tags
}

// Device is a hosted device: its readings go out under its own id and topic.
type Device struct {
	DeviceID   string        `yaml:"device_id"`
	DeviceType string        `yaml:"device_type"` // class segment of its topic
	Site       string        `yaml:"site"`        // topic segments two to four
	Area       string        `yaml:"area"`        //
	Line       string        `yaml:"line"`        //
	Source     string        `yaml:"source"`      // name of the source its tags are read from
	Unit       uint8         `yaml:"unit,omitempty"`
	Interval   time.Duration `yaml:"interval,omitempty"` // of tags that name none; default 1s
	Tags       []Tag         `yaml:"tags"`
}

// Tag is one signal of a hosted device and where it is read.
type Tag struct {
	Name        string        `yaml:"name"`                   // [a-z][a-z0-9_]*
	Type        string        `yaml:"type,omitempty"`         // float64 (default), int64, bool, string, enum
	Unit        string        `yaml:"unit,omitempty"`         // UCUM code
	Range       *Range        `yaml:"range,omitempty"`        // outside of it a value has quality 84
	Interval    time.Duration `yaml:"interval,omitempty"`     // polling or sampling; default the device's
	DeadbandPct float64       `yaml:"deadband_pct,omitempty"` // in % of range; 0 sends every reading
	MaxInterval time.Duration `yaml:"max_interval,omitempty"` // sent at least this often in spite of the deadband; default 60s
	Loop        string        `yaml:"loop,omitempty"`         // "4-20ma": the source gives mA, 4 is range.low, 20 range.high
	Scale       float64       `yaml:"scale,omitempty"`        // value = raw*scale + offset; 0 is 1
	Offset      float64       `yaml:"offset,omitempty"`       //
	Modbus      *ModbusTag    `yaml:"modbus,omitempty"`       // for tags of a modbus source
	OPCUA       *OPCUATag     `yaml:"opcua,omitempty"`        // for tags of an opcua source
}

// Range is what a sensor can say, in the tag's unit.
type Range struct {
	Low  float64 `yaml:"low"`
	High float64 `yaml:"high"`
}

// ModbusTag is a place in a Modbus unit. Addresses count from 0, as on the wire.
type ModbusTag struct {
	Unit      uint8  `yaml:"unit,omitempty"`       // default the device's unit
	Table     string `yaml:"table,omitempty"`      // holding (default), input, coil, discrete
	Address   uint16 `yaml:"address"`              //
	Encoding  string `yaml:"encoding,omitempty"`   // uint16 (default), int16, uint32, int32, float32, int64, float64, bit
	WordOrder string `yaml:"word_order,omitempty"` // ABCD (default), CDAB, BADC, DCBA
	Bit       uint8  `yaml:"bit,omitempty"`        // for encoding bit in a register: 0 is the lowest
}

// OPCUATag is a variable of an OPC UA server.
type OPCUATag struct {
	Node string `yaml:"node"` // ns=2;s=P-007.flow
}

// Defaults of Config.
const (
	DefaultFlush       = time.Second
	DefaultReport      = 10 * time.Second
	DefaultInterval    = time.Second
	DefaultMaxInterval = 60 * time.Second
	DefaultMaxBytes    = 2 << 30
)
