// Package influx keeps history in an InfluxDB somebody else runs: version 1.8, or 2.x by the same client.
//
// What is appended waits in memory until the server has it; Commit returns nil only then. Whoever feeds the
// historian keeps what is not committed, so a server that is away for a while loses nothing.
package influx

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	influxdb2 "github.com/influxdata/influxdb-client-go/v2"
	"github.com/influxdata/influxdb-client-go/v2/api"
	influxhttp "github.com/influxdata/influxdb-client-go/v2/api/http"

	"github.com/lineshaft/lineshaft/backend/historian"
	"github.com/lineshaft/lineshaft/twin/clock"
	"github.com/lineshaft/lineshaft/twin/fault"
)

// Options say where the server is and how it is written to. Zero values are the defaults given.
type Options struct {
	URL    string // http://host:8086; must be set
	Org    string // empty on 1.8
	Bucket string // "database/retention policy" or "database" on 1.8, the bucket on 2.x; must be set
	Token  string // "user:password" on 1.8, empty where nobody signs in

	Places Places       // where each series is kept; one measurement of numbered series if nil
	Clock  clock.Clock  // wall clock if nil
	Log    *slog.Logger // discarded if nil

	BatchPoints int           // samples in one request, at most; 10000
	BatchBytes  int           // size of one request, about; 4 MiB
	FlushEvery  time.Duration // how long a sample may wait for the server when nobody commits; 1 s
	MaxWaiting  int           // samples of a tenant that may wait before Append refuses; 1048576
	Attempt     time.Duration // how long the server may take over one write; 10 s
	Patience    time.Duration // how long a Commit repeats a write that fails before it gives up; 5 s
}

func (o Options) withDefaults() Options {
	if o.Clock == nil {
		o.Clock = clock.Wall{}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.BatchPoints == 0 {
		o.BatchPoints = 10_000
	}
	if o.BatchBytes == 0 {
		o.BatchBytes = 4 << 20
	}
	if o.FlushEvery == 0 {
		o.FlushEvery = time.Second
	}
	if o.MaxWaiting == 0 {
		o.MaxWaiting = 1 << 20
	}
	if o.Attempt == 0 {
		o.Attempt = 10 * time.Second
	}
	if o.Patience == 0 {
		o.Patience = 5 * time.Second
	}
	return o
}

// answerWithin is how long the server may take over one answer, from the question to the last row.
const answerWithin = 60

// Store is the history of all tenants in one bucket.
type Store struct {
	opt    Options
	client influxdb2.Client
	writer api.WriteAPIBlocking
	query  string // URL of the query endpoint, with database and retention policy
	stop   context.CancelFunc
	full   chan struct{} // one slot: a tenant has a batch
	done   sync.WaitGroup

	mu      sync.Mutex
	tenants map[string]*tenant
	trouble error
}

// Open prepares the store. It does not talk to the server: one that is away at the start is waited for.
func Open(opt Options) (*Store, error) {
	opt = opt.withDefaults()
	u, err := url.Parse(opt.URL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fault.Field("url", opt.URL, "http://host:port is wanted")
	}
	if opt.Bucket == "" {
		return nil, fault.Field("bucket", opt.Bucket, "a bucket is wanted, or database/policy for InfluxDB 1.8")
	}
	base := strings.TrimSuffix(opt.URL, "/")
	client := influxdb2.NewClientWithOptions(base, opt.Token,
		influxdb2.DefaultOptions().SetHTTPRequestTimeout(answerWithin).SetApplicationName("lineshaft"))
	database, policy, _ := strings.Cut(opt.Bucket, "/")
	params := url.Values{"db": {database}, "epoch": {"ns"}, "chunked": {"true"}, "chunk_size": {"10000"}}
	if policy != "" {
		params.Set("rp", policy)
	}
	if opt.Org != "" {
		params.Set("org", opt.Org)
	}
	ctx, stop := context.WithCancel(context.Background())
	s := &Store{
		opt: opt, client: client, writer: client.WriteAPIBlocking(opt.Org, opt.Bucket), query: base + "/query?" + params.Encode(),
		stop: stop, full: make(chan struct{}, 1), tenants: map[string]*tenant{},
	}
	s.done.Go(func() { s.flush(ctx) })
	return s, nil
}

// Tenant is the history of one tenant. It needs no creation; its Close commits and leaves the store open.
func (s *Store) Tenant(name string) historian.Historian {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, ok := s.tenants[name]
	if !ok {
		t = newTenant(s, name)
		s.tenants[name] = t
	}
	return t
}

// Trouble is why the last write failed, nil if it did not.
func (s *Store) Trouble() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.trouble
}

