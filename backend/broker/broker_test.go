package broker

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/lineshaft/lineshaft/twin/clock"
	"github.com/lineshaft/lineshaft/twin/fault"
	"github.com/lineshaft/lineshaft/twin/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const password = "a token"

// Authenticate lets in who is registered and knows the password.
func (p plant) Authenticate(_ context.Context, clientID, user string, pw []byte) (Identity, error) {
	tenant, device, _ := strings.Cut(user, "::")
	if _, ok := p.topics[tenant+"/"+device]; !ok || string(pw) != password {
		return Identity{}, fault.New(fault.Denied, "unknown device or wrong token")
	}
	return Identity{
		Tenant: tenant, Device: device, Gateway: strings.HasPrefix(device, "gw-"), Reader: device == "uns",
	}, nil
}

// shelf is a stream that stores in memory, at once or when told to.
type shelf struct {
	mu     sync.Mutex
	stored []wire.Publish
	hold   bool
	held   []func(error)
	err    error
	came   chan struct{}
}

func (s *shelf) Append(p wire.Publish, done func(error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.poke()
	if s.hold {
		s.stored = append(s.stored, p)
		s.held = append(s.held, done)
		return
	}
	if s.err == nil {
		s.stored = append(s.stored, p)
	}
	go done(s.err)
}

// store says that message i of those held is stored.
func (s *shelf) store(i int) {
	s.mu.Lock()
	done := s.held[i]
	s.mu.Unlock()
	done(nil)
}

func (s *shelf) poke() {
	select {
	case s.came <- struct{}{}:
	default:
	}
}

// until waits until the shelf satisfies cond.
func (s *shelf) until(t *testing.T, what string, cond func([]wire.Publish) bool) []wire.Publish {
	t.Helper()
	deadline := time.After(10 * time.Second)
	for {
		s.mu.Lock()
		ps := append([]wire.Publish(nil), s.stored...)
		s.mu.Unlock()
		if cond(ps) {
			return ps
		}
		select {
		case <-s.came:
		case <-time.After(20 * time.Millisecond):
		case <-deadline:
			t.Fatalf("waited 10 s for %s; stored: %d messages", what, len(ps))
		}
	}
}

// refusal is what was refused.
type refusal struct {
	p wire.Publish
	r *wire.Refusal
}

type refusalBook struct{ ch chan refusal }

func (b refusalBook) Refused(p wire.Publish, r *wire.Refusal) { b.ch <- refusal{p, r} }

func (b refusalBook) next(t *testing.T) refusal {
	t.Helper()
	select {
	case r := <-b.ch:
		return r
	case <-time.After(10 * time.Second):
		t.Fatal("waited 10 s for a refusal")
		return refusal{}
	}
}

type bench struct {
	*Broker
	shelf    *shelf
	refusals refusalBook
	log      *lockedBuffer
	stop     func()
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func start(t *testing.T, cfg Config) *bench {
	t.Helper()
	if cfg.Listen == "" {
		cfg.Listen = "127.0.0.1:0"
	}
	x := &bench{shelf: &shelf{came: make(chan struct{}, 1)}, refusals: refusalBook{make(chan refusal, 1000)}, log: &lockedBuffer{}}
	var err error
	x.Broker, err = Open(cfg, detroit, x.shelf, x.refusals, clock.Wall{}, slog.New(slog.NewTextHandler(x.log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- x.Run(ctx) }()
	x.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(x.stop)
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(x.log)
		}
	})
	return x
}

func TestOnlyLoopbackWithoutTLS(t *testing.T) {
	for addr, ok := range map[string]bool{
		"127.0.0.1:0": true, "[::1]:1883": true, "localhost:0": true,
		"0.0.0.0:1883": false, ":1883": false, "192.168.1.5:1883": false, "1883": false, "example.com:1883": false,
	} {
		err := Config{Listen: addr}.Check()
		if (err == nil) != ok {
			t.Errorf("listen on %q: %v", addr, err)
		}
		if err != nil && !strings.Contains(err.Error(), addr) {
			t.Errorf("listen on %q: the error does not name it: %v", addr, err)
		}
	}
}

// The acknowledgement comes after the message is stored, not before.
func TestAcknowledgedMeansStored(t *testing.T) {
	x := start(t, Config{})
	x.shelf.hold = true
	c := dial(t, x, "M-100", 4)
	c.publish(meter1+"telemetry", "1", 1, 7)
	x.shelf.until(t, "append", func(ps []wire.Publish) bool { return len(ps) == 1 })
	c.ping() // answered at once, by a broker that has not acknowledged
	if p := c.packet(); p.kind != pingresp {
		t.Fatalf("before the message is stored came packet %x", p)
	}
	x.shelf.store(0)
	if p := c.packet(); p.kind != puback || p.id() != 7 {
		t.Fatalf("after the message was stored came %x, want PUBACK 7", p)
	}
}

func TestAcknowledgementsKeepTheOrderOfArrival(t *testing.T) {
	x := start(t, Config{})
	x.shelf.hold = true
	c := dial(t, x, "gw-det-01", 4)
	for id := range uint16(5) {
		c.publish(pump1+"telemetry", "x", 1, id+1)
	}
	c.publish(pump2+"telemetry", "refused", 1, 6)
	c.publish(pump1+"telemetry", "x", 2, 7)
	x.shelf.until(t, "append", func(ps []wire.Publish) bool { return len(ps) == 6 })
	for _, i := range []int{5, 3, 1, 4, 2, 0} { // stored in another order
		x.shelf.store(i)
	}
	for want := range uint16(7) {
		p := c.packet()
		kind := byte(puback)
		if want == 6 {
			kind = pubrec
		}
		if p.kind != kind || p.id() != want+1 {
			t.Fatalf("acknowledgement %d is %x", want+1, p)
		}
	}
}

func TestQoS2IsStoredOnce(t *testing.T) {
	x := start(t, Config{})
	c := dial(t, x, "M-100", 4)
	c.publish(meter1+"events", "door open", 2, 9)
	if p := c.packet(); p.kind != pubrec || p.id() != 9 {
		t.Fatalf("got %x, want PUBREC 9", p)
	}
	c.publish(meter1+"events", "door open", 2, 9) // the PUBREC was lost
	if p := c.packet(); p.kind != pubrec {
		t.Fatalf("got %x, want PUBREC 9 again", p)
	}
	c.raw(pubrel<<4|2, 2, 0, 9)
	if p := c.packet(); p.kind != pubcomp || p.id() != 9 {
		t.Fatalf("got %x, want PUBCOMP 9", p)
	}
	c.publish(meter1+"events", "door shut", 2, 9) // a new message under the same id
	c.packet()
	ps := x.shelf.until(t, "two", func(ps []wire.Publish) bool { return len(ps) >= 2 })
	if len(ps) != 2 || string(ps[1].Payload) != "door shut" {
		t.Errorf("stored %d messages, want 2", len(ps))
	}
}

func TestQoS0IsStoredToo(t *testing.T) {
	x := start(t, Config{})
	c := dial(t, x, "M-100", 4)
	c.publish(meter1+"telemetry", "hello", 0, 0)
	ps := x.shelf.until(t, "it", func(ps []wire.Publish) bool { return len(ps) == 1 })
	p := ps[0]
	if string(p.Payload) != "hello" || p.Client != "acme::M-100" || p.Topic != meter1+"telemetry" || p.Received == 0 || p.Will {
		t.Errorf("stored %+v", p)
	}
}

func TestAMessageThatIsNotStoredIsNotAcknowledged(t *testing.T) {
	x := start(t, Config{})
	x.shelf.err = context.DeadlineExceeded
	c := dial(t, x, "M-100", 4)
	c.publish(meter1+"telemetry", "1", 1, 7)
	c.wantClosed()
	if n := x.Stats().Failed; n != 1 {
		t.Errorf("failed: %d", n)
	}
}

// Every one of these is refused and acknowledged, and the sender goes on being served.
func TestRefusedIsAcknowledgedAndReported(t *testing.T) {
	x := start(t, Config{})
	big := strings.Repeat("x", 10<<20)
	for _, version := range []byte{4, 5} {
		c := dial(t, x, "M-100", version)
		for _, m := range []struct {
			topic, payload string
			want           wire.Reason
		}{
			{pump1 + "telemetry", "{}", wire.ReasonDirection},
			{meter1 + "config/desired", "{}", wire.ReasonDirection},
			{"globex/north/_/_/meter/X-1/telemetry", "{}", wire.ReasonDirection},
			{"$SYS/broker/uptime", "0", wire.ReasonTopic},
			{"$share/g/" + meter1 + "telemetry", "0", wire.ReasonTopic},
			{"acme/+/_/_/meter/M-100/telemetry", "{}", wire.ReasonTopic},
			{meter1 + "#", "{}", wire.ReasonTopic},
			{"hello", "{}", wire.ReasonTopic},
			{meter1 + "telemetry", big, wire.ReasonSize},
		} {
			for qos := range byte(3) {
				c.publish(m.topic, m.payload, qos, uint16(qos)+10)
				r := x.refusals.next(t)
				if r.r.Reason != m.want || r.p.Topic != m.topic || r.p.Client != "acme::M-100" {
					t.Errorf("v%d QoS %d on %s: refusal %v of %s by %s, want %s", version, qos, m.topic, r.r, r.p.Topic, r.p.Client, m.want)
				}
				if len(r.p.Payload) != min(len(m.payload), wire.DeadLetterHead) {
					t.Errorf("on %s: kept %d bytes", m.topic, len(r.p.Payload))
				}
				if qos == 0 {
					continue
				}
				p := c.packet()
				if p.kind != []byte{0, puback, pubrec}[qos] || p.id() != uint16(qos)+10 {
					t.Fatalf("v%d QoS %d on %s: answered %x", version, qos, m.topic, p)
				}
				if version == 5 && (len(p.body) != 3 || p.body[2] != 0x87) {
					t.Errorf("QoS %d on %s: MQTT 5 is not told: %x", qos, m.topic, p.body)
				}
			}
		}
		c.publish(meter1+"telemetry", "good", 1, 99)
		if p := c.packet(); p.kind != puback || p.id() != 99 {
			t.Fatalf("a good message after the bad ones: %x", p)
		}
		c.close()
	}
	ps := x.shelf.until(t, "good ones", func(ps []wire.Publish) bool { return len(ps) >= 2 })
	if len(ps) != 2 {
		t.Errorf("%d messages stored, want only the 2 good ones", len(ps))
	}
}

func TestWhoMayConnect(t *testing.T) {
	x := start(t, Config{})
	const accepted, badID, badLogin, notAllowed = 0, 2, 4, 5
	for _, c := range []struct {
		story, client, user, pw, will string
		want                          byte
	}{
		{"a meter", "acme::M-100", "acme::M-100", password, "", accepted},
		{"a meter with its will", "acme::M-100", "acme::M-100", password, meter1 + "status", accepted},
		{"a wrong password", "acme::M-100", "acme::M-100", "guess", "", badLogin},
		{"nobody", "acme::nobody", "acme::nobody", password, "", badLogin},
		{"a meter under another's client id", "acme::P-001", "acme::M-100", password, "", badID},
		{"a meter under no client id", "", "acme::M-100", password, "", badID},
		{"a will on another's status", "acme::M-100", "acme::M-100", password, pump1 + "status", notAllowed},
		{"a will on a command", "acme::M-100", "acme::M-100", password, meter1 + "commands/" + command, notAllowed},
		{"a will on $SYS", "acme::M-100", "acme::M-100", password, "$SYS/x", notAllowed},
	} {
		conn := open(t, x)
		conn.connect(4, c.client, c.user, c.pw, c.will, 0)
		if p := conn.packet(); p.kind != connack || p.body[1] != c.want {
			t.Errorf("%s: %x, want code %d", c.story, p, c.want)
		}
		if c.want == notAllowed {
			if r := x.refusals.next(t); !r.p.Will {
				t.Errorf("%s: refused as %+v", c.story, r)
			}
		}
		conn.close()
	}
}

func TestALostClientsWillIsStored(t *testing.T) {
	x := start(t, Config{})
	c := open(t, x)
	c.connect(4, "acme::M-100", "acme::M-100", password, meter1+"status", 0)
	c.packet()
	_ = c.Close() // no DISCONNECT
	ps := x.shelf.until(t, "the will", func(ps []wire.Publish) bool { return len(ps) == 1 })
	if !ps[0].Will || ps[0].Topic != meter1+"status" || string(ps[0].Payload) != "gone" {
		t.Errorf("stored %+v", ps[0])
	}

	c = open(t, x)
	c.connect(4, "acme::M-100", "acme::M-100", password, meter1+"status", 0)
	c.packet()
	c.raw(0xE0, 0) // a clean goodbye takes the will back
	c.wantClosed()
	if ps := x.shelf.until(t, "nothing", func([]wire.Publish) bool { return true }); len(ps) != 1 {
		t.Errorf("after a clean goodbye %d messages are stored, want 1", len(ps))
	}
}

func TestInvalidPacketsEndTheConnectionAndAreCounted(t *testing.T) {
	x := start(t, Config{})
	c := dial(t, x, "M-100", 4)
	c.raw(0x32, 8, 0, 3, 'a', 0xff, 0xfe, 0, 1, 'x') // topic is not UTF-8
	c.wantClosed()

	c = dial(t, x, "M-100", 4)
	c.raw(0x32, 0xff, 0xff, 0xff, 0x7f) // 256 MB announced
	c.wantClosed()
	if s := x.log.String(); !strings.Contains(s, "mqtt_packet_too_large") || !strings.Contains(s, "acme::M-100") {
		t.Errorf("log does not name the large packet's sender:\n%s", s)
	}
	if s := x.Stats(); s.Oversized != 1 {
		t.Errorf("oversized: %d, want 1", s.Oversized)
	}

	n := open(t, x)
	n.raw(0x10, 0xff, 0xff, 0xff, 0x07) // a CONNECT of 16 MB from nobody
	n.wantClosed()
	n = open(t, x)
	n.raw('G', 'E', 'T', ' ', '/', ' ')
	n.wantClosed()
	c = dial(t, x, "M-100", 4)
	c.ping()
	c.packet()
}

// A client that sends and never reads blocks itself, nobody else, and is put out after a while.
func TestAClientThatNeverReadsHarmsNobodyElse(t *testing.T) {
	x := start(t, Config{WriteWithin: 300 * time.Millisecond, Window: 64, Rate: 1e6})
	deaf := open(t, x)
	deaf.small(t)
	deaf.connect(4, "acme::gw-det-01", "acme::gw-det-01", password, gate1+"status", 0)
	deaf.packet()
	ended := make(chan error, 1)
	go func() {
		p := publishPacket(pump1+"telemetry", "x", 1, 1)
		flood := bytes.Repeat(p, 1000)
		_ = deaf.SetWriteDeadline(time.Now().Add(30 * time.Second))
		for {
			if _, err := deaf.Write(flood); err != nil {
				ended <- err
				return
			}
		}
	}()
	c := dial(t, x, "M-100", 4)
	for i := range uint16(50) {
		c.publish(meter1+"telemetry", "x", 1, i+1)
		if p := c.packet(); p.kind != puback {
			t.Fatalf("beside a client that does not read: %x", p)
		}
	}
	select {
	case err := <-ended:
		if ne, ok := err.(net.Error); ok && ne.Timeout() {
			t.Error("a client that never reads was served for 30 s")
		}
	case <-time.After(20 * time.Second):
		t.Error("a client that never reads is still connected")
	}
	x.shelf.until(t, "its will", func(ps []wire.Publish) bool {
		for i := len(ps) - 1; i >= 0; i-- {
			if ps[i].Will {
				return true
			}
		}
		return false
	})
}

// One that keeps more in flight than the window is read more slowly, and loses nothing.
func TestManyInFlightAreSlowedNotLost(t *testing.T) {
	x := start(t, Config{Window: 16})
	c := dial(t, x, "M-100", 4)
	go func() {
		for i := range 3000 {
			_, _ = c.Write(publishPacket(meter1+"telemetry", "x", 1, uint16(i+1)))
		}
	}()
	for i := range 3000 {
		if p := c.packet(); p.kind != puback || p.id() != uint16(i+1) {
			t.Fatalf("acknowledgement %d is %x", i+1, p)
		}
	}
	if n := x.Stats().Accepted; n != 3000 {
		t.Errorf("accepted %d of 3000", n)
	}
}

func TestATooFastClientIsSlowed(t *testing.T) {
	x := start(t, Config{Rate: 200})
	c := dial(t, x, "M-100", 4)
	began := time.Now()
	for i := range 200 {
		_, _ = c.Write(publishPacket(meter1+"telemetry", "x", 1, uint16(i+1)))
	}
	for range 200 {
		c.packet()
	}
	if d := time.Since(began); d < 400*time.Millisecond {
		t.Errorf("200 messages at a rate of 200/s and a burst of 100 took only %v", d)
	}
	if s := x.Stats(); s.Slowed == 0 || s.Accepted != 200 {
		t.Errorf("stats %+v", s)
	}
	if !strings.Contains(x.log.String(), "mqtt_client_slowed") {
		t.Error("nothing is said in the log")
	}
}

func TestTakeover(t *testing.T) {
	x := start(t, Config{})
	first := dial(t, x, "M-100", 4)
	second := dial(t, x, "M-100", 4)
	first.wantClosed()
	second.publish(meter1+"telemetry", "x", 1, 1)
	if p := second.packet(); p.kind != puback {
		t.Fatalf("after the takeover: %x", p)
	}
	if s := x.Stats(); s.Connections != 1 || s.Takeovers != 1 {
		t.Errorf("stats %+v", s)
	}
	if !x.Connected("acme", "M-100") || x.Connected("acme", "P-001") {
		t.Error("Connected is wrong")
	}
}

func TestSendReachesOnlyTheDevice(t *testing.T) {
	x := start(t, Config{})
	if err := x.Send(t.Context(), meter1+"config/desired", []byte("{}")); err == nil || !strings.Contains(err.Error(), ErrOffline.Error()) {
		t.Errorf("send to nobody: %v", err)
	}
	if err := x.Send(t.Context(), meter1+"telemetry", nil); err == nil {
		t.Error("sent on an up-channel")
	}
	c, g := dial(t, x, "M-100", 4), dial(t, x, "gw-det-01", 4)
	c.subscribe(meter1+"config/desired", 0)
	c.subscribe(pump1+"config/desired", 0x80)
	c.subscribe("#", 0x80)
	g.subscribe(pump1+"commands/+", 0)
	g.subscribe(meter1+"config/desired", 0x80)
	if err := x.Send(t.Context(), meter1+"config/desired", []byte("v2")); err != nil {
		t.Fatal(err)
	}
	if err := x.Send(t.Context(), pump1+"commands/"+command, []byte("go")); err != nil {
		t.Fatal(err)
	}
	if topic, body := c.message(); topic != meter1+"config/desired" || body != "v2" {
		t.Errorf("the meter got %s %s", topic, body)
	}
	if topic, body := g.message(); topic != pump1+"commands/"+command || body != "go" {
		t.Errorf("the gateway got %s %s", topic, body)
	}
}

func TestAReaderSeesItsTenantOnly(t *testing.T) {
	x := start(t, Config{})
	r := dial(t, x, "uns", 4)
	r.subscribe("acme/#", 0)
	r.subscribe("globex/#", 0x80)
	other := open(t, x)
	other.connect(4, "globex::X-1", "globex::X-1", password, "", 0)
	other.packet()
	other.publish("globex/north/_/_/meter/X-1/telemetry", "secret", 1, 1)
	other.packet()
	c := dial(t, x, "M-100", 4)
	c.publish(meter1+"telemetry", "mine", 1, 1)
	c.packet()
	if topic, body := r.message(); topic != meter1+"telemetry" || body != "mine" {
		t.Errorf("the reader got %s %s", topic, body)
	}
	if err := x.Send(t.Context(), meter1+"config/desired", nil); err == nil {
		t.Error("a reader of everything counts as the device listening")
	}
}

func TestClosingAcknowledgesWhatIsStored(t *testing.T) {
	x := start(t, Config{})
	x.shelf.hold = true
	c := dial(t, x, "M-100", 4)
	c.publish(meter1+"telemetry", "x", 1, 1)
	x.shelf.until(t, "append", func(ps []wire.Publish) bool { return len(ps) == 1 })
	time.AfterFunc(100*time.Millisecond, func() { x.shelf.store(0) })
	x.stop()
	if p := c.packet(); p.kind != puback || p.id() != 1 {
		t.Errorf("when closing came %x, want PUBACK 1", p)
	}
	if x.owed() != 0 {
		t.Errorf("owed %d after closing", x.owed())
	}
}
