package checks

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// frozen are the contracts as they were first published, by file name. They never change: a change that a sender must
// follow is a new version beside them. Their digests stand apart, so that a slip of the hand is seen.
func frozen(t *testing.T) map[string][]byte {
	t.Helper()
	sums, err := os.ReadFile("contracts/SHA256SUMS")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]byte{}
	for line := range strings.Lines(string(sums)) {
		sum, name, _ := strings.Cut(strings.TrimSpace(line), "  ")
		b, err := os.ReadFile(filepath.Join("contracts", name))
		if err != nil {
			t.Fatal(err)
		}
		if got := sha256.Sum256(b); hex.EncodeToString(got[:]) != sum {
			t.Errorf("contracts/%s is not the one that was published", name)
		}
		out[name] = b
	}
	files, err := os.ReadDir("contracts")
	if err != nil || len(files) != len(out)+1 {
		t.Fatalf("%d files are frozen, %d have a digest (%v)", len(files)-1, len(out), err)
	}
	return out
}

func schemaOf(t *testing.T, b []byte) map[string]any {
	t.Helper()
	var s map[string]any
	if err := json.Unmarshal(b, &s); err != nil {
		t.Fatal(err)
	}
	return s
}

// Devices in the field cannot follow: whoever kept a published contract keeps it still.
func TestPublishedContractsAreKept(t *testing.T) {
	old := frozen(t)
	for name := range contracts(t) {
		if old[name+".schema.json"] == nil {
			t.Errorf("%s is published: freeze a copy in build/checks/contracts, and its digest", name)
		}
	}
	for name, b := range old {
		if strings.HasSuffix(name, ".schema.json") {
			for _, breach := range breaking(schemaOf(t, b), schemaOf(t, published(t, name))) {
				t.Errorf("%s%s", name, breach)
			}
		}
	}
}

// TestABreachOfAContractIsSeen keeps the comparison honest: each change is planted in a published schema.
func TestABreachOfAContractIsSeen(t *testing.T) {
	const name = "telemetry-2.1.schema.json"
	for what, c := range map[string]struct {
		in        string
		from, to  string
		compliant bool
	}{
		"nothing":              {compliant: true},
		"another description":  {from: `"title": "Telemetry, schema 2.1"`, to: `"title": "Readings"`, compliant: true},
		"a new optional field": {from: `"epoch": {`, to: `"trace": {"type": "string"}, "epoch": {`, compliant: true},
		"a field less required": {from: `"required": [
    "schema_version",
    "msg_id",`, to: `"required": ["schema_version",`, compliant: true},
		"a type more": {from: `"online": {
      "type": "boolean"`, to: `"online": {"type": ["boolean", "string"]`, in: "status.schema.json", compliant: true},
		"integers become numbers": {from: `"type": "integer",
      "minimum": 0,
      "maximum": 255`, to: `"type": "number", "minimum": 0, "maximum": 255`, compliant: true},
		"a wider bound":        {from: `"maximum": 255`, to: `"maximum": 65535`, compliant: true},
		"a longer name":        {from: `"maxLength": 128`, to: `"maxLength": 256`, compliant: true},
		"no bound":             {from: `"maxLength": 128,`, to: ``, compliant: true},
		"a field removed":      {from: `"gw_id": {`, to: `"gateway": {`},
		"a definition removed": {from: `"ulid": {`, to: `"an_id": {`},
		"a field required": {from: `"required": [
    "schema_version",`, to: `"required": ["seq", "schema_version",`},
		"a new required field": {from: `"required": [
    "schema_version",`, to: `"required": ["trace", "schema_version",`},
		"a field retyped": {from: `"fw_version": {
          "type": [
            "string",
            "null"`, to: `"fw_version": {"type": ["integer", "null"`},
		"null taken away": {from: `"fw_version": {
          "type": [
            "string",
            "null"
          ]`, to: `"fw_version": {"type": "string"`},
		"numbers become integers": {from: `"number",`, to: `"integer",`},
		"a type where there was none": {from: `"not": {
              "type": "null"`, to: `"type": "string", "not": {"type": "null"`},
		"a tighter bound":              {from: `"maximum": 255`, to: `"maximum": 192`},
		"a bound where there was none": {from: `"propertyNames": {`, to: `"maxProperties": 10, "propertyNames": {`},
		"another pattern":              {from: `{0,39}$`, to: `{0,19}$`},
		"another version":              {from: `"const": "2.1"`, to: `"const": "2.3"`},
		"fields closed": {from: `"d": {
      "type": "object",`, to: `"d": {"type": "object", "minProperties": 1,`},
		"unknown fields refused": {from: `"properties": {
    "schema_version"`, to: `"additionalProperties": false, "properties": {
    "schema_version"`},
		"a new condition": {from: `"not": {
        "required": [
          "t",`, to: `"not": {"required": ["v",`},
		"an unknown keyword":           {from: `"propertyNames": {`, to: `"dependentRequired": {"a": ["b"]}, "propertyNames": {`},
		"a name less":                  {from: `"seq",`, to: ``, in: "telemetry-1.0.schema.json"},
		"a field where names are tags": {from: `"gw": {`, to: `"pw": {"type": "number"}, "gw": {`, in: "telemetry-compact.schema.json"},
	} {
		t.Run(what, func(t *testing.T) {
			in := name
			if c.in != "" {
				in = c.in
			}
			text := string(frozen(t)[in])
			if c.from != "" && strings.Count(text, c.from) == 0 {
				t.Fatalf("nothing to plant in %s", in)
			}
			planted := strings.Replace(text, c.from, c.to, 1)
			if got := breaking(schemaOf(t, []byte(text)), schemaOf(t, []byte(planted))); (len(got) == 0) != c.compliant {
				t.Errorf("found %q", got)
			}
		})
	}
}

func TestATypeWhereThereWasNone(t *testing.T) {
	if got := breaking(map[string]any{}, map[string]any{"type": "array"}); len(got) != 1 {
		t.Error(got)
	}
}

func TestEnumsMayGrow(t *testing.T) {
	two, three := map[string]any{"enum": []any{"a", "b"}}, map[string]any{"enum": []any{"a", "b", "c"}}
	if got := breaking(two, three); len(got) > 0 {
		t.Error(got)
	}
	if got := breaking(three, two); len(got) != 1 || !slices.ContainsFunc(got, func(s string) bool { return strings.Contains(s, "no longer [c]") }) {
		t.Error(got)
	}
}
