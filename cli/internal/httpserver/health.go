package httpserver

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
)

// Health answers health checks under any Host: /healthz says that the process is alive, and
// /readyz that it can serve. It cannot while it stops, or while its data directory cannot be
// written to, as on a full disk. The answers reveal nothing else.
type Health struct {
	Dir      string      // the data directory
	Stopping atomic.Bool // the server stops

	mu     sync.Mutex // guards the following fields
	tried  time.Time  // when dir was written to last
	failed bool       // that failed
}

const (
	// probeEvery is how long a result is reused, because anyone may ask.
	probeEvery = 5 * time.Second

	probeFile = "check-ready" // a start removes one left by a crash (object.Open)
	probeSize = 64 << 10      // about what a small commit takes
)

// Beside answers the health checks, and passes all other requests to next.
func (h *Health) Beside(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { // no ServeMux: it redirects
		ok := true
		switch r.URL.Path {
		case "/healthz":
		case "/readyz":
			ok = h.ready()
		default:
			next.ServeHTTP(w, r)
			return
		}
		switch {
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		case !ok:
			http.Error(w, "not ready", http.StatusServiceUnavailable)
		default:
			w.Header().Set("Cache-Control", "no-store")
			io.WriteString(w, "ok\n")
		}
	})
}

func (h *Health) ready() bool {
	if h.Stopping.Load() {
		return false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if now := time.Now(); h.tried.IsZero() || now.Sub(h.tried) >= probeEvery {
		h.tried, h.failed = now, probe(h.Dir) != nil
	}
	return !h.failed
}

// probe writes to a directory.
func probe(dir string) error {
	name := filepath.Join(dir, probeFile)
	err := os.WriteFile(name, make([]byte, probeSize), 0o600)
	if removing := os.Remove(name); err == nil {
		err = removing
	}
	return err
}
