package intake

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/lineshaft/lineshaft/twin"
	"github.com/lineshaft/lineshaft/twin/clock"
	"github.com/lineshaft/lineshaft/twin/fault"
	"github.com/lineshaft/lineshaft/twin/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// memory is a KV that survives a crash of what stands on it.
type memory struct {
	mu   sync.Mutex
	rows map[string][]byte
	fail error
}

func (m *memory) Get(key []byte) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return bytes.Clone(m.rows[string(key)]), nil
}

func (m *memory) Scan(prefix []byte, fn func(k, v []byte) error) error {
	m.mu.Lock()
	rows := maps.Clone(m.rows)
	m.mu.Unlock()
	for _, k := range slices.Sorted(maps.Keys(rows)) {
		if bytes.HasPrefix([]byte(k), prefix) {
			if err := fn([]byte(k), rows[k]); err != nil {
				return err
			}
		}
	}
	return nil
}

func (m *memory) Write(_ context.Context, puts []Pair) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return m.fail
	}
	for _, p := range puts {
		if p.Value == nil {
			delete(m.rows, string(p.Key))
		} else {
			m.rows[string(p.Key)] = bytes.Clone(p.Value)
		}
	}
	return nil
}

// plant is everything intake hands on to, with a crash that loses what was not committed.
type plant struct {
	mu         sync.Mutex
	registered map[string]bool
	tags       map[string]Binding // device.tag → where it belongs
	series     map[string]uint32
	bindErr    error

	history, historyDurable map[string]map[int64]twin.Sample
	state, stateDurable     map[string]twin.Sample
	online, onlineDurable   map[string]bool
	facts                   []Fact
	buffered                map[string]int64
	appends                 int

	hosts map[string]string // device → gateway
	away  map[string]bool
	down  [][]byte // bodies sent to devices
}

func newPlant() *plant {
	return &plant{
		registered: map[string]bool{}, tags: map[string]Binding{}, series: map[string]uint32{},
		history: map[string]map[int64]twin.Sample{}, state: map[string]twin.Sample{}, online: map[string]bool{}, buffered: map[string]int64{},
		hosts: map[string]string{}, away: map[string]bool{},
	}
}

func (p *plant) ports() Ports {
	return Ports{Registry: p, Binder: p, Samples: samples{p}, Twins: twins{p}, Devices: devices{p}, Facts: p, Look: p.look, Down: p.tell, Offline: p.wasAway}
}

func (p *plant) crash() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.history = map[string]map[int64]twin.Sample{}
	for k, v := range p.historyDurable {
		p.history[k] = maps.Clone(v)
	}
	p.state, p.online = map[string]twin.Sample{}, map[string]bool{}
	maps.Copy(p.state, p.stateDurable)
	maps.Copy(p.online, p.onlineDurable)
}

func (p *plant) Device(_, device string) (twin.Device, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	d := twin.Device{ID: device, Kind: twin.Direct, Site: "detroit", Area: "body-shop", Line: "cooling", Type: "pump"}
	if gw := p.hosts[device]; gw != "" {
		d.Kind, d.Gateway = twin.Hosted, gw
	}
	return d, p.registered[device]
}

func (p *plant) tell(_ context.Context, topic string, body []byte) error {
	if t, err := wire.ParseTopic(topic); err != nil || t.Channel != wire.ResendRequest || !p.online[t.Device] {
		return errors.New("nobody listens")
	}
	p.down = append(p.down, body)
	return nil
}

func (p *plant) wasAway(_, device string, _, _ int64) bool { return p.away[device] }

func (p *plant) look(_, device, tag string, _ twin.Kind, _ int64) (Binding, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	b, ok := p.tags[device+"."+tag]
	return b, ok
}

func (p *plant) Resolve(_, device, tag string, kind twin.Kind, _ int64) (Binding, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bindErr != nil {
		return Binding{}, p.bindErr
	}
	if tag == "forbidden" {
		return Binding{}, fault.New(fault.Invalid, "tag %q cannot be kept", tag)
	}
	name := device + "." + tag
	b, ok := p.tags[name]
	if !ok {
		b = Binding{Kind: kind}
		p.tags[name] = b
	}
	if b.Series == 0 {
		b.Series = uint32(len(p.series) + 1)
		p.series[name] = b.Series
		p.tags[name] = b
	}
	return b, nil
}

