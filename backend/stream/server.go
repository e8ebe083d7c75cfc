package stream

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

const (
	maxRecord = 8 << 20 // bytes of one record; a message of the broker is at most 1 MB
	maxDisk   = 1 << 50 // the disk is the bound, unless Config.MaxBytes says less
	format    = "lineshaft stream 1\n"
)

// checkFormat refuses a directory written by a later version and marks a new one.
func checkFormat(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make directory: %w", err)
	}
	path := filepath.Join(dir, "FORMAT")
	b, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return writeFormat(path)
	}
	if err != nil {
		return fmt.Errorf("read format: %w", err)
	}
	if string(b) != format {
		return fmt.Errorf("%s holds a stream of format %q, this program reads %q: start the program that wrote it",
			dir, strings.TrimSpace(string(b)), strings.TrimSpace(format))
	}
	return nil
}

func writeFormat(path string) error {
	tmp := path + ".tmp"
	if err := os.WriteFile(tmp, []byte(format), 0o600); err != nil {
		return fmt.Errorf("write format: %w", err)
	}
	if err := os.Rename(tmp, path); err != nil {
		return fmt.Errorf("write format: %w", err)
	}
	return nil
}

func startServer(cfg Config, dir string, log *slog.Logger) (*server.Server, error) {
	ns, err := server.NewServer(&server.Options{
		ServerName: "lineshaft", DontListen: true, NoSigs: true, NoSystemAccount: true,
		JetStream: true, StoreDir: dir, JetStreamMaxMemory: 64 << 20, JetStreamMaxStore: maxDisk,
		MaxPayload: maxRecord, MaxPending: 256 << 20, WriteDeadline: 30 * time.Second,
		SyncInterval: cfg.SyncInterval, SyncAlways: cfg.SyncAlways, DisableJetStreamBanner: true,
	})
	if err != nil {
		return nil, fmt.Errorf("configure stream server: %w", err)
	}
	ns.SetLoggerV2(serverLog{log}, false, false, false)
	ns.Start()
	if !ns.ReadyForConnections(30 * time.Second) {
		ns.Shutdown()
		return nil, errors.New("start stream server: not ready after 30 s")
	}
	if !ns.JetStreamEnabled() {
		ns.Shutdown()
		ns.WaitForShutdown()
		return nil, fmt.Errorf("start stream server: %s cannot be opened, see the log", dir)
	}
	return ns, nil
}

func (s *Stream) stopServer() {
	if s.nc != nil {
		s.nc.Close()
	}
	s.ns.Shutdown()
	s.ns.WaitForShutdown()
}

func connect(ns *server.Server) (*nats.Conn, error) {
	nc, err := nats.Connect("", nats.InProcessServer(ns), nats.MaxReconnects(-1), nats.ReconnectBufSize(-1))
	if err != nil {
		return nil, fmt.Errorf("connect to stream server: %w", err)
	}
	return nc, nil
}

// serverLog passes the stream server's warnings and errors on.
type serverLog struct{ log *slog.Logger }

func (l serverLog) Noticef(string, ...any) {}
func (l serverLog) Debugf(string, ...any)  {}
func (l serverLog) Tracef(string, ...any)  {}
func (l serverLog) Warnf(f string, args ...any) {
	l.log.Warn("stream_server_warning", "text", fmt.Sprintf(f, args...))
}

func (l serverLog) Errorf(f string, args ...any) {
	l.log.Error("stream_server_error", "text", fmt.Sprintf(f, args...))
}

func (l serverLog) Fatalf(f string, args ...any) {
	l.log.Error("stream_server_fatal", "text", fmt.Sprintf(f, args...))
}
