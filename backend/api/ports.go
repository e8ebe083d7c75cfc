package api

import (
	"context"
	"io"
	"time"

	"github.com/lineshaft/lineshaft/twin"
)

// Ports is what the API asks of the rest of the backend. Every method is safe for concurrent use, and an error
// meant for the user is a *fault.Error. An id of another tenant is NotFound, like one that never was.
type Ports struct {
	Twins    Twins
	History  Historian
	Recorder Recorder
	Fleet    Fleet
	Ledger   Ledger
	Storage  Storage
	Models   Models
	Overview OverviewSource
	// Ready returns nil once every part can do its work, or the part that cannot and why.
	Ready func(ctx context.Context) error
	// Metrics serves the Prometheus exposition of a tenant, and nothing of another. Nil answers 404.
	Metrics MetricsHandler
}

// Twins is the tenant's graph. Assets are named by id or path.
type Twins interface {
	Asset(tenant, idOrPath string) (twin.Asset, error)
	// Assets returns the assets matching f after the position f.After, in a stable order, at most f.Limit of them;
	// next is the position to go on from, empty at the end; total counts all that match.
	Assets(tenant string, f AssetFilter) (items []twin.Asset, next string, total int, err error)
	// Tree returns the whole tree in depth-first order.
	Tree(tenant string) (AssetTree, error)
	Twin(tenant, idOrPath string) (TwinState, error)
	Relations(tenant, idOrPath string) ([]Edge, error)
	Classes(tenant string) twin.Classes
	// Subscribe follows the subtree at root, on whole segments; an empty root is everything.
	Subscribe(tenant, root string) TwinUpdates
}

// AssetFilter selects assets; empty fields select all.
type AssetFilter struct {
	Path, Under, Class, Level, Q string
	After                        string
	Limit                        int
}

// TwinState is a twin document as the graph keeps it.
type TwinState struct {
	Asset    twin.Asset
	Version  int
	Reported map[string]Reading
	Desired  map[string]twin.Value
	Computed map[string]Reading
}

// Reading is the newest sample of a tag with its time of receipt, ns UTC.
type Reading struct {
	twin.Sample
	Received int64
}

// Edge is a relation of an asset to Other; Out says that it starts at the asset asked about.
type Edge struct {
	Type       twin.RelationType
	Out        bool
	Other      twin.Asset
	Attributes map[string]any
}

// TwinUpdates is a subscription to values. Next blocks until something is new or ctx ends; a slow caller gets the
// newest values only. Close releases it, and a Next that waits.
type TwinUpdates interface {
	Next(ctx context.Context) ([]ValueUpdate, error)
	Close()
}

// ValueUpdate is a new reading of an asset's tag.
type ValueUpdate struct {
	Asset twin.Asset
	Tag   string
	twin.Sample
}

// Historian answers questions about the past.
type Historian interface {
	// Query returns one column per tag and aggregate, in the order asked.
	Query(ctx context.Context, tenant string, q HistoryQuery) ([]Column, error)
}

// HistoryQuery asks for the samples with From <= T < To. Without Interval the readings themselves are meant,
// thinned to about MaxPoints without losing extremes.
type HistoryQuery struct {
	Tags      []TagRef
	From, To  time.Time
	Interval  time.Duration
	Aggs      []string
	BadToo    bool // readings that are not good as well
	MaxPoints int
	Fill      string // with Interval: null, previous or linear stand in one without readings; empty leaves it out
}

// TagRef is a tag of an asset.
type TagRef struct {
	Asset twin.Asset
	Tag   twin.Tag
}

// Column is the answer for one tag and aggregate. T is ns UTC.
type Column struct {
	Tag        TagRef
	Agg        string
	Resolution string
	T          []int64
	V          []twin.Value
	Q          []twin.Quality
	Late       []Backfill
	Bad        []Span // where readings were left out for their quality
	Holes      []Span // where readings were expected and there are none
	Rev        int64
}

// Fleet is the tenant's devices.
type Fleet interface {
	Device(tenant, id string) (Device, error)
	// DeviceOf returns the device that realizes an asset.
	DeviceOf(tenant, assetID string) (Device, bool)
	Devices(tenant string, f DeviceFilter) (items []Device, next string, total int, err error)
	Register(ctx context.Context, tenant string, d twin.Device) (Device, string, error)
	Rotate(ctx context.Context, tenant, id string) (string, error)
	// Offline returns the spans within from..to in which the device was away, oldest first.
	Offline(tenant, id string, from, to time.Time) []Span
	// Subscribe follows the states of all devices of the tenant.
	Subscribe(tenant string) DeviceUpdates
}

// DeviceFilter selects devices; empty fields select all.
type DeviceFilter struct {
	Site, Kind, Q string
	Online        *bool
	After         string
	Limit         int
}

// DeviceUpdates is a subscription to devices, with the same rules as TwinUpdates.
type DeviceUpdates interface {
	Next(ctx context.Context) ([]Device, error)
	Close()
}

// Span is a stretch of time; a zero To is still open.
type Span struct{ From, To time.Time }

// Ledger is what is missing and what was refused.
type Ledger interface {
	Gaps(tenant string, f GapFilter) (items []LedgerGap, next string, err error)
	Letters(tenant string, f LetterFilter) (items []DeadLetter, next string, err error)
	LetterGroups(tenant string, f LetterFilter) ([]DeadLetterGroup, error)
	// Preview says what would become of a dead letter now; the paths of assets are left to the API.
	Preview(tenant, id string) (LetterPreview, error)
	// Replay lets dead letters in again, or says what would become of them.
	Replay(ctx context.Context, tenant string, o ReplayOrder) (ReplayResult, error)
	// Report sums up the gaps that begin at from <= t < to, by site and cause.
	Report(tenant string, from, to time.Time) []GapReportRow
	Flow(tenant string) Flow
}

// GapFilter selects gaps; zero fields select all.
type GapFilter struct {
	Device   string
	Open     *bool
	From, To time.Time
	After    string
	Limit    int
}

// LetterFilter selects dead letters; zero fields select all.
type LetterFilter struct {
	Device, Reason string
	After          string
	Limit          int
}

// Models takes in a plant described in a file.
type Models interface {
	Import(ctx context.Context, tenant, who string, yaml io.Reader, dryRun bool) (Imported, error)
}

// OverviewSource computes the overview, whole tenant.
type OverviewSource interface {
	Overview(tenant string) (Overview, error)
}
