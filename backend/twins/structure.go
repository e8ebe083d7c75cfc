package twins

import (
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/lineshaft/lineshaft/twin"
)

var errEnough = errors.New("enough")

// structure is a tenant's plant as a fold of journal entries: what the graph is built from. Applying the entries up to
// an instant gives the structure as of that instant.
type structure struct {
	rev       uint64
	title     string
	classes   map[string]classRecord
	assets    map[string]*assetRecord
	relations map[string]relationRecord
	seqs      map[string]uint64 // last entry about the tenant and each class
	words     map[string]string // what many assets say, kept once
}

// tagRecord is a tag as it is stored: with the interval that its own JSON leaves out.
type tagRecord struct {
	twin.Tag
	Every time.Duration `json:"every,omitempty"`
}

// classRecord is a class as it is stored, inheritance written out.
type classRecord struct {
	twin.Class
	Tags []tagRecord `json:"tags"`
}

// assetRecord is an asset as it is stored. Of its tags only those are kept that differ from the class's.
type assetRecord struct {
	ID        string         `json:"id"`
	Path      string         `json:"path"`
	Level     twin.Level     `json:"level"`
	Class     string         `json:"class,omitempty"`
	Title     string         `json:"title,omitempty"`
	TimeZone  string         `json:"time_zone,omitempty"`
	Nameplate map[string]any `json:"nameplate,omitempty"`
	OwnTags   []tagRecord    `json:"own_tags,omitempty"`

	seq uint64 // its last entry, the version of the asset
}

// relationRecord is a relation with the number of its last entry.
type relationRecord struct {
	twin.Relation
	seq uint64
}

type tenantRecord struct {
	Title string `json:"title"`
}

func newStructure() *structure {
	return &structure{
		classes: map[string]classRecord{}, assets: map[string]*assetRecord{}, relations: map[string]relationRecord{}, seqs: map[string]uint64{},
		words: map[string]string{},
	}
}

func (s *structure) word(w string) string {
	if kept, ok := s.words[w]; ok {
		return kept
	}
	s.words[w] = w
	return w
}

func relationKey(r twin.Relation) string { return string(r.Type) + ":" + r.From + ":" + r.To }

// apply makes the change of an entry.
func (s *structure) apply(e Entry) error {
	s.rev = max(s.rev, e.Seq)
	switch e.Kind {
	case AssetKind:
		return put(s.assets, e, func(a *assetRecord) *assetRecord {
			a.seq, a.Class, a.Level, a.TimeZone = e.Seq, s.word(a.Class), twin.Level(s.word(string(a.Level))), s.word(a.TimeZone)
			return a
		})
	case ClassKind:
		s.seqs[string(e.Kind)+e.Subject] = e.Seq
		return put(s.classes, e, func(c *classRecord) classRecord { return *c })
	case RelationKind:
		return put(s.relations, e, func(r *relationRecord) relationRecord { r.seq = e.Seq; return *r })
	case TenantKind:
		s.seqs[string(e.Kind)] = e.Seq
		var rec tenantRecord
		if err := json.Unmarshal(e.After, &rec); err != nil {
			return fmt.Errorf("entry %d: %w", e.Seq, err)
		}
		s.title = rec.Title
		return nil
	}
	return fmt.Errorf("entry %d is of kind %q, which this version does not know", e.Seq, e.Kind)
}

func put[R, T any](m map[string]T, e Entry, finish func(*R) T) error {
	if e.After == nil {
		delete(m, e.Subject)
		return nil
	}
	rec := new(R)
	if err := json.Unmarshal(e.After, rec); err != nil {
		return fmt.Errorf("entry %d: %w", e.Seq, err)
	}
	m[e.Subject] = finish(rec)
	return nil
}

// entries are changes that create the structure from nothing, each under the number of the last change of its subject.
func (s *structure) entries() iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		emit := func(k Kind, subject string, seq uint64, rec any) bool {
			after, err := json.Marshal(rec)
			return yield(Entry{Seq: seq, Kind: k, Subject: subject, After: after}, err)
		}
		// The tenant's entry goes last and carries the number of the last of all.
		for _, name := range slices.Sorted(maps.Keys(s.classes)) {
			if !emit(ClassKind, name, s.seqs[string(ClassKind)+name], s.classes[name]) {
				return
			}
		}
		for _, id := range slices.Sorted(maps.Keys(s.assets)) {
			if !emit(AssetKind, id, s.assets[id].seq, s.assets[id]) {
				return
			}
		}
		for _, k := range slices.Sorted(maps.Keys(s.relations)) {
			if !emit(RelationKind, k, s.relations[k].seq, s.relations[k]) {
				return
			}
		}
		emit(TenantKind, "", s.rev, tenantRecord{s.title})
	}
}

func storedTags(tags []twin.Tag) []tagRecord {
	out := make([]tagRecord, len(tags))
	for i, t := range tags {
		out[i] = tagRecord{Tag: t, Every: t.Interval}
	}
	return out
}

func liveTags(recs []tagRecord) []twin.Tag {
	out := make([]twin.Tag, len(recs))
	for i, r := range recs {
		out[i] = r.Tag
		out[i].Interval = r.Every
	}
	return out
}
