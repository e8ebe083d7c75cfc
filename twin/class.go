package twin

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
)

// Field is one nameplate field of a class (IEC 61360 in spirit: name, unit, meaning).
type Field struct {
	Name  string `json:"name"`
	Title string `json:"title,omitempty"`
	Unit  string `json:"unit,omitempty"`
}

// Class is a template of assets: tags and nameplate fields, inherited from Extends.
type Class struct {
	Name      string  `json:"name"`
	Title     string  `json:"title"`
	Extends   string  `json:"extends,omitempty"`
	Level     Level   `json:"level,omitempty"`  // where its assets stand unless they say otherwise
	Symbol    string  `json:"symbol,omitempty"` // drawing of the console: pump, motor, tank, …
	Tags      []Tag   `json:"tags"`
	Nameplate []Field `json:"nameplate"`

	// Renames turns the names that old firmware gives to tags into theirs: those of schema 1.0 and of the compact form.
	Renames map[string]string `json:"renames,omitempty"`
}

// Classes are the classes of a tenant by name, with inheritance resolved by Resolve.
type Classes map[string]Class

// Resolve returns the classes with every inherited tag and field written out, own ones overriding by name.
// It refuses an unknown parent and a cycle, naming the classes.
func (cs Classes) Resolve() (Classes, error) {
	out := make(Classes, len(cs))
	for name := range cs {
		c, err := cs.flatten(name, nil)
		if err != nil {
			return nil, err
		}
		out[name] = c
	}
	return out, nil
}

func (cs Classes) flatten(name string, seen []string) (Class, error) {
	if slices.Contains(seen, name) {
		return Class{}, fmt.Errorf("class %s: extends itself by way of %v", name, seen)
	}
	c, ok := cs[name]
	if !ok {
		return Class{}, fmt.Errorf("class %q is not declared", name)
	}
	for _, t := range c.Tags {
		if err := t.Check(); err != nil {
			return Class{}, fmt.Errorf("class %s: tag %s: %w", name, t.Name, err)
		}
	}
	if c.Extends == "" {
		return c, c.checkRenames()
	}
	base, err := cs.flatten(c.Extends, append(seen, name))
	if err != nil {
		return Class{}, err
	}
	c.Tags = merge(base.Tags, c.Tags, func(t Tag) string { return t.Name })
	c.Nameplate = merge(base.Nameplate, c.Nameplate, func(f Field) string { return f.Name })
	c.Symbol = cmp.Or(c.Symbol, base.Symbol)
	c.Level = cmp.Or(c.Level, base.Level)
	if len(base.Renames) > 0 {
		own := c.Renames
		c.Renames = maps.Clone(base.Renames)
		maps.Copy(c.Renames, own)
	}
	return c, c.checkRenames()
}

// checkRenames refuses a rule that leads to no tag, and one that would take a tag's own name away.
func (c Class) checkRenames() error {
	for _, old := range slices.Sorted(maps.Keys(c.Renames)) {
		if _, ok := c.Tag(c.Renames[old]); !ok {
			return fmt.Errorf("class %s: renames %s: there is no tag %q", c.Name, old, c.Renames[old])
		}
		if _, ok := c.Tag(old); ok {
			return fmt.Errorf("class %s: renames %s: it is the name of a tag", c.Name, old)
		}
	}
	return nil
}

func merge[T any](base, own []T, key func(T) string) []T {
	out := slices.Clone(base)
	for _, o := range own {
		i := slices.IndexFunc(out, func(b T) bool { return key(b) == key(o) })
		if i >= 0 {
			out[i] = o
		} else {
			out = append(out, o)
		}
	}
	return out
}

// Tag finds a tag of the (resolved) class.
func (c Class) Tag(name string) (Tag, bool) {
	for _, t := range c.Tags {
		if t.Name == name {
			return t, true
		}
	}
	return Tag{}, false
}
