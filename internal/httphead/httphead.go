// Package httphead keeps the headers of HTTP messages safe in one place: those that every answer
// carries, and how an Origin is read.
package httphead

import (
	"net/http"
	"net/url"
)

// Protect sets the headers of every answer. Browsers guess no type, windows of other origins get
// no handle on the page, and URLs, which may contain secrets, are not sent elsewhere. A handler
// may replace them.
func Protect(h http.Header) {
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Referrer-Policy", "no-referrer")
}

// Handler returns next with these headers on every answer.
func Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		Protect(w.Header())
		next.ServeHTTP(w, r)
	})
}

// Origin returns the header Origin, or "" without one. ok is false if browsers would not send it:
// they send a single origin, "null" or a scheme, host and port, without user information or any
// other part of a URL. Code that compares only the host of a malformed one could take it for its
// own.
func Origin(h http.Header) (origin string, ok bool) {
	all := h.Values("Origin")
	if len(all) == 0 {
		return "", true
	}
	origin = all[0]
	u, err := url.Parse(origin)
	ok = origin == "null" || err == nil && u.Host != "" && origin == u.Scheme+"://"+u.Host
	return origin, ok && len(all) == 1
}
