package main

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/lineshaft/lineshaft/simulator/fleet"
	"github.com/lineshaft/lineshaft/twin/clock"
	"github.com/lineshaft/lineshaft/twin/fault"
	"github.com/lineshaft/lineshaft/twin/link"
	"github.com/lineshaft/lineshaft/twin/release"
)

func fleetCommand() *cobra.Command {
	l := fleet.Load{Version: release.Version, Clock: clock.Wall{}}
	var broker, creds, level string
	cmd := &cobra.Command{
		Use: "fleet --devices n --broker tcp://host:port", Short: "Run devices without a plant, for load",
		Args: nothing, PreRunE: settings,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if l.Log, err = logger(cmd, level); err != nil {
				return err
			}
			if broker == "" {
				return fault.Field("broker", "nothing", "wants tcp://host:port")
			}
			l.Link = link.Config{Broker: broker}
			if l.Password, err = credentials(creds); err != nil {
				return err
			}
			return l.Run(cmd.Context())
		},
	}
	f := cmd.Flags()
	f.String("config", "", "file with these settings")
	f.IntVar(&l.Devices, "devices", 100, "how many devices")
	f.IntVar(&l.Tags, "tags", 6, "tags of each device")
	f.DurationVar(&l.Interval, "interval", time.Second, "between the messages of a device")
	f.StringVar(&l.Tenant, "tenant", "load", "tenant of the devices")
	f.StringVar(&l.Site, "site", "bench", "site segment of their topics")
	f.StringVar(&l.Area, "area", "_", "area segment of their topics")
	f.StringVar(&l.Line, "line", "_", "line segment of their topics")
	f.StringVar(&l.Class, "class", "sensor", "class segment of their topics")
	f.StringVar(&l.Prefix, "prefix", "sim", "of the device ids: prefix-00001")
	f.Uint64Var(&l.Seed, "seed", 1, "seed of everything random")
	f.StringVar(&broker, "broker", "", "tcp://host:port")
	f.StringVar(&creds, "credentials", "", "file with lines: device password")
	f.StringVar(&level, "log-level", "info", "debug, info, warn or error")
	return cmd
}
