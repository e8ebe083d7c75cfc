package agent

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/parser"

	"github.com/lineshaft/lineshaft/twin/fault"
)

// ReadConfig reads a configuration file, lets overrides have their say, and checks the whole. An error names line,
// field and value.
func ReadConfig(path string, overrides ...Override) (Config, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return Config{}, fmt.Errorf("read configuration: %w", err)
	}
	c, err := ParseConfig(text, overrides...)
	if err != nil {
		return Config{}, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}

// ParseConfig is ReadConfig of a text.
func ParseConfig(text []byte, overrides ...Override) (Config, error) {
	var c Config
	if err := yaml.UnmarshalWithOptions(text, &c, yaml.Strict()); err != nil {
		return Config{}, fault.New(fault.Invalid, "%s", strings.TrimRight(yaml.FormatError(err, false, true), "\n"))
	}
	for _, o := range overrides {
		if err := o.apply(&c); err != nil {
			return Config{}, err
		}
	}
	if err := c.Validate(); err != nil {
		return Config{}, located(text, err)
	}
	return c, nil
}

// Marshal writes the configuration as a file ReadConfig takes.
func (c Config) Marshal() ([]byte, error) { return yaml.Marshal(c) }

// located puts the line of the refused field before a fault, or that of the nearest thing around it.
func located(text []byte, err error) error {
	f, ok := errors.AsType[*fault.Error](err)
	if !ok {
		return err
	}
	file, perr := parser.ParseBytes(text, 0)
	if perr != nil {
		return err
	}
	for field := f.Field; field != ""; field = around(field) {
		path, perr := yaml.PathString("$." + field)
		if perr != nil {
			return err
		}
		if node, perr := path.FilterFile(file); perr == nil && node != nil {
			return fmt.Errorf("line %d: %w", node.GetToken().Position.Line, err)
		}
	}
	return err
}

// around is the field that holds a field: devices[3].tags[2] of devices[3].tags[2].modbus.
func around(field string) string {
	return field[:max(strings.LastIndexByte(field, '.'), 0)]
}

// Override sets one of the settings that stand alone from outside the file: a flag or an environment variable, both
// named after the key.
type Override struct{ Key, Value string }

// OverrideKeys are the keys that may be overridden, with what each is for.
func OverrideKeys() [][2]string {
	return [][2]string{
		{"tenant", "first segment of every topic"},
		{"device_id", "the gateway's own id"},
		{"site", "site of the gateway"},
		{"area", "area of the gateway"},
		{"broker", "tcp://host:port or ssl://host:port"},
		{"password_file", "file holding the broker password"},
		{"data_dir", "directory of outbox and certificates"},
	}
}

// Environment makes overrides of the LINESHAFT_ variables that are set: LINESHAFT_DATA_DIR for data_dir.
func Environment(lookup func(string) (string, bool)) []Override {
	var out []Override
	for _, k := range OverrideKeys() {
		if v, ok := lookup("LINESHAFT_" + strings.ToUpper(k[0])); ok {
			out = append(out, Override{k[0], v})
		}
	}
	return out
}

func (o Override) apply(c *Config) error {
	fields := map[string]*string{
		"tenant": &c.Tenant, "device_id": &c.DeviceID, "site": &c.Site, "area": &c.Area, "broker": &c.Broker,
		"password_file": &c.PasswordFile, "data_dir": &c.DataDir,
	}
	f, ok := fields[o.Key]
	if !ok {
		return fault.Field(o.Key, o.Value, "cannot be set from outside the file")
	}
	*f = o.Value
	return nil
}
