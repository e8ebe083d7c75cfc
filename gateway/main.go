// Command lineshaft-gateway reads PLCs over Modbus and OPC UA and hands what they say to a Lineshaft backend over
// MQTT, by way of an outbox on disk.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/lineshaft/lineshaft/twin/fault"
)

// Exit codes, the same for all programs.
const (
	exitFailed = 1
	exitUsage  = 2
)

// memory is what the garbage collector aims to stay below: a gateway is to live in 64 MB.
const memory = 40 << 20

func main() {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memory)
	}
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

func run(args []string, out, problems io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	cmd := newCommand(os.LookupEnv)
	cmd.SetArgs(args)
	cmd.SetOut(out)
	cmd.SetErr(problems)
	err := cmd.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	_, _ = fmt.Fprintln(problems, "lineshaft-gateway:", err)
	if e, ok := errors.AsType[*fault.Error](err); ok && e.Hint != "" {
		_, _ = fmt.Fprintln(problems, "hint:", e.Hint)
	}
	if _, ok := errors.AsType[*usageError](err); ok {
		return exitUsage
	}
	return exitFailed
}
