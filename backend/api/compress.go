package api

import (
	"compress/gzip"
	"net/http"
	"strings"
	"sync"
)

// compressFrom is the size from which an answer is worth compressing.
const compressFrom = 1400

// compress gzips JSON, CSV and text answers for callers that take it.
func (a *API) compress(next http.Handler) http.Handler {
	pool := &sync.Pool{New: func() any {
		z, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed) // the level is valid
		return z
	}}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, "/api/") && !strings.HasPrefix(r.URL.Path, promBase+"/") && r.URL.Path != "/metrics" && r.URL.Path != "/openapi.json" {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Add("Vary", "Accept-Encoding")
		if r.Method == http.MethodHead || !acceptsGzip(r.Header.Get("Accept-Encoding")) {
			next.ServeHTTP(w, r)
			return
		}
		z := &gzipWriter{ResponseWriter: w, pool: pool}
		defer z.finish()
		next.ServeHTTP(z, r)
	})
}

// acceptsGzip reads an Accept-Encoding header; q=0 refuses.
func acceptsGzip(header string) bool {
	for part := range strings.SplitSeq(header, ",") {
		name, params, _ := strings.Cut(strings.TrimSpace(part), ";")
		if strings.EqualFold(strings.TrimSpace(name), "gzip") {
			q := strings.ReplaceAll(params, " ", "")
			return q != "q=0" && q != "q=0.0" && q != "q=0.00" && q != "q=0.000"
		}
	}
	return false
}

// gzipWriter holds back the first bytes of an answer until it knows whether compressing is worth it.
type gzipWriter struct {
	http.ResponseWriter
	pool   *sync.Pool
	status int
	held   []byte
	z      *gzip.Writer
	plain  bool
}

// Unwrap lets http.ResponseController through.
func (g *gzipWriter) Unwrap() http.ResponseWriter { return g.ResponseWriter }

// WriteHeader implements http.ResponseWriter.
func (g *gzipWriter) WriteHeader(status int) {
	if g.status != 0 {
		return
	}
	g.status = status
	contentType, _, _ := strings.Cut(g.Header().Get("Content-Type"), ";")
	switch contentType {
	case "application/json", "application/problem+json", "text/csv", "text/plain":
		if g.Header().Get("Content-Encoding") == "" && status != http.StatusNoContent && status != http.StatusNotModified {
			return
		}
	}
	g.plain = true
	g.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (g *gzipWriter) Write(b []byte) (int, error) {
	if g.status == 0 {
		g.WriteHeader(http.StatusOK)
	}
	switch {
	case g.plain:
		return g.ResponseWriter.Write(b)
	case g.z != nil:
		return g.z.Write(b)
	}
	g.held = append(g.held, b...)
	if len(g.held) < compressFrom {
		return len(b), nil
	}
	g.Header().Set("Content-Encoding", "gzip")
	g.Header().Del("Content-Length")
	g.ResponseWriter.WriteHeader(g.status)
	g.z, _ = g.pool.Get().(*gzip.Writer)
	g.z.Reset(g.ResponseWriter)
	held := g.held
	g.held = nil
	if _, err := g.z.Write(held); err != nil {
		return 0, err
	}
	return len(b), nil
}

// finish writes what is left.
func (g *gzipWriter) finish() {
	switch {
	case g.z != nil:
		_ = g.z.Close() // the connection is gone; there is nobody to tell
		g.pool.Put(g.z)
	case g.status != 0 && !g.plain:
		g.ResponseWriter.WriteHeader(g.status)
		_, _ = g.ResponseWriter.Write(g.held)
	}
}
