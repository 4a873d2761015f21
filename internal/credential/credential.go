// Package credential finds the credential of an HTTP request: the Bearer token or the cookie with
// a refresh token. All who pass requests on use it, so that none forwards a credential by mistake.
package credential

import (
	"net/http"
	"strings"
)

// Names of the cookie with the refresh token. Browsers accept the second one only from the host
// itself, over https.
const (
	Cookie     = "refresh-token"
	HostCookie = "__Host-refresh-token"
)

// Bearer returns the token of the header "Authorization: Bearer TOKEN". The scheme may
// be in any case.
func Bearer(h http.Header) (token string, ok bool) {
	scheme, token, ok := strings.Cut(h.Get("Authorization"), " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") || token == "" || strings.Contains(token, " ") {
		return "", false
	}
	return token, true
}

// DropCookies removes the refresh token and keeps other cookies.
func DropCookies(h http.Header) {
	var kept []string
	for _, line := range h.Values("Cookie") {
		for pair := range strings.SplitSeq(line, ";") {
			pair = strings.TrimSpace(pair)
			name, _, _ := strings.Cut(pair, "=")
			if name = strings.TrimSpace(name); pair != "" && name != Cookie && name != HostCookie {
				kept = append(kept, pair)
			}
		}
	}
	h.Del("Cookie")
	if len(kept) > 0 {
		h.Set("Cookie", strings.Join(kept, "; "))
	}
}
