package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/lineshaft/lineshaft/backend/historian/export"
	"github.com/lineshaft/lineshaft/twin"
	"github.com/lineshaft/lineshaft/twin/fault"
)

const (
	maxHistoryFile = 2 << 30 // bytes
	takenAtOnce    = 8192    // readings
	wrongLines     = 20      // that are told before the rest is not looked at
	aheadOfUs      = 5 * time.Minute
)

// Recorder takes readings of the past.
type Recorder interface {
	// Record keeps readings, of any age and in any order: one whose tag and time exist is replaced. They are durable
	// after Settle.
	Record(ctx context.Context, tenant string, rs []Recorded) error
	Settle(ctx context.Context, tenant string) error
}

// Recorded is a reading of an asset's tag. T is ns UTC.
type Recorded struct {
	TagRef
	twin.Sample
}

type historyImportIn struct {
	DryRun      bool   `query:"dry_run" doc:"look through the file and change nothing"`
	ContentType string `header:"Content-Type" hidden:"true"`

	request *http.Request
	answer  http.ResponseWriter
}

// Resolve implements huma.Resolver: the body is read by the handler, once it is known who sends it.
func (in *historyImportIn) Resolve(hc huma.Context) []error {
	in.request, in.answer = humago.Unwrap(hc)
	return nil
}

type historyImportOut struct {
	Body HistoryImported
}

// importHistory takes in a file whole or not at all: it is looked through before anything of it is kept.
func (p *plant) importHistory(ctx context.Context, in *historyImportIn) (*historyImportOut, error) {
	format, ok := export.FormatOf(in.ContentType)
	if !ok || format == export.XLSX {
		return nil, fault.Field("Content-Type", in.ContentType, "cannot be read").
			WithHint("Send %s or %s.", export.CSV.MediaType(), export.Parquet.MediaType())
	}
	file, size, err := spool(in.answer, in.request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = errors.Join(file.Close(), os.Remove(file.Name())) }()
	t := taking{plant: p, file: file, size: size, format: format, tags: map[string]TagRef{}}
	if err := t.look(ctx); err != nil {
		return nil, err
	}
	t.done.DryRun = in.DryRun
	if !in.DryRun {
		out := &patient{w: in.answer, control: http.NewResponseController(in.answer)}
		if err := t.take(context.WithoutCancel(ctx), out.alive); err != nil { // a caller who leaves does not halve it
			return nil, err
		}
	}
	return &historyImportOut{Body: t.done}, nil
}

// spool brings the body into a temporary file, as long as it moves.
func spool(w http.ResponseWriter, r *http.Request) (file *os.File, size int64, err error) {
	if file, err = os.CreateTemp("", "lineshaft-import-"); err != nil {
		return nil, 0, fmt.Errorf("make temporary file: %w", err)
	}
	defer func() {
		if err != nil {
			_ = errors.Join(file.Close(), os.Remove(file.Name()))
		}
	}()
	control := http.NewResponseController(w)
	body := http.MaxBytesReader(w, r.Body, maxHistoryFile)
	for {
		// Where the connection knows no deadlines there is none to move.
		_ = control.SetReadDeadline(time.Now().Add(answerTime))
		_ = control.SetWriteDeadline(time.Now().Add(2 * answerTime))
		n, err := io.CopyN(file, body, 1<<20)
		size += n
		if errors.Is(err, io.EOF) {
			return file, size, nil
		}
		if _, large := errors.AsType[*http.MaxBytesError](err); large {
			return nil, 0, fault.New(fault.Invalid, "The file is larger than %d MiB.", maxHistoryFile>>20).WithHint("Send it in parts.")
		}
		if err != nil {
			return nil, 0, fault.New(fault.Invalid, "The file did not arrive whole.")
		}
	}
}

// taking is a file on its way in.
type taking struct {
	*plant
	file   io.ReaderAt
	size   int64
	format export.Format
	tags   map[string]TagRef
	done   HistoryImported
}

