package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/lineshaft/lineshaft/backend/access"
)

// FirstPassword is the password a tenant's administrator was given and has not changed yet.
type FirstPassword struct {
	Tenant, User, Password string // User is name@tenant
}

// firstPasswordsFile is where they wait, readable by the owner only, until they are changed.
const firstPasswordsFile = "first-passwords.json"

// loopbackSelf is the address the server signs in from when it tries whether a first password still holds.
const loopbackSelf = "lineshaft"

// bootstrap gives every tenant its administrator and returns the first passwords that still hold.
func bootstrap(ctx context.Context, a *access.Access, dir string, tenants []string, log *slog.Logger) ([]FirstPassword, error) {
	path := filepath.Join(dir, firstPasswordsFile)
	known, err := readFirstPasswords(path)
	if err != nil {
		return nil, err
	}
	var holding []FirstPassword
	for _, f := range known {
		ok, err := holds(ctx, a, f)
		if err != nil {
			return nil, err
		}
		if ok {
			holding = append(holding, f)
		}
	}
	for _, t := range tenants {
		name, password, created, err := a.Bootstrap(ctx, t)
		if err != nil {
			return nil, fmt.Errorf("create administrator of %s: %w", t, err)
		}
		if created {
			holding = append(holding, FirstPassword{t, name, password})
			log.Info("administrator created", "tenant", t, "user", name, "password_in", path)
		}
	}
	return holding, writeFirstPasswords(path, holding)
}

// holds tries the password and leaves no session behind.
func holds(ctx context.Context, a *access.Access, f FirstPassword) (bool, error) {
	s, err := a.Login(ctx, f.User, f.Password, loopbackSelf)
	if err != nil {
		return false, nil //nolint:nilerr // any refusal means that the password was changed
	}
	return true, a.Logout(ctx, s.Token)
}

func readFirstPasswords(path string) ([]FirstPassword, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read first passwords: %w", err)
	}
	var fs []FirstPassword
	if err := json.Unmarshal(text, &fs); err != nil {
		return nil, fmt.Errorf("read first passwords in %s: %w", path, err)
	}
	return fs, nil
}

func writeFirstPasswords(path string, fs []FirstPassword) error {
	if len(fs) == 0 {
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("remove first passwords: %w", err)
		}
		return nil
	}
	text, err := json.MarshalIndent(fs, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(path+".new", text, 0o600); err != nil {
		return fmt.Errorf("write first passwords: %w", err)
	}
	return os.Rename(path+".new", path)
}
