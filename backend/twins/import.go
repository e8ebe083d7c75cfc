package twins

import (
	"context"
	"fmt"

	"github.com/lineshaft/lineshaft/twin"
	"github.com/lineshaft/lineshaft/twin/fault"
	"github.com/lineshaft/lineshaft/twin/wire"
)

// Imported says what an import did, or would do. Classes, assets and relations all count.
type Imported struct {
	Created, Changed, Unchanged int
	Lines                       []string // one sentence per thing created or changed, at most MaxLines
	// Kept names, by the id in the model, the id of assets that are known under another one by their path. Whoever else
	// uses the model's ids (the devices' assets) must use these instead.
	Kept map[string]string
}

// MaxLines is how many sentences an import says at most; the last one then says how many are left out.
const MaxLines = 1000

// snapshotAfter is by how many entries the journal's tail must exceed the graph before a new snapshot is written.
const snapshotAfter = 2000

// Import takes over what is declared of a tenant's plant: all of it or, with an error or as a dry run, nothing. An
// asset is known by its id, else by its path. What the model does not name stays as it is. Doing it again changes
// nothing and writes nothing.
func (t *Twins) Import(ctx context.Context, m twin.Model, who string, dryRun bool) (Imported, error) {
	if m.Tenant == "_" || !twin.ValidSegment(m.Tenant) || len(m.Tenant) > wire.MaxTenant {
		return Imported{}, fault.Field("tenant", m.Tenant, "is 1 to %d letters, digits, _ and -", wire.MaxTenant)
	}
	if dryRun {
		_, out, err := decide(t.view(m.Tenant).structure(), m)
		return out, err
	}
	p := t.of(m.Tenant)
	p.changing.Lock()
	defer p.changing.Unlock()
	before := p.graph.Load()
	s := before.structure()
	entries, out, err := decide(s, m)
	if err != nil || len(entries) == 0 {
		return out, err
	}
	now := t.clock.Now().UnixNano()
	for i := range entries {
		e := &entries[i]
		e.Seq, e.Valid, e.Known, e.Who, e.Why = before.rev+1+uint64(i), now, now, who, "import"
		if err := s.apply(*e); err != nil {
			return Imported{}, err
		}
	}
	next, err := build(s, before)
	if err != nil {
		return Imported{}, &fault.Error{Kind: fault.Invalid, Message: "the model does not fit what is there: " + err.Error()}
	}
	if err := t.journal.append(ctx, m.Tenant, before.rev, entries); err != nil {
		return Imported{}, err
	}
	p.graph.Store(next)
	next.adopt()
	if p.since += len(entries); p.since > len(next.nodes)+len(next.out.edges)+snapshotAfter {
		if err := t.journal.snapshot(ctx, m.Tenant, s); err != nil {
			t.log.Warn("twins_snapshot_failed", "tenant", m.Tenant, "error", err) // the import stands; only start is slower
		} else {
			p.since = 0
		}
	}
	return out, nil
}

func (in *Imported) say(format string, args ...any) {
	switch {
	case len(in.Lines) < MaxLines:
		in.Lines = append(in.Lines, fmt.Sprintf(format, args...))
	default:
		in.Lines[MaxLines-1] = fmt.Sprintf("… and %d more", in.Created+in.Changed-MaxLines+1)
	}
}
