package e2e

import (
	"bytes"
	"context"
	"fmt"
	"net/url"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// plant is the demo as a user meets it: started by its command, reached by its ready line.
type plant struct {
	*program
	api            client // signed in
	mqtt           string // host:port
	user, password string
}

func startDemo(t *testing.T) plant {
	t.Helper()
	p := plant{program: start(t, "lineshaft-demo", "--http-port", "0", "--mqtt-port", "0", "--data", t.TempDir())}
	f := strings.Fields(p.line(t, "lineshaft ready ", 90*time.Second))
	if len(f) != 6 {
		t.Fatalf("ready line has %d words: %v", len(f), f)
	}
	p.mqtt = strings.TrimPrefix(f[3], "mqtt://")
	p.user, p.password = strings.TrimPrefix(f[4], "user="), strings.TrimPrefix(f[5], "password=")
	var err error
	if p.api, err = (client{base: f[2]}).login(t.Context(), p.user, p.password); err != nil {
		t.Fatal(err)
	}
	return p
}

// twinDoc is what the test reads of a twin.
type twinDoc struct {
	ID       string `json:"id"`
	Reported map[string]struct {
		V  any       `json:"v"`
		Q  int       `json:"q"`
		TS time.Time `json:"ts"`
	} `json:"reported"`
}

func (c client) twin(ctx context.Context, path string) (twinDoc, error) {
	var d twinDoc
	err := c.get(ctx, "/api/v1/assets/"+url.PathEscape(path)+"/twin", nil, &d)
	return d, err
}

// TestALivingPlant starts the demo and watches values move on both sites, over both protocols and from devices that
// speak for themselves; then it hands it the messages a plant should never send.
func TestALivingPlant(t *testing.T) {
	p := startDemo(t)
	t.Run("values change on both sites", func(t *testing.T) { valuesChange(t, p) })
	t.Run("a device that is mosquitto_pub", func(t *testing.T) { mosquittoPub(t, p) })
	t.Run("devices of every age", func(t *testing.T) { everyForm(t, p) })
	t.Run("a gateway that speaks Sparkplug", func(t *testing.T) { sparkplug(t, p) })
	t.Run("what the door refuses", func(t *testing.T) { refusals(t, p) })
	t.Run("what intake refuses", func(t *testing.T) { badInput(t, p) })
	t.Run("tenants apart", func(t *testing.T) { tenantsApart(t, p) })
	t.Run("the browser", func(t *testing.T) { browser(t, p) })
	t.Run("the desktop shell", func(t *testing.T) { desktop(t, p) })
	p.stop(t)
}

func valuesChange(t *testing.T, p plant) {
	for _, c := range []struct{ what, path, tag string }{
		{"Modbus, big endian", "acme/detroit/body-shop/cooling-water/loop-1/P-001", "flow_m3h"},
		{"Modbus, words swapped", "acme/detroit/body-shop/cooling-water/loop-2/P-005", "flow_m3h"},
		{"OPC UA", "acme/detroit/body-shop/cooling-water/loop-3/P-009", "flow_m3h"},
		{"a device of its own", "acme/detroit/body-shop/cooling-water/loop-1/P-001/VI-001", "velocity_rms"},
		{"the recording", "R-101", "pressure"},
	} {
		asset, tag := resolve(t, p, c.path, c.tag)
		seen := map[any]bool{}
		eventually(t, 30*time.Second, c.what+" changing", func() error {
			d, err := p.api.twin(t.Context(), asset)
			if err != nil {
				return err
			}
			r, ok := d.Reported[tag]
			if !ok || r.Q < 64 {
				return fmt.Errorf("%s %s is %+v", asset, tag, r)
			}
			seen[r.V] = true
			if len(seen) < 2 {
				return fmt.Errorf("%s %s stands at %v", asset, tag, r.V)
			}
			return nil
		})
		now := time.Now()
		cols, err := p.api.history(t.Context(), []string{asset + ":" + tag}, now.Add(-time.Minute), now, nil)
		if err != nil || len(cols) != 1 || len(cols[0].TS) < 2 {
			t.Errorf("%s: history has %+v, %v", c.what, cols, err)
		}
	}
	var o struct {
		Sites []struct {
			Name         string   `json:"name"`
			Connectivity *float64 `json:"connectivity"`
		} `json:"sites"`
	}
	if err := p.api.get(t.Context(), "/api/v1/overview", nil, &o); err != nil {
		t.Fatal(err)
	}
	if len(o.Sites) != 2 {
		t.Fatalf("overview has %d sites", len(o.Sites))
	}
	for _, s := range o.Sites {
		if s.Connectivity == nil || *s.Connectivity < 99 {
			t.Errorf("connectivity of %s is %v", s.Name, s.Connectivity)
		}
	}
}

// resolve finds an asset by path, or the first one of that name, and a tag of it by name or beginning.
func resolve(t *testing.T, p plant, path, tag string) (string, string) {
	t.Helper()
	name := path[strings.LastIndexByte(path, '/')+1:]
	var page struct {
		Items []struct {
			Path, Name string
			Tags       []struct{ Name string }
		}
	}
	if err := p.api.get(t.Context(), "/api/v1/assets", url.Values{"q": {name}}, &page); err != nil {
		t.Fatal(err)
	}
	for _, a := range page.Items {
		if a.Name != name {
			continue
		}
		for _, tg := range a.Tags {
			if tg.Name == tag || strings.HasPrefix(tg.Name, tag) {
				return a.Path, tg.Name
			}
		}
		t.Fatalf("%s has no tag %s: %+v", a.Path, tag, a.Tags)
	}
	t.Fatalf("no asset %s", name)
	return "", ""
}

// register adds a device of a class that measures something to the plant and returns its topic and token.
func register(t *testing.T, p plant, id string) (topic, token string) {
	t.Helper()
	asset, _ := resolve(t, p, "VI-001", "velocity_rms")
	var made struct {
		Device struct{ Topic string }
		Token  string
	}
	err := p.api.do(t.Context(), "POST", "/api/v1/devices", nil, map[string]string{
		"device_id": id, "kind": "direct", "device_type": "vibration_sensor", "site": "detroit", "area": "body-shop", "line": "lab", "asset": asset,
	}, &made)
	if err != nil {
		t.Fatal(err)
	}
	return made.Device.Topic, made.Token
}

func mosquittoPub(t *testing.T, p plant) {
	topic, token := register(t, p, "bench-01")
	host, port, _ := strings.Cut(p.mqtt, ":")
	asset, _ := resolve(t, p, "VI-001", "velocity_rms")
	sent := time.Now().Truncate(time.Millisecond)
	payload := fmt.Sprintf(`{"schema_version":"2.1","msg_id":"01KDVDNA00RD908FMZFACEX6AN","device_id":"bench-01","device_type":"vibration_sensor","ts":%d,"d":{"velocity_rms":{"v":3.875,"q":192}}}`, sent.Add(time.Second).UnixMilli())
	cmd := exec.CommandContext(t.Context(), "mosquitto_pub", "-h", host, "-p", port, "-q", "1", "-i", "acme::bench-01", "-u", "acme::bench-01", "-P", token, "-t", topic+"/telemetry", "-m", payload)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("mosquitto_pub: %v\n%s", err, out)
	}
	began := time.Now()
	eventually(t, time.Second, "the value in the twin", func() error {
		d, err := p.api.twin(t.Context(), asset)
		if err != nil {
			return err
		}
		if v := d.Reported["velocity_rms"].V; v != 3.875 {
			return fmt.Errorf("velocity_rms is %v", v)
		}
		return nil
	})
	t.Logf("in the twin %v after mosquitto_pub had its PUBACK", time.Since(began).Round(time.Millisecond))
	eventually(t, 5*time.Second, "the value in history", func() error {
		cols, err := p.api.history(t.Context(), []string{asset + ":velocity_rms"}, sent, sent.Add(2*time.Second), url.Values{"quality": {"all"}})
		if err != nil {
			return err
		}
		for i, v := range cols[0].V {
			if v == 3.875 && cols[0].TS[i] == sent.Add(time.Second).UnixMilli() {
				return nil
			}
		}
		return fmt.Errorf("history has %+v", cols)
	})
}

