// Package httphead has the headers that every answer to a browser carries, whatever it
// is: page, redirect, refusal or 404.
package httphead

import "net/http"

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
