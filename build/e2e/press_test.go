package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lineshaft/lineshaft/assets"
	"github.com/lineshaft/lineshaft/gateway/outbox"
	"github.com/lineshaft/lineshaft/simulator/fleet"
	"github.com/lineshaft/lineshaft/simulator/plc"
	"github.com/lineshaft/lineshaft/twin/clock"
	"github.com/lineshaft/lineshaft/twin/exchange"
)

// press is the press shop of testdata/press.yaml as programs that can be killed: a backend and two gateways over
// controllers that live in the test.
type press struct {
	t          *testing.T
	dir        string
	http, mqtt string
	plant      exchange.Plant
	backend    *program
	gateways   map[string]*program
	api        client
	tokens     map[string]string
	paths      map[string]string // device → path of its asset
	tags       map[string][]string
	topics     map[string]string
}

func newPress(t *testing.T, flush time.Duration) *press {
	t.Helper()
	text, err := os.ReadFile("testdata/press.yaml")
	if err != nil {
		t.Fatal(err)
	}
	classes, err := exchange.ReadClasses(assets.FS, "classes")
	if err != nil {
		t.Fatal(err)
	}
	p := &press{
		t: t, dir: t.TempDir(), http: freePort(t), mqtt: freePort(t), gateways: map[string]*program{}, tokens: map[string]string{},
		paths: map[string]string{}, tags: map[string][]string{}, topics: map[string]string{},
	}
	if p.plant, err = exchange.ReadPlant(bytes.NewReader(text), classes); err != nil {
		t.Fatal(err)
	}
	p.startBackend()
	p.signIn()
	for _, d := range p.plant.Devices {
		for _, a := range p.plant.Assets {
			if a.ID != d.Asset {
				continue
			}
			p.paths[d.ID] = a.Path
			for _, tag := range a.Tags {
				p.tags[d.ID] = append(p.tags[d.ID], tag.Name)
			}
		}
	}
	p.openField(flush)
	return p
}

func (p *press) startBackend() {
	p.t.Helper()
	p.backend = start(p.t, "lineshaft", "serve", "--http-listen", p.http, "--mqtt-listen", p.mqtt,
		"--data", filepath.Join(p.dir, "backend"), "--plants", "testdata/press.yaml", "--tenants", "e2e")
}

func (p *press) signIn() {
	p.t.Helper()
	f := strings.Fields(p.backend.line(p.t, "first sign-in ", 60*time.Second))
	user, password := strings.TrimPrefix(f[2], "user="), strings.TrimPrefix(f[3], "password=")
	var err error
	if p.api, err = (client{base: "http://" + p.http}).login(p.t.Context(), user, password); err != nil {
		p.t.Fatal(err)
	}
	for _, d := range p.plant.Devices {
		if d.Kind == "hosted" {
			continue
		}
		var fresh struct{ Token string }
		var dev struct{ Topic string }
		if err := p.api.get(p.t.Context(), "/api/v1/devices/"+d.ID, nil, &dev); err != nil {
			p.t.Fatal(err)
		}
		p.topics[d.ID] = dev.Topic
		if err := p.api.do(p.t.Context(), "POST", "/api/v1/devices/"+d.ID+"/token", nil, map[string]any{}, &fresh); err != nil {
			p.t.Fatal(err)
		}
		p.tokens[d.ID] = fresh.Token
	}
}

// openField opens the controllers and writes what each gateway is told.
func (p *press) openField(flush time.Duration) {
	p.t.Helper()
	secret := filepath.Join(p.dir, "opcua-password")
	p.write(secret, "correct horse")
	field, err := fleet.Open(p.plant, assets.FS, fleet.Config{
		Seed: 1, Dir: filepath.Join(p.dir, "controllers"), Login: plc.Login{User: "gateway", Password: "correct horse"},
		Clock: clock.Wall{}, Log: slog.New(slog.DiscardHandler), Step: 100 * time.Millisecond,
	})
	if err != nil {
		p.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(p.t.Context()))
	done := make(chan error, 1)
	go func() { done <- field.Run(ctx) }()
	p.t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			p.t.Error(err)
		}
	})
	for _, id := range field.Gateways() {
		token := filepath.Join(p.dir, id+".token")
		p.write(token, p.tokens[id])
		cfg, err := field.GatewayConfig(id, fleet.GatewayOptions{
			Broker: "tcp://" + p.mqtt, PasswordFile: token, OPCUAPasswordFile: secret, DataDir: filepath.Join(p.dir, id),
		})
		if err != nil {
			p.t.Fatal(err)
		}
		cfg.Flush = flush
		for i := range cfg.Devices {
			cfg.Devices[i].Interval = flush
			for j := range cfg.Devices[i].Tags {
				cfg.Devices[i].Tags[j].Interval = flush
			}
		}
		text, err := cfg.Marshal()
		if err != nil {
			p.t.Fatal(err)
		}
		p.write(p.config(id), string(text))
	}
}

