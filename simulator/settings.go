package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/lineshaft/lineshaft/assets"
	"github.com/lineshaft/lineshaft/twin/exchange"
	"github.com/lineshaft/lineshaft/twin/fault"
)

// settings fills the flags of a command that were not given: from LINESHAFT_* in the environment, else from the
// file of --config, whose keys are the flags with underscores. It names what it does not know.
func settings(cmd *cobra.Command, _ []string) error {
	file := map[string]any{}
	if path := cmd.Flag("config").Value.String(); path != "" {
		text, err := os.ReadFile(path)
		if err != nil {
			return fault.Field("config", path, "cannot be read: %s", err)
		}
		if err := yaml.UnmarshalWithOptions(text, &file, yaml.Strict()); err != nil {
			return fault.New(fault.Invalid, "%s: %s", path, yaml.FormatError(err, false, true))
		}
	}
	for key, value := range file {
		if cmd.Flags().Lookup(flagName(key)) == nil || strings.Contains(key, "-") {
			return fault.Field(key, value, "is not a setting of %s", cmd.Name())
		}
	}
	var errs []error
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if f.Changed || f.Name == "help" {
			return
		}
		key := strings.ReplaceAll(f.Name, "-", "_")
		value, ok := os.LookupEnv("LINESHAFT_" + strings.ToUpper(key))
		if v, inFile := file[key]; !ok && inFile {
			value, ok = fmt.Sprint(v), true
		}
		if !ok || value == "" {
			return
		}
		if err := f.Value.Set(value); err != nil {
			errs = append(errs, fault.Field(key, value, "%s", err))
		}
	})
	return errors.Join(errs...)
}

func flagName(key string) string { return strings.ReplaceAll(key, "_", "-") }

// logger writes to standard error at the level of --log-level.
func logger(cmd *cobra.Command, level string) (*slog.Logger, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, fault.Field("log_level", level, "use debug, info, warn or error")
	}
	return slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: l})), nil
}

// readPlant reads a plant file, or one of those that ship inside the program where no such file is there.
func readPlant(path string) (exchange.Plant, error) {
	if path == "" {
		return exchange.Plant{}, fault.Field("plant", "nothing", "wants a plant file, or the name of one inside: %s", inside())
	}
	classes, err := exchange.ReadClasses(assets.FS, "classes")
	if err != nil {
		return exchange.Plant{}, fmt.Errorf("read classes: %w", err)
	}
	var in fs.File
	in, err = os.Open(path)
	if errors.Is(err, fs.ErrNotExist) && filepath.Base(path) == path {
		in, err = assets.FS.Open("plants/" + path)
	}
	if err != nil {
		return exchange.Plant{}, fault.Field("plant", path, "cannot be opened; inside are %s", inside())
	}
	defer in.Close() //nolint:errcheck // read only
	p, err := exchange.ReadPlant(in, classes)
	if err != nil {
		return exchange.Plant{}, fault.New(fault.Invalid, "%s: %s", path, err)
	}
	return p, nil
}

func inside() string {
	files, _ := fs.Glob(assets.FS, "plants/*.yaml")
	for i, f := range files {
		files[i] = filepath.Base(f)
	}
	return strings.Join(files, ", ")
}

// secret reads a file that holds one line.
func secret(field, path string) (string, error) {
	if path == "" {
		return "", nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return "", fault.Field(field, path, "cannot be read: %s", err)
	}
	return strings.TrimRight(string(text), "\r\n"), nil
}

// credentials reads a file of lines "device password" and returns what finds a device's; nil without a file.
func credentials(path string) (func(device string) (string, error), error) {
	if path == "" {
		return nil, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fault.Field("credentials", path, "cannot be opened: %s", err)
	}
	defer f.Close() //nolint:errcheck // read only
	found, err := parseCredentials(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return func(device string) (string, error) {
		if p, ok := found[device]; ok {
			return p, nil
		}
		return "", fault.Field("credentials", path, "has no line for device %s", device)
	}, nil
}

func parseCredentials(r io.Reader) (map[string]string, error) {
	out := map[string]string{}
	in := bufio.NewScanner(r)
	for n := 1; in.Scan(); n++ {
		line := strings.TrimSpace(in.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		words := strings.Fields(line)
		if len(words) != 2 {
			return nil, fault.New(fault.Invalid, "line %d: wants a device and its password", n)
		}
		out[words[0]] = words[1]
	}
	if err := in.Err(); err != nil {
		return nil, fmt.Errorf("read: %w", err)
	}
	return out, nil
}
