package auth

import (
	"net/http"
	"slices"

	"github.com/lumenize/lmz/internal/httphead"
)

// cors lets pages of the allowed origins use the endpoints with the visitor's
// cookie, and refuses every other origin, if any are allowed. Without any, no
// header is set, and what changes something is refused to other origins by the
// check against forged requests. What is no origin is refused in any case. It reports
// whether the request is answered.
func (s *Service) cors(w http.ResponseWriter, r *request) bool {
	origin, ok := httphead.Origin(r.Header)
	if !ok {
		foreign(w)
		return true
	}
	if origin == "" || len(s.opts.Origins) == 0 {
		return false
	}
	preflight := r.Method == http.MethodOptions
	h := w.Header()
	h.Add("Vary", "Origin")
	switch {
	case slices.Contains(s.opts.Origins, origin):
		h.Set("Access-Control-Allow-Origin", origin)
		h.Set("Access-Control-Allow-Credentials", "true")
		h.Set("Access-Control-Expose-Headers", "Retry-After, X-Request-Id")
	case preflight, origin == s.kept.PublicURL:
	default:
		// "null" is what a page says whose own form is posted under no-referrer.
		if origin == "null" && r.Header.Get("Sec-Fetch-Site") == "same-origin" {
			return false
		}
		foreign(w)
		return true
	}
	if !preflight {
		return false
	}
	if h.Get("Access-Control-Allow-Origin") != "" {
		h.Set("Access-Control-Allow-Methods", "GET, POST, PATCH, DELETE")
		h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type")
		h.Set("Access-Control-Max-Age", "600")
	}
	w.WriteHeader(http.StatusNoContent)
	return true
}

// foreign refuses an origin.
func foreign(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/plain;charset=UTF-8")
	w.WriteHeader(http.StatusForbidden)
	w.Write([]byte("Forbidden: Origin not allowed"))
}
