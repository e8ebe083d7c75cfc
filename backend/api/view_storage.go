package api

import "time"

// StorageReport is what the history that the caller may see takes.
type StorageReport struct {
	ServerTime time.Time     `json:"server_time"`
	Bytes      int64         `json:"bytes" doc:"raw readings, rollups and what waits to be sealed"`
	Points     int64         `json:"points" doc:"readings"`
	Series     int           `json:"series" doc:"tags that ever had a reading"`
	PerDay     int64         `json:"bytes_per_day,omitempty" doc:"growth of the last days; missing while it is not known"`
	Free       int64         `json:"bytes_free,omitempty" doc:"on the disk of the history"`
	FullAt     *time.Time    `json:"full_at,omitempty" doc:"when the disk is full at that growth; missing if not known or a century away"`
	Sites      []StorageSite `json:"sites" doc:"largest first"`
	Tags       []StorageTag  `json:"tags" doc:"largest first"`
}

// StorageSite is what the tags of a site take; site is empty for those above the sites.
type StorageSite struct {
	Site   string `json:"site"`
	Series int    `json:"series"`
	Bytes  int64  `json:"bytes"`
	Points int64  `json:"points"`
}

// StorageTag is what one tag takes, of an asset or, where nobody declared it, of a device.
type StorageTag struct {
	AssetID  string `json:"asset_id,omitempty"`
	Path     string `json:"path,omitempty"`
	DeviceID string `json:"device_id,omitempty"`
	Tag      string `json:"tag"`
	Bytes    int64  `json:"bytes"`
	Points   int64  `json:"points"`
}