// look reads the file through and says what is wrong with it, by line.
func (t *taking) look(ctx context.Context) error {
	var wrong []*export.LineError
	for e, err := range export.Read(t.format, t.file, t.size) {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		var r Recorded
		if err == nil {
			r, err = t.recorded(&e)
		}
		if l, ok := errors.AsType[*export.LineError](err); ok {
			if wrong = append(wrong, l); len(wrong) == wrongLines {
				break
			}
			continue
		}
		if err != nil {
			return err
		}
		t.count(r)
	}
	if len(wrong) > 0 {
		return t.refused(ctx, wrong)
	}
	t.done.Tags = len(t.tags)
	return nil
}

func (t *taking) count(r Recorded) {
	at := time.Unix(0, r.T).UTC()
	if t.done.Readings++; t.done.From == nil || at.Before(*t.done.From) {
		t.done.From = &at
	}
	if t.done.Last == nil || at.After(*t.done.Last) {
		t.done.Last = &at
	}
}

// refused is the answer to a file with wrong lines.
func (t *taking) refused(ctx context.Context, wrong []*export.LineError) error {
	detail := fmt.Sprintf("%d lines of the file are not in order; nothing of it was taken.", len(wrong))
	if len(wrong) == wrongLines {
		detail = fmt.Sprintf("The first %d lines that are not in order are listed; nothing of the file was taken.", len(wrong))
	}
	p := t.api.newProblem(ctx, http.StatusUnprocessableEntity, string(fault.Invalid), detail)
	for _, l := range wrong {
		p.Errors = append(p.Errors, ProblemField{Line: l.Line, Field: l.Field, Value: l.Value, Message: l.Message})
	}
	return p
}

// take keeps what look has found in order.
func (t *taking) take(ctx context.Context, alive func()) error {
	batch := make([]Recorded, 0, takenAtOnce)
	keep := func() error {
		alive()
		err := t.ports.Recorder.Record(ctx, t.tenant(), batch)
		batch = batch[:0]
		return err
	}
	for e, err := range export.Read(t.format, t.file, t.size) {
		if err != nil {
			return fmt.Errorf("read a file a second time: %w", err)
		}
		r, err := t.recorded(&e)
		if err != nil {
			return fmt.Errorf("read a file a second time: %w", err)
		}
		if batch = append(batch, r); len(batch) == takenAtOnce {
			if err := keep(); err != nil {
				return err
			}
		}
	}
	if err := keep(); err != nil {
		return err
	}
	return t.ports.Recorder.Settle(ctx, t.tenant())
}

// recorded is a row as a reading of a tag there is.
func (t *taking) recorded(e *export.Entry) (r Recorded, err error) {
	key := e.Path + ":" + e.Tag
	ref, known := t.tags[key]
	if !known {
		if ref.Asset, err = t.asset(e.Path); err != nil {
			return r, said(e, "path", e.Path, err)
		}
		var ok bool
		if ref.Tag, ok = ref.Asset.Tag(e.Tag); !ok {
			return r, e.Wrong("tag", e.Tag, "is no tag of %s", ref.Asset.Path)
		}
		t.tags[key] = ref
	}
	if latest := t.now().Add(aheadOfUs); e.T > latest.UnixNano() {
		return r, e.Wrong("ts", time.Unix(0, e.T).UTC().Format(time.RFC3339), "is in the future")
	}
	if e.Unit != "" && e.Unit != ref.Tag.Unit {
		return r, e.Wrong("unit", e.Unit, "is not the tag's, which is %q", ref.Tag.Unit)
	}
	v, err := e.Value(ref.Tag.Kind())
	if err != nil {
		return r, err
	}
	r.TagRef, r.Sample = ref, twin.Sample{T: e.T, V: v, Q: e.Q}
	return r, nil
}

// said names the line of an error meant for the caller.
func said(e *export.Entry, field, value string, err error) error {
	if f, ok := errors.AsType[*fault.Error](err); ok && f.Kind != fault.Internal {
		return e.Wrong(field, value, "is not one of your assets")
	}
	return err
}
