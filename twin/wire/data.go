package wire

import (
	"bytes"
	"fmt"
	"slices"
)

// data reads the readings. Their times are offsets until the whole message is read.
func (d *decoder) data() error {
	if err := d.once(fieldData, "d"); err != nil {
		return err
	}
	if k := d.kind(); k != tokenObject {
		return d.wrongType("d", "an object of readings", k)
	}
	return d.object(d.tag)
}

// tag reads one reading by its key.
func (d *decoder) tag(key []byte) error {
	tag, fresh := d.tagName(key), d.tags.add(key)
	if reason := badTag(key); reason != "" {
		d.wrong(tag, "%s", reason)
		return d.skipReading()
	}
	switch {
	case !fresh:
		if d.tags.repeat(tag) { // nobody can know which of two was meant
			d.wrong(tag, "stands twice in the message")
		}
		return d.skipReading()
	case d.form == formEnvelope:
		return d.reading(tag)
	}
	return d.bare(tag)
}

func without(rs []Reading, tags map[string]struct{}) []Reading {
	return slices.DeleteFunc(rs, func(r Reading) bool { _, ok := tags[r.Tag]; return ok })
}

// maxTag is the longest tag name of a device in bytes.
const maxTag = 128

func badTag(key []byte) string {
	switch {
	case len(key) == 0:
		return "a tag without a name"
	case len(key) > maxTag:
		return fmt.Sprintf("a tag's name is at most %d bytes", maxTag)
	}
	for _, c := range key {
		if c < 0x20 || c == 0x7f {
			return "a control character in a tag's name"
		}
	}
	return ""
}

// tagName is the key as a string, the one the last message had in this place if it is the same.
func (d *decoder) tagName(key []byte) string {
	rs := d.m.Readings
	if len(rs) < cap(rs) {
		if old := rs[:len(rs)+1][len(rs)].Tag; old == string(key) {
			return old
		}
	}
	if len(key) > maxTag {
		return clip(string(key))
	}
	return string(key)
}

func (d *decoder) wrong(tag, format string, args ...any) {
	if len(d.m.Wrong) >= maxWrong {
		d.more++
		return
	}
	d.m.Wrong = append(d.m.Wrong, WrongReading{tag, fmt.Sprintf(format, args...)})
}

// tagSet finds a tag that stands twice. Few are compared one by one, many by a map.
type tagSet struct {
	few  [16][]byte
	n    int
	many map[string]struct{}

	twice map[string]struct{}
}

// repeat notes that a tag came again, and says whether that is news.
func (t *tagSet) repeat(tag string) bool {
	if t.repeated(tag) {
		return false
	}
	if t.twice == nil {
		t.twice = map[string]struct{}{}
	}
	t.twice[tag] = struct{}{}
	return true
}

func (t *tagSet) repeated(tag string) bool {
	_, ok := t.twice[tag]
	return ok
}

// add says whether the tag is new. The bytes are those of the message, or of their own.
func (t *tagSet) add(key []byte) bool {
	if t.many == nil {
		for _, k := range t.few[:t.n] {
			if bytes.Equal(k, key) {
				return false
			}
		}
		if t.n < len(t.few) {
			t.few[t.n] = key
			t.n++
			return true
		}
		t.many = make(map[string]struct{}, 8*len(t.few))
		for _, k := range t.few {
			t.many[string(k)] = struct{}{}
		}
	}
	if _, ok := t.many[string(key)]; ok {
		return false
	}
	t.many[string(key)] = struct{}{}
	return true
}
