// Package assets carries what ships inside the programs: classes, plants, recordings and the brand.
package assets

import "embed"

// FS holds classes/*.yaml, plants/*.yaml, recordings/** and brand/**.
//
//go:embed classes plants recordings brand
var FS embed.FS
