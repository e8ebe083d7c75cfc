package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/lineshaft/lineshaft/backend/server"
)

func backupCommand(env func(string) string) *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "backup --out FILE",
		Short: "Write everything the backend running on the data directory holds to a file",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := load(cmd.Flags(), env)
			if err != nil {
				return err
			}
			if out == "" {
				return &usageError{errors.New("--out: name a file")}
			}
			h, err := server.Backup(cmd.Context(), cfg.Data, out)
			if err != nil {
				return err
			}
			text := fmt.Sprintf("backup of %s in %s\n", h.At.Format(time.RFC3339Nano), out)
			if h.History == 0 {
				text += "history is kept in InfluxDB and not in this file: back it up there too\n"
			}
			_, err = io.WriteString(cmd.OutOrStdout(), text)
			return err
		},
	}
	addFlags(cmd.Flags())
	cmd.Flags().StringVarP(&out, "out", "o", "", "file to write, which must not exist")
	return cmd
}

func restoreCommand(env func(string) string) *cobra.Command {
	var in string
	cmd := &cobra.Command{
		Use:   "restore --in FILE",
		Short: "Make an empty data directory what it was when the backup was made",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := load(cmd.Flags(), env)
			if err != nil {
				return err
			}
			if in == "" {
				return &usageError{errors.New("--in: name a file")}
			}
			h, err := server.Restore(in, cfg.Data, cfg.Logger(os.Stderr))
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "restored to %s in %s, start the backend on it\n", h.At.Format(time.RFC3339Nano), cfg.Data)
			return err
		},
	}
	addFlags(cmd.Flags())
	cmd.Flags().StringVarP(&in, "in", "i", "", "backup to restore")
	return cmd
}
