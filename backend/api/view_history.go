package api

import "time"

// History is the answer to a question about the past.
type History struct {
	From       time.Time `json:"from"`
	To         time.Time `json:"to"`
	ServerTime time.Time `json:"server_time"`
	Series     []Series  `json:"series"`
}

// Series is one tag, or one aggregate of it, in columns of equal length.
type Series struct {
	AssetID    string     `json:"asset_id"`
	Path       string     `json:"path"`
	Tag        string     `json:"tag"`
	Name       string     `json:"name" doc:"the asset's name"`
	Title      string     `json:"title"`
	Unit       string     `json:"unit"`
	Decimals   int        `json:"decimals"`
	Type       string     `json:"type"`
	Agg        string     `json:"agg,omitempty" doc:"the aggregate, where intervals were asked for"`
	Resolution string     `json:"resolution" doc:"raw, min-max (thinned without losing extremes), or the interval"`
	TS         Millis     `json:"ts" doc:"source time, Unix milliseconds"`
	V          Values     `json:"v"`
	Q          Qualities  `json:"q"`
	Rev        int64      `json:"rev,omitempty"`
	Gaps       []Gap      `json:"gaps"`
	Backfilled []Backfill `json:"backfilled"`
}

// HistoryImported is what a file of readings held.
type HistoryImported struct {
	Readings int64      `json:"readings"`
	Tags     int        `json:"tags"`
	From     *time.Time `json:"from" doc:"the oldest reading; null where there is none"`
	Last     *time.Time `json:"last"`
	DryRun   bool       `json:"dry_run"`
}

// Gap is a span without data, and why.
type Gap struct {
	From     time.Time  `json:"from"`
	To       time.Time  `json:"to"`
	Cause    string     `json:"cause" enum:"offline,buffer_overrun,dead_letter,clock,quality,unknown"`
	Count    *int       `json:"count" doc:"messages missing, where known"`
	Open     bool       `json:"open" doc:"still missing"`
	HealedAt *time.Time `json:"healed_at"`
	Detail   string     `json:"detail"`
}

// Backfill is a span whose data arrived late.
type Backfill struct {
	From    time.Time `json:"from"`
	To      time.Time `json:"to"`
	Arrived time.Time `json:"arrived"`
}

// LedgerGap is a hole in the sequence numbers of a device.
type LedgerGap struct {
	ID        string     `json:"id"`
	DeviceID  string     `json:"device_id"`
	Epoch     string     `json:"epoch"`
	Channel   string     `json:"channel"`
	FromSeq   uint64     `json:"from_seq"`
	ToSeq     uint64     `json:"to_seq"`
	Count     uint64     `json:"count"`
	Detected  time.Time  `json:"detected"`
	Missing   uint64     `json:"missing" doc:"messages of it still missing"`
	Gone      uint64     `json:"gone" doc:"of the missing, those nobody has any more"`
	Cause     string     `json:"cause" enum:"offline,buffer_overrun,dead_letter,clock,unknown"`
	From      *time.Time `json:"from,omitempty"`
	To        *time.Time `json:"to,omitempty"`
	HealedAt  *time.Time `json:"healed_at,omitempty"`
	HealedHow string     `json:"healed_how,omitempty" enum:"late,resend,replay" doc:"by itself, because its sender was asked, or as dead letters"`
	AskedAt   *time.Time `json:"asked_at,omitempty" doc:"when its sender was first asked to send it again"`
}

// LedgerGapPage is one page of gaps, newest first.
type LedgerGapPage struct {
	Items          []LedgerGap `json:"items"`
	NextCursor     string      `json:"next_cursor,omitempty"`
	LettersDropped uint64      `json:"letters_dropped" doc:"dead letters that were not kept: what they held is lost, and no gap says so"`
}

// DeadLetter is a message that was refused, and why.
type DeadLetter struct {
	ID       string    `json:"id"`
	Received time.Time `json:"received"`
	Topic    string    `json:"topic"`
	DeviceID string    `json:"device_id,omitempty"`
	Reason   string    `json:"reason"`
	Detail   string    `json:"detail"`
	Size     int       `json:"size" doc:"bytes of the whole payload"`
	Payload  string    `json:"payload_base64" doc:"the first 64 KiB"`
	Count    int       `json:"count,omitempty" doc:"how many like it, where only examples are kept"`
}

// DeadLetterGroup counts dead letters that look alike.
type DeadLetterGroup struct {
	Fingerprint string    `json:"fingerprint"`
	DeviceType  string    `json:"device_type"`
	Reason      string    `json:"reason"`
	Version     string    `json:"version"`
	Count       int       `json:"count"`
	Last        time.Time `json:"last"`
}

// DeadLetterPage is one page of dead letters, newest first, with the groups of all of them.
type DeadLetterPage struct {
	Items      []DeadLetter      `json:"items"`
	NextCursor string            `json:"next_cursor,omitempty"`
	Groups     []DeadLetterGroup `json:"groups"`
}
