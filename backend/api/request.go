package api

import (
	"context"
	"crypto/rand"
	"net"
	"net/http"
	"strings"
)

// request is what is known of a request before anything is asked of it.
type request struct {
	id       string
	path     string
	addr     string // the caller's address without port
	loopback bool
	bearer   string
}

type requestKey struct{}

// meta is the request of a context; outside a request it is empty.
func meta(ctx context.Context) request {
	m, _ := ctx.Value(requestKey{}).(request)
	return m
}

func newRequest(r *http.Request) request {
	m := request{id: rand.Text()[:20], path: r.URL.Path, addr: r.RemoteAddr}
	if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		m.addr = host
	}
	ip := net.ParseIP(m.addr)
	m.loopback = ip != nil && ip.IsLoopback()
	if scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " "); ok && strings.EqualFold(scheme, "bearer") {
		m.bearer = strings.TrimSpace(token)
	}
	return m
}
