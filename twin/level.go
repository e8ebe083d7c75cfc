package twin

import (
	"fmt"
	"strings"
)

// Level is the place of an asset in the equipment hierarchy of IEC 62264-1 (ISA-95) clause 5.3.
// Levels may be skipped but never reversed: a child's level is always below its parent's.
type Level string

// The levels from the top of the hierarchy to its bottom. WorkCenter stands for line, process cell,
// production unit and storage zone alike.
const (
	Enterprise Level = "enterprise"
	Site       Level = "site"
	Area       Level = "area"
	WorkCenter Level = "work_center"
	WorkUnit   Level = "work_unit"
	Equipment  Level = "equipment"
	Component  Level = "component"
)

var levels = []Level{Enterprise, Site, Area, WorkCenter, WorkUnit, Equipment, Component}

// Levels returns all levels from the top down.
func Levels() []Level { return append([]Level(nil), levels...) }

// Rank is 0 for an enterprise and grows downward; -1 for a word that is no level.
func (l Level) Rank() int {
	for i, k := range levels {
		if k == l {
			return i
		}
	}
	return -1
}

// MayHold says whether an asset of level l may contain one of level child. Components nest.
func (l Level) MayHold(child Level) bool {
	if l.Rank() < 0 || child.Rank() < 0 {
		return false
	}
	return child.Rank() > l.Rank() || (l == Component && child == Component)
}

// CheckParent explains why a child of level child may not stand under parent, naming the legal parents.
func CheckParent(parent, child Level) error {
	if child.Rank() < 0 {
		return fmt.Errorf("level %q is not a level of ISA-95: use one of %s", child, join(levels))
	}
	if parent.MayHold(child) {
		return nil
	}
	var legal []Level
	for _, l := range levels {
		if l.MayHold(child) {
			legal = append(legal, l)
		}
	}
	if len(legal) == 0 {
		return fmt.Errorf("an asset of level %s has no parent", child)
	}
	return fmt.Errorf("an asset of level %s cannot stand under level %s: its parent must be one of %s", child, parent, join(legal))
}

func join(ls []Level) string {
	words := make([]string, len(ls))
	for i, l := range ls {
		words[i] = string(l)
	}
	return strings.Join(words, ", ")
}
