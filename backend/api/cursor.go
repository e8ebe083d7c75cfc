package api

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
)

// maxLimit is the most items a page has.
const maxLimit = 1000

// errCursor is the one answer to a cursor that is forged, damaged, or belongs to another filter or tenant.
var errCursor = errors.New("the cursor does not belong to this list and filter")

// cursorKey signs cursors. A cursor is base64url(mac ‖ position); the mac covers the list's kind, the tenant and
// the filter too, so that none can be taken elsewhere.
type cursorKey []byte

const macSize = 16

func (k cursorKey) mac(kind, tenant string, filter []string, after string) []byte {
	h := hmac.New(sha256.New, k)
	part := func(s string) {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(s)))
		_, _ = h.Write(n[:])
		_, _ = h.Write([]byte(s))
	}
	part(kind)
	part(tenant)
	for _, f := range filter {
		part(f)
	}
	part(after)
	return h.Sum(nil)[:macSize]
}

func (k cursorKey) seal(kind, tenant string, filter []string, after string) string {
	if after == "" {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(append(k.mac(kind, tenant, filter, after), after...))
}

func (k cursorKey) open(kind, tenant string, filter []string, cursor string) (string, error) {
	if cursor == "" {
		return "", nil
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err != nil || len(raw) <= macSize {
		return "", errCursor
	}
	after := string(raw[macSize:])
	if !hmac.Equal(raw[:macSize], k.mac(kind, tenant, filter, after)) {
		return "", errCursor
	}
	return after, nil
}

// resume reads the cursor of a list, empty for the first page.
func (p *plant) resume(kind, cursor string, filter []string) (string, error) {
	return p.api.cursors.open(kind, p.tenant(), filter, cursor)
}

// cursor makes the cursor of the next page, empty after the last.
func (p *plant) cursor(kind, after string, filter []string) string {
	return p.api.cursors.seal(kind, p.tenant(), filter, after)
}
