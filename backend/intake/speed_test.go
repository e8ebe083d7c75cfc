package intake

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/lineshaft/lineshaft/twin"
	"github.com/lineshaft/lineshaft/twin/clock"
	"github.com/lineshaft/lineshaft/twin/wire"
)

// bound is a registry whose answers are ready: what a message costs in intake itself.
type bound struct{ m map[string]Binding }

func (bound) Device(string, string) (twin.Device, bool) { return twin.Device{}, true }

func (b bound) Resolve(_, device, tag string, _ twin.Kind, _ int64) (Binding, error) {
	return b.m[device+tag], nil
}
func (bound) Append(context.Context, string, []Point) error         { return nil }
func (bound) Commit(context.Context) error                          { return nil }
func (bound) Report(string, []Reported)                             {}
func (bound) Seen(string, string, int64, int)                       {}
func (bound) Status(string, string, wire.DeviceStatus, int64, bool) {}
func (bound) Buffered(string, string, int64)                        {}

// BenchmarkMessage is one message of six readings from decode to sinks, for both groups.
func BenchmarkMessage(b *testing.B) {
	const devices, batch = 1000, 512
	p := bound{map[string]Binding{}}
	in, err := Open(b.Context(), Config{}, &memory{rows: map[string][]byte{}}, Ports{Registry: p, Binder: p, Samples: p, Twins: p, Devices: p},
		clock.Wall{}, slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	epoch := wire.DerivedID(tenOClock, "epoch")
	var tags []string
	for i := range 6 {
		tags = append(tags, fmt.Sprintf(`"tag_%d":{"v":7%d.4,"q":192}`, i, i))
		for d := range devices {
			p.m[fmt.Sprintf("P-%03dtag_%d", d, i)] = Binding{Series: uint32(d*6 + i), Asset: fmt.Sprint(d), Tag: fmt.Sprintf("tag_%d", i), Kind: twin.Float}
		}
	}
	record := func(n int) []wire.Publish {
		ps := make([]wire.Publish, batch)
		for i := range ps {
			m := n*batch + i
			d := m % devices
			ps[i] = wire.Publish{
				Topic: fmt.Sprintf("acme/detroit/body-shop/cooling/pump/P-%03d/telemetry", d), Received: tenOClock.UnixNano(),
				Payload: fmt.Appendf(nil, `{"schema_version":"2.1","msg_id":"01ARZ3NDEKTSV4RRFFQ69G5FAV","device_id":"P-%03d","device_type":"pump","ts":%d,"epoch":"%s","seq":%d,"d":{%s}}`,
					d, tenOClock.UnixMilli()+int64(m%200_000), epoch, m/devices+1, strings.Join(tags, ",")),
			}
		}
		return ps
	}
	var records [][]wire.Publish
	for n := 0; n*batch < b.N; n++ {
		records = append(records, record(n))
	}
	for _, group := range []string{"live", "historian"} {
		b.Run(group, func(b *testing.B) {
			for n := len(records); n*batch < b.N; n++ {
				records = append(records, record(n))
			}
			live, err := in.Live(streamTelemetry, fmt.Sprint(group, b.N))
			if err != nil {
				b.Fatal(err)
			}
			in.ledger.sequences = map[sequenceKey]*sequence{}
			history := in.History(streamTelemetry)
			b.ReportAllocs()
			b.ResetTimer()
			for n := 0; n*batch < b.N; n++ {
				if group == "live" {
					err = live.Apply(b.Context(), uint64(n+1), records[n])
				} else {
					err = history.Apply(b.Context(), uint64(n+1), records[n])
				}
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
