// Command lineshaft-desktop shows the console in a window of its own and, when alone, runs a backend for it.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/lineshaft/lineshaft/app/shell"
	"github.com/lineshaft/lineshaft/twin/release"
)

func main() {
	shell.FixLanguage(os.Getenv, os.Setenv)
	os.Exit(run(os.Args[1:], os.Stderr))
}

// run parses the flags and shows the window; it returns the exit code: 0 done, 1 failed, 2 wrong usage.
func run(args []string, stderr io.Writer) int {
	options, err := parse(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	}
	if err := window(options); err != nil {
		options.Log.Error("window failed", "error", err)
		return 1
	}
	return 0
}

// parse reads the flags.
func parse(args []string, stderr io.Writer) (shell.Options, error) {
	o := shell.Options{Log: slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))}
	flags := flag.NewFlagSet("lineshaft-desktop", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.Server, "server", "", "connect to the backend at this `URL` instead of asking")
	flags.StringVar(&o.TokenFile, "token-file", "", "`file` with a token for --server; without it the window asks who you are")
	flags.StringVar(&o.Open, "open", "", "`route` to open first, such as /a/acme/detroit")
	flags.BoolVar(&o.Local, "local", false, "run a backend in this program without asking")
	flags.BoolVar(&o.Demo, "demo", false, "with --local: load the model of the demo plant")
	flags.StringVar(&o.Data, "data", "", "`directory` of the local backend and of what the window remembers")
	flags.StringVar(&o.MQTTListen, "mqtt-listen", "127.0.0.1:1883", "`host:port` of the local broker; any free port when it is taken")
	version := flags.Bool("version", false, "print the version")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if *version {
		if _, err := fmt.Fprintln(stderr, release.Version); err != nil {
			return o, fmt.Errorf("print version: %w", err)
		}
		return o, flag.ErrHelp
	}
	if flags.NArg() > 0 {
		o.Log.Error("usage", "unexpected_argument", flags.Arg(0))
		return o, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if o.Data == "" {
		config, err := os.UserConfigDir()
		if err != nil {
			return o, fmt.Errorf("find a place for data: %w", err)
		}
		o.Data = filepath.Join(config, "lineshaft")
	}
	return o, nil
}
