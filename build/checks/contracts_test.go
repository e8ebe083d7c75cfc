package checks

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"path"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/lineshaft/lineshaft/assets"
	"github.com/lineshaft/lineshaft/twin/wire"
)

// samples are messages of one contract: those both schema and decoder take, those neither takes, and those that only
// the decoder can refuse, because no schema can say what is wrong with them.
type samples struct {
	Valid, Invalid, Beyond map[string]json.RawMessage
}

// taken says whether the decoder of a contract takes a message whole.
func taken(contract string, payload []byte) (ok bool, why any) {
	if contract == "status" {
		_, err := wire.DecodeStatus(payload)
		return err == nil, err
	}
	var m wire.Message
	if err := wire.DecodeTelemetry(payload, &m); err != nil {
		return false, err
	}
	if want := strings.TrimPrefix(contract, "telemetry-"); m.SchemaVersion != want {
		return false, "read as " + m.SchemaVersion
	}
	return len(m.Wrong) == 0, m.Wrong
}

// contracts compiles every published schema.
func contracts(t *testing.T) map[string]*jsonschema.Schema {
	t.Helper()
	names, err := fs.Glob(assets.FS, "contracts/*.schema.json")
	if err != nil || len(names) == 0 {
		t.Fatalf("no contracts: %v", err)
	}
	out := map[string]*jsonschema.Schema{}
	for _, name := range names {
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(published(t, path.Base(name))))
		if err != nil {
			t.Fatal(name, err)
		}
		c := jsonschema.NewCompiler()
		c.DefaultDraft(jsonschema.Draft2020)
		if err := c.AddResource(name, doc); err != nil {
			t.Fatal(err)
		}
		s, err := c.Compile(name)
		if err != nil {
			t.Fatal(err)
		}
		if s.DraftVersion != 2020 {
			t.Errorf("%s is of draft %d", name, s.DraftVersion)
		}
		out[strings.TrimSuffix(path.Base(name), ".schema.json")] = s
	}
	return out
}

func published(t *testing.T, name string) []byte {
	t.Helper()
	b, err := fs.ReadFile(assets.FS, "contracts/"+name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// A device's maker tests against the schema, the plant runs the decoder: both must mean the same.
func TestSchemaAndDecoderAgree(t *testing.T) {
	for name, schema := range contracts(t) {
		var s samples
		if err := json.Unmarshal(published(t, "samples/"+name+".json"), &s); err != nil {
			t.Fatal(name, err)
		}
		if len(s.Valid) < 5 || len(s.Invalid) < 10 {
			t.Errorf("%s has %d valid and %d invalid samples: too few to agree on", name, len(s.Valid), len(s.Invalid))
		}
		for _, kind := range []struct {
			name            string
			samples         map[string]json.RawMessage
			schema, decoder bool
		}{{"valid", s.Valid, true, true}, {"invalid", s.Invalid, false, false}, {"beyond", s.Beyond, true, false}} {
			for what, payload := range kind.samples {
				t.Run(name+"/"+kind.name+"/"+what, func(t *testing.T) {
					doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(payload))
					if err != nil {
						t.Fatal(err)
					}
					if err := schema.Validate(doc); (err == nil) != kind.schema {
						t.Errorf("the schema says %v\nof %s", err, payload)
					}
					if ok, why := taken(name, payload); ok != kind.decoder {
						t.Errorf("the decoder says %v\nof %s", why, payload)
					}
				})
			}
		}
	}
}

func TestEveryVersionOfTheDecoderIsPublished(t *testing.T) {
	all := contracts(t)
	for _, v := range []string{wire.Schema10, wire.Schema20, wire.Schema21, wire.Schema22, wire.SchemaCompact} {
		if all["telemetry-"+v] == nil {
			t.Errorf("no schema of telemetry %s", v)
		}
	}
}

// What our own programs send is what we tell others to send.
func TestWhatIsWrittenKeepsTheContract(t *testing.T) {
	all := contracts(t)
	for _, name := range []string{"telemetry-2.1", "telemetry-2.2", "telemetry-2.0", "telemetry-1.0", "telemetry-compact"} {
		var s samples
		if err := json.Unmarshal(published(t, "samples/"+name+".json"), &s); err != nil {
			t.Fatal(err)
		}
		for what, payload := range s.Valid {
			var m wire.Message
			if err := wire.DecodeTelemetry(payload, &m); err != nil {
				t.Fatal(what, err)
			}
			m.Complete("P-007", 1773309600123e6)
			if m.MsgID == "" {
				m.MsgID = "01JZ8K3N4Q6R7S8T9V0W1X2Y3Z"
			}
			out := wire.AppendTelemetry(nil, &m)
			doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(out))
			if err != nil {
				t.Fatal(what, err)
			}
			if err := all["telemetry-"+version(out)].Validate(doc); err != nil {
				t.Errorf("%s/%s: %v\nof %s", name, what, err, out)
			}
		}
	}
}

func version(payload []byte) string {
	var m wire.Message
	_ = wire.DecodeTelemetry(payload, &m)
	return m.SchemaVersion
}
