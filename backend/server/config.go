package server

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"sort"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/lineshaft/lineshaft/twin"
	"github.com/lineshaft/lineshaft/twin/fault"
	"github.com/lineshaft/lineshaft/twin/wire"
)

// Config is all an operator sets. Every key is also a flag (--http-listen) and an environment variable
// (LINESHAFT_HTTP_LISTEN); a flag beats the environment, which beats the file.
type Config struct {
	HTTPListen string   `yaml:"http_listen"` // host:port of console and API; port 0 is any free port
	MQTTListen string   `yaml:"mqtt_listen"` // host:port of the broker
	Data       string   `yaml:"data"`        // directory of everything stored
	Tenants    []string `yaml:"tenants"`     // tenants to create at start; each gets an administrator
	Plants     []string `yaml:"plants"`      // plant files to import at start; unchanged ones change nothing

	History         string `yaml:"history"`           // embedded or influx: where history is kept
	InfluxURL       string `yaml:"influx_url"`        // http://host:8086
	InfluxOrg       string `yaml:"influx_org"`        // empty on InfluxDB 1.8
	InfluxBucket    string `yaml:"influx_bucket"`     // database/policy on InfluxDB 1.8
	InfluxTokenFile string `yaml:"influx_token_file"` // file with a token, or user:password; nobody signs in if empty

	LogLevel  string `yaml:"log_level"`  // debug, info, warn or error
	LogFormat string `yaml:"log_format"` // text or json
}

// Defaults is the configuration of a backend nobody configured: on loopback, in ./data.
func Defaults() Config {
	return Config{HTTPListen: "127.0.0.1:8080", MQTTListen: "127.0.0.1:1883", Data: "data", History: historyEmbedded, LogLevel: "info", LogFormat: "text"}
}

// Key is one setting by name, for flags and environment.
type Key struct {
	Name string // as in the file
	Help string
	set  func(*Config, string)
}

// Set changes the setting in c; a list is comma separated.
func (k Key) Set(c *Config, value string) { k.set(c, value) }

// Flag is the key's command line flag.
func (k Key) Flag() string { return strings.ReplaceAll(k.Name, "_", "-") }

// Env is the key's environment variable.
func (k Key) Env() string { return "LINESHAFT_" + strings.ToUpper(k.Name) }

// Keys are all settings.
func Keys() []Key {
	list := func(s string) []string {
		return strings.FieldsFunc(s, func(r rune) bool { return r == ',' })
	}
	return []Key{
		{"http_listen", "host:port of console and API", func(c *Config, v string) { c.HTTPListen = v }},
		{"mqtt_listen", "host:port of the MQTT broker", func(c *Config, v string) { c.MQTTListen = v }},
		{"data", "directory of everything stored", func(c *Config, v string) { c.Data = v }},
		{"tenants", "tenants to create, comma separated", func(c *Config, v string) { c.Tenants = list(v) }},
		{"plants", "plant files to import, comma separated", func(c *Config, v string) { c.Plants = list(v) }},
		{"history", "where history is kept: embedded or influx", func(c *Config, v string) { c.History = v }},
		{"influx_url", "http://host:8086 of the InfluxDB", func(c *Config, v string) { c.InfluxURL = v }},
		{"influx_org", "organization, empty on InfluxDB 1.8", func(c *Config, v string) { c.InfluxOrg = v }},
		{"influx_bucket", "bucket, database/policy on InfluxDB 1.8", func(c *Config, v string) { c.InfluxBucket = v }},
		{"influx_token_file", "file with the token, user:password on InfluxDB 1.8", func(c *Config, v string) { c.InfluxTokenFile = v }},
		{"log_level", "debug, info, warn or error", func(c *Config, v string) { c.LogLevel = v }},
		{"log_format", "text or json", func(c *Config, v string) { c.LogFormat = v }},
	}
}

// Load reads the file (none if path is empty), then the environment, then flags by key name, and validates.
func Load(path string, env func(string) string, flags map[string]string) (Config, error) {
	c := Defaults()
	if path != "" {
		text, err := os.ReadFile(path)
		if err != nil {
			return c, fmt.Errorf("read configuration: %w", err)
		}
		dec := yaml.NewDecoder(bytes.NewReader(text), yaml.Strict(), yaml.DisallowUnknownField())
		if err := dec.Decode(&c); err != nil && !errors.Is(err, io.EOF) {
			return c, fmt.Errorf("%s: %s", path, yaml.FormatError(err, false, true))
		}
	}
	for _, k := range Keys() {
		if v := env(k.Env()); v != "" {
			k.Set(&c, v)
		}
		if v, ok := flags[k.Name]; ok {
			k.Set(&c, v)
		}
	}
	return c, c.Validate()
}

// Validate names the first field that cannot be, with its value.
func (c Config) Validate() error {
	for _, l := range []struct{ field, v string }{{"http_listen", c.HTTPListen}, {"mqtt_listen", c.MQTTListen}} {
		if err := checkListen(l.field, l.v); err != nil {
			return err
		}
	}
	if c.Data == "" {
		return fault.Field("data", c.Data, "a directory is wanted")
	}
	for _, t := range c.Tenants {
		if !twin.ValidSegment(t) || t == "_" || len(t) > wire.MaxTenant {
			return fault.Field("tenants", t, "a tenant is at most %d letters, digits, _ and -", wire.MaxTenant)
		}
	}
	if err := c.validateHistory(); err != nil {
		return err
	}
	levels := map[string]bool{"debug": true, "info": true, "warn": true, "error": true}
	if !levels[c.LogLevel] {
		return fault.Field("log_level", c.LogLevel, "use one of %s", words(levels))
	}
	if c.LogFormat != "text" && c.LogFormat != "json" {
		return fault.Field("log_format", c.LogFormat, "use text or json")
	}
	return nil
}

// checkListen refuses anything but loopback: what leaves the machine needs TLS and certificates first.
func checkListen(field, listen string) error {
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return fault.Field(field, listen, "host:port is wanted")
	}
	ip := net.ParseIP(host)
	if host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fault.Field(field, listen, "without TLS a listener must be on loopback: 127.0.0.1, ::1 or localhost").
			WithHint("put a TLS-terminating proxy in front until certificates are set up")
	}
	return nil
}

func words(set map[string]bool) string {
	ws := make([]string, 0, len(set))
	for w := range set {
		ws = append(ws, w)
	}
	sort.Strings(ws)
	return strings.Join(ws, ", ")
}

// Logger is the log the configuration asks for.
func (c Config) Logger(w io.Writer) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.LogLevel)); err != nil {
		level = slog.LevelInfo
	}
	opts := &slog.HandlerOptions{Level: level}
	if c.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, opts))
	}
	return slog.New(slog.NewTextHandler(w, opts))
}
