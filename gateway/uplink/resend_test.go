package uplink_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/lineshaft/lineshaft/gateway/outbox"
	"github.com/lineshaft/lineshaft/twin"
	"github.com/lineshaft/lineshaft/twin/link"
	"github.com/lineshaft/lineshaft/twin/link/linktest"
	"github.com/lineshaft/lineshaft/twin/wire"
)

// A gateway asked for a range sends exactly that range once more, with its old numbers and ids, and says what it no
// longer has. What it is asked for others it leaves alone.
func TestARangeIsSentAgain(t *testing.T) {
	broker := linktest.StartMosquitto(t)
	heard := &linktest.Heard{}
	ear, err := link.New(link.Config{Broker: broker.URL(), ClientID: "acme::backend"})
	if err != nil {
		t.Fatal(err)
	}
	if err := ear.Subscribe("acme/#", heard.Take); err != nil {
		t.Fatal(err)
	}
	linktest.Start(t, ear)
	r := newRig(t, broker.URL(), outbox.Options{})
	if err := r.up.Listen(r.s); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var g errgroup.Group
	g.Go(func() error { return r.up.Resend(ctx, r.s) })
	defer func() {
		cancel()
		if err := g.Wait(); err != nil {
			t.Error(err)
		}
	}()
	bodies := func(pump string) (out []string) {
		for _, m := range heard.All() {
			if strings.HasSuffix(m.Topic, pump+"/telemetry") {
				out = append(out, string(m.Payload))
			}
		}
		return out
	}
	for i := range 6 {
		r.read(0, "flow", float64(i), twin.Good)
		r.read(1, "flow", float64(i), twin.Good)
		linktest.Await(t, "a message of each pump", func() bool { return len(bodies("P-1")) == i+1 && len(bodies("P-2")) == i+1 })
	}
	linktest.Await(t, "all is known to be sent", func() bool { return r.box.Stats().Unsent == 0 })

	results := func() (out []map[string]any) {
		for _, m := range heard.All() {
			if strings.HasSuffix(m.Topic, "gw-1/resend/result") {
				var v map[string]any
				if err := json.Unmarshal(m.Payload, &v); err != nil {
					t.Fatal(err)
				}
				out = append(out, v)
			}
		}
		return out
	}
	ask := func(pump, epoch string, from, to int) {
		t.Helper()
		body := fmt.Appendf(nil, `{"request_id":"r%d","device_id":%q,"epoch":%q,"channel":"telemetry","from_seq":%d,"to_seq":%d}`, from, pump, epoch, from, to)
		topic := device("gw-1", wire.GatewayClass).Topic.On(wire.ResendRequest).String()
		if err := ear.Publish(ctx, link.Message{Topic: topic, Payload: body}, func(error) {}); err != nil {
			t.Fatal(err)
		}
	}
	first := bodies("P-1")
	ask("P-404", r.box.Epoch(), 1, 6)
	linktest.Await(t, "an answer for P-1", func() bool {
		if len(results()) == 0 {
			ask("P-1", r.box.Epoch(), 2, 4) // repeated until the gateway has subscribed
		}
		return len(results()) > 0
	})
	again := bodies("P-1")[6:]
	if len(again) < 3 || strings.Join(again[:3], "\n") != strings.Join(first[1:4], "\n") {
		t.Errorf("sent again:\n%s\nwere:\n%s", strings.Join(again, "\n"), strings.Join(first, "\n"))
	}
	if a := results()[0]; a["request_id"] != "r2" || a["sent"] != 3.0 || len(a["gone"].([]any)) != 0 || a["of_device"] != "P-1" {
		t.Errorf("the answer is %v", a)
	}
	if n := len(bodies("P-2")); n != 6 {
		t.Errorf("%d messages of a pump nobody asked about", n)
	}
	ask("P-1", wire.DerivedID(time.Unix(0, 0), "another life"), 1, 3)
	linktest.Await(t, "an answer about another life", func() bool {
		all := results()
		a := all[len(all)-1]
		return a["request_id"] == "r1" && a["sent"] == 0.0 && fmt.Sprint(a["gone"]) == "[[1 3]]"
	})
}
