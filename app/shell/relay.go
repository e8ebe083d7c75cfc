package shell

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"time"
)

// answerTime is how long a backend may take to say that it is there.
const answerTime = 5 * time.Second

// relay listens on loopback and hands the page's requests to the backend at target. The page may only speak to
// loopback; and a backend elsewhere does not have to know of windows and their origins.
func relay(target *url.URL, log *slog.Logger) (*backend, error) {
	if err := answers(target); err != nil {
		return nil, err
	}
	var config net.ListenConfig
	l, err := config.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for the page: %w", err)
	}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = target.Host
			r.Out.Header.Del("Origin") // asked by this program, not by a page
		},
		FlushInterval: -1, // events are passed on as they come
		ErrorLog:      slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) {
			w.WriteHeader(http.StatusBadGateway)
		},
	}
	srv := &http.Server{Handler: guard(proxy), ReadHeaderTimeout: answerTime}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := srv.Serve(l); err != nil && !errors.Is(err, http.ErrServerClosed) {
			log.Error("relay stopped", "error", err)
		}
	}()
	return &backend{url: "http://" + l.Addr().String(), close: func() {
		if err := srv.Close(); err != nil {
			log.Warn("relay not closed", "error", err)
		}
		<-done
	}}, nil
}

// answers says whether a backend is at target.
func answers(target *url.URL) error {
	ctx, cancel := context.WithTimeout(context.Background(), answerTime)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, target.JoinPath("healthz").String(), http.NoBody)
	if err != nil {
		return fmt.Errorf("ask %s: %w", target, err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return fmt.Errorf("ask %s: %w", target, err)
	}
	defer func() { _ = answer.Body.Close() }() // nothing was read that could be lost
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("ask %s: its health check answers %s", target, answer.Status)
	}
	return nil
}

// guard lets only the window's page through, and answers the browser's question whether it may.
func guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		origin := r.Header.Get("Origin")
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil || host != "127.0.0.1" || (origin != "" && !slices.Contains(origins[:], origin)) {
			http.Error(w, "only for the window of lineshaft-desktop", http.StatusForbidden)
			return
		}
		if origin != "" {
			h := w.Header()
			h.Set("Access-Control-Allow-Origin", origin)
			h.Set("Vary", "Origin")
			h.Set("Access-Control-Expose-Headers", "ETag, Retry-After, X-Request-ID")
			if r.Method == http.MethodOptions {
				h.Set("Access-Control-Allow-Methods", "GET, POST, PUT, PATCH, DELETE")
				h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, Accept, Last-Event-ID, If-Match, Idempotency-Key")
				w.WriteHeader(http.StatusNoContent)
				return
			}
		}
		if !strings.HasPrefix(r.URL.Path, "/api/") {
			http.NotFound(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}
