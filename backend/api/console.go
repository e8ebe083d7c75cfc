package api

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"regexp"
	"strconv"
	"strings"
)

// consolePolicy is what a page of the console may load: its own origin and nothing else. Inline styles are the
// component library's.
const consolePolicy = "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; " +
	"img-src 'self' data: blob:; connect-src 'self'; worker-src 'self' blob:; object-src 'none'; " +
	"base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// console serves the built console from memory: its files are few, and never change while the program runs.
type console struct {
	files map[string]consoleFile // by path without the leading slash
}

type consoleFile struct {
	contentType string
	etag        string
	hashed      bool // named after its content
	body        []byte
	gzipped     []byte // nil where it is not worth it
}

// newConsole reads the files. It fails without an index.html.
func newConsole(files fs.FS) (*console, error) {
	c := &console{files: map[string]consoleFile{}}
	hashed := regexp.MustCompile(`^assets/.+-[A-Za-z0-9_-]{8,}\.[a-z0-9]+$`)
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Base(name) == ".gitkeep" || strings.HasSuffix(name, ".gz") {
			return err
		}
		f, err := readConsoleFile(files, name)
		if err != nil {
			return err
		}
		f.hashed = hashed.MatchString(name)
		c.files[name] = f
		return nil
	})
	if err != nil {
		return nil, err
	}
	if _, ok := c.files["index.html"]; !ok {
		return nil, errors.New("no index.html")
	}
	return c, nil
}

func readConsoleFile(files fs.FS, name string) (consoleFile, error) {
	body, err := fs.ReadFile(files, name)
	if err != nil {
		return consoleFile{}, err
	}
	sum := sha256.Sum256(body)
	f := consoleFile{
		body: body, etag: `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`, contentType: contentTypeOf(name),
	}
	if ready, err := fs.ReadFile(files, name+".gz"); err == nil {
		f.gzipped = ready
		return f, nil
	}
	if !compressible(f.contentType) || len(body) < compressFrom {
		return f, nil
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := z.Write(body); err != nil {
		return f, fmt.Errorf("compress %s: %w", name, err)
	}
	if err := z.Close(); err != nil {
		return f, fmt.Errorf("compress %s: %w", name, err)
	}
	if packed.Len() < len(body)*9/10 {
		f.gzipped = packed.Bytes()
	}
	return f, nil
}

// contentTypeOf does not depend on what the machine has in /etc/mime.types.
func contentTypeOf(name string) string {
	switch ext := path.Ext(name); ext {
	case ".js", ".mjs":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".html":
		return "text/html; charset=utf-8"
	case ".json", ".map":
		return "application/json"
	case ".svg":
		return "image/svg+xml"
	case ".woff2":
		return "font/woff2"
	case ".webmanifest":
		return "application/manifest+json"
	case ".ico":
		return "image/x-icon"
	default:
		if t := mime.TypeByExtension(ext); t != "" {
			return t
		}
		return "application/octet-stream"
	}
}

func compressible(contentType string) bool {
	return strings.HasPrefix(contentType, "text/") || strings.HasPrefix(contentType, "application/") && contentType != "application/octet-stream" ||
		contentType == "image/svg+xml"
}

// ServeHTTP implements http.Handler. A path without a dot in its last segment is a view of the console, whatever
// its name: the page itself finds out.
func (c *console) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		http.Error(w, "This address is only read.", http.StatusMethodNotAllowed)
		return
	}
	name := strings.TrimPrefix(path.Clean("/"+r.URL.Path), "/")
	f, ok := c.files[name]
	if !ok && (name == "" || !strings.Contains(path.Base(name), ".")) {
		f, ok = c.files["index.html"]
	}
	if !ok {
		http.Error(w, "There is nothing at this address.", http.StatusNotFound)
		return
	}
	h.Set("Content-Security-Policy", consolePolicy)
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("ETag", f.etag)
	h.Add("Vary", "Accept-Encoding")
	h.Set("Cache-Control", "no-cache")
	if f.hashed {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	if matchesTag(r.Header.Get("If-None-Match"), f.etag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Type", f.contentType)
	body := f.body
	if f.gzipped != nil && acceptsGzip(r.Header.Get("Accept-Encoding")) {
		h.Set("Content-Encoding", "gzip")
		body = f.gzipped
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodGet {
		_, _ = w.Write(body) // the reader went away: there is nobody to tell
	}
}

func matchesTag(header, etag string) bool {
	for tag := range strings.SplitSeq(header, ",") {
		if tag = strings.TrimSpace(tag); tag == "*" || strings.TrimPrefix(tag, "W/") == etag {
			return true
		}
	}
	return false
}
