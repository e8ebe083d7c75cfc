package checks

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
)

// breaking lists what a change of a JSON Schema takes from senders that keep to the old one: the new schema must take
// every message that the old one took, and mean the same by it. What this cannot judge counts as breaking.
func breaking(before, after map[string]any) []string { return schemaBreaks("", before, after) }

// remarks say nothing about messages.
var remarks = []string{"$schema", "$id", "$comment", "title", "description", "examples", "default", "deprecated"}

func schemaBreaks(at string, before, after any) (out []string) {
	old, ok1 := before.(map[string]any)
	now, ok2 := after.(map[string]any)
	if !ok1 || !ok2 {
		if reflect.DeepEqual(before, after) || after == true || after == nil {
			return nil
		}
		return []string{at + ": " + brief(before) + " became " + brief(after)}
	}
	keys := maps.Clone(old)
	maps.Copy(keys, now)
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		if !slices.Contains(remarks, key) {
			out = append(out, keywordBreaks(at+"/"+key, key, old, now)...)
		}
	}
	return out
}

func keywordBreaks(at, key string, old, now map[string]any) []string {
	before, had := old[key]
	after, has := now[key]
	if reflect.DeepEqual(before, after) {
		return nil
	}
	fail := func(format string, args ...any) []string { return []string{at + ": " + fmt.Sprintf(format, args...)} }
	switch key {
	case "required":
		if more := without(list(after), list(before)); len(more) > 0 {
			return fail("%v is required now", more)
		}
		return nil
	case "type":
		if lost := lostTypes(before, after); len(lost) > 0 {
			return fail("no longer %v", lost)
		}
		return nil
	case "properties":
		return propertyBreaks(at, old, now)
	case "$defs":
		return namedBreaks(at, object(before), object(after))
	case "minimum", "minLength", "minItems", "minProperties", "exclusiveMinimum":
		if has && (!had || number(after) > number(before)) {
			return fail("%v became %v", before, after)
		}
		return nil
	case "maximum", "maxLength", "maxItems", "maxProperties", "exclusiveMaximum":
		if has && (!had || number(after) < number(before)) {
			return fail("%v became %v", before, after)
		}
		return nil
	case "enum":
		if lost := without(list(before), list(after)); has && (!had || len(lost) > 0) {
			return fail("no longer %v", lost)
		}
		return nil
	case "items", "additionalProperties", "propertyNames", "unevaluatedProperties":
		if !had {
			before = true
		}
		return schemaBreaks(at, before, after)
	case "pattern", "const", "format", "multipleOf":
		if !has && key != "const" {
			return nil
		}
	}
	return fail("%s became %s", brief(before), brief(after))
}

// propertyBreaks compares the fields of an object. Where every other name is a tag, a new field takes a tag away.
func propertyBreaks(at string, old, now map[string]any) []string {
	before, after := object(old["properties"]), object(now["properties"])
	out := namedBreaks(at, before, after)
	if _, others := old["additionalProperties"].(map[string]any); !others {
		return out
	}
	for _, name := range slices.Sorted(maps.Keys(after)) {
		if _, known := before[name]; !known {
			out = append(out, at+"/"+name+": was the name of any tag")
		}
	}
	return out
}

func namedBreaks(at string, before, after map[string]any) (out []string) {
	for _, name := range slices.Sorted(maps.Keys(before)) {
		if _, still := after[name]; !still {
			out = append(out, at+"/"+name+": is gone")
			continue
		}
		out = append(out, schemaBreaks(at+"/"+name, before[name], after[name])...)
	}
	return out
}

// lostTypes are those no longer taken. An absent type takes all, and a number takes every integer.
func lostTypes(before, after any) []any {
	if after == nil {
		return nil
	}
	now := list(after)
	if slices.Contains(now, any("number")) {
		now = append(slices.Clone(now), "integer")
	}
	was := list(before)
	if before == nil {
		was = []any{"any type"}
	}
	return without(was, now)
}

func list(v any) []any {
	if l, ok := v.([]any); ok {
		return l
	}
	if v == nil {
		return nil
	}
	return []any{v}
}

func object(v any) map[string]any {
	m, _ := v.(map[string]any)
	return m
}

func number(v any) float64 {
	f, _ := v.(float64)
	return f
}

func without(of, these []any) (out []any) {
	for _, v := range of {
		if !slices.ContainsFunc(these, func(t any) bool { return reflect.DeepEqual(v, t) }) {
			out = append(out, v)
		}
	}
	return out
}

func brief(v any) string {
	s := fmt.Sprint(v)
	if v == nil {
		s = "nothing"
	}
	return s[:min(len(s), 120)]
}
