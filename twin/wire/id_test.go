package wire_test

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/lineshaft/lineshaft/twin/wire"
)

var instant = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func TestIDsSortByTime(t *testing.T) {
	entropy := bytes.NewReader(bytes.Repeat([]byte{0xff, 0x00}, 100))
	last := ""
	for i := range 10 {
		id, err := wire.NewID(instant.Add(time.Duration(i)*time.Millisecond), entropy)
		if err != nil || !wire.ValidID(id) {
			t.Fatalf("%q, %v", id, err)
		}
		if id <= last {
			t.Errorf("%s does not come after %s", id, last)
		}
		last = id
	}
	if _, err := wire.NewID(instant, bytes.NewReader(nil)); !errors.Is(err, io.EOF) {
		t.Errorf("without entropy: %v", err)
	}
}

func TestADerivedIDIsTheSameForTheSameParts(t *testing.T) {
	id := wire.DerivedID(instant, "acme", "acme/detroit")
	if !wire.ValidID(id) || id != wire.DerivedID(instant, "acme", "acme/detroit") {
		t.Errorf("%s", id)
	}
	for name, other := range map[string]string{
		"another instant":      wire.DerivedID(instant.Add(time.Millisecond), "acme", "acme/detroit"),
		"another tenant":       wire.DerivedID(instant, "globex", "acme/detroit"),
		"parts cut elsewhere":  wire.DerivedID(instant, "acmeacme", "/detroit"),
		"one part less":        wire.DerivedID(instant, "acme"),
		"an empty part beside": wire.DerivedID(instant, "acme", "acme/detroit", ""),
	} {
		if other == id {
			t.Errorf("%s gives the same id", name)
		}
	}
}

func TestIDsThatAreNone(t *testing.T) {
	for _, id := range []string{"", "42", "01HSC5VZ8K3N4Q6R7S8T9V0W1", "01HSC5VZ8K3N4Q6R7S8T9V0W1XX", "81HSC5VZ8K3N4Q6R7S8T9V0W1X", "01HSC5VZ8K3N4Q6R7S8T9V0WUI", "01HSC5VZ8K3N4Q6R7S8T9V0W1é"} {
		if wire.ValidID(id) {
			t.Errorf("%q is a ULID", id)
		}
	}
}
