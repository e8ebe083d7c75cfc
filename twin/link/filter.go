package link

import "strings"

// validFilter checks the wildcards of a topic filter (MQTT 3.1.1 clause 4.7.1).
func validFilter(f string) bool {
	if f == "" || len(f) > maxTopic {
		return false
	}
	segs := strings.Split(f, "/")
	for i, s := range segs {
		if strings.Contains(s, "#") && (s != "#" || i != len(segs)-1) {
			return false
		}
		if strings.Contains(s, "+") && s != "+" {
			return false
		}
	}
	return true
}

// matches says whether topic falls under filter.
func matches(filter, topic string) bool {
	for {
		f, frest, fmore := strings.Cut(filter, "/")
		if f == "#" {
			return true
		}
		t, trest, tmore := strings.Cut(topic, "/")
		if f != "+" && f != t {
			return false
		}
		switch {
		case !fmore && !tmore:
			return true
		case fmore && !tmore:
			return frest == "#"
		case !fmore:
			return false
		}
		filter, topic = frest, trest
	}
}
