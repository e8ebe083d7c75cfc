package api

import (
	"fmt"
	"net/http"
	"time"
)

// eventWriter writes server-sent events. A reader who does not take a write within the deadline is cut off: the
// write fails, the handler returns, and the client comes back with its Last-Event-ID.
type eventWriter struct {
	w        http.ResponseWriter
	control  *http.ResponseController
	deadline time.Duration
}

func newEventWriter(w http.ResponseWriter, deadline time.Duration) *eventWriter {
	return &eventWriter{w: w, control: http.NewResponseController(w), deadline: deadline}
}

func (e *eventWriter) open() error {
	h := e.w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no")
	e.w.WriteHeader(http.StatusOK)
	return e.write([]byte("retry: 3000\n\n"))
}

func (e *eventWriter) comment() error { return e.write([]byte(": still here\n\n")) }

func (e *eventWriter) write(frame []byte) error {
	// A writer without deadlines is a test's recorder, which never blocks.
	_ = e.control.SetWriteDeadline(time.Now().Add(e.deadline))
	if _, err := e.w.Write(frame); err != nil {
		return fmt.Errorf("write event: %w", err)
	}
	if err := e.control.Flush(); err != nil {
		return fmt.Errorf("write event: %w", err)
	}
	return nil
}
