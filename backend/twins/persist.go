package twins

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/lineshaft/lineshaft/twin"
)

// Reported state is stored twice over: every commit appends what changed to a log, l/{tenant}/{n}, and when the log is
// long, the assets in it are written whole, r/{tenant}/{asset}, and the log begins anew. Reading both in any order gives
// the newest values, because an older sample never replaces a newer one.
const (
	wholeKey = "r/"
	logKey   = "l/"
)

// The sizes at which a log entry is cut and a log is folded, in bytes.
const (
	logCut  = 256 << 10
	logFold = 4 << 20
)

// reportLog is a tenant's log of reported state. The lock of Twins.committing guards it.
type reportLog struct {
	first, next uint64 // the entries that exist
	size        int
	touched     map[*live]struct{} // assets with something in the log
}

// Commit makes what Report told durable. If it fails, the same is tried again with the next call.
func (t *Twins) Commit(ctx context.Context) error {
	t.committing.Lock()
	defer t.committing.Unlock()
	t.mu.RLock()
	plants := make([]*plant, 0, len(t.plants))
	for _, p := range t.plants {
		plants = append(plants, p)
	}
	t.mu.RUnlock()
	for _, p := range plants {
		if err := p.commit(ctx, t.kv); err != nil {
			return fmt.Errorf("commit twins of %s: %w", p.tenant, err)
		}
	}
	return nil
}

func (p *plant) commit(ctx context.Context, kv KV) error {
	p.dirtyMu.Lock()
	dirty := p.dirty
	p.dirty = nil
	p.dirtyMu.Unlock()
	if len(dirty) == 0 {
		return nil
	}
	var puts []Pair
	var b []byte
	next, size := p.log.next, 0
	cut := func() {
		puts = append(puts, Pair{Key: key(logKey, p.tenant, next), Value: b})
		next, size, b = next+1, size+len(b), nil
	}
	for _, l := range dirty {
		if b = l.save(b, false); len(b) >= logCut {
			cut()
		}
	}
	if len(b) > 0 {
		cut()
	}
	if err := kv.Write(ctx, puts); err != nil {
		for _, l := range dirty {
			l.unsave()
		}
		p.queue(dirty...)
		return err
	}
	p.log.next, p.log.size = next, p.log.size+size
	if p.log.touched == nil {
		p.log.touched = map[*live]struct{}{}
	}
	for _, l := range dirty {
		p.log.touched[l] = struct{}{}
	}
	if p.log.size < logFold {
		return nil
	}
	return p.fold(ctx, kv)
}

// fold writes the assets that the log is about whole and removes the log.
func (p *plant) fold(ctx context.Context, kv KV) error {
	var puts []Pair
	for l := range p.log.touched {
		puts = append(puts, Pair{Key: []byte(wholeKey + p.tenant + "/" + l.id), Value: l.save(nil, true)})
	}
	for n := p.log.first; n < p.log.next; n++ {
		puts = append(puts, Pair{Key: key(logKey, p.tenant, n)})
	}
	if err := kv.Write(ctx, puts); err != nil {
		return err
	}
	p.log = reportLog{first: p.log.next, next: p.log.next}
	return nil
}

// loadReported reads the reported state into the graph.
func (p *plant) loadReported(kv KV) error {
	g := p.graph.Load()
	p.log.touched = map[*live]struct{}{}
	read := func(v []byte, logged bool) error {
		for len(v) > 0 {
			rest, l, err := g.restore(v)
			if err != nil {
				return err
			}
			if v = rest; logged && l != nil {
				p.log.touched[l] = struct{}{}
			}
		}
		return nil
	}
	if err := kv.Scan([]byte(wholeKey+p.tenant+"/"), func(_, v []byte) error { return read(v, false) }); err != nil {
		return fmt.Errorf("read reported state: %w", err)
	}
	err := kv.Scan([]byte(logKey+p.tenant+"/"), func(k, v []byte) error {
		n := binary.BigEndian.Uint64(k[len(k)-8:])
		if p.log.next == 0 {
			p.log.first = n
		}
		p.log.next, p.log.size = n+1, p.log.size+len(v)
		return read(v, true)
	})
	if err != nil {
		return fmt.Errorf("read reported state: %w", err)
	}
	return nil
}

