package frontend_test

import (
	"io/fs"
	"strings"
	"testing"

	"github.com/lineshaft/lineshaft/frontend"
)

// A program compiled with or without the console always has a page to show.
func TestTheConsoleAlwaysHasAnIndexPage(t *testing.T) {
	body, err := fs.ReadFile(frontend.FS(), "index.html")
	if err != nil {
		t.Fatalf("read index.html: %v", err)
	}
	if frontend.Built() == strings.Contains(string(body), "Console not built") {
		t.Errorf("Built() = %v, but the page is:\n%.200s", frontend.Built(), body)
	}
	if _, err := fs.Stat(frontend.FS(), "no-such-file.js"); err == nil {
		t.Error("a missing file was found")
	}
}
