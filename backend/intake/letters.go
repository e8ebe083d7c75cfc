package intake

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync"

	"github.com/lineshaft/lineshaft/twin/wire"
)

const (
	sourceDoor   = "door"
	doorExamples = 100     // kept of one device and reason; the others are counted
	doorWaiting  = 4096    // examples waiting to be written, at most
	perLetter    = 512     // what a letter costs beside its payload
	alertShare   = 80      // percent of the quota
	fullShare    = 100     //
	maxDetail    = 2 << 10 // bytes of a sentence
	maxTopic     = 1 << 10 // bytes of a topic
)

// letters are the dead letters of all tenants. What a source put is written with that source's next commit.
type letters struct {
	kv    KV
	quota int64
	log   *slog.Logger

	mu       sync.Mutex
	groups   map[groupKey]*LetterGroup
	tenants  map[string]*tenantLetters
	examples map[exampleKey]int
	unknown  map[sender]int             // letters of devices that were not registered
	waiting  map[string]*waitingLetters // by source
	ids      map[string]bool            // of the letters waiting
	doorSeq  uint64
	came     chan struct{} // something waits at the door
}

type exampleKey struct {
	sender
	reason wire.Reason
}

type tenantLetters struct {
	bytes   int64
	alerted int              // percent last told
	tallies map[string]tally // by source
}

// tally counts what is not kept; each source writes its own.
type tally struct {
	Refused uint64 `json:"refused,omitempty"` // at the door
	Dropped uint64 `json:"dropped,omitempty"` // over the quota
}

type waitingLetters struct {
	puts     []Pair
	ids      []string
	tallies  map[string]bool           // tenants whose tally changed
	overflow map[groupKey]*LetterGroup // counted and not kept, from the beginning
	dirty    map[groupKey]bool         //
}

func newLetters(kv KV, quota int64, log *slog.Logger) *letters {
	return &letters{
		kv: kv, quota: quota, log: log, groups: map[groupKey]*LetterGroup{}, tenants: map[string]*tenantLetters{},
		examples: map[exampleKey]int{}, unknown: map[sender]int{}, waiting: map[string]*waitingLetters{}, ids: map[string]bool{},
		came: make(chan struct{}, 1),
	}
}