// savedFormat is the first byte of what save writes of an asset.
const savedFormat = 1

// save appends the unsaved values of the asset, or all, and counts them as saved.
func (l *live) save(b []byte, all bool) []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for i := range l.values {
		if r := &l.values[i]; r.there && (all || r.unsaved) {
			n++
		}
	}
	b = append(b, savedFormat)
	b = appendText(b, l.id)
	b = appendText(b, l.device)
	b = binary.AppendUvarint(b, uint64(n))
	for i := range l.values {
		r := &l.values[i]
		if !r.there || !all && !r.unsaved {
			continue
		}
		b = appendText(b, l.tags.tags[i].Name)
		b = binary.AppendVarint(b, r.T)
		b = binary.AppendVarint(b, r.received-r.T)
		b = binary.AppendVarint(b, r.since)
		b = append(b, byte(r.Q), byte(r.standing), byte(r.V.Kind()))
		switch r.V.Kind() {
		case twin.Float:
			b = binary.BigEndian.AppendUint64(b, math.Float64bits(r.V.Float()))
		case twin.Int, twin.Bool:
			b = binary.AppendVarint(b, r.V.Int())
		case twin.String:
			b = appendText(b, r.V.Text())
		case twin.None:
		}
		if !all {
			r.unsaved = false
		}
	}
	if !all {
		l.queued = false
	}
	return b
}

// unsave makes the next commit write everything the asset has.
func (l *live) unsave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range l.values {
		l.values[i].unsaved = l.values[i].there
	}
	l.queued = true
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

var errSaved = errors.New("stored reported state is damaged")

// restore reads one asset as save wrote it. An asset or tag that is gone is passed over; l is then nil.
func (g *graph) restore(b []byte) (rest []byte, l *live, err error) {
	d := reader{b: b}
	if d.byte() != savedFormat {
		return nil, nil, errSaved
	}
	id, device := d.text(), d.text()
	if i, ok := g.byID[id]; ok {
		l = g.nodes[i].live
		l.mu.Lock()
		defer l.mu.Unlock()
		l.device = device
	}
	for n := d.uvarint(); n > 0 && !d.bad; n-- {
		tag := d.text()
		var r reading
		r.T = d.varint()
		r.received = r.T + d.varint()
		r.since = d.varint()
		r.Q, r.standing = twin.Quality(d.byte()), standing(d.byte())
		r.V = d.value()
		if d.bad || r.standing > beyondHiHi || l == nil {
			continue
		}
		if slot, ok := l.tags.index[tag]; ok && l.set(slot, r.Sample, r.received) {
			now := &l.values[slot]
			if now.unsaved = false; now.standing == r.standing || !r.Q.IsGood() {
				now.standing, now.since = r.standing, r.since
			}
		}
	}
	if d.bad {
		return nil, nil, errSaved
	}
	return d.b, l, nil
}

// reader takes stored values from the front of b; what is missing makes it bad.
type reader struct {
	b   []byte
	bad bool
}

func (d *reader) take(n uint64) []byte {
	if d.bad || uint64(len(d.b)) < n {
		d.bad, d.b = true, nil
		return make([]byte, min(n, 8))
	}
	out := d.b[:n]
	d.b = d.b[n:]
	return out
}

func (d *reader) byte() byte { return d.take(1)[0] }

func (d *reader) text() string { return string(d.take(d.uvarint())) }

func (d *reader) uvarint() uint64 {
	v, n := binary.Uvarint(d.b)
	d.take(uint64(max(n, 0)))
	d.bad = d.bad || n <= 0
	return v
}

func (d *reader) varint() int64 {
	v, n := binary.Varint(d.b)
	d.take(uint64(max(n, 0)))
	d.bad = d.bad || n <= 0
	return v
}

func (d *reader) value() twin.Value {
	switch twin.Kind(d.byte()) {
	case twin.None:
	case twin.Float:
		return twin.FloatValue(math.Float64frombits(binary.BigEndian.Uint64(d.take(8))))
	case twin.Int:
		return twin.IntValue(d.varint())
	case twin.Bool:
		return twin.BoolValue(d.varint() != 0)
	case twin.String:
		return twin.StringValue(d.text())
	default:
		d.bad = true
	}
	return twin.Value{}
}
