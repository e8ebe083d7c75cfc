package twins

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/lineshaft/lineshaft/twin/fault"
)

// Kind is what a journal entry is about.
type Kind string

// The kinds of entries.
const (
	TenantKind   Kind = "tenant"
	ClassKind    Kind = "class"
	AssetKind    Kind = "asset"
	RelationKind Kind = "relation"
)

// Entry is one change of a tenant's structure. Entries are never changed or removed. Valid is when the change holds
// from in the plant, Known is when we learned of it; both ns. Before is absent for something new, After for something
// removed.
type Entry struct {
	Seq     uint64          `json:"seq"` // 1, 2, 3, … without a hole
	Valid   int64           `json:"valid"`
	Known   int64           `json:"known"`
	Who     string          `json:"who"`
	Why     string          `json:"why,omitempty"`
	Kind    Kind            `json:"kind"`
	Subject string          `json:"subject"` // asset id, class name, type:from:to of a relation
	Before  json.RawMessage `json:"before,omitempty"`
	After   json.RawMessage `json:"after,omitempty"`
}

// Keys: t/{tenant} says that there is one, j/{tenant}/{seq} an entry, s/{tenant}/{part} the newest snapshot.
// r/ and l/ are the reported state's, see persist.go.
const (
	tenantKey   = "t/"
	entryKey    = "j/"
	snapshotKey = "s/"
)

// journal is an append-only log per tenant with compare-and-append. It needs no more of its keeper than single keys
// in order, so that a replicated log can take its place.
type journal struct{ kv KV }

func key(kind, tenant string, n uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte(kind+tenant+"/"), n)
}

func (j journal) tenants() ([]string, error) {
	var out []string
	err := j.kv.Scan([]byte(tenantKey), func(k, _ []byte) error {
		out = append(out, string(k[len(tenantKey):]))
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list tenants: %w", err)
	}
	return out, nil
}

// append writes the entries, all or none, if the journal still ends at after; otherwise somebody else wrote first and
// the answer is a Conflict. It numbers the entries.
func (j journal) append(ctx context.Context, tenant string, after uint64, entries []Entry) error {
	if len(entries) == 0 {
		return nil
	}
	if there, err := j.kv.Get(key(entryKey, tenant, after+1)); err != nil {
		return fmt.Errorf("compare journal: %w", err)
	} else if there != nil {
		return fault.New(fault.Conflict, "the plant model of %s was changed by somebody else meanwhile", tenant).
			WithHint("read it again and repeat the change")
	}
	puts := make([]Pair, 0, len(entries)+1)
	puts = append(puts, Pair{Key: []byte(tenantKey + tenant), Value: []byte{1}})
	for i := range entries {
		entries[i].Seq = after + 1 + uint64(i)
		b, err := json.Marshal(entries[i])
		if err != nil {
			return fmt.Errorf("write journal: %w", err)
		}
		puts = append(puts, Pair{Key: key(entryKey, tenant, entries[i].Seq), Value: b})
	}
	if err := j.kv.Write(ctx, puts); err != nil {
		return fmt.Errorf("write journal: %w", err)
	}
	return nil
}

// each calls fn with the entries after seq after, in order. Keys are read in runs of 256 that share all but the last
// byte; the first run without an entry is behind the end, for there are no holes.
func (j journal) each(ctx context.Context, tenant string, after uint64, fn func(Entry) error) error {
	base := []byte(entryKey + tenant + "/")
	next := after + 1
	for run := next >> 8; ; run++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		prefix := slices.Concat(base, binary.BigEndian.AppendUint64(nil, run<<8)[:7])
		err := j.kv.Scan(prefix, func(_, v []byte) error {
			var e Entry
			if err := json.Unmarshal(v, &e); err != nil {
				return fmt.Errorf("read journal entry: %w", err)
			}
			if e.Seq < next {
				return nil
			}
			if e.Seq != next {
				return fmt.Errorf("journal has entry %d where %d should be", e.Seq, next)
			}
			next++
			return fn(e)
		})
		if err != nil {
			return err
		}
		if next>>8 == run {
			return nil
		}
	}
}

// read folds the newest snapshot and what came after it, and counts the latter.
func (j journal) read(ctx context.Context, tenant string) (s *structure, tail int, err error) {
	s = newStructure()
	err = j.kv.Scan([]byte(snapshotKey+tenant+"/"), func(_, part []byte) error {
		for line := range strings.Lines(string(part)) {
			var e Entry
			if err := json.Unmarshal([]byte(line), &e); err != nil {
				return fmt.Errorf("read snapshot: %w", err)
			}
			if err := s.apply(e); err != nil {
				return fmt.Errorf("read snapshot: %w", err)
			}
		}
		return ctx.Err()
	})
	if err != nil {
		return nil, 0, err
	}
	err = j.each(ctx, tenant, s.rev, func(e Entry) error {
		tail++
		return s.apply(e)
	})
	return s, tail, err
}

// snapshotPart is about how large one part of a snapshot is.
const snapshotPart = 256 << 10

// snapshot replaces the tenant's snapshot by what would create s: start need not read the journal from its beginning.
func (j journal) snapshot(ctx context.Context, tenant string, s *structure) error {
	var puts []Pair
	err := j.kv.Scan([]byte(snapshotKey+tenant+"/"), func(k, _ []byte) error {
		puts = append(puts, Pair{Key: k})
		return nil
	})
	if err != nil {
		return fmt.Errorf("replace snapshot: %w", err)
	}
	var part []byte
	flush := func() {
		puts = append(puts, Pair{Key: key(snapshotKey, tenant, uint64(len(puts))), Value: part})
		part = nil
	}
	for e, err := range s.entries() {
		if err != nil {
			return fmt.Errorf("write snapshot: %w", err)
		}
		line, err := json.Marshal(e)
		if err != nil {
			return fmt.Errorf("write snapshot: %w", err)
		}
		if part = append(append(part, line...), '\n'); len(part) >= snapshotPart {
			flush()
		}
	}
	flush()
	if err := j.kv.Write(ctx, puts); err != nil {
		return fmt.Errorf("write snapshot: %w", err)
	}
	return nil
}

// Journal returns up to limit entries of a tenant after the one numbered after, oldest first.
func (t *Twins) Journal(ctx context.Context, tenant string, after uint64, limit int) ([]Entry, error) {
	var out []Entry
	err := t.journal.each(ctx, tenant, after, func(e Entry) error {
		if len(out) == limit {
			return errEnough
		}
		out = append(out, e)
		return nil
	})
	if err != nil && err != errEnough { //nolint:errorlint // Scan gives fn's error back as it is
		return nil, err
	}
	return out, nil
}
