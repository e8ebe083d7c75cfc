package opcua

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net/url"
	"os"
	"path/filepath"
	"time"
)

const (
	ownCert     = "own.pem"
	ownKey      = "own-key.pem"
	certYears   = 10
	ownKeyBits  = 2048 // Basic256Sha256 takes 2048 to 4096
	privateDir  = 0o700
	privateFile = 0o600
)

// Identity is the application certificate of a gateway: how OPC UA servers know it.
type Identity struct {
	cert []byte // DER
	key  *rsa.PrivateKey
	uri  string
}

// ReadIdentity reads the certificate and key in dir, and makes them first where there are none. The certificate is
// {dir}/own.pem; a server that checks its clients is to be given it.
func ReadIdentity(dir, gateway string, now time.Time) (Identity, error) {
	cert, err := readPEM(filepath.Join(dir, ownCert))
	if errors.Is(err, fs.ErrNotExist) {
		return newIdentity(dir, gateway, now)
	}
	if err != nil {
		return Identity{}, err
	}
	key, err := readPEM(filepath.Join(dir, ownKey))
	if err != nil {
		return Identity{}, err
	}
	parsed, err := x509.ParsePKCS8PrivateKey(key)
	if err != nil {
		return Identity{}, fmt.Errorf("read %s: %w", ownKey, err)
	}
	private, ok := parsed.(*rsa.PrivateKey)
	if !ok {
		return Identity{}, fmt.Errorf("read %s: OPC UA needs an RSA key", ownKey)
	}
	c, err := x509.ParseCertificate(cert)
	if err != nil {
		return Identity{}, fmt.Errorf("read %s: %w", ownCert, err)
	}
	if len(c.URIs) == 0 {
		return Identity{}, fmt.Errorf("read %s: OPC UA needs the application URI among the subject's alternative names", ownCert)
	}
	return Identity{cert, private, c.URIs[0].String()}, nil
}

func newIdentity(dir, gateway string, now time.Time) (Identity, error) {
	key, err := rsa.GenerateKey(rand.Reader, ownKeyBits)
	if err != nil {
		return Identity{}, fmt.Errorf("make key: %w", err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return Identity{}, fmt.Errorf("make certificate: %w", err)
	}
	uri := &url.URL{Scheme: "urn", Opaque: "lineshaft:gateway:" + gateway}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: gateway, Organization: []string{"Lineshaft"}},
		NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(certYears, 0, 0),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageContentCommitment | x509.KeyUsageKeyEncipherment |
			x509.KeyUsageDataEncipherment | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
		URIs:        []*url.URL{uri}, BasicConstraintsValid: true,
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return Identity{}, fmt.Errorf("make certificate: %w", err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return Identity{}, fmt.Errorf("make key: %w", err)
	}
	// The key first: a certificate without its key would be taken for an identity at the next start.
	if err := writePEM(filepath.Join(dir, ownKey), "PRIVATE KEY", private); err != nil {
		return Identity{}, err
	}
	if err := writePEM(filepath.Join(dir, ownCert), "CERTIFICATE", cert); err != nil {
		return Identity{}, err
	}
	return Identity{cert, key, uri.String()}, nil
}

// writePEM writes to a temporary name, syncs, and renames.
func writePEM(path, kind string, der []byte) (err error) {
	if err := os.MkdirAll(filepath.Dir(path), privateDir); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	f, err := os.OpenFile(path+".tmp", os.O_CREATE|os.O_WRONLY|os.O_TRUNC, privateFile)
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	err = errors.Join(pem.Encode(f, &pem.Block{Type: kind, Bytes: der}), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(path+".tmp", path)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

// readPEM reads the first block of a file, or the whole file where it is DER.
func readPEM(path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	if block, _ := pem.Decode(text); block != nil {
		return block.Bytes, nil
	}
	return text, nil
}

// Fingerprint is the SHA-256 of a certificate in hexadecimal, as trust: sha256:… takes it.
func Fingerprint(der []byte) string {
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:])
}
