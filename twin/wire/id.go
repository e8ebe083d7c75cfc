package wire

import (
	"crypto/sha256"
	"fmt"
	"io"
	"time"

	"github.com/oklog/ulid/v2"
)

// NewID returns a ULID for the instant, its random part read from entropy (crypto/rand in production, a seeded
// source in a simulation).
func NewID(at time.Time, entropy io.Reader) (string, error) {
	id, err := ulid.New(ulid.Timestamp(at), entropy)
	if err != nil {
		return "", fmt.Errorf("make id: %w", err)
	}
	return id.String(), nil
}

// DerivedID returns the same ULID for the same instant and parts: the id of something declared in a file.
func DerivedID(at time.Time, parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		_, _ = io.WriteString(h, p)
		_, _ = h.Write([]byte{0})
	}
	var id ulid.ULID
	_ = id.SetTime(ulid.Timestamp(at))
	copy(id[6:], h.Sum(nil))
	return id.String()
}

// contentID is the id of a message that carries none: the same for the same bytes, of which its time (ns) is a part.
func contentID(ts int64, payload []byte) string {
	return DerivedID(time.UnixMilli(max(0, ts/1e6)), string(payload))
}

// ValidID says whether s is a ULID.
func ValidID(s string) bool {
	_, err := ulid.ParseStrict(s)
	return err == nil
}

// IDTime is the instant in a ULID, the zero time for anything else.
func IDTime(s string) time.Time {
	id, err := ulid.ParseStrict(s)
	if err != nil {
		return time.Time{}
	}
	return id.Timestamp().UTC()
}
