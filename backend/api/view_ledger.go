package api

import (
	"time"

	"github.com/lineshaft/lineshaft/twin"
)

// LetterPreview is what would become of a dead letter if it came now.
type LetterPreview struct {
	ID       string        `json:"id"`
	DeviceID string        `json:"device_id,omitempty"`
	Refused  *Refused      `json:"refused,omitempty" doc:"why it would be refused again; absent if it would be taken"`
	Version  string        `json:"version,omitempty" doc:"schema version, where it could be read"`
	Seen     bool          `json:"seen" doc:"its number came already: its readings would go into history and nowhere else"`
	Readings []PlacedValue `json:"readings"`
	Wrong    []WrongValue  `json:"wrong" doc:"readings that would be refused, beside the others"`
}

// Refused is a reason and a sentence.
type Refused struct {
	Reason string `json:"reason"`
	Detail string `json:"detail"`
}

// PlacedValue is a reading and where it would go; without asset_id it would be kept under the device.
type PlacedValue struct {
	AssetID string       `json:"asset_id,omitempty"`
	Path    string       `json:"path,omitempty"`
	Tag     string       `json:"tag"`
	V       Scalar       `json:"v"`
	Q       twin.Quality `json:"q"`
	TS      time.Time    `json:"ts"`
}

// WrongValue is a reading that would be refused.
type WrongValue struct {
	Tag    string `json:"tag"`
	Detail string `json:"detail"`
}

// ReplayOrder selects dead letters to let in again; all that are given must match.
type ReplayOrder struct {
	IDs         []string `json:"ids,omitempty" maxItems:"1000" doc:"these letters"`
	DeviceID    string   `json:"device_id,omitempty" maxLength:"40"`
	Reason      string   `json:"reason,omitempty" maxLength:"40"`
	Fingerprint string   `json:"fingerprint,omitempty" maxLength:"40" doc:"of a group"`
	DryRun      bool     `json:"dry_run,omitempty" doc:"only say what would become of them"`
	Limit       int      `json:"limit,omitempty" minimum:"1" maximum:"5000" default:"1000" doc:"the oldest so many"`
}

// ReplayResult is what a replay did, or would do.
type ReplayResult struct {
	Matched  int  `json:"matched" doc:"letters that match"`
	AtDoor   int  `json:"at_door" doc:"of them refused at the broker's door: those are never replayed"`
	Taken    int  `json:"taken" doc:"would be, or were expected to be, taken whole"`
	Partly   int  `json:"partly" doc:"taken but for some readings"`
	Refused  int  `json:"refused" doc:"refused again; they become new letters"`
	Replayed int  `json:"replayed" doc:"letters that went through intake again; 0 in a dry run"`
	Left     int  `json:"left" doc:"letters that match and did not go this time"`
	DryRun   bool `json:"dry_run"`
}

// GapReport sums up the gaps that began in a month.
type GapReport struct {
	Month string         `json:"month"`
	From  time.Time      `json:"from"`
	To    time.Time      `json:"to"`
	Rows  []GapReportRow `json:"rows"`
}

// GapReportRow is one site and cause.
type GapReportRow struct {
	Site     string `json:"site" doc:"empty for devices registered no more"`
	Cause    string `json:"cause" enum:"offline,buffer_overrun,dead_letter,clock,unknown"`
	Gaps     uint64 `json:"gaps"`
	Messages uint64 `json:"messages" doc:"in the gaps"`
	Missing  uint64 `json:"missing" doc:"of the messages, still missing"`
	Gone     uint64 `json:"gone" doc:"of the missing, those nobody has any more"`
	Healed   uint64 `json:"healed" doc:"gaps of which nothing is missing any more"`
	Late     uint64 `json:"healed_late"`
	Resent   uint64 `json:"healed_resend"`
	Replayed uint64 `json:"healed_replay"`
}

// Flow is how data moves now: what came, and how far behind each sink is.
type Flow struct {
	ServerTime time.Time  `json:"server_time"`
	Sinks      []FlowSink `json:"sinks"`
	Sites      []FlowSite `json:"sites"`
	Refused    uint64     `json:"refused" doc:"messages refused at the broker's door, from the beginning"`
	Dropped    uint64     `json:"dropped" doc:"dead letters that did not fit the quota, from the beginning"`
}

// FlowSink is a group of the stream and what it has not committed yet.
type FlowSink struct {
	Name     string `json:"name" enum:"live,historian"`
	Records  int    `json:"records"`
	Messages int    `json:"messages"`
}

// FlowSite is what came from a site's devices. Counts are from the beginning.
type FlowSite struct {
	Site       string  `json:"site" doc:"empty for devices that are registered no more"`
	PerSecond  float64 `json:"per_second" doc:"messages, over the last ten seconds"`
	Messages   uint64  `json:"messages"`
	Readings   uint64  `json:"readings"`
	Duplicates uint64  `json:"duplicates"`
	Untracked  uint64  `json:"untracked" doc:"messages nobody could tell to be missing"`
	Letters    uint64  `json:"letters" doc:"messages refused, whole or in part"`
	OpenGaps   uint64  `json:"open_gaps"`
	Missing    uint64  `json:"missing" doc:"messages missing in open gaps"`
	Buffered   int64   `json:"buffered" doc:"messages waiting at gateways"`
}
