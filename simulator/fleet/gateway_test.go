package fleet_test

import (
	"context"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/lineshaft/lineshaft/gateway/agent"
	"github.com/lineshaft/lineshaft/simulator/fleet"
	"github.com/lineshaft/lineshaft/twin"
	"github.com/lineshaft/lineshaft/twin/link"
	"github.com/lineshaft/lineshaft/twin/link/linktest"
	"github.com/lineshaft/lineshaft/twin/wire"
)

// TestRealGatewaysReadEveryTagAsThePlantHasIt runs the gateways of the plant with the configurations the fleet
// renders: whatever the protocol, encoding, word order and scale, what arrives at the broker is what the plant is.
func TestRealGatewaysReadEveryTagAsThePlantHasIt(t *testing.T) {
	broker := linktest.StartMosquitto(t)
	heard := listen(t, broker.URL(), "acme/#")
	p := acme(t)
	f := start(t, p, config(t))
	dir := t.TempDir()
	secret := filepath.Join(dir, "opcua")
	if err := os.WriteFile(secret, []byte("correct horse"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, id := range f.Gateways() {
		cfg, err := f.GatewayConfig(id, fleet.GatewayOptions{
			Broker: broker.URL(), PasswordFile: secret, OPCUAPasswordFile: secret, DataDir: filepath.Join(dir, id),
		})
		if err != nil {
			t.Fatal(err)
		}
		run(t, func(ctx context.Context) error {
			return agent.Run(ctx, cfg, agent.Deps{Log: slog.New(slog.DiscardHandler), Version: "1.2.3"})
		})
	}
	want := map[[2]string]twin.Tag{}
	asset := map[string]twin.Asset{}
	for _, a := range p.Assets {
		asset[a.ID] = a
	}
	home := map[string]string{}
	for _, d := range p.Devices {
		if d.Kind != twin.Hosted {
			continue
		}
		home[d.ID] = d.Asset
		for _, tag := range asset[d.Asset].Tags {
			want[[2]string{d.ID, tag.Name}] = tag
		}
	}
	arrived := map[[2]string]twin.Sample{}
	read := 0
	heard.until(t, "reading of every tag", func(msgs []link.Message) bool {
		for _, m := range only(msgs[read:], "/telemetry") {
			var got wire.Message
			if err := wire.DecodeTelemetry(m.Payload, &got); err != nil {
				t.Fatal(err)
			}
			for _, r := range got.Readings {
				arrived[[2]string{got.DeviceID, r.Tag}] = r.Sample
			}
		}
		read = len(msgs)
		for k := range want {
			if _, ok := arrived[k]; !ok {
				return false
			}
		}
		return true
	})
	for k, tag := range want {
		s := arrived[k]
		now, ok := f.World().Read(home[k[0]], k[1])
		if !ok {
			t.Fatalf("%v is not in the world", k)
		}
		if s.Q != now.Q {
			t.Errorf("%s.%s arrives with quality %d, the plant has %d", k[0], k[1], s.Q, now.Q)
		}
		if s.V.Kind() == twin.String {
			if s.V != now.V {
				t.Errorf("%s.%s is %q, the plant has %q", k[0], k[1], s.V.Text(), now.V.Text())
			}
			continue
		}
		// The plant has moved on since: a tenth of the range, or of the value, is far from another encoding.
		room := max(3, 0.1*math.Abs(now.V.Float()))
		if tag.Range.Low != nil && tag.Range.High != nil {
			room = 0.2 * (*tag.Range.High - *tag.Range.Low)
		}
		if math.Abs(s.V.Float()-now.V.Float()) > room {
			t.Errorf("%s.%s arrives as %s, the plant has %s", k[0], k[1], s.V.Text(), now.V.Text())
		}
	}
	t.Logf("%d tags of %d devices", len(want), len(home))
}