// letters are the reasons of a device's dead letters.
func (p plant) letters(ctx context.Context, device string) (map[string]int, error) {
	var page struct {
		Items []struct{ Reason, Detail string }
	}
	err := p.api.get(ctx, "/api/v1/deadletters", url.Values{"device": {device}, "limit": {"200"}}, &page)
	out := map[string]int{}
	for _, l := range page.Items {
		out[l.Reason]++
	}
	return out, err
}

// talker is a witness connected as a newly registered device.
func talker(t *testing.T, p plant, id string) (*witness, string) {
	t.Helper()
	topic, token := register(t, p, id)
	w := newWitness(p.mqtt, "acme::"+id, token)
	if err := w.connect(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.close)
	return w, topic
}

// acknowledged waits until every message of the witness has its PUBACK: a sender of nonsense must not be stuck.
func acknowledged(t *testing.T, w *witness, n int) {
	t.Helper()
	eventually(t, 10*time.Second, "every PUBACK", func() error {
		if got := len(w.ackedSet()); got != n {
			return fmt.Errorf("%d of %d", got, n)
		}
		return nil
	})
}

func good(id string, ts time.Time, v float64) []byte {
	return fmt.Appendf(nil, `{"schema_version":"2.1","msg_id":"01KDVDNA00RD908FMZFACEX6AN","device_id":%q,"ts":%d,"d":{"velocity_rms":{"v":%v,"q":192}}}`, id, ts.UnixMilli(), v)
}

