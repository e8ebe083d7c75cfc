// Command demo is the whole plant in one process on loopback: backend, gateways, controllers and devices, joined by
// the real protocols only.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/spf13/cobra"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := command().ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop was called
	}
}

func command() *cobra.Command {
	var httpPort, mqttPort, data, level string
	cmd := &cobra.Command{
		Use: "lineshaft-demo", Short: "The demo plants on loopback, until interrupted",
		Args: cobra.NoArgs, SilenceErrors: true, SilenceUsage: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var l slog.Level
			if err := l.UnmarshalText([]byte(level)); err != nil {
				return fmt.Errorf("log-level: %w", err)
			}
			dir, err := filepath.Abs(data)
			if err != nil {
				return fmt.Errorf("data: %w", err)
			}
			d := demo{
				http: net.JoinHostPort("127.0.0.1", httpPort), mqtt: net.JoinHostPort("127.0.0.1", mqttPort), data: dir,
				out: cmd.OutOrStdout(), log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: l})),
			}
			return d.run(cmd.Context())
		},
	}
	cmd.Flags().StringVar(&httpPort, "http-port", "8080", "port of console and API; 0 is any free one")
	cmd.Flags().StringVar(&mqttPort, "mqtt-port", "1883", "port of the broker; 0 is any free one")
	cmd.Flags().StringVar(&data, "data", "data", "directory of everything stored")
	cmd.Flags().StringVar(&level, "log-level", "warn", "debug, info, warn or error")
	return cmd
}
