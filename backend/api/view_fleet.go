package api

import (
	"time"

	"github.com/lineshaft/lineshaft/twin"
)

// Device is a thing that reports under its own id.
type Device struct {
	DeviceID      string     `json:"device_id"`
	Kind          string     `json:"kind" enum:"gateway,direct,hosted"`
	DeviceType    string     `json:"device_type"`
	Gateway       string     `json:"gateway,omitempty"`
	Site          string     `json:"site"`
	Area          string     `json:"area"`
	Line          string     `json:"line"`
	AssetID       string     `json:"asset_id,omitempty"`
	AssetPath     string     `json:"asset_path,omitempty"`
	Online        bool       `json:"online"`
	LastSeen      *time.Time `json:"last_seen"`
	Session       string     `json:"session,omitempty"`
	Firmware      string     `json:"firmware,omitempty"`
	ConfigVersion string     `json:"config_version,omitempty"`
	Unsent        *int64     `json:"unsent,omitempty" doc:"messages waiting in its outbox"`
	Topic         string     `json:"topic"`
}

// DevicePage is one page of devices.
type DevicePage struct {
	Items      []Device `json:"items"`
	NextCursor string   `json:"next_cursor,omitempty"`
	Total      int      `json:"total"`
}

// NewDevice is what registering a device takes.
type NewDevice struct {
	DeviceID   string `json:"device_id" minLength:"1" maxLength:"40" example:"P-007"`
	Kind       string `json:"kind" enum:"gateway,direct,hosted"`
	DeviceType string `json:"device_type" minLength:"1" maxLength:"40" example:"centrifugal_pump"`
	Site       string `json:"site" minLength:"1" maxLength:"40"`
	Area       string `json:"area" minLength:"1" maxLength:"40"`
	Line       string `json:"line" minLength:"1" maxLength:"40"`
	Gateway    string `json:"gateway,omitempty" maxLength:"40" doc:"who hosts it, for kind hosted"`
	Asset      string `json:"asset,omitempty" doc:"id or path of the asset it realizes"`
}

// RegisteredDevice is a new device with its token, which is shown only here.
type RegisteredDevice struct {
	Device Device `json:"device"`
	Token  string `json:"token" doc:"MQTT password; shown once, empty for a hosted device"`
}

// DeviceToken is a device's new token, which is shown only here.
type DeviceToken struct {
	DeviceID string `json:"device_id"`
	Token    string `json:"token" doc:"MQTT password; shown once"`
}

// Overview is the state of the plant on one page.
type Overview struct {
	ServerTime  time.Time  `json:"server_time"`
	TagsChecked int        `json:"tags_checked"`
	Newest      *time.Time `json:"newest" doc:"source time of the newest reading"`
	Since       *time.Time `json:"since" doc:"when the plant became known here: before, there is no history to show"`
	Signals     Signals    `json:"signals"`
	Sites       []Site     `json:"sites"`
	Worst       []Worst    `json:"worst" doc:"readings furthest beyond their normal band"`
	Enterprise  Top        `json:"enterprise"`
}

// Signals are the four fleet signals of the tenant.
type Signals struct {
	Connectivity Share  `json:"connectivity"`
	Throughput   Rate   `json:"throughput"`
	Errors       Errors `json:"errors"`
	Freshness    Share  `json:"freshness"`
}

// Share is a percentage with what it was counted from.
type Share struct {
	V      *float64 `json:"v"`
	Unit   string   `json:"unit"`
	N      int      `json:"n"`
	Of     int      `json:"of"`
	Target float64  `json:"target"`
}

// Rate is a number of messages a second.
type Rate struct {
	V    *float64 `json:"v"`
	Unit string   `json:"unit"`
}

// Errors is the share of messages refused in the last minute.
type Errors struct {
	V     *float64 `json:"v"`
	Unit  string   `json:"unit"`
	N     int      `json:"n" doc:"dead letters in the last minute"`
	Limit float64  `json:"limit"`
}

// Site is one site's row of the overview.
type Site struct {
	ID           string   `json:"id"`
	Path         string   `json:"path"`
	Name         string   `json:"name"`
	Title        string   `json:"title"`
	TimeZone     string   `json:"time_zone"`
	Devices      int      `json:"devices"`
	Connectivity *float64 `json:"connectivity"`
	Throughput   *float64 `json:"throughput"`
	Errors       *float64 `json:"errors"`
	Freshness    *float64 `json:"freshness"`
	Buffered     *float64 `json:"buffered" doc:"messages waiting at the edge"`
}

// Worst is a reading far from where it should be.
type Worst struct {
	ID         string       `json:"id"`
	Path       string       `json:"path"`
	Name       string       `json:"name"`
	Title      string       `json:"title"`
	Class      string       `json:"class"`
	Level      string       `json:"level"`
	Tag        string       `json:"tag"`
	Unit       string       `json:"unit"`
	Decimals   int          `json:"decimals"`
	V          Scalar       `json:"v"`
	Q          twin.Quality `json:"q"`
	TS         time.Time    `json:"ts"`
	Severity   float64      `json:"severity" doc:"0 inside the normal band, 1 at the outermost limit"`
	LimitState string       `json:"limit_state" enum:",lo,lolo,hi,hihi"`
	Limit      *float64     `json:"limit"`
	Normal     twin.Band    `json:"normal"`
	Since      *time.Time   `json:"since"`
}

// Top is the asset at the top of the tenant, whose tags hold the fleet signals' history.
type Top struct {
	ID   string `json:"id"`
	Path string `json:"path"`
}
