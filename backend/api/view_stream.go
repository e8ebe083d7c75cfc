package api

import (
	"time"

	"github.com/lineshaft/lineshaft/twin"
)

// HelloEvent opens a stream.
type HelloEvent struct {
	ServerTime time.Time `json:"server_time"`
	Version    string    `json:"version"`
}

// TwinEvent carries the newest values of some assets, at most ten times a second.
type TwinEvent struct {
	Items []TwinUpdate `json:"items"`
}

// TwinUpdate is what changed in one twin.
type TwinUpdate struct {
	ID       string              `json:"id"`
	Reported map[string]LiveTick `json:"reported"`
}

// LiveTick is a new reading of a tag.
type LiveTick struct {
	V          Scalar       `json:"v"`
	Q          twin.Quality `json:"q"`
	TS         time.Time    `json:"ts"`
	LimitState string       `json:"limit_state" enum:",lo,lolo,hi,hihi"`
}

// DeviceEvent carries devices whose state changed.
type DeviceEvent struct {
	Items []Device `json:"items"`
}

// ResetEvent says that events were missed: read everything again.
type ResetEvent struct{}
