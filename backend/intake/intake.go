// Package intake reads what the stream holds: it decodes, checks, drops what came twice, binds tags to series, and
// hands on.
//
//	record ─▶ decode ─▶ check ─▶ ledger (live only) ─▶ bind ─▶ live:    twins, fleet
//	             └────────┴─▶ dead letters                  └─▶ history: historian
//
// The two groups read the same records and may fail alone. What a group remembers is written together with the
// number of the last record it counts, so a record that comes again changes nothing.
package intake

import (
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"sync"

	"github.com/lineshaft/lineshaft/twin"
	"github.com/lineshaft/lineshaft/twin/clock"
	"github.com/lineshaft/lineshaft/twin/wire"
)

// Pair is one key with its new value; a nil value deletes the key.
type Pair = struct{ Key, Value []byte }

// KV is where intake keeps its memory. Nothing else writes there.
type KV interface {
	// Get returns the value of key, nil if there is none.
	Get(key []byte) ([]byte, error)
	// Scan calls fn with every pair whose key begins with prefix, in the order of the keys, until fn fails.
	Scan(prefix []byte, fn func(k, v []byte) error) error
	// Write makes all the changes or none, and returns once they are durable.
	Write(ctx context.Context, puts []Pair) error
}

// Registry knows the devices.
type Registry interface {
	Device(tenant, device string) (twin.Device, bool)
}

// Binding is where the readings of a device's tag belong at some time. Asset is empty for a tag nobody bound: its
// readings are kept under the device.
type Binding struct {
	Series        uint32
	Asset, Tag    string    // asset by id
	Kind          twin.Kind // None takes any
	Scale, Offset float64   // of numbers; a Scale of 0 changes nothing
	From, To      int64     // the binding holds for From <= t < To; To 0 says nothing, and it is asked for each reading
}

// Binder finds the binding of a device's tag for a sample of time t (ns), and makes an unmapped series for a tag
// nobody bound. An error of kind Invalid, NotFound or Conflict refuses the reading; any other is tried again.
type Binder interface {
	Resolve(tenant, device, tag string, kind twin.Kind, t int64) (Binding, error)
}

// Point is one sample of one series, with the time it was received, ns.
type Point struct {
	Series uint32
	twin.Sample
	Received int64
}

// Samples takes history. Append is idempotent per series and time; Commit makes everything appended durable. The
// slice is not kept.
type Samples interface {
	Append(ctx context.Context, tenant string, ps []Point) error
	Commit(ctx context.Context) error
}

// Reported is a new reading of an asset's tag.
type Reported struct {
	Asset, Tag string
	twin.Sample
	Received int64
	Device   string
}

// Twins takes reported state; it never goes backwards in time. The slice is not kept.
type Twins interface {
	Report(tenant string, rs []Reported)
	Commit(ctx context.Context) error
}

// Devices hears what devices do.
type Devices interface {
	Seen(tenant, device string, received int64, readings int)
	Status(tenant, device string, s wire.DeviceStatus, received int64, will bool)
	Buffered(tenant, device string, messages int64) // waiting in a gateway's outbox
	Commit(ctx context.Context) error
}

// Fact is a message up that is neither telemetry nor status: an event, an acknowledgement, a report.
type Fact struct {
	Topic    wire.Topic
	Payload  []byte // JSON
	Received int64
}

// Facts takes facts. It is called in order and must not block.
type Facts interface{ Fact(f Fact) }

// Ports is what intake hands on to. Facts and Classes may be nil. Again is the stream's Append; without it, the
// messages of a device wait after its registration until somebody calls Replay.
type Ports struct {
	Registry Registry
	Binder   Binder
	Samples  Samples
	Twins    Twins
	Devices  Devices
	Facts    Facts
	Classes  Classes
	Again    func(p wire.Publish, done func(error))
	// Look is Resolve without making anything, for previews; false for a tag that has no place yet. It may be nil.
	Look func(tenant, device, tag string, kind twin.Kind, t int64) (Binding, bool)
	// Down sends a message to a device at QoS 0; an error says that nobody listens. Without it nobody is asked to send
	// again what is missing.
	Down func(ctx context.Context, topic string, payload []byte) error
	// Offline says whether a device could not be heard at some time between from and to, ns. It may be nil.
	Offline func(tenant, device string, from, to int64) bool
}

// Config bounds what is kept. The zero value is the default given.
type Config struct {
	LetterQuota int64 // bytes of dead letters per tenant; 256 MB
}

// Intake is the memory that the workers of both groups share. It is safe for concurrent use.
type Intake struct {
	kv      KV
	ports   Ports
	clk     clock.Clock
	log     *slog.Logger
	ledger  *ledger
	letters *letters

	replaying sync.Mutex
}

// formatVersion is the version of everything under the KV.
const formatVersion = 1

// Open reads what was remembered.
func Open(ctx context.Context, cfg Config, kv KV, ports Ports, clk clock.Clock, log *slog.Logger) (*Intake, error) {
	if cfg.LetterQuota <= 0 {
		cfg.LetterQuota = 256 << 20
	}
	if err := checkFormat(ctx, kv); err != nil {
		return nil, fmt.Errorf("open intake: %w", err)
	}
	in := &Intake{kv: kv, ports: ports, clk: clk, log: log}
	var err error
	if in.ledger, err = openLedger(kv, clk); err != nil {
		return nil, fmt.Errorf("open ledger: %w", err)
	}
	if in.letters, err = openLetters(kv, cfg.LetterQuota, log); err != nil {
		return nil, fmt.Errorf("open dead letters: %w", err)
	}
	return in, nil
}

func checkFormat(ctx context.Context, kv KV) error {
	b, err := kv.Get([]byte("format"))
	if err != nil {
		return err
	}
	if b == nil {
		return kv.Write(ctx, []Pair{{[]byte("format"), []byte{formatVersion}}})
	}
	if len(b) != 1 || b[0] != formatVersion {
		return fmt.Errorf("ledger and dead letters have format %v, this program reads %d: start the program that wrote them", b, formatVersion)
	}
	return nil
}

// applied is the number of the last record that a worker's memory counts, for one life of the stream: a stream that
// was made anew begins to number again.
func appliedKey(group, stream, incarnation string) []byte {
	return []byte("a/" + group + "/" + stream + "/" + incarnation)
}

func readApplied(kv KV, key []byte) (uint64, error) {
	b, err := kv.Get(key)
	if err != nil || b == nil {
		return 0, err
	}
	if len(b) != 8 {
		return 0, fmt.Errorf("last record counted: %d bytes, want 8", len(b))
	}
	return binary.BigEndian.Uint64(b), nil
}
