package main

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/lineshaft/lineshaft/gateway/agent"
	"github.com/lineshaft/lineshaft/twin/clock"
	"github.com/lineshaft/lineshaft/twin/release"
)

// usageError is a wrong call or configuration, told from a failure by its exit code.
type usageError struct{ err error }

func (u *usageError) Error() string { return u.err.Error() }
func (u *usageError) Unwrap() error { return u.err }

type lookup = func(string) (string, bool)

func newCommand(env lookup) *cobra.Command {
	root := &cobra.Command{
		Use:           "lineshaft-gateway",
		Short:         "A Lineshaft gateway: reads PLCs, keeps what they say on disk, hands it to the backend",
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &usageError{err} })
	root.AddCommand(runCommand(env), checkCommand(env), versionCommand())
	return root
}

func runCommand(env lookup) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Run the gateway until interrupted; an interrupt hands over what the outbox holds first",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := load(cmd.Flags(), env)
			if err != nil {
				return err
			}
			log := slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), nil))
			return agent.Run(cmd.Context(), cfg, agent.Deps{Clock: clock.Wall{}, Log: log, Version: release.Version})
		},
	}
	addFlags(cmd.Flags())
	return cmd
}

func checkCommand(env lookup) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Validate the configuration and name what is wrong",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := load(cmd.Flags(), env)
			if err != nil {
				return err
			}
			if err := cfg.CheckFiles(); err != nil {
				return &usageError{err}
			}
			tags := 0
			for _, d := range cfg.Devices {
				tags += len(d.Tags)
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "configuration is good: %s reads %d tags of %d devices from %d sources\n",
				cfg.DeviceID, tags, len(cfg.Devices), len(cfg.Sources))
			return err
		},
	}
	addFlags(cmd.Flags())
	return cmd
}

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(cmd.OutOrStdout(), "lineshaft-gateway", release.Version)
			return err
		},
	}
}

func addFlags(fs *pflag.FlagSet) {
	fs.StringP("config", "c", "", "configuration file (YAML) (LINESHAFT_CONFIG)")
	for _, k := range agent.OverrideKeys() {
		fs.String(flagOf(k[0]), "", k[1]+" (LINESHAFT_"+strings.ToUpper(k[0])+")")
	}
}

func flagOf(key string) string { return strings.ReplaceAll(key, "_", "-") }

// load reads the configuration; the environment overrides the file, a flag overrides both.
func load(fs *pflag.FlagSet, env lookup) (agent.Config, error) {
	path, err := fs.GetString("config")
	if err != nil {
		return agent.Config{}, err
	}
	if path == "" {
		path, _ = env("LINESHAFT_CONFIG")
	}
	if path == "" {
		return agent.Config{}, &usageError{errors.New("which configuration? use --config f.yaml or LINESHAFT_CONFIG")}
	}
	overrides := agent.Environment(env)
	for _, k := range agent.OverrideKeys() {
		if f := fs.Lookup(flagOf(k[0])); f.Changed {
			overrides = append(overrides, agent.Override{Key: k[0], Value: f.Value.String()})
		}
	}
	cfg, err := agent.ReadConfig(path, overrides...)
	if err != nil {
		return agent.Config{}, &usageError{err}
	}
	return cfg, nil
}