func (p *plant) Fact(f Fact) { p.facts = append(p.facts, f) }

type samples struct{ *plant }

func (p samples) Append(_ context.Context, tenant string, ps []Point) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.appends++
	for _, pt := range ps {
		k := fmt.Sprintf("%s/%d", tenant, pt.Series)
		if p.history[k] == nil {
			p.history[k] = map[int64]twin.Sample{}
		}
		p.history[k][pt.T] = pt.Sample
	}
	return nil
}

func (p samples) Commit(context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.historyDurable = map[string]map[int64]twin.Sample{}
	for k, v := range p.history {
		p.historyDurable[k] = maps.Clone(v)
	}
	return nil
}

type twins struct{ *plant }

func (p twins) Report(_ string, rs []Reported) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range rs {
		k := r.Asset + "." + r.Tag
		if old, ok := p.state[k]; !ok || r.T >= old.T {
			p.state[k] = r.Sample
		}
	}
}

func (p twins) Commit(context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stateDurable = maps.Clone(p.state)
	return nil
}

type devices struct{ *plant }

func (p devices) Seen(_, device string, _ int64, _ int) { p.set(device, true) }
func (p devices) Status(_, device string, s wire.DeviceStatus, _ int64, _ bool) {
	p.set(device, s.Online)
}

func (p devices) Buffered(_, device string, n int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.buffered[device] = n
}

func (p devices) Commit(context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.onlineDurable = maps.Clone(p.online)
	return nil
}

func (p *plant) set(device string, on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.online[device] = on
}

// site is an intake with its stream: a list of records, delivered again from the last commit after a crash.
type site struct {
	t       *testing.T
	kv      *memory
	plant   *plant
	clk     *clock.Driven
	quota   int64
	in      *Intake
	live    map[string]*Live
	history map[string]*History
	records []record
	sent    int // records delivered to the workers
	durable int // records committed
}

type record struct {
	stream string
	seq    uint64
	ps     []wire.Publish
}

var tenOClock = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)

func newSite(t *testing.T) *site {
	s := &site{t: t, kv: &memory{rows: map[string][]byte{}}, plant: newPlant(), clk: clock.NewDriven(tenOClock)}
	s.open()
	return s
}

func (s *site) open() {
	s.t.Helper()
	in, err := Open(s.t.Context(), Config{LetterQuota: s.quota}, s.kv, s.plant.ports(), s.clk, slog.New(slog.DiscardHandler))
	if err != nil {
		s.t.Fatal(err)
	}
	s.in, s.live, s.history = in, map[string]*Live{}, map[string]*History{}
	for _, st := range []string{streamTelemetry, streamFacts} {
		if s.live[st], err = in.Live(st, "first life"); err != nil {
			s.t.Fatal(err)
		}
		s.history[st] = in.History(st)
	}
}

// add appends a record with one message.
func (s *site) add(p wire.Publish) {
	st := streamFacts
	if t, err := wire.ParseTopic(p.Topic); err == nil {
		st = streamOf(t.Channel)
	}
	seq := uint64(1)
	for _, r := range s.records {
		if r.stream == st {
			seq++
		}
	}
	s.records = append(s.records, record{st, seq, []wire.Publish{p}})
	s.deliver()
}

// deliver hands the workers what they do not have yet.
func (s *site) deliver() {
	s.t.Helper()
	for ; s.sent < len(s.records); s.sent++ {
		r := s.records[s.sent]
		err := errors.Join(s.live[r.stream].Apply(s.t.Context(), r.seq, r.ps), s.history[r.stream].Apply(s.t.Context(), r.seq, r.ps))
		if err != nil {
			s.t.Fatal(err)
		}
	}
}

func (s *site) commit() {
	s.t.Helper()
	for _, st := range []string{streamTelemetry, streamFacts} {
		if err := errors.Join(s.live[st].Commit(s.t.Context()), s.history[st].Commit(s.t.Context())); err != nil {
			s.t.Fatal(err)
		}
	}
	if err := s.in.flushDoor(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
	s.durable = s.sent
}

// crash loses everything not committed, starts again, and delivers again: from is how many records are still there.
func (s *site) crash(from int) {
	s.t.Helper()
	s.plant.crash()
	s.open()
	s.sent = from
	s.deliver()
}
