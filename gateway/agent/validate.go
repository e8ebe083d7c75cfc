package agent

import (
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/lineshaft/lineshaft/twin"
	"github.com/lineshaft/lineshaft/twin/fault"
	"github.com/lineshaft/lineshaft/twin/wire"
)

// The words of the configuration.
const (
	loop420        = "4-20ma"
	secure         = "sign_and_encrypt"
	insecure       = "none"
	trustDir       = "dir"
	trustFirstUse  = "first-use"
	trustPinPrefix = "sha256:"
)

// WithDefaults returns the configuration with every default written out.
func (c Config) WithDefaults() Config {
	c.Flush = or(c.Flush, DefaultFlush)
	c.Report = or(c.Report, DefaultReport)
	c.Outbox.SentRetention = or(c.Outbox.SentRetention, 24*time.Hour)
	c.Outbox.UnsentRetention = or(c.Outbox.UnsentRetention, 72*time.Hour)
	c.Outbox.MaxBytes = or(c.Outbox.MaxBytes, DefaultMaxBytes)
	sources := make([]Source, len(c.Sources))
	for i, s := range c.Sources {
		sources[i] = s.withDefaults(c.DataDir)
	}
	devices := make([]Device, len(c.Devices))
	for i, d := range c.Devices {
		devices[i] = d.withDefaults()
	}
	c.Sources, c.Devices = sources, devices
	return c
}

func or[T comparable](v, def T) T {
	var zero T
	if v == zero {
		return def
	}
	return v
}

func (s Source) withDefaults(dataDir string) Source {
	if s.Protocol != OPCUA {
		s.Timeout = or(s.Timeout, time.Second)
		return s
	}
	s.Timeout = or(s.Timeout, 5*time.Second)
	s.OPCUA.Security = or(s.OPCUA.Security, secure)
	s.OPCUA.Trust = or(s.OPCUA.Trust, trustDir)
	s.OPCUA.TrustDir = or(s.OPCUA.TrustDir, dataDir+"/pki/trusted")
	return s
}

func (d Device) withDefaults() Device {
	d.Interval = or(d.Interval, DefaultInterval)
	d.Unit = or(d.Unit, 1)
	tags := make([]Tag, len(d.Tags))
	for i, t := range d.Tags {
		t.Type = or(t.Type, "float64")
		t.Interval = or(t.Interval, d.Interval)
		t.MaxInterval = or(t.MaxInterval, DefaultMaxInterval)
		if t.Modbus != nil {
			m := *t.Modbus
			m.Unit = or(m.Unit, d.Unit)
			m.Table = or(m.Table, "holding")
			if m.Encoding == "" {
				m.Encoding = "uint16"
				if m.Table == "coil" || m.Table == "discrete" {
					m.Encoding = "bit"
				}
			}
			m.WordOrder = or(m.WordOrder, "ABCD")
			t.Modbus = &m
		}
		tags[i] = t
	}
	d.Tags = tags
	return d
}

// Validate reports the first thing wrong, as a fault.Invalid with field and value. Defaults are applied first.
func (c Config) Validate() error {
	c = c.WithDefaults()
	if err := c.checkSelf(); err != nil {
		return err
	}
	sources := make(map[string]Protocol)
	for i, s := range c.Sources {
		at := fmt.Sprintf("sources[%d].", i)
		if _, twice := sources[s.Name]; twice {
			return fault.Field(at+"name", s.Name, "is the name of two sources")
		}
		if err := s.check(at); err != nil {
			return err
		}
		sources[s.Name] = s.Protocol
	}
	seen := map[string]bool{c.DeviceID: true}
	for i, d := range c.Devices {
		at := fmt.Sprintf("devices[%d].", i)
		if seen[d.DeviceID] {
			return fault.Field(at+"device_id", d.DeviceID, "is the id of two devices")
		}
		seen[d.DeviceID] = true
		protocol, ok := sources[d.Source]
		if !ok {
			return fault.Field(at+"source", d.Source, "is not the name of a source")
		}
		if err := d.check(at, protocol); err != nil {
			return err
		}
	}
	return nil
}

