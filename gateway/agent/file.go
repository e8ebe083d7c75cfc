package agent

import (
	"fmt"
	"os"

	"github.com/goccy/go-yaml"
)

// ReadConfig reads and checks a configuration file. An error names line, field and value.
func ReadConfig(path string) (Config, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return Config{}, fmt.Errorf("read configuration: %w", err)
	}
	return ParseConfig(text)
}

// ParseConfig is ReadConfig of a text.
func ParseConfig(text []byte) (Config, error) {
	var c Config
	if err := yaml.UnmarshalWithOptions(text, &c, yaml.DisallowUnknownField()); err != nil {
		return Config{}, fmt.Errorf("read configuration: %w", err)
	}
	return c, nil
}

// Marshal writes the configuration as a file ReadConfig takes.
func (c Config) Marshal() ([]byte, error) { return yaml.Marshal(c) }
