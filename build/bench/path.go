package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/lineshaft/lineshaft/backend/server"
	"github.com/lineshaft/lineshaft/twin/clock"
)

const (
	pathArea    = "whole path embedded: MQTT in, acknowledged, in history and twin"
	pathTarget  = "≤ 14 CPU s/Mmsg, ≥ 80 k msg/s"
	pathDevices = 20
	pathWindow  = 200
)

// wholePath runs a backend in this process and the generator in another, and counts this process's CPU until every
// group has committed every message.
func wholePath(ctx context.Context, messages int) ([]row, error) {
	dir, err := os.MkdirTemp("", "lineshaft-bench-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	plant := filepath.Join(dir, "bench.yaml")
	if err := os.WriteFile(plant, []byte(benchPlant()), 0o600); err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(ctx)
	ready := make(chan server.Ready, 1)
	var backend errgroup.Group
	gone := make(chan struct{})
	backend.Go(func() error {
		defer close(gone)
		cfg := server.Defaults()
		cfg.HTTPListen, cfg.MQTTListen, cfg.Data, cfg.Plants = "127.0.0.1:0", "127.0.0.1:0", filepath.Join(dir, "data"), []string{plant}
		return server.Run(ctx, cfg, server.Deps{
			Clock: clock.Wall{}, Log: slog.New(slog.DiscardHandler), LocalToken: "bench", LocalTenant: "bench",
			Ready: func(r server.Ready) { ready <- r },
		})
	})
	var rows []row
	select {
	case at := <-ready:
		rows, err = measurePath(ctx, at, messages)
	case <-gone:
	}
	stop()
	return rows, errors.Join(err, backend.Wait())
}

func measurePath(ctx context.Context, at server.Ready, messages int) ([]row, error) {
	w, err := pathWork(ctx, at, messages)
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(w)
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cpu, began := cpuTime(), time.Now()
	gen := exec.CommandContext(ctx, self, generatorWord)
	gen.Stdin, gen.Stderr = bytes.NewReader(text), os.Stderr
	if err := gen.Run(); err != nil {
		return nil, fmt.Errorf("generate: %w", err)
	}
	acked := time.Since(began)
	for {
		lag, err := lagOf(ctx, at)
		if err != nil {
			return nil, err
		}
		if lag == 0 {
			break
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
	all, used := time.Since(began), cpuTime()-cpu
	n := float64(w.Messages * len(w.Devices))
	figure := fmt.Sprintf("%.1f CPU s/Mmsg; %.0f k msg/s acknowledged, %.0f k msg/s into history and twin, generator on the same cores",
		used.Seconds()*1e6/n, n/acked.Seconds()/1e3, n/all.Seconds()/1e3)
	return []row{{pathArea, figure, pathTarget}}, nil
}

// pathWork gives every device its token.
func pathWork(ctx context.Context, at server.Ready, messages int) (work, error) {
	w := work{Broker: at.MQTTAddr, Messages: messages / pathDevices, Window: pathWindow}
	for i := range pathDevices {
		id := fmt.Sprintf("B-%03d", i+1)
		var dev struct{ Topic string }
		if err := call(ctx, http.MethodGet, at.HTTP+"/api/v1/devices/"+id, &dev); err != nil {
			return w, err
		}
		var fresh struct{ Token string }
		if err := call(ctx, http.MethodPost, at.HTTP+"/api/v1/devices/"+id+"/token", &fresh); err != nil {
			return w, err
		}
		w.Devices = append(w.Devices, struct{ ID, User, Password, Topic string }{id, "bench::" + id, fresh.Token, dev.Topic + "/telemetry"})
	}
	return w, nil
}

// lagOf is how many records some group has not committed.
func lagOf(ctx context.Context, at server.Ready) (int, error) {
	var text string
	if err := call(ctx, http.MethodGet, at.HTTP+"/metrics", &text); err != nil {
		return 0, err
	}
	lag := 0
	for line := range strings.Lines(text) {
		var n float64
		if strings.HasPrefix(line, "lineshaft_lag_records{") {
			if _, err := fmt.Sscanf(line[strings.IndexByte(line, '}')+1:], "%f", &n); err != nil {
				return 0, err
			}
			lag += int(n)
		}
	}
	return lag, nil
}

func call(ctx context.Context, method, url string, into any) error {
	req, err := http.NewRequestWithContext(ctx, method, url, http.NoBody)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer bench")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode >= http.StatusBadRequest {
		return fmt.Errorf("%s %s: %s %s", method, url, res.Status, text)
	}
	if s, ok := into.(*string); ok {
		*s = string(text)
		return nil
	}
	return json.Unmarshal(text, into)
}

func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// benchPlant is a site full of pumps that speak for themselves.
func benchPlant() string {
	return fmt.Sprintf(`tenant: bench
title: Bench
since: 2026-01-01T00:00:00Z
assets:
  - name: bench
    class: enterprise
    title: Bench
    assets:
      - name: lab
        class: site
        title: Lab
        time_zone: UTC
        assets:
          - name: hall
            class: area
            title: Hall
            assets:
              - name: line-1
                class: cooling_loop
                title: Line
                assets:
                  - repeat: {n: "1..%d"}
                    name: B-{n:03}
                    class: centrifugal_pump
                    title: Pump {n}
                    device: {kind: direct, interval: 1s}
`, pathDevices)
}
