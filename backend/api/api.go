package api

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/lineshaft/lineshaft/backend/access"
	"github.com/lineshaft/lineshaft/backend/api/prom"
	"github.com/lineshaft/lineshaft/twin/clock"
)

// MetricsHandler serves the Prometheus exposition of one tenant.
type MetricsHandler = func(tenant string) http.Handler

// Options are what an API is made of.
type Options struct {
	Access  *access.Access
	Ports   Ports
	Console fs.FS // the built console; nil serves none
	// CursorKey signs cursors. It should outlive a restart, so that a page opened before goes on after.
	CursorKey []byte
	Version   string
	Clock     clock.Clock
	Log       *slog.Logger

	// LocalToken, if not empty, is taken as a tenant administrator of LocalTenant from loopback addresses only:
	// the desktop app's token, new at every start.
	LocalToken  string
	LocalTenant string

	// Origins may call from a browser besides the console's own (wails://wails.localhost). Hosts are the names
	// the server answers to besides localhost and loopback addresses, while it listens on loopback; nil and a
	// listener that is not loopback answer to any.
	Origins []string
	Hosts   []string
}

// API is the HTTP interface. It is made once and safe for concurrent use.
type API struct {
	Options
	log     *slog.Logger
	huma    huma.API
	mux     *http.ServeMux
	front   http.Handler // what stands before the mux
	pace    pace
	needs   map[string]access.Permission // by method and path
	faults  []string                     // what is wrong with the operations
	cursors cursorKey
	streams *streams
	spec    []byte
	prom    *prom.Engine
	live    context.Context // ends when the server shuts down, so that streams end
	stop    context.CancelFunc
}

// New builds the API. It fails if an operation declares no permission.
func New(o Options) (*API, error) {
	if len(o.CursorKey) < 32 {
		return nil, fmt.Errorf("cursor key: at least 32 bytes (got %d)", len(o.CursorKey))
	}
	if o.Access == nil {
		return nil, errors.New("api without access")
	}
	a, err := build(o)
	if err != nil {
		return nil, err
	}
	if a.spec, err = a.describe(); err != nil {
		return nil, err
	}
	if o.Console != nil {
		c, err := newConsole(o.Console)
		if err != nil {
			return nil, fmt.Errorf("read console: %w", err)
		}
		a.mux.Handle("/", c)
	} else {
		a.mux.HandleFunc("/", a.noRoute)
	}
	return a, nil
}

func build(o Options) (*API, error) {
	if o.Clock == nil {
		o.Clock = clock.Wall{}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	a := &API{
		Options: o, log: o.Log, mux: http.NewServeMux(), needs: map[string]access.Permission{},
		cursors: cursorKey(o.CursorKey), streams: newStreams(defaultPace().linger), pace: defaultPace(), prom: prom.New(),
	}
	a.live, a.stop = context.WithCancel(context.Background())
	config := huma.DefaultConfig("Lineshaft", "1")
	config.Info.Description = "Twins, history, devices and live values of a plant. Log in for a bearer token; the tenant comes from it."
	config.OpenAPIPath, config.DocsPath, config.SchemasPath = "", "", ""
	config.CreateHooks = nil
	config.RejectUnknownQueryParameters = true
	config.Transformers = []huma.Transformer{a.asProblem}
	config.Components.SecuritySchemes = map[string]*huma.SecurityScheme{"bearer": {Type: "http", Scheme: "bearer"}}
	a.huma = humago.New(a.mux, config)
	a.routes()
	a.mux.HandleFunc("/api/", a.noRoute)
	a.mux.HandleFunc(promBase+"/", a.noRoute)
	a.front = a.frontOf(a.mux)
	if len(a.faults) > 0 {
		return nil, errors.New(strings.Join(a.faults, "; "))
	}
	return a, nil
}

// noRoute answers for a path that is none of the API's, or for a verb the path does not have.
func (a *API) noRoute(w http.ResponseWriter, r *http.Request) {
	var allowed []string
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		probe := r.Clone(r.Context())
		probe.Method = method
		if _, pattern := a.mux.Handler(probe); strings.HasPrefix(pattern, method+" ") {
			allowed = append(allowed, method)
		}
	}
	if len(allowed) == 0 {
		a.writeProblem(w, a.newProblem(r.Context(), http.StatusNotFound, "not_found", "There is nothing at this address."))
		return
	}
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	a.writeProblem(w, a.newProblem(r.Context(), http.StatusMethodNotAllowed, "invalid", "This address does not take "+r.Method+"."))
}

// enter is the only way to a plant: it asks who calls, and whether they may.
func (a *API) enter(ctx context.Context, needs access.Permission) (*plant, error) {
	subject, err := a.subject(ctx)
	if err != nil {
		return nil, err
	}
	grant, err := a.Access.Guard().Allow(subject, needs)
	if err != nil {
		return nil, err
	}
	return &plant{grant: grant, ports: &a.Ports, api: a}, nil
}

// subject finds who calls by the bearer token.
func (a *API) subject(ctx context.Context) (access.Subject, error) {
	m := meta(ctx)
	if m.bearer == "" {
		return access.Subject{}, errUnauthenticated
	}
	if a.LocalToken != "" && m.loopback && access.SameSecret(m.bearer, a.LocalToken) {
		return access.Local("desktop", a.LocalTenant, a.now().Add(access.SessionTime)), nil
	}
	s, ok := a.Access.Authenticate(m.bearer)
	if !ok {
		return access.Subject{}, errUnauthenticated
	}
	return s, nil
}

func (a *API) now() time.Time { return a.Clock.Now().UTC() }
