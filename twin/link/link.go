// Package link is a program's session with an MQTT broker: the only package that knows paho.
package link

import (
	"context"
	"crypto/tls"
	"log/slog"
	"time"

	"github.com/lineshaft/lineshaft/twin/clock"
)

// Config says where the broker is and who connects.
type Config struct {
	Broker    string      // tcp://host:port or ssl://host:port
	ClientID  string      // {tenant}::{device_id}; also the user name
	Password  string      //
	TLS       *tls.Config // nil for tcp
	KeepAlive time.Duration
	Window    int // publishes without PUBACK at most; 0 is 1000
	Clock     clock.Clock
	Log       *slog.Logger

	// Will is asked for at every connect: the last will for that connection, and Hello what to publish first
	// (QoS 1, retained) once connected. Both may be nil.
	Will  func() Message
	Hello func() Message
}

// Message is a topic and a body.
type Message struct {
	Topic    string
	Payload  []byte
	Retained bool
}

// Session is one client identity with a broker, reconnecting by itself with full jitter from 1 s to 60 s.
// It is safe for concurrent use.
type Session interface {
	// Run connects and stays connected until ctx ends; it then disconnects cleanly and returns nil. It returns
	// an error only where trying again cannot help.
	Run(ctx context.Context) error

	// Publish sends m at QoS 1 and blocks while the window is full or the session is not connected, until ctx
	// ends. acked is called exactly once per successful return, never on the caller's goroutine: with nil once
	// the broker's PUBACK for this packet id came on the connection it was sent on, with an error once that
	// connection is gone and the PUBACK can no longer come. It must not block.
	Publish(ctx context.Context, m Message, acked func(error)) error

	// Subscribe asks for filter at QoS 0, now and after every reconnect. handle is called in order of arrival on
	// one goroutine and must not block.
	Subscribe(filter string, handle func(Message)) error

	// Connected is closed while connected; the channel returned while disconnected is closed on connecting.
	Connected() <-chan struct{}
	// Up says whether the session is connected now.
	Up() bool
}
