package e2e

import (
	"fmt"
	"net/url"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/lineshaft/lineshaft/twin/wire/sparkplugpb"
	"github.com/lineshaft/lineshaft/twin/wire/telemetrypb"
)

// everyForm sends one value in each form of the contract, as devices of every age would, and finds each in history.
func everyForm(t *testing.T, p plant) {
	const id = "aged-01"
	w, topic := talker(t, p, id)
	from := time.Now().Truncate(time.Second)
	ts := from.UnixMilli() + 7
	binary, err := proto.Marshal(&telemetrypb.Telemetry{
		Schema: 1, MsgId: "01KDVDNA00RD908FMZFACEX6AR", DeviceId: id, Ts: ts + 3,
		D: []*telemetrypb.Reading{{Tag: "velocity_rms", Samples: []*telemetrypb.Sample{{V: &telemetrypb.Sample_Number{Number: 2.0625}}}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for n, payload := range [][]byte{
		[]byte(`{"velocity":2.0078125}`),
		fmt.Appendf(nil, `{"schema_version":"2.0","device_id":%q,"ts":%d,"d":{"velocity_rms":2.015625}}`, id, ts+1),
		fmt.Appendf(nil, `{"v":"2.1","id":%q,"t":%d,"vel":2.03125}`, id, ts+2),
		binary,
	} {
		if err := w.publish(n, topic+"/telemetry", payload); err != nil {
			t.Fatal(err)
		}
	}
	inHistory(t, p, from, 2.0078125, 2.015625, 2.03125, 2.0625)
}

// sparkplug is a gateway that speaks Sparkplug B: a birth, a value by alias, and the gap of a message that was lost.
func sparkplug(t *testing.T, p plant) {
	var gateway struct{ Token string }
	for _, d := range []map[string]string{
		{"device_id": "gw-spark", "kind": "gateway", "device_type": "gateway", "site": "detroit", "area": "_", "line": "_"},
		{"device_id": "spark-01", "kind": "hosted", "device_type": "vibration_sensor", "site": "detroit", "area": "body-shop", "line": "lab", "gateway": "gw-spark"},
	} {
		if d["kind"] == "hosted" {
			d["asset"], _ = resolve(t, p, "VI-001", "velocity_rms")
		}
		made := &gateway
		if d["kind"] == "hosted" {
			made = &struct{ Token string }{}
		}
		if err := p.api.do(t.Context(), "POST", "/api/v1/devices", nil, d, made); err != nil {
			t.Fatal(err)
		}
	}
	w := newWitness(p.mqtt, "acme::gw-spark", gateway.Token)
	if err := w.connect(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.close)
	from := time.Now().Truncate(time.Second)
	value := func(name string, alias uint64, v float64) *sparkplugpb.Metric {
		m := &sparkplugpb.Metric{Alias: &alias, Value: &sparkplugpb.Metric_DoubleValue{DoubleValue: v}}
		if name != "" {
			m.Name, m.Datatype = &name, new(uint32(10))
		}
		return m
	}
	for n, m := range []struct {
		topic   string
		seq     uint64
		metrics []*sparkplugpb.Metric
	}{
		{"NBIRTH/gw-spark", 0, nil},
		{"DBIRTH/gw-spark/spark-01", 1, []*sparkplugpb.Metric{value("velocity_rms", 5, 2.125)}},
		{"DDATA/gw-spark/spark-01", 4, []*sparkplugpb.Metric{value("", 5, 2.25)}}, // two were lost
	} {
		b, err := proto.Marshal(&sparkplugpb.Payload{Timestamp: new(uint64(from.UnixMilli()) + 11 + m.seq), Seq: &m.seq, Metrics: m.metrics})
		if err != nil {
			t.Fatal(err)
		}
		if err := w.publish(n, "spBv1.0/acme/"+m.topic, b); err != nil {
			t.Fatal(err)
		}
	}
	inHistory(t, p, from, 2.125, 2.25)
	eventually(t, 10*time.Second, "the gap of what was lost", func() error {
		var page struct {
			Items []struct {
				From uint64 `json:"from_seq"`
				To   uint64 `json:"to_seq"`
			}
		}
		if err := p.api.get(t.Context(), "/api/v1/gaps", url.Values{"device": {"gw-spark"}}, &page); err != nil {
			return err
		}
		if len(page.Items) != 1 || page.Items[0].From != 3 || page.Items[0].To != 4 {
			return fmt.Errorf("%+v", page)
		}
		return nil
	})
}

// inHistory waits until history has every one of the values, which no sensor of the plant would measure.
func inHistory(t *testing.T, p plant, from time.Time, values ...float64) {
	t.Helper()
	asset, _ := resolve(t, p, "VI-001", "velocity_rms")
	eventually(t, 10*time.Second, "the values in history", func() error {
		cols, err := p.api.history(t.Context(), []string{asset + ":velocity_rms"}, from, time.Now().Add(time.Second), url.Values{"quality": {"all"}})
		if err != nil || len(cols) != 1 {
			return fmt.Errorf("%+v, %w", cols, err)
		}
		for _, want := range values {
			if !slices.Contains(cols[0].V, any(want)) {
				return fmt.Errorf("%v is not among %v", want, cols[0].V)
			}
		}
		return nil
	})
}
