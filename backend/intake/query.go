package intake

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/lineshaft/lineshaft/twin/fault"
	"github.com/lineshaft/lineshaft/twin/wire"
)

// Gap is a hole in the numbers of one device, channel and epoch. Times are ns UTC, 0 where there is none.
type Gap struct {
	ID             string
	Device         string
	Epoch          string // empty for a sender without
	Channel        string
	FromSeq, ToSeq uint64
	Count          uint64 // numbers in it
	Missing        uint64 // of them still missing
	Gone           uint64 // of the missing, those that nobody has any more
	Detected       int64  // receipt of the message that showed it
	Cause          string // a Cause
	After, Before  int64  // source times of the messages around it
	Asked          int64  // when the sender was first asked to send it again
	HealedAt       int64
	HealedHow      string // a Healed, empty while it is not
}

// GapFilter selects gaps; zero fields select all. From and To select gaps whose time overlaps From <= t < To.
type GapFilter struct {
	Device   string
	Open     *bool // still missing, or healed
	From, To int64
	After    string // position to go on from, as returned
	Limit    int
}

// Gaps returns a tenant's gaps, the latest found first, and the position to go on from, empty at the end.
func (in *Intake) Gaps(tenant string, f GapFilter) (items []Gap, next string, err error) {
	all := in.ledger.gaps(tenant, f)
	in.offline(tenant, all)
	slices.SortFunc(all, func(a, b Gap) int {
		return cmp.Or(cmp.Compare(b.Detected, a.Detected), cmp.Compare(a.ID, b.ID))
	})
	if f.After != "" {
		at, id, ok := strings.Cut(f.After, ":")
		detected, err := strconv.ParseInt(at, 10, 64)
		if !ok || err != nil {
			return nil, "", fault.Field("cursor", f.After, "is not a position in the list of gaps")
		}
		i, found := slices.BinarySearchFunc(all, Gap{Detected: detected, ID: id}, func(a, b Gap) int {
			return cmp.Or(cmp.Compare(b.Detected, a.Detected), cmp.Compare(a.ID, b.ID))
		})
		if found {
			i++
		}
		all = all[i:]
	}
	if f.Limit > 0 && len(all) > f.Limit {
		all = all[:f.Limit]
		last := all[len(all)-1]
		next = fmt.Sprintf("%d:%s", last.Detected, last.ID)
	}
	return all, next, nil
}

func (l *ledger) gaps(tenant string, f GapFilter) (out []Gap) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for k, s := range l.sequences {
		if k.tenant != tenant || (f.Device != "" && k.device != f.Device) {
			continue
		}
		for i := range s.Gaps {
			g := &s.Gaps[i]
			from, _ := g.times()
			switch {
			case f.Open != nil && *f.Open != (g.HealedAt == 0):
			case f.From != 0 && g.Before < f.From:
			case f.To != 0 && from >= f.To:
			default:
				cause, _ := causeOf(g, s, l.accounts[k])
				out = append(out, Gap{
					ID:     fmt.Sprintf("%s.%s.%s.%d", k.device, k.epoch, strings.ReplaceAll(string(k.channel), "/", "-"), g.From),
					Device: k.device, Epoch: k.epoch, Channel: string(k.channel), FromSeq: g.From, ToSeq: g.To,
					Count: g.To - g.From + 1, Missing: g.Missing, Detected: g.Detected, Cause: cause,
					After: g.After, Before: g.Before, HealedAt: g.HealedAt, HealedHow: g.healedHow(), Asked: g.Asked,
					Gone: goneOf(g, s, l.accounts[k]),
				})
			}
		}
	}
	return out
}

// goneOf counts what is missing of a gap and nobody has any more.
func goneOf(g *gap, s *sequence, a *account) uint64 {
	if a == nil || g.Missing == 0 {
		return 0
	}
	return min(g.Missing, ranges{g.span}.without(s.Seen).in(g.span)-ranges{g.span}.without(s.Seen).without(a.Gone).in(g.span))
}

// offline completes the causes of gaps that the numbers do not tell.
func (in *Intake) offline(tenant string, gs []Gap) {
	if in.ports.Offline == nil {
		return
	}
	for i := range gs {
		g := &gs[i]
		if g.Cause == CauseUnknown && in.ports.Offline(tenant, g.Device, cmp.Or(g.After, g.Before), g.Before) {
			g.Cause = CauseOffline
		}
	}
}

// LetterFilter selects dead letters; zero fields select all.
type LetterFilter struct {
	IDs         []string
	Device      string
	Reason      wire.Reason
	Fingerprint string
	After       string // id of the last one returned before
	Limit       int
}

func (f *LetterFilter) has(l *Letter) bool {
	return (f.Device == "" || l.Device == f.Device) && (f.Reason == "" || l.Reason == f.Reason) &&
		(len(f.IDs) == 0 || slices.Contains(f.IDs, l.ID)) && (f.Fingerprint == "" || f.Fingerprint == l.Fingerprint())
}

var errEnough = errors.New("enough")

// Letters returns a tenant's dead letters with their payloads, newest first, and the position to go on from, empty
// at the end.
func (in *Intake) Letters(tenant string, f LetterFilter) (items []Letter, next string, err error) {
	err = in.letters.each(tenant, f, func(l *Letter) error {
		if f.Limit > 0 && len(items) == f.Limit {
			next = items[len(items)-1].ID
			return errEnough
		}
		l.Payload, err = in.kv.Get(payloadKey(tenant, l.ID))
		items = append(items, *l)
		return err
	})
	if err != nil {
		return nil, "", fmt.Errorf("read dead letters: %w", err)
	}
	return items, next, nil
}

func (ls *letters) each(tenant string, f LetterFilter, fn func(l *Letter) error) error {
	err := ls.kv.Scan(letterKey(tenant, ""), func(k, v []byte) error {
		l, err := decodeLetter(k, v)
		if err != nil {
			return err
		}
		if l.ID <= f.After || !f.has(l) {
			return nil
		}
		return fn(l)
	})
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

// LetterGroups counts a tenant's dead letters that look alike, the latest first; those that were only counted and
// not kept are in it. The filter's Device does not apply.
func (in *Intake) LetterGroups(tenant string, f LetterFilter) []LetterGroup {
	in.letters.mu.Lock()
	defer in.letters.mu.Unlock()
	out := []LetterGroup{}
	for k, g := range in.letters.groups {
		if k.tenant == tenant && g.Count > 0 && (f.Reason == "" || k.reason == f.Reason) {
			out = append(out, *g)
		}
	}
	slices.SortFunc(out, func(a, b LetterGroup) int {
		return cmp.Or(cmp.Compare(b.Last, a.Last), cmp.Compare(a.Fingerprint, b.Fingerprint))
	})
	return out
}
