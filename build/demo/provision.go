package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/lineshaft/lineshaft/assets"
	"github.com/lineshaft/lineshaft/backend/server"
	"github.com/lineshaft/lineshaft/twin"
	"github.com/lineshaft/lineshaft/twin/exchange"
)

// tenant is one plant with the secrets its devices were given.
type tenant struct {
	name            string
	plant           exchange.Plant
	dir             string // of the tenant's edge: secrets, outboxes, certificates
	base            string // of the API
	user, password1 string
	token           string // of the API session
}

// provision signs in as the tenant's administrator, imports the plant and gets every device its token, all through
// the API like anybody else. What is known from the run before is not asked for again.
func (d demo) provision(ctx context.Context, name string, classes twin.Classes, at server.Ready) (*tenant, error) {
	file, err := assets.FS.ReadFile("plants/" + name + ".yaml")
	if err != nil {
		return nil, err
	}
	plant, err := exchange.ReadPlant(bytes.NewReader(file), classes)
	if err != nil {
		return nil, err
	}
	t := &tenant{name: name, plant: plant, dir: filepath.Join(d.data, "edge", name), base: at.HTTP}
	if err := os.MkdirAll(filepath.Join(t.dir, "tokens"), 0o700); err != nil {
		return nil, err
	}
	for _, f := range at.FirstPasswords {
		if f.Tenant == name {
			t.user, t.password1 = f.User, f.Password
		}
	}
	if t.user == "" {
		return t, t.complete() // the password was changed: go on with what is there
	}
	var session struct{ Token string }
	if err := t.call(ctx, "/api/v1/login", map[string]string{"user": t.user, "password": t.password1}, &session); err != nil {
		return nil, fmt.Errorf("sign in as %s: %w", t.user, err)
	}
	t.token = session.Token
	if err := t.call(ctx, "/api/v1/models/import", file, nil); err != nil {
		return nil, fmt.Errorf("import: %w", err)
	}
	for _, dev := range t.speakers() {
		if _, err := os.Stat(t.tokenFile(dev)); err == nil {
			continue
		}
		var fresh struct{ Token string }
		if err := t.call(ctx, "/api/v1/devices/"+dev+"/token", struct{}{}, &fresh); err != nil {
			return nil, fmt.Errorf("token of %s: %w", dev, err)
		}
		if err := os.WriteFile(t.tokenFile(dev), []byte(fresh.Token), 0o600); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// speakers are the devices with a session of their own.
func (t *tenant) speakers() []string {
	var ids []string
	for _, dev := range t.plant.Devices {
		if dev.Kind != twin.Hosted {
			ids = append(ids, dev.ID)
		}
	}
	return ids
}

func (t *tenant) complete() error {
	for _, dev := range t.speakers() {
		if _, err := os.Stat(t.tokenFile(dev)); err != nil {
			return fmt.Errorf("the administrator's password was changed and %s has no token here: remove the data directory to begin anew: %w", dev, err)
		}
	}
	return nil
}

func (t *tenant) file(name string) string        { return filepath.Join(t.dir, name) }
func (t *tenant) tokenFile(device string) string { return filepath.Join(t.dir, "tokens", device) }

// password is a device's token.
func (t *tenant) password(device string) (string, error) {
	text, err := os.ReadFile(t.tokenFile(device))
	return string(text), err
}

// secret is a random word kept in a file of the tenant.
func (t *tenant) secret(name string) (string, error) {
	text, err := os.ReadFile(t.file(name))
	if errors.Is(err, os.ErrNotExist) {
		text = []byte(rand.Text())
		err = os.WriteFile(t.file(name), text, 0o600)
	}
	return string(text), err
}

// announce prints the ready line once every site of the tenant reports.
func (d demo) announce(ctx context.Context, t *tenant, at server.Ready) error {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for !at.Alive(t.name) {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
	password := t.password1
	if password == "" {
		password = "(changed)"
	}
	_, err := fmt.Fprintf(d.out, "lineshaft ready %s %s user=admin@%s password=%s\n", at.HTTP, at.MQTT, t.name, password)
	return err
}

// call posts body, YAML if it is bytes and JSON if not, and reads the answer into into.
func (t *tenant) call(ctx context.Context, path string, body, into any) error {
	text, contentType := []byte(nil), "application/yaml"
	if raw, ok := body.([]byte); ok {
		text = raw
	} else {
		var err error
		if text, err = json.Marshal(body); err != nil {
			return err
		}
		contentType = "application/json"
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, t.base+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", contentType)
	if t.token != "" {
		req.Header.Set("Authorization", "Bearer "+t.token)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode >= http.StatusBadRequest {
		return fmt.Errorf("%s: %s", res.Status, answer)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(answer, into)
}
