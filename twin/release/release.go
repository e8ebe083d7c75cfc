// Package release is the version a program was built as.
package release

// Version is set by the linker; "dev" in a plain go build.
var Version = "dev"
