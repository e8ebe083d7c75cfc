package agent

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"strings"

	"github.com/lineshaft/lineshaft/twin/fault"
)

// secret reads a password from its file; no file is no password.
func secret(field, path string) (string, error) {
	if path == "" {
		return "", nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return "", unreadable(field, path, err)
	}
	word := strings.TrimRight(string(text), "\r\n")
	if word == "" {
		return "", fault.Field(field, path, "the file is empty")
	}
	return word, nil
}

func unreadable(field, path string, err error) error {
	return &fault.Error{Kind: fault.Invalid, Field: field, Value: path, Message: "cannot be read", Err: err}
}

// tls is how an ssl:// broker is trusted.
func (c Config) tls() (*tls.Config, error) {
	if !strings.HasPrefix(c.Broker, "ssl://") {
		return nil, nil //nolint:nilnil // no TLS is what link.Config calls nil
	}
	conf := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.CAFile != "" {
		text, err := os.ReadFile(c.CAFile)
		if err != nil {
			return nil, unreadable("ca_file", c.CAFile, err)
		}
		conf.RootCAs = x509.NewCertPool()
		if !conf.RootCAs.AppendCertsFromPEM(text) {
			return nil, fault.Field("ca_file", c.CAFile, "holds no certificate")
		}
	}
	if c.CertFile != "" {
		pair, err := tls.LoadX509KeyPair(c.CertFile, c.KeyFile)
		if err != nil {
			return nil, unreadable("cert_file", c.CertFile, err)
		}
		conf.Certificates = []tls.Certificate{pair}
	}
	return conf, nil
}

// CheckFiles reports the first file named in the configuration that cannot be read.
func (c Config) CheckFiles() error {
	if _, err := secret("password_file", c.PasswordFile); err != nil {
		return err
	}
	for _, s := range c.Sources {
		if _, err := secret("sources."+s.Name+".opcua.password_file", s.OPCUA.PasswordFile); err != nil {
			return err
		}
	}
	_, err := c.tls()
	return err
}
