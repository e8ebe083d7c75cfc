package access

import "slices"

// Permission is one thing a role may allow: an action on a kind of resource, written resource:action.
type Permission string

// The permissions there are. The zero Permission is none of them and is never granted.
const (
	SelfRead     Permission = "self:read"     // who am I
	SelfWrite    Permission = "self:write"    // change my password, log out
	AssetsRead   Permission = "assets:read"   // assets, twins, relations, classes, overview
	HistoryRead  Permission = "history:read"  // values of the past
	HistoryWrite Permission = "history:write" // import values of the past
	DevicesRead  Permission = "devices:read"  // the device registry
	DevicesWrite Permission = "devices:write" // register devices, issue tokens
	LedgerRead   Permission = "ledger:read"   // gaps and dead letters
	LedgerWrite  Permission = "ledger:write"  // replay dead letters
	ModelsWrite  Permission = "models:write"  // import a plant
	ServerRead   Permission = "server:read"   // metrics and the API's own description
)

// Permissions returns them all.
func Permissions() []Permission {
	return []Permission{
		SelfRead, SelfWrite, AssetsRead, HistoryRead, HistoryWrite, DevicesRead, DevicesWrite, LedgerRead, LedgerWrite, ModelsWrite, ServerRead,
	}
}

// Valid says whether p is one of the permissions there are.
func (p Permission) Valid() bool {
	return slices.Contains(Permissions(), p)
}
