package web

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
)

var built = fstest.MapFS{
	".gitkeep":        {},
	"index.html":      {Data: []byte("<!doctype html><head></head>")},
	"lmz/lmz.wasm":    {Data: []byte("raw wasm")},
	"lmz/lmz.wasm.br": {Data: []byte("br")},
	"lmz/lmz.wasm.gz": {Data: []byte("gz")},
	"app.js":          {Data: []byte("export {}")},
}

func get(h http.Handler, path string, headers ...string) *http.Response {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func body(r *http.Response) string {
	var b strings.Builder
	r.Write(&b)
	_, text, _ := strings.Cut(b.String(), "\r\n\r\n")
	return text
}

func TestCompressedFiles(t *testing.T) {
	h := handler(built, Options{})
	for _, tt := range []struct{ accept, encoding, want string }{
		{"gzip, deflate, br", "br", "br"},
		{"gzip;q=1.0, br;q=0", "gzip", "gz"},
		{"gzip", "gzip", "gz"},
		{"brotli", "", "raw wasm"},
		{"", "", "raw wasm"},
	} {
		r := get(h, "/lmz/lmz.wasm", "Accept-Encoding", tt.accept)
		if got := r.Header.Get("Content-Encoding"); got != tt.encoding || !strings.Contains(body(r), tt.want) {
			t.Errorf("Accept-Encoding %q: encoding %q", tt.accept, got)
		}
		if got := r.Header.Get("Content-Type"); got != "application/wasm" {
			t.Errorf("type %q", got)
		}
	}
}

func TestUnchangedFile(t *testing.T) {
	h := handler(built, Options{})
	tag := get(h, "/app.js").Header.Get("ETag")
	if r := get(h, "/app.js", "If-None-Match", tag); tag == "" || r.StatusCode != http.StatusNotModified {
		t.Errorf("ETag %q: status %d", tag, r.StatusCode)
	}
	plain, br := get(h, "/lmz/lmz.wasm").Header.Get("ETag"), get(h, "/lmz/lmz.wasm", "Accept-Encoding", "br").Header.Get("ETag")
	if plain == br {
		t.Errorf("both forms have the tag %s", br)
	}
}

func TestPathsOutsideThePage(t *testing.T) {
	h := handler(built, Options{})
	for path, want := range map[string]int{
		"/": 200, "/index.html": 200, "/app.js": 200, "/.gitkeep": 404, "/lmz/lmz.wasm.br": 404, "/lmz/": 404, "/nothing": 404, "/../web.go": 404,
	} {
		r := get(h, path)
		if r.StatusCode != want {
			t.Errorf("%s: %d, want %d", path, r.StatusCode, want)
		}
		if !strings.Contains(r.Header.Get("Content-Security-Policy"), "script-src 'self' 'wasm-unsafe-eval'") || r.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: headers %v", path, r.Header)
		}
	}
	r := httptest.NewRequest(http.MethodPost, "/", nil)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", w.Code)
	}
}

func TestProgramWithoutPage(t *testing.T) {
	r := get(handler(fstest.MapFS{".gitkeep": {}}, Options{}), "/")
	if text := body(r); r.StatusCode != 200 || !strings.Contains(text, "built without the web assets") {
		t.Errorf("%d %s", r.StatusCode, text)
	}
}
