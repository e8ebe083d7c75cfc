package server

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/lineshaft/lineshaft/backend/historian"
	"github.com/lineshaft/lineshaft/backend/historian/embedded"
	"github.com/lineshaft/lineshaft/backend/historian/influx"
	"github.com/lineshaft/lineshaft/twin/fault"
)

// Where history is kept.
const (
	historyEmbedded = "embedded"
	historyInflux   = "influx"
)

// keeper keeps the history of all tenants.
type keeper interface {
	Tenant(name string) historian.Historian
	Close() error
}

// openHistory opens what the configuration names. A server elsewhere need not answer yet.
func (p *parts) openHistory(cfg Config, d Deps) (keeper, error) {
	if cfg.History != historyInflux {
		return embedded.Open(filepath.Join(cfg.Data, "history"), embedded.Options{Clock: d.Clock, Log: d.Log})
	}
	token, err := cfg.influxToken()
	if err != nil {
		return nil, err
	}
	return influx.Open(influx.Options{
		URL: cfg.InfluxURL, Org: cfg.InfluxOrg, Bucket: cfg.InfluxBucket, Token: token, Places: p.influxPlace, Clock: d.Clock, Log: d.Log,
	})
}

// influxPlace is where a series is kept: by the asset and its tag, or the device and its tag nobody declared.
func (p *parts) influxPlace(tenant string, id historian.SeriesID) (influx.Place, bool) {
	s, ok := p.series.Series(tenant, id)
	if !ok {
		return influx.Place{}, false
	}
	place := influx.Place{Measurement: "asset", ID: s.Asset, Field: s.Tag, Kind: s.Segments[0].Kind}
	if s.Asset == "" {
		place.Measurement, place.ID, place.Field = "device", s.Device, s.DeviceTag
	}
	return place, true
}

// trouble says in a few words for everybody why history does not come on, empty if nothing is known.
func (p *parts) trouble() string {
	if h, ok := p.history.(interface{ Trouble() error }); ok && h.Trouble() != nil {
		return " InfluxDB does not take them; the log says why."
	}
	return ""
}

func (c Config) influxToken() (string, error) {
	if c.InfluxTokenFile == "" {
		return "", nil
	}
	text, err := os.ReadFile(c.InfluxTokenFile)
	if err != nil {
		return "", fmt.Errorf("influx_token_file: %w", err)
	}
	token := strings.TrimSpace(string(text))
	if token == "" {
		return "", fault.Field("influx_token_file", c.InfluxTokenFile, "the file is empty")
	}
	return token, nil
}

func (c Config) validateHistory() error {
	switch c.History {
	case historyInflux:
	case historyEmbedded:
		if c.InfluxURL != "" {
			return fault.Field("influx_url", c.InfluxURL, "it is used with history: influx only")
		}
		return nil
	default:
		return fault.Field("history", c.History, "use embedded or influx")
	}
	u, err := url.Parse(c.InfluxURL)
	if err != nil {
		return fault.Field("influx_url", "what cannot be read", "http://host:8086 is wanted")
	}
	if u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return fault.Field("influx_url", u.Redacted(), "http://host:8086 is wanted")
	}
	if u.User != nil {
		return fault.Field("influx_url", u.Redacted(), "who signs in stands in influx_token_file")
	}
	if ip := net.ParseIP(u.Hostname()); c.InfluxTokenFile != "" && u.Scheme == "http" && u.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fault.Field("influx_url", c.InfluxURL, "a token is sent to another machine over https only")
	}
	if c.InfluxBucket == "" {
		return fault.Field("influx_bucket", c.InfluxBucket, "a bucket is wanted, or database/policy for InfluxDB 1.8")
	}
	if _, err := c.influxToken(); err != nil {
		if f, ok := errors.AsType[*fault.Error](err); ok {
			return f
		}
		return fault.Field("influx_token_file", c.InfluxTokenFile, "%v", err)
	}
	return nil
}
