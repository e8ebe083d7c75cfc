package api

import (
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/lineshaft/lineshaft/twin"
)

// Asset is a node of the equipment hierarchy with its tags.
type Asset struct {
	ID        string         `json:"id" doc:"ULID; stays when the asset moves"`
	Path      string         `json:"path"`
	Name      string         `json:"name" doc:"the last segment of the path"`
	ParentID  string         `json:"parent_id,omitempty"`
	Level     string         `json:"level" enum:"enterprise,site,area,work_center,work_unit,equipment,component"`
	Class     string         `json:"class"`
	Title     string         `json:"title"`
	TimeZone  string         `json:"time_zone,omitempty" doc:"IANA name, on sites"`
	Nameplate map[string]any `json:"nameplate"`
	Tags      []Tag          `json:"tags"`
	Version   int            `json:"version"`
}

// AssetRef is an asset in few words.
type AssetRef struct {
	ID    string `json:"id"`
	Path  string `json:"path"`
	Name  string `json:"name"`
	Level string `json:"level"`
	Class string `json:"class"`
	Title string `json:"title"`
}

// Tag is one measured or commanded signal of an asset.
type Tag struct {
	Name       string      `json:"name"`
	Title      string      `json:"title"`
	Type       string      `json:"type" enum:"float64,int64,bool,string,enum"`
	Unit       string      `json:"unit" doc:"UCUM code"`
	Decimals   int         `json:"decimals" doc:"digits shown after the point"`
	Range      twin.Band   `json:"range"`
	Normal     twin.Band   `json:"normal"`
	Limits     twin.Limits `json:"limits"`
	States     []string    `json:"states" doc:"the words of an enum, by its number"`
	IntervalMS int64       `json:"interval_ms" doc:"how often a reading is expected; 0 is on change"`
	Writable   bool        `json:"writable"`
	Setpoint   string      `json:"setpoint,omitempty" doc:"the tag that holds this one's setpoint"`
}

// AssetPage is one page of assets.
type AssetPage struct {
	Items      []Asset `json:"items"`
	NextCursor string  `json:"next_cursor,omitempty"`
	Total      int     `json:"total" doc:"assets that match, on all pages"`
}

// AssetTree is the whole tree in columns of equal length, parents before their children.
type AssetTree struct {
	Rev    int64     `json:"rev" doc:"grows with every change of the structure"`
	AsOf   time.Time `json:"as_of"`
	ID     []string  `json:"id"`
	Parent []int     `json:"parent" doc:"row of the parent, -1 at the top"`
	Name   []string  `json:"name"`
	Title  []string  `json:"title"`
	Level  []string  `json:"level"`
	Class  []string  `json:"class"`
	Tags   []int     `json:"tags" doc:"number of tags"`
}

// TwinDocument is the live document of one asset.
type TwinDocument struct {
	ID         string              `json:"id"`
	Path       string              `json:"path"`
	Level      string              `json:"level"`
	Class      string              `json:"class"`
	Title      string              `json:"title"`
	Nameplate  map[string]any      `json:"nameplate"`
	Reported   map[string]Reported `json:"reported"`
	Desired    map[string]Scalar   `json:"desired"`
	Computed   map[string]Reported `json:"computed"`
	Version    int                 `json:"version"`
	Device     *TwinDevice         `json:"device"`
	ServerTime time.Time           `json:"server_time"`
}

// TransformSchema implements huma.SchemaTransformer: device is null where none realizes the asset.
func (TwinDocument) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	s.Properties["device"] = orNull(s.Properties["device"])
	return s
}

// Reported is the newest reading of a tag.
type Reported struct {
	V          Scalar       `json:"v"`
	Q          twin.Quality `json:"q" doc:"OPC quality byte"`
	Quality    string       `json:"quality" doc:"the quality in the standard's words"`
	TS         time.Time    `json:"ts" doc:"time at the source"`
	Received   time.Time    `json:"received"`
	Unit       string       `json:"unit"`
	LimitState string       `json:"limit_state" enum:",lo,lolo,hi,hihi"`
	Stale      bool         `json:"stale" doc:"older than five of its intervals"`
}

// TwinDevice is the device that realizes the asset now.
type TwinDevice struct {
	DeviceID string     `json:"device_id"`
	Kind     string     `json:"kind" enum:"gateway,direct,hosted"`
	Gateway  string     `json:"gateway,omitempty"`
	Online   bool       `json:"online"`
	LastSeen *time.Time `json:"last_seen"`
	Firmware string     `json:"firmware,omitempty"`
}

// Relation is an edge of the graph as seen from one asset.
type Relation struct {
	Type       string         `json:"type"`
	Direction  string         `json:"direction" enum:"in,out"`
	Attributes map[string]any `json:"attributes"`
	Asset      AssetRef       `json:"asset" doc:"the other end"`
}

// RelationList is every relation of an asset.
type RelationList struct {
	Items []Relation `json:"items"`
}

// Class is a template of assets, inherited tags written out.
type Class struct {
	Name      string       `json:"name"`
	Title     string       `json:"title"`
	Extends   string       `json:"extends,omitempty"`
	Symbol    string       `json:"symbol,omitempty"`
	Tags      []Tag        `json:"tags"`
	Nameplate []twin.Field `json:"nameplate"`
}

// ClassList is every class of the tenant.
type ClassList struct {
	Items []Class `json:"items"`
}

func orNull(s *huma.Schema) *huma.Schema {
	return &huma.Schema{AnyOf: []*huma.Schema{s, {Type: "null"}}}
}
