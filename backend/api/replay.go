package api

import (
	"context"
	"encoding/csv"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/lineshaft/lineshaft/backend/historian/export"
	"github.com/lineshaft/lineshaft/twin/fault"
)

type letterIn struct {
	ID string `path:"id" maxLength:"80" doc:"id of a dead letter"`
}

type previewOut struct {
	Body LetterPreview
}

func (p *plant) previewLetter(_ context.Context, in *letterIn) (*previewOut, error) {
	v, err := p.ports.Ledger.Preview(p.tenant(), in.ID)
	if err != nil {
		return nil, err
	}
	if !p.seesDevice(v.DeviceID) {
		return nil, fault.New(fault.NotFound, "There is no dead letter %q.", in.ID)
	}
	for i := range v.Readings {
		r := &v.Readings[i]
		if r.AssetID == "" {
			continue
		}
		if a, err := p.asset(r.AssetID); err == nil {
			r.Path = a.Path
		}
	}
	v.Readings, v.Wrong = orNone(v.Readings), orNone(v.Wrong)
	return &previewOut{Body: v}, nil
}

type replayIn struct {
	Body ReplayOrder
}

type replayOut struct {
	Body ReplayResult
}

// replayLetters lets dead letters in again. Letters are of the whole tenant, so that only a grant for all of it may.
func (p *plant) replayLetters(ctx context.Context, in *replayIn) (*replayOut, error) {
	o := in.Body
	if !p.grant.Whole() {
		return nil, fault.New(fault.Denied, "Dead letters are replayed for the whole tenant, and your grant is for a part of it.").
			WithHint("Ask an administrator of the tenant.")
	}
	if len(o.IDs) == 0 && o.DeviceID == "" && o.Reason == "" && o.Fingerprint == "" {
		return nil, fault.New(fault.Invalid, "Say which dead letters: ids, device_id, reason or fingerprint.")
	}
	ctx, cancel := context.WithTimeout(ctx, answerTime/2)
	defer cancel()
	r, err := p.ports.Ledger.Replay(ctx, p.tenant(), o)
	if err != nil {
		return nil, err
	}
	return &replayOut{Body: r}, nil
}

type gapReportIn struct {
	Month  string `query:"month" required:"true" pattern:"^[0-9]{4}-(0[1-9]|1[0-2])$" doc:"2026-03; in UTC"`
	Accept string `header:"Accept" hidden:"true"`
}

func (p *plant) gapReport(_ context.Context, in *gapReportIn) (*rawOut, error) {
	from, err := time.Parse("2006-01", in.Month)
	if err != nil || from.Year() < 1970 || from.Year() > 2260 {
		return nil, fault.Field("month", in.Month, "is no month").WithHint("Write 2026-03.")
	}
	r := GapReport{Month: in.Month, From: from.UTC(), To: from.AddDate(0, 1, 0).UTC()}
	r.Rows = slices.DeleteFunc(orNone(p.ports.Ledger.Report(p.tenant(), r.From, r.To)), func(row GapReportRow) bool {
		return !p.coversSite(row.Site)
	})
	return &rawOut{Body: func(hc huma.Context) {
		if f, ok := export.FormatOf(in.Accept); ok && f == export.CSV {
			writeReport(hc, r)
			return
		}
		hc.SetHeader("Content-Type", "application/json")
		hc.SetStatus(http.StatusOK)
		_ = p.api.huma.Marshal(hc.BodyWriter(), "application/json", r)
	}}, nil
}

// coversSite says whether the grant covers a whole site; only a grant for the tenant covers what has none.
func (p *plant) coversSite(site string) bool {
	return p.grant.Whole() || (site != "" && p.grant.Covers(p.tenant()+"/"+site))
}

// writeReport writes one line per site and cause. Sites and causes are words of ours that no spreadsheet takes for a
// formula.
func writeReport(hc huma.Context, r GapReport) {
	hc.SetHeader("Content-Type", "text/csv; charset=utf-8")
	hc.SetHeader("Content-Disposition", `attachment; filename="gaps-`+r.Month+`.csv"`)
	hc.SetStatus(http.StatusOK)
	w := csv.NewWriter(hc.BodyWriter())
	_ = w.Write([]string{
		"month", "site", "cause", "gaps", "messages", "missing", "gone", "healed", "healed_late", "healed_resend", "healed_replay",
	})
	for _, row := range r.Rows {
		line := []string{r.Month, row.Site, row.Cause}
		for _, n := range []uint64{row.Gaps, row.Messages, row.Missing, row.Gone, row.Healed, row.Late, row.Resent, row.Replayed} {
			line = append(line, strconv.FormatUint(n, 10))
		}
		if w.Write(line) != nil {
			return // the reader went away
		}
	}
	w.Flush()
}

type flowOut struct {
	Body Flow
}

func (p *plant) flow(context.Context, *struct{}) (*flowOut, error) {
	f := p.ports.Ledger.Flow(p.tenant())
	f.ServerTime = p.now()
	f.Sites = slices.DeleteFunc(orNone(f.Sites), func(s FlowSite) bool { return !p.coversSite(s.Site) })
	f.Sinks = orNone(f.Sinks)
	if !p.grant.Whole() {
		f.Refused, f.Dropped = 0, 0
	}
	return &flowOut{Body: f}, nil
}
