package wire

// Publish is one message as the broker took it: what the stream stores and intake reads.
type Publish struct {
	Topic    string
	Payload  []byte
	Client   string // MQTT client id it came from, {tenant}::{device_id}; empty for a will or the backend itself
	Received int64  // ns since 1970 UTC
	Will     bool   // sent by the broker for a client that was lost
}

// ClientID is the MQTT client id, user name and certificate CN of a device.
func ClientID(tenant, device string) string { return tenant + "::" + device }
