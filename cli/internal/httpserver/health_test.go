package httpserver

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"
)

// asked returns the status and the body of an answer.
func asked(h http.Handler, method, url string) (int, string) {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, url, nil))
	return w.Code, w.Body.String()
}

// TestHealthUnderAnyHost sends requests by IP address, as load balancers do.
func TestHealthUnderAnyHost(t *testing.T) {
	h := &Health{Dir: t.TempDir()}
	served := h.Beside(OnlyHosts(func(host string) bool { return host == "mesh.example" }, "another host", http.NotFoundHandler()))
	for _, tt := range []struct {
		method, url string
		status      int
		text        string
	}{
		{"GET", "http://10.1.2.3:8787/healthz", 200, "ok\n"},
		{"HEAD", "http://10.1.2.3:8787/readyz", 200, "ok\n"},
		{"GET", "http://mesh.example/readyz", 200, "ok\n"},
		{"POST", "http://10.1.2.3/readyz", 405, "method not allowed\n"},
		{"GET", "http://10.1.2.3/readyz/", 421, "another host\n"},
		{"GET", "http://10.1.2.3//healthz", 421, "another host\n"},
		{"GET", "http://10.1.2.3/auth/", 421, "another host\n"},
		{"GET", "http://mesh.example/", 404, "404 page not found\n"},
	} {
		if status, text := asked(served, tt.method, tt.url); status != tt.status || text != tt.text {
			t.Errorf("%s %s: %d %q, want %d %q", tt.method, tt.url, status, text, tt.status, tt.text)
		}
	}
	left, err := os.ReadDir(h.Dir)
	if err != nil || len(left) != 0 {
		t.Errorf("the data directory has %v, %v after the checks", left, err)
	}
}

// TestReadiness tests a directory that cannot be written to, and a stop.
func TestReadiness(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &Health{Dir: filepath.Join(t.TempDir(), "data")} // not there: nothing can be written
		served := h.Beside(http.NotFoundHandler())
		want := func(when string, status int) {
			t.Helper()
			if got, _ := asked(served, "GET", "http://x/readyz"); got != status {
				t.Errorf("%s: %d, want %d", when, got, status)
			}
			if got, _ := asked(served, "GET", "http://x/healthz"); got != 200 {
				t.Errorf("%s: /healthz answers %d", when, got)
			}
		}
		want("no directory", 503)
		if err := os.Mkdir(h.Dir, 0o700); err != nil {
			t.Fatal(err)
		}
		want("at once after", 503)
		time.Sleep(probeEvery)
		want("after a while", 200)
		h.Stopping.Store(true)
		want("while it stops", 503)
	})
}
