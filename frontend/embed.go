// Package frontend carries the built web console as files inside the program.
package frontend

import (
	"embed"
	"io/fs"
)

// dist is what `make console` builds; without it only .gitkeep is there.
//
//go:embed all:dist
var dist embed.FS

// Built reports whether the console was built before the program was compiled.
func Built() bool {
	_, err := fs.Stat(dist, "dist/index.html")
	return err == nil
}

// FS returns the console's files with index.html at the top. When the console
// was not built, it holds one page that says how to build it.
func FS() fs.FS {
	if !Built() {
		return placeholder{}
	}
	sub, err := fs.Sub(dist, "dist")
	if err != nil {
		return placeholder{} // unreachable: the path is a constant that exists
	}
	return sub
}
