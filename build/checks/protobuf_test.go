package checks

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/lineshaft/lineshaft/twin/wire/telemetrypb"
)

var (
	protoMessage = regexp.MustCompile(`(?m)^message (\w+) \{`)
	protoField   = regexp.MustCompile(`(?m)^\s*(optional |repeated )?(\w+) (\w+) = (\d+);`)
)

// protoFields reads "Message number label type name" of every field from the text of a .proto file.
func protoFields(text string) []string {
	var out []string
	at := protoMessage.FindAllStringSubmatchIndex(text, -1)
	for i, m := range at {
		end := len(text)
		if i+1 < len(at) {
			end = at[i+1][0]
		}
		for _, f := range protoField.FindAllStringSubmatch(text[m[1]:end], -1) {
			out = append(out, fmt.Sprintf("%s %s %s%s %s", text[m[2]:m[3]], f[4], f[1], f[2], f[3]))
		}
	}
	slices.Sort(out)
	return out
}

// compiledFields reads the same from the generated code.
func compiledFields(messages protoreflect.MessageDescriptors) []string {
	var out []string
	for i := range messages.Len() {
		m := messages.Get(i)
		for j := range m.Fields().Len() {
			f := m.Fields().Get(j)
			label, kind := "", f.Kind().String()
			switch {
			case f.IsList():
				label = "repeated "
			case f.HasOptionalKeyword():
				label = "optional "
			}
			if f.Message() != nil {
				kind = string(f.Message().Name())
			}
			out = append(out, fmt.Sprintf("%s %d %s%s %s", m.Name(), f.Number(), label, kind, f.Name()))
		}
	}
	slices.Sort(out)
	return out
}

// protoBreaks lists the fields that are not what they were. New fields and messages are additions.
func protoBreaks(before, after string) []string {
	now := protoFields(after)
	var out []string
	for _, f := range protoFields(before) {
		if !slices.Contains(now, f) {
			out = append(out, f+": is gone or another")
		}
	}
	return out
}

func TestTheGeneratedCodeIsOfTheSchema(t *testing.T) {
	want, got := protoFields(string(published(t, "telemetry.proto"))), compiledFields(telemetrypb.File_telemetry_proto.Messages())
	if len(want) < 20 || !slices.Equal(want, got) {
		t.Errorf("telemetry.proto has\n%s\nthe code has\n%s\nrun go generate ./twin/wire/telemetrypb", strings.Join(want, "\n"), strings.Join(got, "\n"))
	}
}

func TestThePublishedProtobufIsKept(t *testing.T) {
	old := frozen(t)["telemetry.proto"]
	if old == nil {
		t.Fatal("no frozen copy")
	}
	for _, b := range protoBreaks(string(old), string(published(t, "telemetry.proto"))) {
		t.Error(b)
	}
}

func TestABreachOfTheProtobufIsSeen(t *testing.T) {
	text := string(frozen(t)["telemetry.proto"])
	for what, c := range map[string]struct {
		from, to  string
		compliant bool
	}{
		"nothing":          {compliant: true},
		"a new field":      {from: "  string device_type = 4;", to: "  string device_type = 4;\n  string line = 10;", compliant: true},
		"a new message":    {from: "// Meta is", to: "message Trace {\n  string id = 1;\n}\n\n// Meta is", compliant: true},
		"another comment":  {from: "// Always 1.", to: "// One.", compliant: true},
		"a field removed":  {from: "  string gw_id = 2;", to: "  reserved 2;"},
		"another number":   {from: "gw_id = 2", to: "gw_id = 5"},
		"another type":     {from: "double number = 3", to: "float number = 3"},
		"another sign":     {from: "sint64 t_ns = 1", to: "int64 t_ns = 1"},
		"another name":     {from: "epoch = 6", to: "boot = 6"},
		"no longer a list": {from: "repeated Sample samples", to: "Sample samples"},
		"a number reused":  {from: "string device_type = 4;", to: "int64 device_kind = 4;"},
	} {
		planted := strings.Replace(text, c.from, c.to, 1)
		if c.from != "" && planted == text {
			t.Fatalf("%s: nothing to plant", what)
		}
		if got := protoBreaks(text, planted); (len(got) == 0) != c.compliant {
			t.Errorf("%s: found %q", what, got)
		}
	}
}
