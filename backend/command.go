package main

import (
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/lineshaft/lineshaft/backend/api"
	"github.com/lineshaft/lineshaft/backend/server"
	"github.com/lineshaft/lineshaft/twin/clock"
	"github.com/lineshaft/lineshaft/twin/release"
)

// usageError is a wrong call or configuration, told from a failure by its exit code.
type usageError struct{ err error }

func (u *usageError) Error() string { return u.err.Error() }
func (u *usageError) Unwrap() error { return u.err }

func newCommand(env func(string) string) *cobra.Command {
	root := &cobra.Command{
		Use:           "lineshaft",
		Short:         "The Lineshaft backend: takes telemetry, keeps history, shows the plant",
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetOut(os.Stdout)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &usageError{err} })
	root.AddCommand(serveCommand(env), checkCommand(env), backupCommand(env), restoreCommand(env), versionCommand(), openapiCommand())
	return root
}

func serveCommand(env func(string) string) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the backend until interrupted; an interrupt drains first",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := load(cmd.Flags(), env)
			if err != nil {
				return err
			}
			return server.Run(cmd.Context(), cfg, server.Deps{
				Clock: clock.Wall{},
				Log:   cfg.Logger(os.Stderr),
				Ready: func(r server.Ready) {
					cmd.Printf("lineshaft ready %s %s\n", r.HTTP, r.MQTT)
					for _, f := range r.FirstPasswords {
						cmd.Printf("first sign-in user=%s password=%s\n", f.User, f.Password)
					}
				},
			})
		},
	}
	addFlags(cmd.Flags())
	return cmd
}

func checkCommand(env func(string) string) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Validate the configuration and name what is wrong",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := load(cmd.Flags(), env)
			if err != nil {
				return err
			}
			cmd.Printf("configuration is good: console on %s, broker on %s, data in %s\n", cfg.HTTPListen, cfg.MQTTListen, cfg.Data)
			return nil
		},
	}
	addFlags(cmd.Flags())
	return cmd
}

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: cobra.NoArgs,
		Run: func(cmd *cobra.Command, _ []string) { cmd.Println("lineshaft", release.Version) },
	}
}

func openapiCommand() *cobra.Command {
	return &cobra.Command{
		Use: "openapi", Short: "Print the description of the HTTP API (OpenAPI 3.1)", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			spec, err := api.Spec()
			if err != nil {
				return err
			}
			_, err = cmd.OutOrStdout().Write(append(spec, '\n'))
			return err
		},
	}
}

func addFlags(fs *pflag.FlagSet) {
	fs.StringP("config", "c", "", "configuration file (YAML)")
	for _, k := range server.Keys() {
		fs.String(k.Flag(), "", k.Help+" ("+k.Env()+")")
	}
}

func load(fs *pflag.FlagSet, env func(string) string) (server.Config, error) {
	set := map[string]string{}
	for _, k := range server.Keys() {
		if f := fs.Lookup(k.Flag()); f.Changed {
			set[k.Name] = f.Value.String()
		}
	}
	path, err := fs.GetString("config")
	if err != nil {
		return server.Config{}, err
	}
	if path == "" {
		path = env("LINESHAFT_CONFIG")
	}
	cfg, err := server.Load(path, env, set)
	if err != nil {
		return cfg, &usageError{err}
	}
	return cfg, nil
}
