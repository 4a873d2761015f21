// Package web serves the browser page of a gateway: the editor and its sign-in. The sources
// are in the folder page; scripts/build-web.mjs builds them and the WASM client into dist,
// which is embedded.
package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/lumenize/lmz/internal/httphead"
)

// dist has only .gitkeep in a checkout that was never built.
//
//go:embed all:dist
var dist embed.FS

const contentPolicy = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; " +
	"img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

const notBuilt = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>lmz</title>
</head>
<body>
<h1>lmz</h1>
<p>This program was built without the web assets. Everything else works.</p>
<p>To build them as well, run <code>make build</code> in a checkout, with Node 20 or newer, and start the new program.</p>
</body>
</html>
`

// Handler serves the page at / and its files. In a program built without them, it serves a
// page that says so.
func Handler(o Options) http.Handler {
	files, err := fs.Sub(dist, "dist")
	if err != nil {
		panic(err) // "dist" is a valid path
	}
	return handler(files, o)
}

// handler serves the output folder of scripts/build-web.mjs.
func handler(files fs.FS, o Options) http.Handler {
	assets, policy := load(files), o.policy()
	o.tell(assets)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		httphead.Protect(h)
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			h.Set("Allow", "GET, HEAD")
			http.Error(w, "GET only", http.StatusMethodNotAllowed)
			return
		}
		name := strings.TrimPrefix(path.Clean("/"+r.URL.Path), "/")
		if name == "" {
			name = "index.html"
		}
		asset, ok := assets[name]
		if !ok {
			http.NotFound(w, r)
			return
		}
		asset.serve(w, r)
	})
}

// asset is one file of the page.
type asset struct {
	contentType string
	etag        string            // without quotes
	forms       map[string][]byte // by content encoding; "" is the file itself
}

// load reads the files with their compressed forms.
func load(files fs.FS) map[string]*asset {
	assets := make(map[string]*asset)
	fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasPrefix(entry.Name(), ".") || isCompressed(name) {
			return nil
		}
		if data, err := fs.ReadFile(files, name); err == nil {
			assets[name] = newAsset(files, name, data)
		}
		return nil
	})
	if assets["index.html"] == nil {
		assets["index.html"] = &asset{"text/html; charset=utf-8", tagOf([]byte(notBuilt)), map[string][]byte{"": []byte(notBuilt)}}
	}
	return assets
}

func isCompressed(name string) bool {
	return strings.HasSuffix(name, ".br") || strings.HasSuffix(name, ".gz")
}

func newAsset(files fs.FS, name string, data []byte) *asset {
	a := &asset{contentType(name), tagOf(data), map[string][]byte{"": data}}
	for encoding, suffix := range map[string]string{"br": ".br", "gzip": ".gz"} {
		if compressed, err := fs.ReadFile(files, name+suffix); err == nil {
			a.forms[encoding] = compressed
		}
	}
	return a
}

// contentType does not depend on the operating system for important types: a module with a
// wrong type does not load.
func contentType(name string) string {
	switch path.Ext(name) {
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".html":
		return "text/html; charset=utf-8"
	case ".wasm":
		return "application/wasm"
	case ".svg":
		return "image/svg+xml"
	case ".ts":
		return "text/plain; charset=utf-8"
	}
	if t := mime.TypeByExtension(path.Ext(name)); t != "" {
		return t
	}
	return "application/octet-stream"
}

// serve writes the smallest form that the browser accepts. Browsers cache it and revalidate
// it each time.
func (a *asset) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", a.contentType)
	h.Set("Cache-Control", "no-cache")
	h.Set("Vary", "Accept-Encoding")
	encoding := ""
	for _, e := range []string{"br", "gzip"} {
		if a.forms[e] != nil && accepts(r.Header.Get("Accept-Encoding"), e) {
			encoding = e
			break
		}
	}
	tag := a.etag
	if encoding != "" {
		h.Set("Content-Encoding", encoding)
		tag += "-" + encoding
	}
	h.Set("ETag", strconv.Quote(tag))
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(a.forms[encoding]))
}

// accepts reads an Accept-Encoding header, where ";q=0" means no.
func accepts(header, encoding string) bool {
	for part := range strings.SplitSeq(header, ",") {
		name, parameter, _ := strings.Cut(part, ";")
		if !strings.EqualFold(strings.TrimSpace(name), encoding) {
			continue
		}
		value, isQuality := strings.CutPrefix(strings.TrimSpace(parameter), "q=")
		quality, err := strconv.ParseFloat(value, 64)
		return !isQuality || err == nil && quality > 0
	}
	return false
}

func tagOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:12])
}
