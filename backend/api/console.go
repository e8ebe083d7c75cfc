package api

import (
	"io/fs"
	"net/http"
)

func newConsole(files fs.FS) (http.Handler, error) { return http.FileServerFS(files), nil }