func refusals(t *testing.T, p plant) {
	w, topic := talker(t, p, "rogue-01")
	now := time.Now()
	for n, m := range []struct {
		topic   string
		payload []byte
	}{
		{strings.Replace(topic, "rogue-01", "VI-002", 1) + "/telemetry", good("VI-002", now, 1)},
		{strings.Replace(topic, "acme/", "globex/", 1) + "/telemetry", good("rogue-01", now, 1)},
		{topic + "/config/desired", []byte(`{"poll_ms":1}`)},
		{topic + "/telemetry", bytes.Repeat([]byte("x"), 10<<20)},
		{topic + "/gossip", []byte(`{}`)},
		{topic + "/telemetry", good("rogue-01", now, 7.5)},
	} {
		if err := w.publish(n, m.topic, m.payload); err != nil {
			t.Fatal(err)
		}
	}
	acknowledged(t, w, 6)
	eventually(t, 5*time.Second, "the dead letters", func() error {
		got, err := p.letters(t.Context(), "rogue-01")
		if err != nil {
			return err
		}
		if other, err := p.letters(t.Context(), "VI-002"); err == nil {
			got["direction"] += other["direction"]
		}
		if got["direction"] < 3 || got["size"] != 1 || got["topic"] != 1 {
			return fmt.Errorf("dead letters by reason: %v", got)
		}
		return nil
	})
}

