// Command lineshaft-sim is a plant that is not there: its controllers answer Modbus TCP and OPC UA, its devices
// speak MQTT.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/lineshaft/lineshaft/twin/fault"
	"github.com/lineshaft/lineshaft/twin/release"
)

// The exit codes: what was asked for cannot be done as it was written, or it was tried and failed.
const (
	failed  = 1
	invalid = 2
)

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	root := command()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	fmt.Fprintln(os.Stderr, "lineshaft-sim:", err)
	if f, ok := errors.AsType[*fault.Error](err); ok && f.Hint != "" {
		fmt.Fprintln(os.Stderr, "hint:", f.Hint)
	}
	if fault.Is(err, fault.Invalid) || fault.Is(err, fault.NotFound) {
		return invalid
	}
	return failed
}

func command() *cobra.Command {
	root := &cobra.Command{
		Use: "lineshaft-sim", Short: "A plant that is not there", SilenceUsage: true, SilenceErrors: true,
		Args: nothing,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.AddCommand(plcCommand(), fleetCommand(), checkCommand(), &cobra.Command{
		Use: "version", Short: "Print the version", Args: nothing,
		Run: func(cmd *cobra.Command, _ []string) { cmd.Println(release.Version) },
	})
	root.SetOut(os.Stdout)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return fault.New(fault.Invalid, "%s", err) })
	return root
}

// nothing refuses arguments: all settings are flags.
func nothing(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return fault.New(fault.Invalid, "%s does not know %q", cmd.CommandPath(), args[0]).WithHint("see %s --help", cmd.CommandPath())
	}
	return nil
}
