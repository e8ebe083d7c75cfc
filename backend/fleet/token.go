package fleet

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"io"
	"strings"

	"github.com/lineshaft/lineshaft/twin"
	"github.com/lineshaft/lineshaft/twin/fault"
)

// tokenBytes is the length of a token before it is written as base64url.
const tokenBytes = 32

// newToken makes a token and the hash that is kept of it. A random token needs no slow hash.
func newToken(entropy io.Reader) (token string, hash []byte, err error) {
	b := make([]byte, tokenBytes)
	if _, err := io.ReadFull(entropy, b); err != nil {
		return "", nil, fmt.Errorf("make token: %w", err)
	}
	token = base64.RawURLEncoding.EncodeToString(b)
	h := sha256.Sum256([]byte(token))
	return token, h[:], nil
}

// Authenticate tells who connects: the client id and the user name are both {tenant}::{device_id}, the password is the
// device's token. Whatever is wrong, the answer is the same and takes the same work, so that nobody learns which
// devices exist.
func (f *Fleet) Authenticate(_ context.Context, clientID, user string, password []byte) (tenant, id string, gateway bool, err error) {
	tenant, id, _ = strings.Cut(user, "::")
	kept := make([]byte, sha256.Size) // no token hashes to this
	mayConnect := false
	if r := f.at(tenant); r != nil {
		r.mu.RLock()
		if d := r.devices[id]; d != nil && len(d.Token) == sha256.Size {
			copy(kept, d.Token)
			mayConnect, gateway = !d.Lifecycle.barred(), d.Kind == twin.Gateway
		}
		r.mu.RUnlock()
	}
	got := sha256.Sum256(password)
	right := subtle.ConstantTimeCompare(got[:], kept) == 1
	if !right || !mayConnect || clientID != user {
		return "", "", false, fault.New(fault.Denied, "client id, user name and token do not belong together").
			WithHint("client id and user name are {tenant}::{device_id}; ask for a new token if this one is lost")
	}
	return tenant, id, gateway, nil
}

// Rotate gives a device a new token, returned this once; the old one is void from now on. Whoever is connected stays so.
func (f *Fleet) Rotate(ctx context.Context, tenant, id string) (string, error) {
	f.writing.Lock()
	defer f.writing.Unlock()
	r, d := f.find(tenant, id)
	if d == nil {
		return "", notRegistered(id)
	}
	if d.Kind == twin.Hosted {
		return "", fault.New(fault.Conflict, "%s is hosted by %s and has no token of its own", id, d.Gateway).
			WithHint("rotate the token of %s instead", d.Gateway)
	}
	token, hash, err := newToken(f.entropy)
	if err != nil {
		return "", err
	}
	r.mu.RLock()
	next := *d
	r.mu.RUnlock()
	next.Token = hash
	p, err := next.recordPair(tenant)
	if err != nil {
		return "", err
	}
	if err := f.kv.Write(ctx, []Pair{p}); err != nil {
		return "", fmt.Errorf("write register: %w", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	d.Token = hash
	return token, nil
}

func (f *Fleet) find(tenant, id string) (*register, *device) {
	r := f.at(tenant)
	if r == nil {
		return nil, nil
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r, r.devices[id]
}

func notRegistered(id string) error {
	return fault.New(fault.NotFound, "no device %q is registered", id).WithHint("register it first, or see how it is written")
}
