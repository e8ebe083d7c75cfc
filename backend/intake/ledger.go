package intake

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/lineshaft/lineshaft/twin/clock"
	"github.com/lineshaft/lineshaft/twin/wire"
)

const (
	maxEpochs   = 64                  // of one device and channel; the one silent longest goes
	sequenceFor = 30 * 24 * time.Hour // a sequence nobody continues is remembered
)

type sequenceKey struct {
	tenant, device, epoch string
	channel               wire.Channel
}

func (k sequenceKey) key() []byte {
	return []byte("e/" + k.tenant + "/" + k.device + "/" + k.epoch + "/" + string(k.channel))
}

func parseSequenceKey(b []byte) (k sequenceKey, ok bool) {
	parts := strings.SplitN(string(b), "/", 5)
	if len(parts) != 5 {
		return k, false
	}
	return sequenceKey{parts[1], parts[2], parts[3], wire.Channel(parts[4])}, true
}

// numbered is what a message says of its place among its sender's messages.
type numbered struct {
	epoch  string
	seq    uint64
	hasSeq bool
	msgID  string
	ts     int64
}

// ledger remembers which numbers came. Each stream's worker changes and writes its own part: a channel belongs to
// one stream.
type ledger struct {
	kv  KV
	clk clock.Clock

	mu        sync.Mutex
	sequences map[sequenceKey]*sequence
	epochs    map[sequenceKey][]string // by key without epoch
	recents   map[sender]*recent
	counts    map[countKey]*count
	accounts  map[sequenceKey]*account
	asks      asks
	parts     map[string]*part
	rows      []row // of message ids, oldest first
	swept     int64
}

// part is what one stream's worker changed since its last commit.
type part struct {
	sequences []sequenceKey
	gone      []sequenceKey
	ids       []remembered
	counts    map[countKey]bool
	accounts  map[sequenceKey]bool
}

type row struct {
	key    []byte
	newest int64
}

func newLedger(kv KV, clk clock.Clock) *ledger {
	return &ledger{
		kv: kv, clk: clk, sequences: map[sequenceKey]*sequence{}, epochs: map[sequenceKey][]string{},
		recents: map[sender]*recent{}, counts: map[countKey]*count{}, parts: map[string]*part{},
		accounts: map[sequenceKey]*account{}, asks: asks{gaps: map[askKey]*asked{}, busy: map[sender]request{}},
	}
}

func openLedger(kv KV, clk clock.Clock) (*ledger, error) {
	l := newLedger(kv, clk)
	now := clk.Now().UnixNano()
	if err := kv.Scan([]byte("e/"), func(k, v []byte) error { return l.loadSequence(k, v, now) }); err != nil {
		return nil, fmt.Errorf("read sequences: %w", err)
	}
	if err := kv.Scan([]byte("x/"), func(k, v []byte) error { return l.loadAccount(k, v, now) }); err != nil {
		return nil, fmt.Errorf("read accounts: %w", err)
	}
	if err := kv.Scan([]byte("c/"), l.loadCount); err != nil {
		return nil, fmt.Errorf("read counts: %w", err)
	}
	var ids []remembered
	if err := kv.Scan([]byte("m/"), func(k, v []byte) error {
		rs, err := decodeRemembered(v)
		newest := int64(0)
		for _, r := range rs {
			newest = max(newest, r.received)
		}
		ids = append(ids, rs...)
		l.rows = append(l.rows, row{bytes.Clone(k), newest})
		return err
	}); err != nil {
		return nil, fmt.Errorf("read message ids: %w", err)
	}
	slices.SortStableFunc(l.rows, func(a, b row) int { return int(min(1, max(-1, a.newest-b.newest))) })
	slices.SortStableFunc(ids, func(a, b remembered) int { return int(min(1, max(-1, a.received-b.received))) })
	for _, r := range ids {
		l.recent(r.who).take(r.id, r.received)
	}
	return l, nil
}

func (l *ledger) loadSequence(k, v []byte, now int64) error {
	key, ok := parseSequenceKey(k)
	if !ok {
		return fmt.Errorf("key %q", k)
	}
	s := &sequence{}
	if err := json.Unmarshal(v, s); err != nil {
		return fmt.Errorf("%q: %w", k, err)
	}
	for _, n := range s.Refused {
		s.Clock.addSpan(span{n, n})
	}
	s.Refused = nil
	if s.LastSeen < now-int64(sequenceFor) {
		l.part(streamOf(key.channel)).gone = append(l.part(streamOf(key.channel)).gone, key)
		return nil
	}
	l.sequences[key] = s
	at := key
	at.epoch = ""
	l.epochs[at] = append(l.epochs[at], key.epoch)
	return nil
}

func (l *ledger) part(stream string) *part {
	p := l.parts[stream]
	if p == nil {
		p = &part{counts: map[countKey]bool{}, accounts: map[sequenceKey]bool{}}
		l.parts[stream] = p
	}
	return p
}

