package intake

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/lineshaft/lineshaft/twin/wire"
)

// The streams, as the stream names them.
const (
	streamTelemetry = "telemetry"
	streamFacts     = "facts"
)

func streamOf(c wire.Channel) string {
	if c.Bulk() {
		return streamTelemetry
	}
	return streamFacts
}

// Count is what came, from the beginning.
type Count struct {
	Messages   uint64 `json:"messages"`   // taken, each once
	Readings   uint64 `json:"readings"`   // in them
	Duplicates uint64 `json:"duplicates"` // messages that had come before
	Untracked  uint64 `json:"untracked"`  // messages without a number, or without an epoch to count in
	Letters    uint64 `json:"letters"`    // messages that became dead letters, whole or in part
}

func (c *Count) add(o Count) {
	c.Messages += o.Messages
	c.Readings += o.Readings
	c.Duplicates += o.Duplicates
	c.Untracked += o.Untracked
	c.Letters += o.Letters
}

type count = Count

type countKey struct{ tenant, stream, site string }

func (k countKey) key() []byte { return []byte("c/" + k.tenant + "/" + k.stream + "/" + k.site) }

func (l *ledger) loadCount(k, v []byte) error {
	parts := strings.SplitN(string(k), "/", 4)
	if len(parts) != 4 {
		return fmt.Errorf("key %q", k)
	}
	c := &count{}
	if err := json.Unmarshal(v, c); err != nil {
		return fmt.Errorf("%q: %w", k, err)
	}
	l.counts[countKey{parts[1], parts[2], parts[3]}] = c
	return nil
}

func (l *ledger) count(stream string, t *wire.Topic, add Count) {
	l.mu.Lock()
	defer l.mu.Unlock()
	k := countKey{t.Tenant, stream, t.Site}
	c := l.counts[k]
	if c == nil {
		c = &count{}
		l.counts[k] = c
	}
	c.add(add)
	l.part(stream).counts[k] = true
}

// Counters are a tenant's counts, in all and by site.
type Counters struct {
	Total   Count
	Sites   map[string]Count
	Refused uint64 // messages refused at the broker's door
	Dropped uint64 // dead letters that did not fit into the quota
}

// Counters returns what came from a tenant's devices, over all time.
func (in *Intake) Counters(tenant string) Counters {
	out := Counters{Sites: map[string]Count{}}
	in.ledger.mu.Lock()
	for k, c := range in.ledger.counts {
		if k.tenant == tenant {
			out.Total.add(*c)
			site := out.Sites[k.site]
			site.add(*c)
			out.Sites[k.site] = site
		}
	}
	in.ledger.mu.Unlock()
	out.Refused, out.Dropped = in.letters.tally(tenant)
	return out
}
