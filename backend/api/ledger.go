package api

import (
	"context"
	"slices"
)

type listGapsIn struct {
	Paging
	Device string `query:"device" maxLength:"40"`
	Open   string `query:"open" enum:"true,false" doc:"still missing, or healed"`
	From   string `query:"from" doc:"RFC 3339 or now-8h"`
	To     string `query:"to" doc:"RFC 3339 or now"`
}

type gapPageOut struct {
	Body LedgerGapPage
}

func (p *plant) listGaps(_ context.Context, in *listGapsIn) (*gapPageOut, error) {
	filter := []string{in.Device, in.Open, in.From, in.To}
	after, err := p.resume("gaps", in.Cursor, filter)
	if err != nil {
		return nil, err
	}
	f := GapFilter{Device: in.Device, Open: tristate(in.Open), After: after, Limit: in.Limit}
	if in.From != "" {
		if f.From, err = parseInstant("from", in.From, p.now()); err != nil {
			return nil, err
		}
	}
	if in.To != "" {
		if f.To, err = parseInstant("to", in.To, p.now()); err != nil {
			return nil, err
		}
	}
	items, next, err := p.ports.Ledger.Gaps(p.tenant(), f)
	if err != nil {
		return nil, err
	}
	items = slices.DeleteFunc(items, func(g LedgerGap) bool { return !p.seesDevice(g.DeviceID) })
	out := LedgerGapPage{Items: orNone(items), NextCursor: p.cursor("gaps", next, filter)}
	if p.grant.Whole() {
		out.LettersDropped = p.ports.Ledger.Flow(p.tenant()).Dropped
	}
	return &gapPageOut{Body: out}, nil
}

type listLettersIn struct {
	Paging
	Device string `query:"device" maxLength:"40"`
	Reason string `query:"reason" maxLength:"40"`
}

type letterPageOut struct {
	Body DeadLetterPage
}

func (p *plant) listLetters(_ context.Context, in *listLettersIn) (*letterPageOut, error) {
	filter := []string{in.Device, in.Reason}
	after, err := p.resume("deadletters", in.Cursor, filter)
	if err != nil {
		return nil, err
	}
	f := LetterFilter{Device: in.Device, Reason: in.Reason, After: after, Limit: in.Limit}
	items, next, err := p.ports.Ledger.Letters(p.tenant(), f)
	if err != nil {
		return nil, err
	}
	items = slices.DeleteFunc(items, func(l DeadLetter) bool { return !p.seesDevice(l.DeviceID) })
	out := DeadLetterPage{
		Items: orNone(items), Groups: []DeadLetterGroup{}, NextCursor: p.cursor("deadletters", next, filter),
	}
	// Groups count devices of the whole tenant together, so only a grant for all of it is told.
	if p.grant.Whole() {
		groups, err := p.ports.Ledger.LetterGroups(p.tenant(), f)
		if err != nil {
			return nil, err
		}
		out.Groups = orNone(groups)
	}
	return &letterPageOut{Body: out}, nil
}

// seesDevice says whether the grant covers a device, registered or not.
func (p *plant) seesDevice(id string) bool {
	if p.grant.Whole() {
		return true
	}
	d, err := p.ports.Fleet.Device(p.tenant(), id)
	return err == nil && p.covers(d)
}
