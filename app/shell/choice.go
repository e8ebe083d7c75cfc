package shell

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// choice is which backend the person picked last.
type choice struct {
	Local  bool   `json:"local,omitempty"`
	Demo   bool   `json:"demo,omitempty"`
	Server string `json:"server,omitempty"`
}

func choiceFile(dir string) string { return filepath.Join(dir, "desktop.json") }

// readChoice returns the empty choice when none was made.
func readChoice(dir string) (choice, error) {
	var c choice
	text, err := os.ReadFile(choiceFile(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return c, fmt.Errorf("read choice: %w", err)
	}
	if err := json.Unmarshal(text, &c); err != nil {
		return choice{}, fmt.Errorf("read choice %s: %w", choiceFile(dir), err)
	}
	return c, nil
}

// writeChoice replaces the file in one step, so that a power cut leaves the old or the new one.
func writeChoice(dir string, c choice) error {
	text, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("write choice: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("write choice: %w", err)
	}
	temp := choiceFile(dir) + ".new"
	if err := os.WriteFile(temp, text, 0o600); err != nil {
		return fmt.Errorf("write choice: %w", err)
	}
	if err := os.Rename(temp, choiceFile(dir)); err != nil {
		return fmt.Errorf("write choice: %w", err)
	}
	return nil
}