// Close tries once to write what waits, and releases the client.
func (s *Store) Close() error {
	s.stop()
	s.done.Wait()
	var errs []error
	for _, t := range s.all() {
		errs = append(errs, t.commit(context.Background(), 0))
	}
	s.client.Close()
	return errors.Join(errs...)
}

func (s *Store) all() []*tenant {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]*tenant, 0, len(s.tenants))
	for _, t := range s.tenants {
		all = append(all, t)
	}
	return all
}

// flush writes what waits as soon as it fills a batch, and at the latest after a while. What fails stays, and the
// next Commit says so.
func (s *Store) flush(ctx context.Context) {
	late := s.opt.Clock.After(s.opt.FlushEvery)
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.full:
		case <-late:
			late = s.opt.Clock.After(s.opt.FlushEvery)
		}
		for _, t := range s.all() {
			if err := t.commit(ctx, 0); err != nil && ctx.Err() == nil {
				s.opt.Log.Debug("history not written yet", "tenant", t.name, "error", err)
			}
		}
	}
}

// write brings lines to the server, and repeats with longer and longer pauses for patience what may yet succeed.
func (s *Store) write(ctx context.Context, lines string, patience time.Duration) error {
	began, pause := s.opt.Clock.Now(), 100*time.Millisecond
	for {
		err := s.attempt(ctx, lines)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		s.mu.Lock()
		s.trouble = err
		s.mu.Unlock()
		wait, again := retry(err)
		pause = max(pause, wait)
		if !again || s.opt.Clock.Now().Sub(began)+pause > patience {
			return err
		}
		if err := clock.Sleep(ctx, s.opt.Clock, pause); err != nil {
			return err
		}
		pause = min(2*pause, 2*time.Second)
	}
}

func (s *Store) attempt(ctx context.Context, lines string) error {
	ctx, cancel := context.WithTimeout(ctx, s.opt.Attempt)
	defer cancel()
	err := s.writer.WriteRecord(ctx, lines)
	if err == nil {
		return nil
	}
	if status, _ := statusOf(err); status == http.StatusBadRequest && strings.Contains(err.Error(), beyondRetention) {
		// The others of the request are stored; these the bucket would forget at once.
		s.opt.Log.Warn("samples are older than the bucket keeps them", "bucket", s.opt.Bucket, "error", err)
		return nil
	}
	return s.explain("write history", err)
}

// beyondRetention is how the server says that some of the samples are older than the retention policy.
const beyondRetention = "partial write: points beyond retention policy"

// statusOf is the HTTP status of a refusal, 0 if there was no answer, and the pause the server asked for.
func statusOf(err error) (int, time.Duration) {
	var e *influxhttp.Error
	if !errors.As(err, &e) {
		return 0, 0
	}
	return e.StatusCode, time.Duration(e.RetryAfter) * time.Second
}

// retry says whether the same request may succeed later, and how long to wait at least.
func retry(err error) (time.Duration, bool) {
	if err == nil {
		return 0, false
	}
	status, wait := statusOf(err)
	return wait, status == 0 || status == http.StatusTooManyRequests || status >= http.StatusInternalServerError
}

// explain gives an error of the client a kind and a hint.
func (s *Store) explain(what string, err error) error {
	status, _ := statusOf(err)
	f := fault.New(fault.Unavailable, "InfluxDB at %s did not %s", s.opt.URL, what)
	f.Err = err
	switch status {
	case 0:
		return f.WithHint("is the server running, and reachable from here?")
	case http.StatusUnauthorized, http.StatusForbidden:
		return f.WithHint("influx_token_file must name a token, or user:password, that may read and write %s", s.opt.Bucket)
	case http.StatusNotFound:
		return f.WithHint("create the database or bucket %s first", s.opt.Bucket)
	}
	return f
}

// ask sends statements of InfluxQL and hands the answer to read.
func (s *Store) ask(ctx context.Context, statements string, read func(io.Reader) error) error {
	body := strings.NewReader(url.Values{"q": {statements}}.Encode())
	var readErr error
	// The client's error is a pointer type: it must not become a non-nil error here.
	err := s.client.HTTPService().DoPostRequest(ctx, s.query, body,
		func(r *http.Request) { r.Header.Set("Content-Type", "application/x-www-form-urlencoded") },
		func(r *http.Response) error {
			readErr = read(r.Body)
			return r.Body.Close()
		})
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return s.explain("answer", err)
	case readErr != nil:
		return fmt.Errorf("read answer of InfluxDB at %s: %w", s.opt.URL, readErr)
	}
	return nil
}
