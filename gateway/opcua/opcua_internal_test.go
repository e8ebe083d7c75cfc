package opcua

import (
	"crypto/x509"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/gopcua/opcua/ua"

	"github.com/lineshaft/lineshaft/twin"
)

func TestStatusCodesHaveTheirClassicQuality(t *testing.T) {
	for code, want := range map[ua.StatusCode]twin.Quality{
		ua.StatusGood:                                    192,
		ua.StatusGoodLocalOverride:                       216,
		ua.StatusGoodClamped:                             192,
		ua.StatusUncertain:                               64,
		ua.StatusUncertainLastUsableValue:                68,
		ua.StatusUncertainSensorNotAccurate:              80,
		ua.StatusUncertainEngineeringUnitsExceeded:       84,
		ua.StatusUncertainSubNormal:                      88,
		ua.StatusUncertainInitialValue:                   64,
		ua.StatusBad:                                     0,
		ua.StatusBadConfigurationError:                   4,
		ua.StatusBadNotConnected:                         8,
		ua.StatusBadDeviceFailure:                        12,
		ua.StatusBadSensorFailure:                        16,
		ua.StatusBadNoCommunication:                      24,
		ua.StatusBadOutOfService:                         28,
		ua.StatusBadWaitingForInitialData:                32,
		ua.StatusBadTypeMismatch:                         0,
		ua.StatusBadSensorFailure | 0x0480:               16, // with limit and overflow bits
		ua.StatusUncertainEngineeringUnitsExceeded | 0x3: 84,
	} {
		if got := quality(code); got != want {
			t.Errorf("%v (%#x): %d, want %d", code, uint32(code), got, want)
		}
	}
}

func TestTheIdentityIsKeptAndPrivate(t *testing.T) {
	dir := t.TempDir()
	a, err := ReadIdentity(dir, "gw-det-01", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	b, err := ReadIdentity(dir, "gw-det-01", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if string(a.cert) != string(b.cert) || !a.key.Equal(b.key) || b.uri != "urn:lineshaft:gateway:gw-det-01" {
		t.Error("the second start has another identity")
	}
	cert, err := x509.ParseCertificate(a.cert)
	if err != nil || len(cert.URIs) != 1 || cert.URIs[0].String() != a.uri {
		t.Errorf("the certificate lacks the application URI: %v %v", cert.URIs, err)
	}
	info, err := os.Stat(filepath.Join(dir, ownKey))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key's mode is %v, %v", info.Mode(), err)
	}
}

func TestPauseHasJitterAndABound(t *testing.T) {
	for n := range 20 {
		if got := pause(n, 0.99999); got > retryCap || got < retryBase/2 {
			t.Errorf("attempt %d waits %v", n, got)
		}
	}
}
