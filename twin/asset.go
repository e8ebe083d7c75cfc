package twin

import (
	"fmt"
	"strings"
	"time"
)

// Asset is a node of the equipment hierarchy. Its ID stays when it moves or is renamed; its path does not.
type Asset struct {
	ID        string         `json:"id"`   // ULID
	Path      string         `json:"path"` // acme/detroit/body-shop/line-3/P-007; the last segment is its name
	Level     Level          `json:"level"`
	Class     string         `json:"class,omitempty"`
	Title     string         `json:"title,omitempty"`
	TimeZone  string         `json:"time_zone,omitempty"` // IANA name, on sites
	Nameplate map[string]any `json:"nameplate,omitempty"`
	Tags      []Tag          `json:"tags,omitempty"` // the class's, with this asset's overrides applied
}

// Name is the last segment of the path.
func (a Asset) Name() string { return a.Path[strings.LastIndexByte(a.Path, '/')+1:] }

// Parent is the path without its last segment, empty at the top.
func (a Asset) Parent() string {
	if i := strings.LastIndexByte(a.Path, '/'); i >= 0 {
		return a.Path[:i]
	}
	return ""
}

// Tag finds a tag of the asset.
func (a Asset) Tag(name string) (Tag, bool) { return Class{Tags: a.Tags}.Tag(name) }

// Under says whether path lies in the subtree whose root is root, on whole segments: body-shop2 is not
// under body-shop.
func Under(path, root string) bool {
	return root == "" || path == root || (strings.HasPrefix(path, root) && len(path) > len(root) && path[len(root)] == '/')
}

// CheckPath reports why a path is not one: segments match [A-Za-z0-9][A-Za-z0-9_-]*, at most 40 bytes each, 12 deep.
func CheckPath(path string) error {
	segs := strings.Split(path, "/")
	if len(segs) > 12 {
		return fmt.Errorf("path %q: at most 12 segments (got %d)", path, len(segs))
	}
	for _, s := range segs {
		if !ValidSegment(s) || s == "_" {
			return fmt.Errorf("path %q: segment %q does not match [A-Za-z0-9][A-Za-z0-9_-]*", path, s)
		}
	}
	return nil
}

// ValidSegment says whether s may stand in a path or topic: `_`, or a letter or digit followed by
// letters, digits, `_` and `-`, at most 40 bytes in all.
func ValidSegment(s string) bool {
	if s == "_" {
		return true
	}
	if s == "" || len(s) > 40 || s[0] == '_' || s[0] == '-' {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if c != '_' && c != '-' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return true
}

// RelationType names an edge of the graph other than containment.
type RelationType string

// The relation types every tenant has.
const (
	Feeds     RelationType = "feeds"
	Drives    RelationType = "drives"
	Powers    RelationType = "powers"
	Measures  RelationType = "measures"
	Controls  RelationType = "controls"
	DependsOn RelationType = "depends_on"
	HostedBy  RelationType = "hosted_by"
	Realizes  RelationType = "realizes"
	SpareFor  RelationType = "spare_for"
)

// RelationTypes returns them all.
func RelationTypes() []RelationType {
	return []RelationType{Feeds, Drives, Powers, Measures, Controls, DependsOn, HostedBy, Realizes, SpareFor}
}

// Relation is a typed edge between two assets, named by their ids.
type Relation struct {
	Type       RelationType   `json:"type"`
	From       string         `json:"from"`
	To         string         `json:"to"`
	Attributes map[string]any `json:"attributes,omitempty"`
}

// DeviceKind says how a device reaches the backend.
type DeviceKind string

// The kinds: a gateway and a direct device have their own MQTT session; a hosted device's gateway speaks for it.
const (
	Gateway DeviceKind = "gateway"
	Direct  DeviceKind = "direct"
	Hosted  DeviceKind = "hosted"
)

// Device is a thing that reports under its own id. It realizes an asset and is not the asset.
type Device struct {
	ID       string            `json:"device_id"`          // unique in the tenant, at most 40 bytes
	Kind     DeviceKind        `json:"kind"`               //
	Type     string            `json:"device_type"`        // as in the envelope, usually the asset's class
	Gateway  string            `json:"gateway,omitempty"`  // the gateway that hosts it
	Site     string            `json:"site"`               // topic segments two to four
	Area     string            `json:"area"`               //
	Line     string            `json:"line"`               //
	Asset    string            `json:"asset_id,omitempty"` // id of the asset it realizes
	TagMap   map[string]string `json:"tag_map,omitempty"`  // device tag → asset tag where they differ
	Interval time.Duration     `json:"-"`                  // how often a message is expected
}

// Model is all that is declared of one tenant's plant. Relations and devices name assets by id.
type Model struct {
	Tenant    string     `json:"tenant"`
	Title     string     `json:"title,omitempty"`
	Classes   Classes    `json:"classes"`
	Assets    []Asset    `json:"assets"` // parents before children
	Relations []Relation `json:"relations"`
	Devices   []Device   `json:"devices"`
}
