package opcua

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/lineshaft/lineshaft/twin/fault"
)

// Trust says which server certificates are taken. Exactly one way holds.
type Trust struct {
	Pin      string // SHA-256 of the one certificate taken, in hexadecimal; empty otherwise
	Dir      string // certificates taken, or those of the authorities that signed them
	FirstUse bool   // take and remember in Dir the first certificate this source ever shows
	Source   string // name of the source, for the file remembered
	Rejected string // where a refused certificate is left for an operator to look at
}

// Check says whether the server's certificate is trusted, as a fault.Denied with what to do if not.
func (t Trust) Check(der []byte, uri string, now time.Time) error {
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return fmt.Errorf("read server certificate: %w", err)
	}
	if now.Before(cert.NotBefore) || now.After(cert.NotAfter) {
		return fault.New(fault.Denied, "the server's certificate is valid from %s to %s",
			cert.NotBefore.Format(time.DateOnly), cert.NotAfter.Format(time.DateOnly)).WithHint("renew it on the server")
	}
	if uri != "" && (len(cert.URIs) == 0 || cert.URIs[0].String() != uri) {
		return fault.New(fault.Denied, "the server calls itself %s, its certificate does not", uri)
	}
	switch {
	case t.Pin != "":
		if Fingerprint(der) == t.Pin {
			return nil
		}
		return t.refuse(der, "is not the pinned one")
	case t.FirstUse:
		return t.remembered(der)
	}
	known, err := t.inDir(cert)
	if err != nil {
		return err
	}
	if !known {
		return t.refuse(der, "is not trusted")
	}
	return nil
}

// remembered compares with what the source showed first, or remembers it.
func (t Trust) remembered(der []byte) error {
	path := filepath.Join(t.Dir, "first-use-"+t.Source+".pem")
	first, err := readPEM(path)
	if errors.Is(err, os.ErrNotExist) {
		return writePEM(path, "CERTIFICATE", der)
	}
	if err != nil {
		return err
	}
	if !bytes.Equal(first, der) {
		return t.refuse(der, "is not the one seen first")
	}
	return nil
}

// inDir looks for the certificate, or its signer's, among the trusted ones.
func (t Trust) inDir(cert *x509.Certificate) (bool, error) {
	files, err := os.ReadDir(t.Dir)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read trusted certificates: %w", err)
	}
	for _, f := range files {
		if ext := filepath.Ext(f.Name()); f.IsDir() || (ext != ".pem" && ext != ".der" && ext != ".crt") || strings.HasPrefix(f.Name(), "first-use-") {
			continue
		}
		der, err := readPEM(filepath.Join(t.Dir, f.Name()))
		if err != nil {
			return false, err
		}
		trusted, err := x509.ParseCertificate(der)
		if err != nil {
			return false, fmt.Errorf("read trusted certificate %s: %w", f.Name(), err)
		}
		if trusted.Equal(cert) || (trusted.IsCA && cert.CheckSignatureFrom(trusted) == nil) {
			return true, nil
		}
	}
	return false, nil
}

func (t Trust) refuse(der []byte, why string) error {
	name := Fingerprint(der)[:16] + ".pem"
	refused := fault.New(fault.Denied, "the server's certificate sha256:%s %s", Fingerprint(der), why)
	if err := writePEM(filepath.Join(t.Rejected, name), "CERTIFICATE", der); err != nil {
		return errors.Join(refused, err)
	}
	return refused.WithHint("if it is the right one, move %s to %s", filepath.Join(t.Rejected, name), t.Dir)
}
