package api

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

// frontOf puts before the mux what every request passes, from the outside in.
func (a *API) frontOf(next http.Handler) http.Handler {
	for _, layer := range []func(http.Handler) http.Handler{a.compress, a.limit, a.cors, a.checkHost, a.secure, a.observe} {
		next = layer(next)
	}
	return next
}

// observe gives the request an id, logs it, and turns a panic into an answer.
func (a *API) observe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m := newRequest(r)
		start := time.Now()
		ctx := context.WithValue(r.Context(), requestKey{}, m)
		seen := &statusWriter{ResponseWriter: w}
		w.Header().Set("X-Request-ID", m.id)
		defer func() {
			if v := recover(); v != nil {
				a.recovered(ctx, seen, v)
			}
			level := slog.LevelDebug
			if seen.status >= http.StatusInternalServerError {
				level = slog.LevelWarn
			}
			a.log.LogAttrs(ctx, level, "request", slog.String("request_id", m.id), slog.String("method", r.Method),
				slog.String("path", m.path), slog.Int("status", seen.status), slog.Int64("bytes", seen.bytes),
				slog.Duration("took", time.Since(start)), slog.String("addr", m.addr))
		}()
		next.ServeHTTP(seen, r.WithContext(ctx))
	})
}

// recovered answers for a handler that panicked; an answer half written can only be cut off.
func (a *API) recovered(ctx context.Context, w *statusWriter, v any) {
	if v == http.ErrAbortHandler { //nolint:errorlint // a panic value, compared as net/http does
		panic(v) //nolint:forbidigo // net/http's own way to cut a connection
	}
	a.log.LogAttrs(ctx, slog.LevelError, "request panicked", slog.String("request_id", meta(ctx).id),
		slog.String("panic", fmt.Sprint(v)), slog.String("stack", string(debug.Stack())))
	if w.status != 0 {
		panic(http.ErrAbortHandler) //nolint:forbidigo // net/http's own way to cut a connection
	}
	a.writeProblem(w, a.newProblem(ctx, http.StatusInternalServerError, "internal", "Something failed on our side.").
		hint("Tell your administrator the request id."))
}

// secure sets the headers every answer carries.
func (a *API) secure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=(), usb=()")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'") // the console sets its own
		h.Set("Cache-Control", "no-store")                                             // so does it
		next.ServeHTTP(w, r)
	})
}

// checkHost refuses a request to a loopback listener under a foreign name: a page elsewhere whose name was
// pointed at this machine (DNS rebinding).
func (a *API) checkHost(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		local, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
		if ok && local.IP.IsLoopback() && !a.ownHost(r.Host) {
			p := a.newProblem(r.Context(), http.StatusMisdirectedRequest, "denied", "This server does not answer to that name.").
				hint("Use localhost, 127.0.0.1, or a name it is configured for.")
			p.Errors = append(p.Errors, ProblemField{Field: "Host", Value: r.Host, Message: "is not one of its names"})
			a.writeProblem(w, p)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (a *API) ownHost(hostport string) bool {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	host = strings.ToLower(strings.Trim(host, "[]"))
	if ip := net.ParseIP(host); ip != nil {
		return ip.IsLoopback() || slices.Contains(a.Hosts, host)
	}
	return host == "localhost" || slices.Contains(a.Hosts, host)
}

// cors lets the configured origins call from a browser, and no other.
func (a *API) cors(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		origin := r.Header.Get("Origin")
		if origin == "" || !slices.Contains(a.Origins, origin) {
			next.ServeHTTP(w, r)
			return
		}
		h := w.Header()
		h.Add("Vary", "Origin")
		h.Set("Access-Control-Allow-Origin", origin)
		h.Set("Access-Control-Expose-Headers", "ETag, Retry-After, X-Request-ID")
		if r.Method != http.MethodOptions || r.Header.Get("Access-Control-Request-Method") == "" {
			next.ServeHTTP(w, r)
			return
		}
		h.Set("Access-Control-Allow-Methods", "GET, POST, PUT, PATCH, DELETE")
		h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, Accept, Last-Event-ID, If-Match, Idempotency-Key")
		h.Set("Access-Control-Max-Age", "600")
		if r.Header.Get("Access-Control-Request-Private-Network") == "true" {
			h.Set("Access-Control-Allow-Private-Network", "true")
		}
		w.WriteHeader(http.StatusNoContent)
	})
}

// limit bounds what a request may take: length of its URL, and time for everything but a stream.
func (a *API) limit(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.URL.RawQuery)+len(r.URL.Path) > maxURLLength {
			a.writeProblem(w, a.newProblem(r.Context(), http.StatusRequestURITooLong, "invalid", "The URL is too long."))
			return
		}
		control := http.NewResponseController(w)
		if r.URL.Path == base+"/stream" {
			_ = control.SetReadDeadline(time.Time{}) // streams last; each write has a deadline of its own
			next.ServeHTTP(w, r)
			return
		}
		_ = control.SetReadDeadline(time.Now().Add(answerTime))
		_ = control.SetWriteDeadline(time.Now().Add(answerTime + drainTime))
		if strings.HasPrefix(r.URL.Path, base+"/history") { // a file lasts as long as it moves
			next.ServeHTTP(w, r)
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), answerTime)
		defer cancel()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// statusWriter remembers what was answered.
type statusWriter struct {
	http.ResponseWriter
	status int
	bytes  int64
}

// Unwrap lets http.ResponseController through.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader implements http.ResponseWriter.
func (w *statusWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (w *statusWriter) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(b)
	w.bytes += int64(n)
	return n, err
}
