package intake

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/lineshaft/lineshaft/twin/wire"
)

// Letter is a message that was refused, kept whole (a large one refused at the door: its first 64 KiB).
type Letter struct {
	ID         string      `json:"-"` // sorts newest first within the tenant
	Tenant     string      `json:"-"`
	Device     string      `json:"device,omitempty"`      // whom the topic names, or who sent it if the topic is none
	DeviceType string      `json:"device_type,omitempty"` // as the topic says
	Site       string      `json:"site,omitempty"`
	Topic      string      `json:"topic"`
	Client     string      `json:"client,omitempty"`
	Reason     wire.Reason `json:"reason"`
	Detail     string      `json:"detail"`
	Version    string      `json:"version,omitempty"` // schema version, where it could be read
	Received   int64       `json:"received"`          // ns
	Will       bool        `json:"will,omitempty"`
	Size       int         `json:"size"`           // bytes of the message
	Head       int         `json:"head,omitempty"` // bytes kept, where that is not all of it
	Source     string      `json:"source"`
	Payload    []byte      `json:"-"`
}

// Fingerprint is the same for letters that look alike: device type, reason and schema version.
func (l *Letter) Fingerprint() string {
	return groupKey{l.Tenant, l.DeviceType, l.Reason, l.Version}.fingerprint()
}

// kept is how many bytes of the message are kept.
func (l *Letter) kept() int {
	if l.Head > 0 {
		return l.Head
	}
	return l.Size
}

// publish is the letter as it came.
func (l *Letter) publish() wire.Publish {
	return wire.Publish{Topic: l.Topic, Payload: l.Payload, Client: l.Client, Received: l.Received, Will: l.Will}
}

// origin is where a letter came from: the same message has the same origin however often it comes, so it is kept
// once, whichever group refuses it first.
type origin struct {
	stream byte // t(elemetry), f(acts) or d(oor)
	seq    uint64
	index  uint32
}

func letterID(received int64, o origin) string {
	b := binary.BigEndian.AppendUint64(nil, ^uint64(received))
	b = append(b, o.stream)
	b = binary.BigEndian.AppendUint64(b, ^o.seq)
	b = binary.BigEndian.AppendUint32(b, ^o.index)
	return hex.EncodeToString(b)
}

// A letter's row and its payload are apart, so that a list need not read the payloads.
func letterKey(tenant, id string) []byte  { return []byte("l/" + tenant + "/" + id) }
func payloadKey(tenant, id string) []byte { return []byte("b/" + tenant + "/" + id) }

func decodeLetter(k, v []byte) (*Letter, error) {
	parts := strings.SplitN(string(k), "/", 3)
	if len(parts) != 3 {
		return nil, fmt.Errorf("key %q", k)
	}
	l := &Letter{ID: parts[2], Tenant: parts[1]}
	if err := json.Unmarshal(v, l); err != nil {
		return nil, fmt.Errorf("%q: %w", k, err)
	}
	return l, nil
}

type groupKey struct {
	tenant, deviceType string
	reason             wire.Reason
	version            string
}

func (k groupKey) fingerprint() string {
	h := sha256.Sum256([]byte(k.deviceType + "\x00" + string(k.reason) + "\x00" + k.version))
	return hex.EncodeToString(h[:8])
}

// LetterGroup counts letters that look alike.
type LetterGroup struct {
	Fingerprint string      `json:"-"`
	DeviceType  string      `json:"device_type"`
	Reason      wire.Reason `json:"reason"`
	Version     string      `json:"version,omitempty"`
	Count       uint64      `json:"count"`  // those kept, and those only counted
	Last        int64       `json:"last"`   // received, ns
	Detail      string      `json:"detail"` // of the last
}

func (g *LetterGroup) add(l *Letter) {
	g.Count++
	if l.Received >= g.Last {
		g.Last, g.Detail = l.Received, l.Detail
	}
}