func openLetters(kv KV, quota int64, log *slog.Logger) (*letters, error) {
	ls := newLetters(kv, quota, log)
	err := kv.Scan([]byte("l/"), func(k, v []byte) error {
		l, err := decodeLetter(k, v)
		if err != nil {
			return err
		}
		ls.of(l.Tenant).bytes += int64(l.kept()) + perLetter
		ls.group(keyOf(l)).add(l)
		if l.Reason == wire.ReasonUnregistered {
			ls.unknown[sender{l.Tenant, l.Device}]++
		}
		if l.Source == sourceDoor {
			ls.examples[exampleOf(l)]++
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if err := kv.Scan([]byte("o/"), ls.loadOverflow); err != nil {
		return nil, err
	}
	return ls, kv.Scan([]byte("t/"), ls.loadTally)
}

func (ls *letters) loadTally(k, v []byte) error {
	parts := strings.SplitN(string(k), "/", 3)
	var t tally
	if err := json.Unmarshal(v, &t); err != nil || len(parts) != 3 {
		return fmt.Errorf("%q: %w", k, err)
	}
	ls.of(parts[1]).tallies[parts[2]] = t
	return nil
}

func (ls *letters) loadOverflow(k, v []byte) error {
	parts := strings.SplitN(string(k), "/", 4) // o, tenant, fingerprint, source
	g := &LetterGroup{}
	if err := json.Unmarshal(v, g); err != nil || len(parts) != 4 {
		return fmt.Errorf("%q: %w", k, err)
	}
	key := groupKey{parts[1], g.DeviceType, g.Reason, g.Version}
	ls.at(parts[3]).overflow[key] = g
	all := ls.group(key)
	all.Count += g.Count
	if g.Last > all.Last {
		all.Last, all.Detail = g.Last, g.Detail
	}
	return nil
}

func (ls *letters) of(tenant string) *tenantLetters {
	t := ls.tenants[tenant]
	if t == nil {
		t = &tenantLetters{tallies: map[string]tally{}}
		ls.tenants[tenant] = t
	}
	return t
}

func (ls *letters) at(source string) *waitingLetters {
	w := ls.waiting[source]
	if w == nil {
		w = &waitingLetters{tallies: map[string]bool{}, overflow: map[groupKey]*LetterGroup{}, dirty: map[groupKey]bool{}}
		ls.waiting[source] = w
	}
	return w
}

func (ls *letters) group(k groupKey) *LetterGroup {
	g := ls.groups[k]
	if g == nil {
		g = &LetterGroup{Fingerprint: k.fingerprint(), DeviceType: k.deviceType, Reason: k.reason, Version: k.version}
		ls.groups[k] = g
	}
	return g
}

func keyOf(l *Letter) groupKey { return groupKey{l.Tenant, l.DeviceType, l.Reason, l.Version} }

func exampleOf(l *Letter) exampleKey { return exampleKey{sender{l.Tenant, l.Device}, l.Reason} }

// put keeps a letter, unless another group refused the same message before.
func (ls *letters) put(l *Letter) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	key := letterKey(l.Tenant, l.ID)
	if ls.ids[string(key)] {
		return
	}
	old, err := ls.kv.Get(key)
	if err != nil {
		// Written again, it is the same row; only its group may count it twice.
		ls.log.Error("dead_letter_not_looked_up", "tenant", l.Tenant, "error", err)
	}
	if old == nil {
		ls.keep(l)
	}
}

// keep adds a new letter, or only counts it where the quota is full. The caller holds the lock.
func (ls *letters) keep(l *Letter) {
	l.Detail, l.Topic = cutText(l.Detail, maxDetail), cutText(l.Topic, maxTopic)
	if l.Size = max(l.Size, len(l.Payload)); l.Size > len(l.Payload) {
		l.Head = len(l.Payload)
	}
	t, w := ls.of(l.Tenant), ls.at(l.Source)
	need := int64(l.kept()) + perLetter
	if t.bytes+need > ls.quota {
		ls.alert(l.Tenant, t, fullShare)
		if strings.HasPrefix(l.Source, groupHistory+"/") {
			return // group live counts it
		}
		ls.group(keyOf(l)).add(l)
		n := t.tallies[l.Source]
		n.Dropped++
		t.tallies[l.Source] = n
		w.tallies[l.Tenant] = true
		w.spill(l)
		return
	}
	ls.group(keyOf(l)).add(l)
	t.bytes += need
	if t.bytes*100 >= ls.quota*alertShare {
		ls.alert(l.Tenant, t, alertShare)
	}
	meta, err := json.Marshal(l)
	if err != nil {
		ls.log.Error("dead_letter_not_kept", "tenant", l.Tenant, "error", err)
		return
	}
	key := letterKey(l.Tenant, l.ID)
	w.puts = append(w.puts, Pair{key, meta}, Pair{payloadKey(l.Tenant, l.ID), append([]byte{}, l.Payload...)})
	w.ids = append(w.ids, string(key))
	ls.ids[string(key)] = true
	if l.Reason == wire.ReasonUnregistered {
		ls.unknown[sender{l.Tenant, l.Device}]++
	}
}

// spill counts a letter that is not kept.
func (w *waitingLetters) spill(l *Letter) {
	k := keyOf(l)
	g := w.overflow[k]
	if g == nil {
		g = &LetterGroup{DeviceType: l.DeviceType, Reason: l.Reason, Version: l.Version}
		w.overflow[k] = g
	}
	g.add(l)
	w.dirty[k] = true
}

func (ls *letters) alert(tenant string, t *tenantLetters, percent int) {
	if t.alerted >= percent {
		return
	}
	t.alerted = percent
	ls.log.Warn("dead_letters_near_quota", "tenant", tenant, "percent", percent, "quota_bytes", ls.quota)
}

// collect takes what a source has to write. settle is called once it is written.
func (ls *letters) collect(source string) (puts []Pair, settle func(), err error) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	w := ls.at(source)
	puts, ids := w.puts, w.ids
	w.puts, w.ids = nil, nil
	for tenant := range w.tallies {
		b, err := json.Marshal(ls.of(tenant).tallies[source])
		if err != nil {
			return nil, nil, err
		}
		puts = append(puts, Pair{[]byte("t/" + tenant + "/" + source), b})
	}
	for k := range w.dirty {
		b, err := json.Marshal(w.overflow[k])
		if err != nil {
			return nil, nil, err
		}
		puts = append(puts, Pair{[]byte("o/" + k.tenant + "/" + k.fingerprint() + "/" + source), b})
	}
	clear(w.tallies)
	clear(w.dirty)
	return puts, func() {
		ls.mu.Lock()
		defer ls.mu.Unlock()
		for _, id := range ids {
			delete(ls.ids, id)
		}
	}, nil
}

func (ls *letters) tally(tenant string) (refused, dropped uint64) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	t := ls.tenants[tenant]
	if t == nil {
		return 0, 0
	}
	for _, n := range t.tallies {
		refused += n.Refused
		dropped += n.Dropped
	}
	return refused, dropped
}

func cutText(s string, n int) string {
	if len(s) > n {
		return strings.ToValidUTF8(s[:n], "\uFFFD") + "…"
	}
	return s
}
