// Package httphead has what holds for the head of every HTTP message: the headers that
// each answer carries, whatever it is, and how an Origin is read.
package httphead

import (
	"net/http"
	"net/url"
)

// Protect sets them. No type is guessed, no window of another origin keeps a handle on
// the page, and addresses, which may hold secrets, go nowhere. A handler may replace
// them.
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

// Origin returns the header of that name, "" if there is none. ok is false if it is not
// what a browser sends: one origin, "null" or a scheme, host and port, without user
// information and whatever else a URL may have. Who compares only the host of such a
// one could take it for its own.
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
