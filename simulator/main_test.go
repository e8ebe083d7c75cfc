package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lineshaft/lineshaft/gateway/agent"
	"github.com/lineshaft/lineshaft/twin/fault"
)

// execute runs the program as a user types it and returns what it prints.
func execute(ctx context.Context, t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	root := command()
	root.SetOut(&out)
	root.SetErr(io.Discard)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	return out.String(), err
}

func TestCheckReadsThePlantsInside(t *testing.T) {
	out, err := execute(t.Context(), t, "check", "--plant", "acme.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"plc-det-cw-2: modbus", "plc-rot-te-1: opcua", "polled by gw-rot-01", "acme: "} {
		if !strings.Contains(out, want) {
			t.Errorf("check prints %q, want %q in it", out, want)
		}
	}
	if out, err = execute(t.Context(), t, "check", "--plant", "globex.yaml"); err != nil {
		t.Errorf("globex: %v %s", err, out)
	}
}

func TestSettingsComeFromFlagThenEnvironmentThenFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "sim.yaml")
	if err := os.WriteFile(file, []byte("plant: globex.yaml\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := execute(t.Context(), t, "check", "--config", file)
	if err != nil || !strings.Contains(out, "globex: ") {
		t.Errorf("from the file: %q %v", out, err)
	}
	t.Setenv("LINESHAFT_PLANT", "acme.yaml")
	if out, err = execute(t.Context(), t, "check", "--config", file); err != nil || !strings.Contains(out, "acme: ") {
		t.Errorf("the environment beats the file: %q %v", out, err)
	}
	if out, err = execute(t.Context(), t, "check", "--config", file, "--plant", "globex.yaml"); err != nil || !strings.Contains(out, "globex: ") {
		t.Errorf("the flag beats both: %q %v", out, err)
	}
}

func TestWhatIsWrongIsNamed(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	typo := write("typo.yaml", "plannt: acme.yaml\n")
	plant := write("plant.yaml", "tenant: t\nsince: 2026-01-01T00:00:00Z\nassets:\n  - {name: t, class: nothing}\n")
	creds := write("creds", "VI-001\n")
	for _, tc := range []struct {
		args []string
		want string
	}{
		{[]string{"check"}, "plant"},
		{[]string{"check", "--plant", "nowhere.yaml"}, "nowhere.yaml"},
		{[]string{"check", "--plant", plant}, "nothing"},
		{[]string{"check", "--config", typo}, "plannt"},
		{[]string{"check", "--plnt", "x"}, "plnt"},
		{[]string{"plc", "--plant", "acme.yaml"}, "opcua_password"},
		{[]string{"plc", "--plant", "acme.yaml", "--port", "plc-9=1502"}, "plc-9"},
		{[]string{"plc", "--plant", "acme.yaml", "--credentials", creds}, "line 1"},
		{[]string{"plc", "--plant", "acme.yaml", "--log-level", "loud"}, "loud"},
		{[]string{"fleet", "--devices", "0", "--broker", "tcp://127.0.0.1:1"}, "devices"},
		{[]string{"fleet"}, "broker"},
	} {
		_, err := execute(t.Context(), t, tc.args...)
		if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%v: %v, want a refusal that names %s", tc.args, err, tc.want)
		}
	}
}

func TestExitCodes(t *testing.T) {
	for _, tc := range []struct {
		args []string
		want int
	}{
		{[]string{"version"}, 0}, {[]string{"--help"}, 0}, {[]string{"check", "--plant", "nowhere.yaml"}, invalid}, {[]string{"dance"}, invalid},
	} {
		if got := run(tc.args); got != tc.want {
			t.Errorf("%v exits with %d, want %d", tc.args, got, tc.want)
		}
	}
}

func TestPLCWritesTheGatewaysConfigurationsAndAnswers(t *testing.T) {
	dir := t.TempDir()
	secret := filepath.Join(dir, "opcua")
	if err := os.WriteFile(secret, []byte("correct horse\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // opens, writes, and stops at once
	_, err := execute(ctx, t, "plc", "--plant", "acme.yaml", "--dir", filepath.Join(dir, "pki"), "--opcua-password-file", secret,
		"--gateway-config", filepath.Join(dir, "gateways"), "--gateway-broker", "tcp://127.0.0.1:1883", "--log-level", "error")
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := agent.ReadConfig(filepath.Join(dir, "gateways", "gw-det-02.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if len(cfg.Sources) != 2 || cfg.Sources[0].OPCUA.PasswordFile != secret || cfg.Broker != "tcp://127.0.0.1:1883" {
		t.Errorf("the gateway is configured as %+v", cfg.Sources)
	}
}
