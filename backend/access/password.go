package access

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"

	"github.com/lineshaft/lineshaft/twin/fault"
)

// Work is the cost of one password hash (argon2id, RFC 9106). It is kept with every hash, so that it can grow.
type Work struct {
	Memory  uint32 // KiB
	Time    uint32 // passes
	Threads uint8
}

// DefaultWork is RFC 9106's second recommendation with the threads of a small server.
func DefaultWork() Work { return Work{Memory: 64 << 10, Time: 3, Threads: 2} }

const (
	saltSize    = 16
	hashSize    = 32
	minPassword = 12
	maxPassword = 256
)

// errHash is a stored hash that was not written by hash.
var errHash = errors.New("stored password hash is damaged")

// hash returns the password's hash with its parameters, in the usual $argon2id$ notation.
func (a *Access) hash(password string) (string, error) {
	salt := make([]byte, saltSize)
	if _, err := io.ReadFull(a.rand, salt); err != nil {
		return "", fmt.Errorf("make salt: %w", err)
	}
	w := a.work
	sum := argon2.IDKey([]byte(password), salt, w.Time, w.Memory, w.Threads, hashSize)
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, w.Memory, w.Time, w.Threads,
		b64.EncodeToString(salt), b64.EncodeToString(sum)), nil
}

// parseHash reads what hash wrote.
func parseHash(s string) (w Work, salt, sum []byte, err error) {
	parts := strings.Split(s, "$")
	if len(parts) != 6 || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return w, nil, nil, errHash
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &w.Memory, &w.Time, &w.Threads); err != nil {
		return w, nil, nil, errHash
	}
	if w.Memory > 1<<20 || w.Time == 0 || w.Time > 64 || w.Threads == 0 {
		return w, nil, nil, errHash
	}
	if salt, err = base64.RawStdEncoding.DecodeString(parts[4]); err != nil {
		return w, nil, nil, errHash
	}
	if sum, err = base64.RawStdEncoding.DecodeString(parts[5]); err != nil || len(sum) != hashSize {
		return w, nil, nil, errHash
	}
	return w, salt, sum, nil
}

// matches says whether the password has that hash, and whether the hash was made with less work than today's.
func (a *Access) matches(ctx context.Context, stored, password string) (ok, old bool, err error) {
	w, salt, sum, err := parseHash(stored)
	if err != nil {
		return false, false, err
	}
	select {
	case a.slots <- struct{}{}:
		defer func() { <-a.slots }()
	case <-ctx.Done():
		return false, false, fmt.Errorf("wait for a login slot: %w", ctx.Err())
	}
	got := argon2.IDKey([]byte(password), salt, w.Time, w.Memory, w.Threads, hashSize)
	return SameSecret(string(got), string(sum)), w != a.work, nil
}

// checkPassword refuses a password that is too easy to guess.
func checkPassword(name, password string) error {
	refuse := func(why string) error {
		return &fault.Error{
			Kind: fault.Invalid, Field: "new", Message: why,
			Hint: "Three or four words nobody else would put together make a good password.",
		}
	}
	switch {
	case !utf8.ValidString(password):
		return refuse("is not UTF-8")
	case utf8.RuneCountInString(password) < minPassword:
		return refuse(fmt.Sprintf("needs at least %d characters", minPassword))
	case len(password) > maxPassword:
		return refuse(fmt.Sprintf("has more than %d bytes", maxPassword))
	case len(name) >= 4 && strings.Contains(strings.ToLower(password), strings.ToLower(name)):
		return refuse("contains the user's name")
	case strings.Count(password, password[:1]) == len(password):
		return refuse("is one character repeated")
	}
	return nil
}
