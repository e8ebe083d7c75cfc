package api

import (
	"net/http"
	"reflect"
	"strings"

	"github.com/lineshaft/lineshaft/backend/access"
	"github.com/lineshaft/lineshaft/backend/api/prom"
	"github.com/lineshaft/lineshaft/backend/historian/export"
)

// base is where the API lives.
const base = "/api/v1"

func (a *API) routes() {
	a.sessionRoutes()
	a.assetRoutes()
	a.historyRoutes()
	a.promRoutes()
	a.fleetRoutes()
	a.serverRoutes()
}

func (a *API) sessionRoutes() {
	registerPublic(a, operation{
		method: http.MethodPost, path: base + "/login", id: "login", tag: "session",
		summary: "Log in; the answer is the same for an unknown tenant, user or password",
	}, (*API).login)
	register(a, operation{
		method: http.MethodPost, path: base + "/logout", id: "logout", tag: "session",
		summary: "End this session", needs: access.SelfWrite,
	}, (*plant).logout)
	register(a, operation{
		method: http.MethodGet, path: base + "/me", id: "me", tag: "session",
		summary: "Who am I", needs: access.SelfRead,
	}, (*plant).me)
	register(a, operation{
		method: http.MethodPost, path: base + "/me/password", id: "change-password", tag: "session",
		summary: "Change my password; ends my other sessions", needs: access.SelfWrite,
	}, (*plant).changePassword)
}

func (a *API) assetRoutes() {
	get := func(path, id, summary string) operation {
		return operation{
			method: http.MethodGet, path: base + path, id: id, summary: summary, tag: "twins",
			needs: access.AssetsRead,
		}
	}
	register(a, get("/overview", "overview", "The plant on one page"), (*plant).overview)
	register(a, get("/assets", "list-assets", "Find assets"), (*plant).listAssets)
	register(a, get("/assets/tree", "asset-tree", "The whole tree in columns"), (*plant).assetTree)
	register(a, get("/assets/{id}", "get-asset", "One asset, by id or by path with its slashes as %2F"), (*plant).getAsset)
	register(a, get("/assets/{id}/twin", "get-twin", "The live document of one asset"), (*plant).getTwin)
	register(a, get("/assets/{id}/relations", "list-relations", "The edges of one asset"), (*plant).listRelations)
	register(a, get("/classes", "list-classes", "The asset classes"), (*plant).listClasses)
	register(a, operation{
		method: http.MethodPost, path: base + "/models/import", id: "import-model", tag: "twins",
		summary: "Take in a plant described in YAML", needs: access.ModelsWrite, maxBody: 16 << 20,
	}, (*plant).importModel)
}

func (a *API) historyRoutes() {
	register(a, operation{
		method: http.MethodGet, path: base + "/history", id: "history", tag: "history",
		summary: "Values of the past, in columns or as a file", needs: access.HistoryRead,
		produces: map[string]reflect.Type{
			"application/json": reflect.TypeFor[History](), export.CSV.MediaType(): nil, export.Parquet.MediaType(): nil,
			export.XLSX.MediaType(): nil,
		},
	}, (*plant).history)
	register(a, operation{
		method: http.MethodPost, path: base + "/history/import", id: "import-history", tag: "history",
		summary: "Take in readings of the past from a file, whole or not at all", needs: access.HistoryWrite,
		consumes: []string{export.CSV.MediaType(), export.Parquet.MediaType()},
	}, (*plant).importHistory)
	register(a, operation{
		method: http.MethodGet, path: base + "/gaps", id: "list-gaps", tag: "history",
		summary: "Holes in what devices sent", needs: access.LedgerRead,
	}, (*plant).listGaps)
	register(a, operation{
		method: http.MethodGet, path: base + "/deadletters", id: "list-deadletters", tag: "history",
		summary: "Messages that were refused, and why", needs: access.LedgerRead,
	}, (*plant).listLetters)
	register(a, operation{
		method: http.MethodGet, path: base + "/deadletters/{id}/preview", id: "preview-deadletter", tag: "history",
		summary: "What would become of a refused message now", needs: access.LedgerRead,
	}, (*plant).previewLetter)
	register(a, operation{
		method: http.MethodPost, path: base + "/deadletters/replay", id: "replay-deadletters", tag: "history",
		summary: "Let refused messages in again, each once", needs: access.LedgerWrite,
	}, (*plant).replayLetters)
	register(a, operation{
		method: http.MethodGet, path: base + "/gaps/report", id: "gap-report", tag: "history",
		summary: "The holes of a month by site and cause, as JSON or text/csv", needs: access.LedgerRead,
		produces: map[string]reflect.Type{"application/json": reflect.TypeFor[GapReport](), "text/csv": nil},
	}, (*plant).gapReport)
	register(a, operation{
		method: http.MethodGet, path: base + "/flow", id: "flow", tag: "history",
		summary: "How data moves: rates, and how far behind each sink is", needs: access.LedgerRead,
	}, (*plant).flow)
	register(a, operation{
		method: http.MethodGet, path: base + "/storage", id: "storage", tag: "history",
		summary: "What history takes, by site and tag, and when the disk is full", needs: access.LedgerRead,
	}, (*plant).storage)
}

