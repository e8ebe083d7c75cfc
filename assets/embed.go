// Package assets carries what ships inside the programs: classes, plants, recordings, contracts and the brand.
package assets

import "embed"

// FS holds classes/*.yaml, plants/*.yaml, recordings/**, contracts/** and brand/**.
//
//go:embed classes plants recordings contracts brand
var FS embed.FS
