package api_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/lineshaft/lineshaft/backend/api"
)

var update = flag.Bool("update", false, "write golden files anew")

const committedSpec = "../../frontend/src/api/openapi.json"

// The console's types are generated from a committed description; it must be the one the server gives.
func TestTheCommittedDescriptionIsTheServersOwn(t *testing.T) {
	got, err := api.Spec()
	if err != nil {
		t.Fatalf("describe the API: %v", err)
	}
	if *update {
		if err := os.MkdirAll(filepath.Dir(committedSpec), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(committedSpec, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(committedSpec)
	if err != nil {
		t.Fatalf("read the committed description: %v", err)
	}
	if !bytes.Equal(got, want) {
		t.Error("frontend/src/api/openapi.json is not what the server describes: run make generate")
	}
}
