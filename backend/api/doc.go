// Package api is the HTTP interface of the backend: REST and server-sent events under /api/v1, health checks, and
// the console's files.
//
// No handler can reach data without having been asked for a permission: an operation is registered with the
// permission it needs and gets a *plant, the tenant's data as one grant sees it, which nothing else can make.
package api

// The description the console's types are made from.
//go:generate go test -count=1 -run ^TestTheCommittedDescriptionIsTheServersOwn$ . -update
