package auth

import (
	"maps"
	"net/http"
	"slices"

	"github.com/lumenize/lmz/internal/httphead"
	"github.com/lumenize/lmz/internal/origin"
)

// cors lets pages of the allowed origins use the endpoints with the visitor's cookie, and refuses
// all other origins, if any are allowed. If none are, it sets no header, and the check against
// forged requests refuses changes requested by other origins. A malformed origin is always
// refused. It reports whether the request has been answered.
func (s *Service) cors(w http.ResponseWriter, r *request) bool {
	from, ok := httphead.Origin(r.Header)
	if !ok {
		foreign(w)
		return true
	}
	if from == "" || len(s.opts.Origins) == 0 {
		return false
	}
	preflight := r.Method == http.MethodOptions
	who, _ := webOrigin(from)
	h := w.Header()
	h.Add("Vary", "Origin")
	switch {
	case slices.Contains(s.opts.Origins, who):
		h.Set("Access-Control-Allow-Origin", from)
		h.Set("Access-Control-Allow-Credentials", "true")
		h.Set("Access-Control-Expose-Headers", "Retry-After, X-Request-Id")
	case preflight, who == s.kept.PublicURL:
	default:
		// A page under no-referrer that posts its own form sends "null".
		if from == "null" && r.Header.Get("Sec-Fetch-Site") == "same-origin" {
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

// forged reports whether a page of another origin sent a request in the visitor's name. For
// browsers that do not send Sec-Fetch-Site, it compares the origin with the trusted ones and with
// the Host.
func (s *Service) forged(r *http.Request) bool {
	if from, err := origin.Parse(r.Header.Get("Origin")); err == nil {
		plain := *r
		plain.Header = maps.Clone(r.Header)
		plain.Header.Set("Origin", from.String())
		if from.Has(r.Host) {
			plain.Host = from.Host
		}
		r = &plain
	}
	return s.csrf.Check(r) != nil
}

// foreign refuses an origin.
func foreign(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/plain;charset=UTF-8")
	w.WriteHeader(http.StatusForbidden)
	w.Write([]byte("Forbidden: Origin not allowed"))
}
