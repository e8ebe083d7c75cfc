package main

import (
	"log/slog"
	"time"

	"github.com/spf13/cobra"

	"github.com/lineshaft/lineshaft/assets"
	"github.com/lineshaft/lineshaft/simulator/fleet"
	"github.com/lineshaft/lineshaft/simulator/plant"
	"github.com/lineshaft/lineshaft/simulator/plc"
	"github.com/lineshaft/lineshaft/twin/clock"
	"github.com/lineshaft/lineshaft/twin/fault"
	"github.com/lineshaft/lineshaft/twin/release"
)

// plcOptions are the flags of the plc command.
type plcOptions struct {
	plant, host, dir, user, passwordFile      string
	broker, credentials, gatewayConfig, level string
	gatewayPasswords, gatewayData, brokerFor  string
	seed                                      uint64
	step                                      time.Duration
	ports                                     map[string]int
}

func plcCommand() *cobra.Command {
	var o plcOptions
	cmd := &cobra.Command{
		Use: "plc --plant file.yaml", Short: "Run a plant: its controllers, and with --broker its own MQTT devices",
		Args: nothing, PreRunE: settings,
		RunE: func(cmd *cobra.Command, _ []string) error { return runPlant(cmd, o) },
	}
	f := cmd.Flags()
	f.String("config", "", "file with these settings")
	f.StringVar(&o.plant, "plant", "", "plant file, or the name of one inside the program: "+inside())
	f.StringVar(&o.host, "host", "127.0.0.1", "address the controllers listen on")
	f.StringToIntVar(&o.ports, "port", nil, "port of a controller, name=port; any free one otherwise")
	f.StringVar(&o.dir, "dir", "lineshaft-sim", "directory of OPC UA certificates")
	f.StringVar(&o.user, "opcua-user", "gateway", "user of OPC UA sessions")
	f.StringVar(&o.passwordFile, "opcua-password-file", "", "file with the password of OPC UA sessions")
	f.Uint64Var(&o.seed, "seed", 1, "seed of everything random")
	f.DurationVar(&o.step, "step", fleet.DefaultStep, "step of the physics")
	f.StringVar(&o.broker, "broker", "", "broker of the devices that speak MQTT, tcp://host:port; without it they are silent")
	f.StringVar(&o.credentials, "credentials", "", "file with lines: device password")
	f.StringVar(&o.gatewayConfig, "gateway-config", "", "write the configuration of each gateway to this directory")
	f.StringVar(&o.brokerFor, "gateway-broker", "", "broker in those configurations; --broker otherwise")
	f.StringVar(&o.gatewayPasswords, "gateway-password-file", "", "broker password file in those configurations")
	f.StringVar(&o.gatewayData, "gateway-data", "", "data directory in those configurations")
	f.StringVar(&o.level, "log-level", "info", "debug, info, warn or error")
	return cmd
}

func runPlant(cmd *cobra.Command, o plcOptions) error {
	log, err := logger(cmd, o.level)
	if err != nil {
		return err
	}
	p, err := readPlant(o.plant)
	if err != nil {
		return err
	}
	password, err := secret("opcua_password_file", o.passwordFile)
	if err != nil {
		return err
	}
	devices, err := credentials(o.credentials)
	if err != nil {
		return err
	}
	for name := range o.ports {
		known := false
		for _, c := range p.PLCs {
			known = known || c.Name == name
		}
		if !known {
			return fault.Field("port", name, "the plant has no controller of this name")
		}
	}
	f, err := fleet.Open(p, assets.FS, fleet.Config{
		Seed: o.seed, Host: o.host, Ports: o.ports, Dir: o.dir, Login: plc.Login{User: o.user, Password: password}, Step: o.step,
		Clock: clock.Wall{}, Log: log, Broker: o.broker, Password: devices, Version: release.Version,
	})
	if err != nil {
		return err
	}
	for name, at := range f.Endpoints() {
		log.Info("controller_answers", slog.String("plc", name), slog.String("endpoint", at))
	}
	if o.gatewayConfig != "" {
		broker := o.brokerFor
		if broker == "" {
			broker = o.broker
		}
		files, err := f.WriteGatewayConfigs(o.gatewayConfig, fleet.GatewayOptions{
			Broker: broker, PasswordFile: o.gatewayPasswords, OPCUAPasswordFile: o.passwordFile, DataDir: o.gatewayData,
		})
		if err != nil {
			return err
		}
		for _, path := range files {
			log.Info("gateway_configured", slog.String("file", path))
		}
	}
	return f.Run(cmd.Context())
}

func checkCommand() *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use: "check --plant file.yaml", Short: "Read a plant, build its world and lay its controllers out; open nothing",
		Args: nothing, PreRunE: settings,
		RunE: func(cmd *cobra.Command, _ []string) error { return check(cmd, file) },
	}
	cmd.Flags().String("config", "", "file with these settings")
	cmd.Flags().StringVar(&file, "plant", "", "plant file, or the name of one inside the program: "+inside())
	return cmd
}

func check(cmd *cobra.Command, file string) error {
	p, err := readPlant(file)
	if err != nil {
		return err
	}
	tracks, err := fleet.Tracks(p, assets.FS)
	if err != nil {
		return err
	}
	w, err := plant.New(p.Model, plant.Config{Start: p.Since, Tracks: tracks})
	if err != nil {
		return err
	}
	for _, c := range p.PLCs {
		places, err := plc.Layout(c, p.Model, w)
		if err != nil {
			return err
		}
		cmd.Printf("%s: %s, %d devices, %d tags, polled by %s\n", c.Name, c.Protocol, len(c.Devices), len(places), c.Gateway)
	}
	cmd.Printf("%s: %d assets, %d tags, %d devices\n", p.Tenant, len(p.Assets), w.Len(), len(p.Devices))
	return nil
}
