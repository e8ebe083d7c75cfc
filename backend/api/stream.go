package api

import (
	"context"
	"time"
)

type streamEvents struct {
	Hello  *HelloEvent  `json:"hello,omitempty"`
	Twin   *TwinEvent   `json:"twin,omitempty"`
	Fleet  *Overview    `json:"fleet,omitempty"`
	Device *DeviceEvent `json:"device,omitempty"`
	Reset  *ResetEvent  `json:"reset,omitempty"`
}

type streamIn struct {
	Topic       []string `query:"topic,explode" required:"true" maxItems:"100" doc:"twin:<asset id or path>, twin:<asset id or path>/**, devices, fleet"`
	LastEventID string   `header:"Last-Event-ID" maxLength:"100" doc:"go on after this event"`
}

func (p *plant) stream(ctx context.Context, in *streamIn) (*rawOut, error) { return nil, nil }

type overviewCache struct{}

func (overviewCache) get(string, time.Time, OverviewSource) (Overview, error) { return Overview{}, nil }

type streams struct{ overviews overviewCache }

func newStreams(time.Time) *streams { return nil }
