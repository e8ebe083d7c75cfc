package frontend

import (
	"bytes"
	"io"
	"io/fs"
	"time"
)

// notBuilt is shown where the console would be. It uses no script and no
// outside file, so it passes the same content security policy.
const notBuilt = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Lineshaft</title>
<body style="font:15px/1.5 system-ui,sans-serif;margin:4rem;color:#1b1f24;background:#edeff1">
<h1 style="font-size:20px">Console not built: make console</h1>
<p>This program was compiled without the web console. The API under <code>/api/v1</code> works.</p>
</body>
</html>
`

// placeholder is a file system with the one page notBuilt.
type placeholder struct{}

// Open returns the page or fs.ErrNotExist.
func (placeholder) Open(name string) (fs.File, error) {
	switch name {
	case "index.html":
		return &page{Reader: bytes.NewReader([]byte(notBuilt))}, nil
	case ".":
		return rootDir{}, nil
	default:
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
}

// page is notBuilt opened for reading and seeking.
type page struct{ *bytes.Reader }

func (*page) Close() error { return nil }
func (p *page) Stat() (fs.FileInfo, error) {
	return pageInfo{name: "index.html", size: int64(len(notBuilt))}, nil
}

// rootDir is the directory that holds the page.
type rootDir struct{}

func (rootDir) Close() error               { return nil }
func (rootDir) Read([]byte) (int, error)   { return 0, io.EOF }
func (rootDir) Stat() (fs.FileInfo, error) { return pageInfo{name: ".", dir: true}, nil }

func (rootDir) ReadDir(int) ([]fs.DirEntry, error) {
	return []fs.DirEntry{fs.FileInfoToDirEntry(pageInfo{name: "index.html", size: int64(len(notBuilt))})}, nil
}

// pageInfo describes the page or its directory.
type pageInfo struct {
	name string
	size int64
	dir  bool
}

func (i pageInfo) Name() string     { return i.name }
func (i pageInfo) Size() int64      { return i.size }
func (pageInfo) ModTime() time.Time { return time.Time{} }
func (i pageInfo) IsDir() bool      { return i.dir }
func (pageInfo) Sys() any           { return nil }

func (i pageInfo) Mode() fs.FileMode {
	if i.dir {
		return fs.ModeDir | 0o555
	}
	return 0o444
}