func (c Config) checkSelf() error {
	if len(c.Tenant) > wire.MaxTenant {
		return fault.Field("tenant", c.Tenant, "has more than %d bytes", wire.MaxTenant)
	}
	err := segments("", "tenant", c.Tenant, "device_id", c.DeviceID, "site", c.Site, "area", c.Area)
	if err != nil {
		return err
	}
	u, err := url.Parse(c.Broker)
	if err != nil || u.Hostname() == "" || u.Port() == "" || (u.Scheme != "tcp" && u.Scheme != "ssl") {
		return fault.Field("broker", c.Broker, "use tcp://host:port or ssl://host:port")
	}
	if c.DataDir == "" {
		return fault.Field("data_dir", c.DataDir, "the gateway needs a directory for its outbox")
	}
	if (c.CertFile == "") != (c.KeyFile == "") {
		return fault.Field("key_file", c.KeyFile, "cert_file and key_file come together")
	}
	if c.Outbox.MaxBytes < 1<<20 {
		return fault.Field("outbox.max_bytes", c.Outbox.MaxBytes, "at least 1 MiB (1048576)")
	}
	return durations("", span{"flush", c.Flush, 10 * time.Millisecond}, span{"report", c.Report, time.Second},
		span{"outbox.sent_retention", c.Outbox.SentRetention, time.Minute},
		span{"outbox.unsent_retention", c.Outbox.UnsentRetention, time.Minute})
}

func (s Source) check(at string) error {
	if s.Name == "" {
		return fault.Field(at+"name", s.Name, "a source needs a name")
	}
	switch s.Protocol {
	case Modbus:
		if host, port, err := net.SplitHostPort(s.Endpoint); err != nil || host == "" || port == "" {
			return fault.Field(at+"endpoint", s.Endpoint, "use host:port")
		}
		if s.OPCUA != (OPCUASource{}) {
			return fault.Field(at+"opcua", s.Name, "a modbus source has no opcua settings")
		}
	case OPCUA:
		if u, err := url.Parse(s.Endpoint); err != nil || u.Scheme != "opc.tcp" || u.Hostname() == "" || u.Port() == "" {
			return fault.Field(at+"endpoint", s.Endpoint, "use opc.tcp://host:port/path")
		}
		if err := s.OPCUA.check(at + "opcua."); err != nil {
			return err
		}
	default:
		return fault.Field(at+"protocol", s.Protocol, "use modbus or opcua")
	}
	return durations(at, span{"timeout", s.Timeout, 10 * time.Millisecond})
}

func (o OPCUASource) check(at string) error {
	if o.Security != secure && o.Security != insecure {
		return fault.Field(at+"security", o.Security, "use sign_and_encrypt or none")
	}
	if o.User != "" && o.PasswordFile == "" {
		return fault.Field(at+"password_file", o.PasswordFile, "user %s needs a password file", o.User)
	}
	if o.User != "" && o.Security == insecure {
		return fault.Field(at+"security", o.Security, "would send the password of %s in clear", o.User)
	}
	pin, pinned := strings.CutPrefix(o.Trust, trustPinPrefix)
	if o.Trust != trustDir && o.Trust != trustFirstUse && (!pinned || len(pin) != 64 || strings.Trim(pin, "0123456789abcdef") != "") {
		return fault.Field(at+"trust", o.Trust, "use dir, first-use or sha256: and 64 small hexadecimal digits")
	}
	if o.Publishing != 0 {
		return durations(at, span{"publishing", o.Publishing, 10 * time.Millisecond})
	}
	return nil
}

func (d Device) check(at string, protocol Protocol) error {
	err := segments(at, "device_id", d.DeviceID, "device_type", d.DeviceType, "site", d.Site, "area", d.Area, "line", d.Line)
	if err != nil {
		return err
	}
	if len(d.Tags) == 0 {
		return fault.Field(at+"tags", "none", "device %s has no tags", d.DeviceID)
	}
	seen := make(map[string]bool)
	for i, t := range d.Tags {
		at := fmt.Sprintf("%stags[%d].", at, i)
		if seen[t.Name] {
			return fault.Field(at+"name", t.Name, "is the name of two tags")
		}
		seen[t.Name] = true
		if err := t.check(at, protocol); err != nil {
			return err
		}
	}
	return nil
}

// segments checks pairs of name and value as segments of a topic.
func segments(at string, pairs ...string) error {
	for i := 0; i < len(pairs); i += 2 {
		if name, v := pairs[i], pairs[i+1]; !twin.ValidSegment(v) || (v == "_" && name != "line") {
			return fault.Field(at+name, v, "does not match [A-Za-z0-9][A-Za-z0-9_-]*, at most 40 bytes")
		}
	}
	return nil
}

type span struct {
	name     string
	d, least time.Duration
}

func durations(at string, spans ...span) error {
	for _, s := range spans {
		if s.d < s.least {
			return fault.Field(at+s.name, s.d, "at least %v, with a unit", s.least)
		}
	}
	return nil
}
