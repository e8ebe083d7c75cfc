package server

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lineshaft/lineshaft/twin/fault"
)

func TestWhereHistoryIsKept(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	token, empty := write("token", "plant:secret\n"), write("empty", "\n")
	for name, c := range map[string]struct {
		flags map[string]string
		field string // refused, or none
	}{
		"as it comes":                     {map[string]string{}, ""},
		"on this machine":                 {map[string]string{"history": "influx", "influx_url": "http://127.0.0.1:8086", "influx_bucket": "plant/autogen", "influx_token_file": token}, ""},
		"elsewhere, encrypted":            {map[string]string{"history": "influx", "influx_url": "https://influx.plant:8086", "influx_org": "plant", "influx_bucket": "history", "influx_token_file": token}, ""},
		"elsewhere, nobody signs in":      {map[string]string{"history": "influx", "influx_url": "http://influx.plant:8086", "influx_bucket": "history"}, ""},
		"elsewhere, the token in clear":   {map[string]string{"history": "influx", "influx_url": "http://influx.plant:8086", "influx_bucket": "history", "influx_token_file": token}, "influx_url"},
		"the password in the address":     {map[string]string{"history": "influx", "influx_url": "https://plant:secret@influx.plant", "influx_bucket": "history"}, "influx_url"},
		"without an address":              {map[string]string{"history": "influx", "influx_bucket": "history"}, "influx_url"},
		"without a bucket":                {map[string]string{"history": "influx", "influx_url": "http://127.0.0.1:8086"}, "influx_bucket"},
		"with an empty token":             {map[string]string{"history": "influx", "influx_url": "http://127.0.0.1:8086", "influx_bucket": "plant", "influx_token_file": empty}, "influx_token_file"},
		"with a token that is not there":  {map[string]string{"history": "influx", "influx_url": "http://127.0.0.1:8086", "influx_bucket": "plant", "influx_token_file": filepath.Join(dir, "none")}, "influx_token_file"},
		"somewhere nobody knows":          {map[string]string{"history": "cassandra"}, "history"},
		"here, though an address is told": {map[string]string{"influx_url": "http://127.0.0.1:8086"}, "influx_url"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Load("", func(string) string { return "" }, c.flags)
			if c.field == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if !fault.Is(err, fault.Invalid) || !strings.HasPrefix(err.Error(), c.field+": ") {
				t.Errorf("%v", err)
			}
			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("the refusal tells the password: %v", err)
			}
		})
	}
}
