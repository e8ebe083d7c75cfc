package twins

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/lineshaft/lineshaft/twin"
	"github.com/lineshaft/lineshaft/twin/fault"
	"github.com/lineshaft/lineshaft/twin/wire"
)

// decision collects the entries that bring a structure to what a model says.
type decision struct {
	s       *structure
	m       twin.Model
	byPath  map[string]string     // id by path, as it is now
	levels  map[string]twin.Level // by path, as it will be
	entries []Entry
	out     Imported
}

// decide compares a model with a structure, which it leaves as it is, and says what would have to change.
func decide(s *structure, m twin.Model) ([]Entry, Imported, error) {
	d := &decision{s: s, m: m, byPath: make(map[string]string, len(s.assets)), levels: map[string]twin.Level{}}
	d.out.Kept = map[string]string{}
	for id, a := range s.assets {
		d.byPath[a.Path] = id
		d.levels[a.Path] = a.Level
	}
	if m.Title != "" && m.Title != s.title {
		if err := d.change(TenantKind, "", tenantRecord{s.title}, tenantRecord{m.Title}, s.rev > 0, "tenant "+m.Tenant); err != nil {
			return nil, Imported{}, err
		}
	}
	for _, step := range []func() error{d.classes, d.assets, d.relations} {
		if err := step(); err != nil {
			return nil, Imported{}, err
		}
	}
	return d.entries, d.out, nil
}

// change notes the difference between two records, if there is one.
func (d *decision) change(k Kind, subject string, before, after any, known bool, what string) error {
	e := Entry{Kind: k, Subject: subject}
	var err error
	if e.After, err = json.Marshal(after); err != nil {
		return &fault.Error{Kind: fault.Invalid, Message: what + " cannot be written as JSON", Err: err}
	}
	if !known {
		d.out.Created++
		d.out.say("create %s", what)
		d.entries = append(d.entries, e)
		return nil
	}
	if e.Before, err = json.Marshal(before); err != nil {
		return fmt.Errorf("read %s: %w", what, err)
	}
	if bytes.Equal(e.Before, e.After) {
		d.out.Unchanged++
		return nil
	}
	d.out.Changed++
	d.out.say("change %s: %s", what, differing(e.Before, e.After))
	d.entries = append(d.entries, e)
	return nil
}

