package shell

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/lineshaft/lineshaft/assets"
	"github.com/lineshaft/lineshaft/backend/server"
	"github.com/lineshaft/lineshaft/twin/clock"
)

// Tenants of a backend that runs in the window: an empty one, or the demo plant's.
const (
	ownTenant  = "local"
	demoTenant = "acme"
)

// patience is how long a backend may take to open what it stored.
const patience = 2 * time.Minute

// origins are where the webview says its page comes from: Linux and macOS, Windows.
var origins = [...]string{"wails://wails", "wails://wails.localhost", "http://wails.localhost"}

// backend is a running backend, or a relay to one, on a loopback address.
type backend struct {
	url   string
	token string
	close func() // stops it and waits
}

type backendOptions struct {
	data, mqtt string
	demo       bool
	log        *slog.Logger
}

// runBackend opens a backend under the data directory and returns when it answers.
func runBackend(o backendOptions) (*backend, error) {
	cfg := server.Defaults()
	cfg.HTTPListen, cfg.MQTTListen, cfg.Data = "127.0.0.1:0", freeOr(o.mqtt), filepath.Join(o.data, "data")
	tenant := ownTenant
	if o.demo {
		tenant = demoTenant
		plant, err := demoPlant(o.data)
		if err != nil {
			return nil, err
		}
		cfg.Plants = []string{plant}
	}
	cfg.Tenants = []string{tenant}

	token := rand.Text() + rand.Text()
	ready := make(chan server.Ready, 1)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	var failed error // read after done is closed
	go func() {
		defer close(done)
		failed = server.Run(ctx, cfg, server.Deps{
			Clock: clock.Wall{}, Log: o.log, Ready: func(r server.Ready) { ready <- r },
			LocalToken: token, LocalTenant: tenant, Origins: origins[:],
		})
	}()
	stop := func() {
		cancel()
		<-done
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case r := <-ready:
		return &backend{url: r.HTTP, token: token, close: stop}, nil
	case <-done:
		cancel()
		if failed == nil {
			failed = errors.New("it stopped at once")
		}
		return nil, fmt.Errorf("run backend: %w", failed)
	case <-timer.C:
		stop()
		return nil, fmt.Errorf("run backend: not ready after %s", patience)
	}
}

// demoPlant writes the demo plant's model beside the data, where the backend imports it from.
func demoPlant(dir string) (string, error) {
	text, err := fs.ReadFile(assets.FS, "plants/"+demoTenant+".yaml")
	if err != nil {
		return "", fmt.Errorf("read demo plant: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("write demo plant: %w", err)
	}
	path := filepath.Join(dir, demoTenant+".yaml")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		return "", fmt.Errorf("write demo plant: %w", err)
	}
	return path, nil
}

// freeOr returns the address when nobody listens there, else any port of its host: gateways want a port that stays,
// but a window that does not open because of another broker helps nobody.
func freeOr(address string) string {
	var config net.ListenConfig
	l, err := config.Listen(context.Background(), "tcp", address)
	if err == nil {
		if err = l.Close(); err == nil {
			return address
		}
	}
	host, _, splitErr := net.SplitHostPort(address)
	if splitErr != nil {
		return address // the backend's own check says what is wrong with it
	}
	return net.JoinHostPort(host, "0")
}
