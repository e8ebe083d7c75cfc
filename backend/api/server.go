package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	headerTime   = 10 * time.Second
	bodyTime     = 30 * time.Second
	answerTime   = 60 * time.Second // of everything but streams
	idleTime     = 2 * time.Minute
	drainTime    = 5 * time.Second
	maxHeader    = 64 << 10
	maxURLLength = 32 << 10
)

// Run serves on the listener until ctx ends, then lets requests finish, ends streams, and returns nil.
func (a *API) Run(ctx context.Context, ln net.Listener) error {
	server := &http.Server{
		Handler: a, ReadHeaderTimeout: headerTime, ReadTimeout: bodyTime, IdleTimeout: idleTime, MaxHeaderBytes: maxHeader,
		ErrorLog: slog.NewLogLogger(a.log.Handler(), slog.LevelDebug),
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		if err := server.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve http: %w", err)
		}
		return nil
	})
	group.Go(func() error {
		<-ctx.Done()
		a.Close()
		drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
		defer cancel()
		if err := server.Shutdown(drain); err != nil {
			return server.Close()
		}
		return nil
	})
	group.Go(func() error {
		tick := time.NewTicker(a.pace.linger)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return nil
			case <-tick.C:
				a.streams.sweep(a.now())
			}
		}
	})
	return group.Wait()
}

// Close ends all streams and releases what they hold. Run calls it; a server that only uses ServeHTTP must.
func (a *API) Close() {
	a.stop()
	a.streams.close()
}

// ServeHTTP implements http.Handler: everything the backend serves.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.front.ServeHTTP(w, r) }

// writeProblem answers outside of an operation.
func (a *API) writeProblem(w http.ResponseWriter, p *problemError) {
	h := w.Header()
	maps.Copy(h, p.GetHeaders())
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p)
}
