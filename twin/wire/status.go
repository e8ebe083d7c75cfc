package wire

// DeviceStatus is the body of the status channel and of the Last Will (domain contract §2).
type DeviceStatus struct {
	Online        bool   `json:"online"`
	Session       string `json:"session"` // ULID per connection, the same in the will
	TS            int64  `json:"ts"`      // UTC ms; in a will the time of the connect
	Reason        string `json:"reason,omitempty"`
	Firmware      string `json:"fw,omitempty"`
	ConfigVersion string `json:"config_version,omitempty"`
	Epoch         string `json:"epoch,omitempty"`  // the outbox's life, where there is one
	Unsent        *int64 `json:"unsent,omitempty"` // messages waiting in the outbox
}