func badInput(t *testing.T, p plant) {
	w, topic := talker(t, p, "bench-02")
	asset, _ := resolve(t, p, "VI-001", "velocity_rms")
	now := time.Now().Add(2 * time.Second).Truncate(time.Millisecond)
	at := func(n int) time.Time { return now.Add(time.Duration(n) * time.Millisecond) }
	bad := map[string][]byte{
		"malformed":      []byte(`{"schema_version":"2.1",`),
		"unknown schema": bytes.Replace(good("bench-02", now, 1), []byte(`"2.1"`), []byte(`"9.9"`), 1),
		"future":         good("bench-02", now.Add(time.Hour), 1),
		"wrong type":     []byte(fmt.Sprintf(`{"schema_version":"2.1","msg_id":"01KDVDNA00RD908FMZFACEX6AN","device_id":"bench-02","ts":%d,"d":{"velocity_rms":{"v":"fast","q":192}}}`, at(50).UnixMilli())),
		"invalid UTF-8":  append([]byte(`{"schema_version":"2.1","device_id":"`), 0xff, 0xfe),
		"NaN":            bytes.Replace(good("bench-02", now, 1), []byte(`"v":1`), []byte(`"v":NaN`), 1),
		"infinity":       bytes.Replace(good("bench-02", now, 1), []byte(`"v":1`), []byte(`"v":1e999`), 1),
		"other device":   good("VI-003", now, 1),
	}
	n := 0
	send := func(payload []byte) {
		if err := w.publish(n, topic+"/telemetry", payload); err != nil {
			t.Fatal(err)
		}
		n++
	}
	want := map[int64]bool{}
	for _, payload := range bad { // each between two good neighbours
		ts := at(n)
		send(good("bench-02", ts, 2.25))
		want[ts.UnixMilli()] = true
		send(payload)
	}
	send(good("bench-02", at(n), 2.25))
	acknowledged(t, w, n)
	eventually(t, 5*time.Second, "a dead letter for each", func() error {
		got, err := p.letters(t.Context(), "bench-02")
		sum := 0
		for _, c := range got {
			sum += c
		}
		if err != nil || sum != len(bad) || got["schema"] == 0 || got["encoding"] == 0 || got["clock"] == 0 || got["value"] == 0 || got["identity"] == 0 {
			return fmt.Errorf("dead letters by reason: %v of %d, %w", got, len(bad), err)
		}
		return nil
	})
	eventually(t, 5*time.Second, "the neighbours in history", func() error {
		cols, err := p.api.history(t.Context(), []string{asset + ":velocity_rms"}, now, now.Add(time.Second), url.Values{"max_points": {"0"}})
		if err != nil {
			return err
		}
		have := map[int64]bool{}
		for _, ts := range cols[0].TS {
			have[ts] = true
		}
		for ts := range want {
			if !have[ts] {
				return fmt.Errorf("the good reading at %d is missing among %d", ts, len(have))
			}
		}
		return nil
	})
}

// tenantsApart asks as globex for what acme has, by id and by path.
func tenantsApart(t *testing.T, p plant) {
	asset, _ := resolve(t, p, "P-007", "flow_m3h")
	d, err := p.api.twin(t.Context(), asset)
	if err != nil {
		t.Fatal(err)
	}
	w := newWitness(p.mqtt, "globex::VI-001", "guess")
	if err := w.connect(); err == nil {
		t.Error("a guessed token was let in")
	}
	nobody := client{base: p.api.base}
	for _, path := range []string{"/api/v1/assets/" + d.ID, "/api/v1/assets/tree", "/metrics", "/openapi.json", "/api/v1/stream?topic=fleet"} {
		err := nobody.get(t.Context(), path, nil, nil)
		if e, ok := err.(*apiError); !ok || e.status != 401 { //nolint:errorlint // it is never wrapped
			t.Errorf("%s without a token: %v", path, err)
		}
	}
	var spec map[string]any
	if err := p.api.get(t.Context(), "/openapi.json", nil, &spec); err != nil || spec["openapi"] != "3.1.0" {
		t.Errorf("openapi.json: %v, %v", spec["openapi"], err)
	}
	if err := nobody.get(t.Context(), "/healthz", nil, nil); err != nil {
		t.Error(err)
	}
	if err := nobody.get(t.Context(), "/readyz", nil, nil); err != nil {
		t.Error(err)
	}
	var metrics string
	if err := p.api.get(t.Context(), "/metrics", nil, &metrics); err != nil || !strings.Contains(metrics, `lineshaft_messages_total{site="detroit"}`) {
		t.Errorf("/metrics: %v %s", err, tail(metrics, 300))
	}
}