// promRoutes are Prometheus's own, for Grafana: each may be asked with GET, and with a form.
func (a *API) promRoutes() {
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		op := func(path, id, summary string) operation {
			o := operation{
				method: method, path: promBase + path, id: "prom-" + id + "-" + strings.ToLower(method), tag: "prometheus",
				summary: summary, needs: access.HistoryRead,
				produces: map[string]reflect.Type{"application/json": reflect.TypeFor[prom.Answer]()},
			}
			if method == http.MethodPost {
				o.consumes = []string{"application/x-www-form-urlencoded"}
			}
			return o
		}
		register(a, op("/api/v1/query", "query", "PromQL at one instant"), (*plant).promQuery)
		register(a, op("/api/v1/query_range", "query-range", "PromQL over a span"), (*plant).promRange)
		register(a, op("/api/v1/labels", "labels", "Names of labels"), (*plant).promLabels)
		register(a, op("/api/v1/series", "series", "Tags that match"), (*plant).promSeries)
		if method == http.MethodGet {
			register(a, op("/api/v1/label/{name}/values", "label-values", "Values of a label"), (*plant).promLabelValues)
		}
	}
}

func (a *API) fleetRoutes() {
	register(a, operation{
		method: http.MethodGet, path: base + "/devices", id: "list-devices", tag: "fleet",
		summary: "Find devices", needs: access.DevicesRead,
	}, (*plant).listDevices)
	register(a, operation{
		method: http.MethodPost, path: base + "/devices", id: "register-device", tag: "fleet",
		summary: "Register a device; its token is shown only here", status: http.StatusCreated,
		needs: access.DevicesWrite,
	}, (*plant).registerDevice)
	register(a, operation{
		method: http.MethodGet, path: base + "/devices/{id}", id: "get-device", tag: "fleet",
		summary: "One device", needs: access.DevicesRead,
	}, (*plant).getDevice)
	register(a, operation{
		method: http.MethodPost, path: base + "/devices/{id}/token", id: "rotate-device-token", tag: "fleet",
		summary: "Replace a device's token; the old one stops working", needs: access.DevicesWrite,
	}, (*plant).rotateToken)
}

func (a *API) serverRoutes() {
	register(a, operation{
		method: http.MethodGet, path: base + "/stream", id: "stream", tag: "stream",
		summary: "Live values, devices and signals as server-sent events", needs: access.AssetsRead,
		produces: map[string]reflect.Type{"text/event-stream": reflect.TypeFor[streamEvents]()},
	}, (*plant).stream)
	registerPublic(a, operation{
		method: http.MethodGet, path: "/healthz", id: "healthz", tag: "server",
		summary: "Is the process alive",
	}, (*API).healthz)
	registerPublic(a, operation{
		method: http.MethodGet, path: "/readyz", id: "readyz", tag: "server",
		summary: "Can every part do its work",
	}, (*API).readyz)
	register(a, operation{
		method: http.MethodGet, path: "/metrics", id: "metrics", tag: "server",
		summary: "Prometheus metrics", needs: access.ServerRead,
		produces: map[string]reflect.Type{"text/plain": nil},
	}, (*plant).metrics)
	register(a, operation{
		method: http.MethodGet, path: "/openapi.json", id: "openapi", tag: "server",
		summary: "This description", needs: access.ServerRead,
		produces: map[string]reflect.Type{"application/json": nil},
	}, (*plant).openapi)
}
