package exchange

import (
	"strings"
	"testing"
)

// Repeats inside repeats multiply: what a file may make of them is bounded, or a line could fill the memory.
func TestWhatRepeatsMakeIsBounded(t *testing.T) {
	n, err := parse([]byte(`n: "1..9000"`))
	if err != nil {
		t.Fatal(err)
	}
	var d decoder
	made := 0
	for range maxAssets {
		rows := d.rows(n, "repeat")
		if rows == nil {
			break
		}
		made += len(rows)
	}
	if made > maxAssets || d.err() == nil || !strings.Contains(d.err().Error(), "at most 200000 assets") {
		t.Errorf("%d rows, %v", made, d.err())
	}
}

func TestExpand(t *testing.T) {
	vars := map[string]string{"n": "7", "line": "B"}
	for in, want := range map[string]string{
		"P-{n:03}": "P-007", "{line}{n}": "B7", "plain": "plain", "": "", "{n}{n}": "77",
	} {
		if got, err := expand(in, vars); err != nil || got != want {
			t.Errorf("%q became %q, %v", in, got, err)
		}
	}
	for _, in := range []string{"{m}", "{n", "{line:03}", "{n:0}", "{n:x}", "{n:99}", "{}"} {
		if got, err := expand(in, vars); err == nil {
			t.Errorf("%q became %q", in, got)
		}
	}
}