func (p *press) config(gateway string) string { return filepath.Join(p.dir, gateway+".yaml") }

// through leads a gateway to the broker by another address.
func (p *press) through(gateway, address string) {
	p.t.Helper()
	text, err := os.ReadFile(p.config(gateway))
	if err != nil {
		p.t.Fatal(err)
	}
	p.write(p.config(gateway), strings.Replace(string(text), p.mqtt, address, 1))
}

// noHole asks history for a tag over the outage: it must be as dense as before and after it.
func (p *press) noHole(gateway string, gone, back time.Time) {
	p.t.Helper()
	for _, d := range p.plant.Devices {
		if d.Gateway != gateway || d.Type != "centrifugal_pump" {
			continue
		}
		cols, err := p.api.history(p.t.Context(), []string{p.paths[d.ID] + ":flow_m3h"}, gone, back, url.Values{"max_points": {"0"}})
		if err != nil {
			p.t.Fatal(err)
		}
		if n := len(cols[0].TS); n < int(back.Sub(gone)/(200*time.Millisecond)) {
			p.t.Errorf("%s has %d readings of the outage", d.ID, n)
		}
	}
}

func (p *press) write(path, text string) {
	p.t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		p.t.Fatal(err)
	}
}

func (p *press) startGateway(id string) {
	p.t.Helper()
	p.gateways[id] = start(p.t, "lineshaft-gateway", "run", "--config", p.config(id))
}

// outboxes reads every row from the disks of the gateways, which must have stopped.
func (p *press) outboxes() (rows []row, unsent int) {
	p.t.Helper()
	for id := range p.gateways {
		n := 0
		for k, err := range outbox.Inspect(filepath.Join(p.dir, id, "outbox")) {
			if err != nil {
				p.t.Fatal(err)
			}
			n++
			if !k.Sent {
				unsent++
			}
			rows = append(rows, row{k.Device, k.Epoch, k.Channel, k.Seq, k.Payload})
		}
		if n == 0 {
			p.t.Fatalf("the outbox of %s is empty", id)
		}
	}
	return rows, unsent
}

// history reads everything the API has of the devices.
func (p *press) history(devices []string, from, to time.Time) (map[spot]float64, error) {
	out := map[spot]float64{}
	for _, d := range devices {
		for _, tag := range p.tags[d] {
			for at := from; at.Before(to); at = at.Add(5 * time.Minute) {
				cols, err := p.api.history(p.t.Context(), []string{p.paths[d] + ":" + tag}, at, earlier(at.Add(5*time.Minute), to),
					url.Values{"max_points": {"0"}, "quality": {"all"}})
				if err != nil {
					return nil, err
				}
				for i, ts := range cols[0].TS {
					out[spot{d, tag, ts}] = number(cols[0].V[i])
				}
			}
		}
	}
	return out, nil
}

// letters says how many dead letters there are, and what the first says.
func (p *press) letters() string {
	var page struct {
		Items  []struct{ Reason, Detail, Topic string }
		Groups []struct {
			Reason string
			Count  int
		}
	}
	if err := p.api.get(p.t.Context(), "/api/v1/deadletters", nil, &page); err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%v %v", page.Groups, page.Items[:min(2, len(page.Items))])
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// counts asks /history how many readings each minute has, and compares with the spots that were sent.
func (p *press) counts(sent map[spot]float64, from, to time.Time) error {
	type cell struct {
		device, tag string
		minute      int64
	}
	want := map[cell]int{}
	for s := range sent {
		want[cell{s.device, s.tag, s.ts / 60_000}]++
	}
	asked := map[[2]string]bool{}
	var errs []error
	for s := range sent {
		if asked[[2]string{s.device, s.tag}] {
			continue
		}
		asked[[2]string{s.device, s.tag}] = true
		cols, err := p.api.history(p.t.Context(), []string{p.paths[s.device] + ":" + s.tag}, from.Truncate(time.Minute), to.Truncate(time.Minute).Add(time.Minute),
			url.Values{"interval": {"PT1M"}, "agg": {"count"}, "quality": {"all"}})
		if err != nil {
			return err
		}
		for i, ts := range cols[0].TS {
			c := cell{s.device, s.tag, ts / 60_000}
			if n := number(cols[0].V[i]); int(n) != want[c] {
				errs = append(errs, fmt.Errorf("%s %s has %v readings in the minute %d and was sent %d", s.device, s.tag, n, c.minute, want[c]))
			}
			delete(want, c)
		}
	}
	for c, n := range want {
		errs = append(errs, fmt.Errorf("%s %s has no readings in the minute %d and was sent %d", c.device, c.tag, c.minute, n))
	}
	return errors.Join(errs...)
}