func (l *ledger) recent(who sender) *recent {
	r := l.recents[who]
	if r == nil {
		r = &recent{at: map[uint64]int64{}}
		l.recents[who] = r
	}
	return r
}

// take notes a message and says whether it is new, and whether its number is tracked. A duplicate is known by its
// number where the sender has an epoch, and otherwise by its id for an hour.
func (l *ledger) take(stream string, t *wire.Topic, n *numbered, received int64) (fresh, tracked bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	tracked = n.hasSeq && n.epoch != ""
	if !tracked && n.msgID != "" {
		who, id := sender{t.Tenant, t.Device}, hashID(n.msgID)
		if !l.recent(who).take(id, received) {
			return false, false
		}
		p := l.part(stream)
		p.ids = append(p.ids, remembered{who, id, received})
	}
	if !n.hasSeq {
		return true, false
	}
	s := l.sequence(stream, sequenceKey{t.Tenant, t.Device, n.epoch, t.Channel})
	return s.take(n.seq, n.epoch != "", n.ts, received), tracked
}

// refuse notes the number of a message that became a dead letter.
func (l *ledger) refuse(stream string, t *wire.Topic, n *numbered, reason wire.Reason) {
	if !n.hasSeq || n.epoch == "" {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.sequence(stream, sequenceKey{t.Tenant, t.Device, n.epoch, t.Channel})
	s.LastSeen = max(s.LastSeen, l.clk.Now().UnixNano())
	s.refuse(n.seq, reason)
}

// sequence finds or begins a sequence and marks it changed.
func (l *ledger) sequence(stream string, k sequenceKey) *sequence {
	s := l.sequences[k]
	if s == nil {
		s = &sequence{}
		l.sequences[k] = s
		at := k
		at.epoch = ""
		l.epochs[at] = append(l.epochs[at], k.epoch)
		if len(l.epochs[at]) > maxEpochs {
			l.evict(stream, at)
		}
	}
	if !s.dirty {
		s.dirty = true
		p := l.part(stream)
		p.sequences = append(p.sequences, k)
	}
	return s
}

func (l *ledger) evict(stream string, at sequenceKey) {
	epochs := l.epochs[at]
	oldest := 0
	seen := func(i int) int64 {
		return l.sequences[sequenceKey{at.tenant, at.device, epochs[i], at.channel}].LastSeen
	}
	for i := range len(epochs) - 1 { // never the newest, which has just begun
		if seen(i) < seen(oldest) {
			oldest = i
		}
	}
	k := sequenceKey{at.tenant, at.device, epochs[oldest], at.channel}
	delete(l.sequences, k)
	l.epochs[at] = slices.Delete(epochs, oldest, oldest+1)
	p := l.part(stream)
	p.gone = append(p.gone, k)
	delete(l.accounts, k)
}

// collect is what a stream's worker has to write: everything it changed since it was asked last.
func (l *ledger) collect(stream string, seq uint64) ([]Pair, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := l.part(stream)
	delete(l.parts, stream)
	puts := make([]Pair, 0, len(p.sequences)+len(p.gone)+len(p.counts)+2)
	for _, k := range p.gone {
		puts = append(puts, Pair{Key: k.key()}, Pair{Key: k.accountKey()})
	}
	puts, err := l.accountPairs(p, puts)
	if err != nil {
		return nil, err
	}
	for _, k := range p.sequences {
		s := l.sequences[k]
		if s == nil {
			continue // evicted since
		}
		s.dirty = false
		b, err := json.Marshal(s)
		if err != nil {
			return nil, err
		}
		puts = append(puts, Pair{k.key(), b})
	}
	for k := range p.counts {
		b, err := json.Marshal(l.counts[k])
		if err != nil {
			return nil, err
		}
		puts = append(puts, Pair{k.key(), b})
	}
	if len(p.ids) > 0 {
		key := binary.BigEndian.AppendUint64([]byte("m/"+stream+"/"), seq)
		puts = append(puts, Pair{key, encodeRemembered(p.ids)})
		l.rows = append(l.rows, row{key, p.ids[len(p.ids)-1].received})
	}
	return append(puts, l.sweep()...), nil
}

// sweep drops what is older than a duplicate can be.
func (l *ledger) sweep() (puts []Pair) {
	now := l.clk.Now().UnixNano()
	before := now - int64(recentFor)
	for len(l.rows) > 0 && l.rows[0].newest < before {
		puts = append(puts, Pair{Key: l.rows[0].key})
		l.rows = l.rows[1:]
	}
	if now-l.swept > int64(time.Minute) {
		l.swept = now
		for who, r := range l.recents {
			if r.expire(before); len(r.order) == 0 {
				delete(l.recents, who)
			}
		}
	}
	return puts
}
