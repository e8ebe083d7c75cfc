package plc

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"time"
)

// keyBits and validity are what OPC UA applications of this security policy use.
const (
	keyBits  = 2048
	validity = 5 * 365 * 24 * time.Hour
)

// Identity is the application certificate of a controller and where its files are, PEM both.
type Identity struct {
	Certificate string // path
	Key         string // path
	URI         string // ApplicationURI, in the certificate as the standard asks
}

// LoadIdentity returns the identity of controller name kept in dir, made on the first start.
func LoadIdentity(dir, name string, now time.Time) (Identity, error) {
	id := Identity{
		Certificate: filepath.Join(dir, name+".cert.pem"),
		Key:         filepath.Join(dir, name+".key.pem"),
		URI:         "urn:lineshaft:simulator:" + name,
	}
	cert, err := readCertificate(id.Certificate)
	if err == nil && now.Before(cert.NotAfter) && now.After(cert.NotBefore) {
		if _, err = os.Stat(id.Key); err == nil {
			return id, nil
		}
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Identity{}, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return Identity{}, fmt.Errorf("make certificate directory: %w", err)
	}
	return id, id.create(name, now)
}

func readCertificate(path string) (*x509.Certificate, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read certificate: %w", err)
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("read certificate %s: no PEM block", path)
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("read certificate %s: %w", path, err)
	}
	return cert, nil
}

func (id Identity) create(name string, now time.Time) error {
	key, err := makeKey()
	if err != nil {
		return err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return fmt.Errorf("make serial number: %w", err)
	}
	uri, err := url.Parse(id.URI)
	if err != nil {
		return fmt.Errorf("make application uri: %w", err)
	}
	template := x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: name, Organization: []string{"Lineshaft simulator"}},
		NotBefore:    now.Add(-time.Hour),
		NotAfter:     now.Add(validity),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageContentCommitment | x509.KeyUsageKeyEncipherment |
			x509.KeyUsageDataEncipherment | x509.KeyUsageCertSign,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		BasicConstraintsValid: true,
		URIs:                  []*url.URL{uri},
		DNSNames:              []string{"localhost"},
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, &key.PublicKey, key)
	if err != nil {
		return fmt.Errorf("make certificate: %w", err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fmt.Errorf("make key: %w", err)
	}
	if err := writePEM(id.Key, "PRIVATE KEY", pkcs8); err != nil {
		return err
	}
	return writePEM(id.Certificate, "CERTIFICATE", der)
}

func makeKey() (*rsa.PrivateKey, error) {
	for {
		key, err := rsa.GenerateKey(rand.Reader, keyBits)
		if err != nil {
			return nil, fmt.Errorf("make key: %w", err)
		}
		if usable(key) {
			return key, nil
		}
	}
}

// usable says whether the OPC UA library can decrypt passwords with the key: it takes the length of the private
// exponent for the length of a block, which one key in a hundred or so does not fulfil.
func usable(key *rsa.PrivateKey) bool { return len(key.D.Bytes()) == key.Size() }

// writePEM replaces a file whole, readable by its owner alone.
func writePEM(path, kind string, der []byte) error {
	tmp := path + ".tmp"
	if err := os.WriteFile(tmp, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		return fmt.Errorf("write %s: %w", filepath.Base(path), err)
	}
	if err := os.Rename(tmp, path); err != nil {
		return fmt.Errorf("write %s: %w", filepath.Base(path), err)
	}
	return nil
}
