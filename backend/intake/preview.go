package intake

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/lineshaft/lineshaft/twin"
	"github.com/lineshaft/lineshaft/twin/fault"
	"github.com/lineshaft/lineshaft/twin/wire"
)

// Preview is what intake would make of a dead letter if it came now, with the devices, tags and decoders of now.
type Preview struct {
	Device   string        // whom the letter is of
	Refusal  *wire.Refusal // why it would be refused again, whole; nil if it would be taken
	Version  string        // schema version, where it could be read
	Seen     bool          // its number came already: what is in it would go into history, and nowhere else
	Readings []Placed      // that would be taken
	Wrong    []wire.WrongReading
}

// Placed is a reading where it would go: the tag of an asset (by id), or of the device where Asset is empty.
type Placed struct {
	Asset, Tag string
	twin.Sample
}

// Preview says what would become of a dead letter. It changes nothing.
func (in *Intake) Preview(tenant, id string) (Preview, error) {
	v, err := in.kv.Get(letterKey(tenant, id))
	if err != nil {
		return Preview{}, fmt.Errorf("read dead letter: %w", err)
	}
	if v == nil {
		return Preview{}, fault.New(fault.NotFound, "There is no dead letter %q.", id).
			WithHint("It may have been replayed; list those there are.")
	}
	l, err := decodeLetter(letterKey(tenant, id), v)
	if err != nil {
		return Preview{}, fmt.Errorf("read dead letter: %w", err)
	}
	p, err := in.preview(l)
	p.Device = l.Device
	return p, err
}

func (in *Intake) preview(l *Letter) (Preview, error) {
	if l.Source == sourceDoor {
		return Preview{Refusal: &wire.Refusal{Reason: l.Reason, Detail: l.Detail}, Version: l.Version}, nil
	}
	payload, err := in.kv.Get(payloadKey(l.Tenant, l.ID))
	if err != nil {
		return Preview{}, fmt.Errorf("read payload of dead letter: %w", err)
	}
	p := l.publish()
	p.Payload = payload
	// A worker of its own with sinks that keep nothing, so that no other path is shown than the one it would take.
	w := &Live{in: in.shadow(), stream: streamTelemetry, topics: topics{}, out: map[string][]Reported{}}
	w.bind.from = w.in.ports.Binder
	if err := w.message(&p, origin{}); err != nil {
		return Preview{}, fmt.Errorf("decode dead letter: %w", err)
	}
	out := Preview{Version: w.m.SchemaVersion, Wrong: w.bind.wrong, Refusal: w.in.letters.first()}
	if out.Refusal != nil && out.Refusal.Reason == wire.ReasonValue && len(w.bind.wrong) > 0 {
		out.Refusal = nil // the rest of it would be taken
	}
	if out.Refusal != nil {
		return Preview{Refusal: out.Refusal, Version: cutText(w.m.SchemaVersion, 40)}, nil //nolint:nilerr // it is what was asked for
	}
	for _, b := range w.bind.bound {
		out.Readings = append(out.Readings, Placed{b.Asset, b.Tag, b.sample})
	}
	if t, err := wire.ParseTopic(l.Topic); err == nil {
		out.Seen = in.ledger.sawAll(&t, w.in.ledger)
	}
	return out, nil
}

// shadow is an intake that knows what in knows of devices and tags, and keeps nothing.
func (in *Intake) shadow() *Intake {
	ports := in.ports
	ports.Binder, ports.Twins, ports.Devices, ports.Facts, ports.Again = looker{ports.Look}, nowhere{}, nowhere{}, nil, nil
	return &Intake{kv: nowhere{}, ports: ports, clk: in.clk, log: in.log, ledger: newLedger(nowhere{}, in.clk), letters: newLetters(nowhere{}, 1<<30, in.log)}
}

// nowhere is a store and a sink of nothing.
type nowhere struct{}

func (nowhere) Get([]byte) ([]byte, error)                            { return nil, nil }
func (nowhere) Scan([]byte, func(k, v []byte) error) error            { return nil }
func (nowhere) Write(context.Context, []Pair) error                   { return nil }
func (nowhere) Report(string, []Reported)                             {}
func (nowhere) Seen(string, string, int64, int)                       {}
func (nowhere) Status(string, string, wire.DeviceStatus, int64, bool) {}
func (nowhere) Buffered(string, string, int64)                        {}
func (nowhere) Commit(context.Context) error                          { return nil }

// first is why the first letter put was refused.
func (ls *letters) first() *wire.Refusal {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	for k, g := range ls.groups {
		return &wire.Refusal{Reason: k.reason, Detail: g.Detail}
	}
	return nil
}

// sawAll says whether l had every number, or id, of a device that other has, and there is one.
func (l *ledger) sawAll(t *wire.Topic, other *ledger) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	some := false
	for k, s := range other.sequences {
		for _, r := range s.Seen {
			mine := l.sequences[k]
			if mine == nil || !mine.Seen.has(r.To) {
				return false
			}
			some = true
		}
	}
	who := sender{t.Tenant, t.Device}
	if r := other.recents[who]; r != nil {
		for id := range r.at {
			mine := l.recents[who]
			if mine == nil {
				return false
			}
			if _, known := mine.at[id]; !known {
				return false
			}
			some = true
		}
	}
	return some
}

// looker is a Binder that makes nothing.
type looker struct {
	look func(tenant, device, tag string, kind twin.Kind, t int64) (Binding, bool)
}

// Resolve implements Binder. What nobody declared would be kept under the device, as it is.
func (l looker) Resolve(tenant, device, tag string, kind twin.Kind, t int64) (Binding, error) {
	if l.look != nil {
		if b, ok := l.look(tenant, device, tag, kind, t); ok {
			return b, nil
		}
	}
	return Binding{Tag: tag, Kind: kind}, nil
}

// Trial is what a replay would do.
type Trial struct {
	Matched int // letters that match
	Tried   int // of them decoded, the oldest; the next counts are of these
	Taken   int // would be taken whole
	Partly  int // would be taken but for some readings
	Refused int // would be refused again
	AtDoor  int // were refused at the door, and are never replayed
}

// Try says what Replay would do with the dead letters that match f: it decodes the f.Limit oldest of them, and
// changes nothing.
func (in *Intake) Try(ctx context.Context, tenant string, f LetterFilter) (Trial, error) {
	ls, atDoor, err := in.replayable(tenant, f)
	out := Trial{Matched: len(ls) + atDoor, AtDoor: atDoor}
	if err != nil {
		return out, err
	}
	if f.Limit > 0 {
		ls = ls[:min(f.Limit, len(ls))]
	}
	for _, l := range ls {
		if err := ctx.Err(); err != nil {
			return out, err
		}
		p, err := in.preview(l)
		if err != nil {
			return out, err
		}
		out.Tried++
		switch {
		case p.Refusal != nil:
			out.Refused++
		case len(p.Wrong) > 0:
			out.Partly++
		default:
			out.Taken++
		}
	}
	return out, nil
}

// replayable are the letters that match f and may be replayed, oldest first, and how many more were refused at the
// door.
func (in *Intake) replayable(tenant string, f LetterFilter) (ls []*Letter, atDoor int, err error) {
	err = in.letters.each(tenant, f, func(l *Letter) error {
		if l.Source == sourceDoor {
			atDoor++
			return nil
		}
		ls = append(ls, l)
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return nil, atDoor, fmt.Errorf("read dead letters: %w", err)
	}
	slices.Reverse(ls)
	return ls, atDoor, nil
}