// differing names the fields in which two records differ.
func differing(before, after []byte) string {
	var a, b map[string]any
	if json.Unmarshal(before, &a) != nil || json.Unmarshal(after, &b) != nil {
		return "everything"
	}
	var names []string
	for _, name := range slices.Sorted(maps.Keys(mergedKeys(a, b))) {
		if !reflect.DeepEqual(a[name], b[name]) {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}

func mergedKeys(a, b map[string]any) map[string]any {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}

func (d *decision) classes() error {
	for _, name := range slices.Sorted(maps.Keys(d.m.Classes)) {
		c := d.m.Classes[name]
		if c.Name != name {
			return fault.Field("classes", c.Name, "the class filed as %s has another name", name)
		}
		for _, t := range c.Tags {
			if err := t.Check(); err != nil {
				return fault.Field("classes."+name+".tags", t.Name, "%v", err)
			}
		}
		if c.Nameplate == nil {
			c.Nameplate = []twin.Field{}
		}
		old, known := d.s.classes[name]
		next := classRecord{Class: c, Tags: storedTags(c.Tags)}
		next.Class.Tags = nil
		old.Class.Tags = nil
		if err := d.change(ClassKind, name, old, next, known, "class "+name); err != nil {
			return err
		}
	}
	return nil
}

func (d *decision) assets() error {
	paths, ids := map[string]bool{}, map[string]bool{}
	for i, a := range d.m.Assets {
		at := fmt.Sprintf("assets[%d]", i)
		if err := d.checkAsset(at, a); err != nil {
			return err
		}
		if paths[a.Path] {
			return fault.Field(at+".path", a.Path, "is declared twice")
		}
		if ids[a.ID] {
			return fault.Field(at+".id", a.ID, "is declared twice")
		}
		paths[a.Path], ids[a.ID] = true, true
		d.levels[a.Path] = a.Level
		id := d.idOf(a)
		old, known := d.s.assets[id]
		next := &assetRecord{
			ID: id, Path: a.Path, Level: a.Level, Class: a.Class, Title: a.Title, TimeZone: a.TimeZone, Nameplate: a.Nameplate,
			OwnTags: storedTags(d.ownTags(a)),
		}
		if err := d.change(AssetKind, id, old, next, known, "asset "+a.Path); err != nil {
			return err
		}
	}
	return nil
}

// idOf is the id under which the asset is known, its own if it is not.
func (d *decision) idOf(a twin.Asset) string {
	if _, known := d.s.assets[a.ID]; known {
		return a.ID
	}
	if id, known := d.byPath[a.Path]; known {
		d.out.Kept[a.ID] = id
		return id
	}
	return a.ID
}

// ownTags are the tags that the asset does not simply have from its class.
func (d *decision) ownTags(a twin.Asset) []twin.Tag {
	class := d.class(a.Class)
	return slices.DeleteFunc(slices.Clone(a.Tags), func(t twin.Tag) bool {
		of, has := class.Tag(t.Name)
		return has && sameTag(of, t)
	})
}

// sameTag compares tags as they are stored: an absent list is an empty one.
func sameTag(a, b twin.Tag) bool {
	if reflect.DeepEqual(a, b) {
		return true
	}
	x, err1 := json.Marshal(storedTags([]twin.Tag{a}))
	y, err2 := json.Marshal(storedTags([]twin.Tag{b}))
	return err1 == nil && err2 == nil && bytes.Equal(x, y)
}

func (d *decision) class(name string) twin.Class {
	if c, ok := d.m.Classes[name]; ok {
		return c
	}
	c := d.s.classes[name]
	c.Class.Tags = liveTags(c.Tags)
	return c.Class
}

func (d *decision) checkAsset(at string, a twin.Asset) error {
	if !wire.ValidID(a.ID) {
		return fault.Field(at+".id", a.ID, "is not a ULID")
	}
	if err := twin.CheckPath(a.Path); err != nil {
		return fault.Field(at+".path", a.Path, "%v", err)
	}
	if a.Level.Rank() < 0 {
		return fault.Field(at+".level", a.Level, "is one of %v", twin.Levels())
	}
	if parent := a.Parent(); parent != "" {
		level, ok := d.levels[parent]
		if !ok {
			return fault.Field(at+".path", a.Path, "there is no asset %s", parent).WithHint("declare parents before their children")
		}
		if err := twin.CheckParent(level, a.Level); err != nil {
			return fault.Field(at+".level", a.Level, "%v", err)
		}
	}
	if a.Class != "" && d.class(a.Class).Name == "" {
		return fault.Field(at+".class", a.Class, "is not declared")
	}
	for _, t := range a.Tags {
		if err := t.Check(); err != nil {
			return fault.Field(at+".tags", t.Name, "%v", err)
		}
	}
	return nil
}

func (d *decision) relations() error {
	declared := make(map[string]bool, len(d.m.Assets))
	for _, a := range d.m.Assets {
		declared[a.ID] = true
	}
	seen := map[string]bool{}
	for i, r := range d.m.Relations {
		at := fmt.Sprintf("relations[%d]", i)
		if !slices.Contains(twin.RelationTypes(), r.Type) {
			return fault.Field(at+".type", r.Type, "is one of %v", twin.RelationTypes())
		}
		for _, end := range []struct {
			field string
			id    *string
		}{{".from", &r.From}, {".to", &r.To}} {
			if _, there := d.s.assets[*end.id]; !there && !declared[*end.id] {
				return fault.Field(at+end.field, *end.id, "is no asset")
			}
			if kept, ok := d.out.Kept[*end.id]; ok {
				*end.id = kept
			}
		}
		if r.From == r.To {
			return fault.Field(at+".to", r.To, "an asset has no relation with itself")
		}
		k := relationKey(r)
		if seen[k] {
			return fault.Field(at, k, "is declared twice")
		}
		seen[k] = true
		old, known := d.s.relations[k]
		if err := d.change(RelationKind, k, old, relationRecord{Relation: r}, known, "relation "+k); err != nil {
			return err
		}
	}
	return nil
}
