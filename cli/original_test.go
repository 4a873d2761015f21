package cli_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// original answers like the sign-in service of the TypeScript system: its GET links sign in
// anyone who opens them, and its refresh tokens are cookies that work once. It has no endpoints
// for terminals.
type original struct {
	mu       sync.Mutex
	links    map[string]bool // good for one GET
	sessions map[string]bool // good for one refresh
	made     int
}

// startOriginal is "original": it starts such a server, and sets LMZ_SERVER to its URL and LINK
// to a link that it mailed.
func startOriginal(ts *testscript.TestScript, _ bool, _ []string) {
	o := &original{links: make(map[string]bool), sessions: make(map[string]bool)}
	server := httptest.NewServer(o)
	ts.Defer(server.Close)
	ts.Setenv("LMZ_SERVER", server.URL)
	ts.Setenv("LINK", server.URL+"/auth/magic-link?one_time_token="+o.token(o.links))
}

// token adds a new token to the set.
func (o *original) token(set map[string]bool) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.made++
	token := fmt.Sprintf("%043d", o.made)
	set[token] = true
	return token
}

// take removes a token from the set, and reports whether it was there.
func (o *original) take(set map[string]bool, token string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	good := set[token]
	delete(set, token)
	return good
}

func (o *original) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	cookie := ""
	if c, err := r.Cookie("refresh-token"); err == nil {
		cookie = c.Value
	}
	set := func(token string) {
		w.Header().Set("Set-Cookie", "refresh-token="+token+"; Path=/; HttpOnly; Secure; SameSite=Strict; Max-Age=2592000")
	}
	switch r.Method + " " + r.URL.Path {
	case "POST /auth/email-magic-link":
		answer(w, 200, map[string]any{"message": "Check your email for the magic link", "expires_in": 1800})
	case "GET /auth/magic-link":
		if !o.take(o.links, r.URL.Query().Get("one_time_token")) {
			w.Header().Set("Location", "/app?error=invalid_token")
		} else {
			set(o.token(o.sessions))
			w.Header().Set("Location", "/app")
		}
		w.WriteHeader(302)
	case "POST /auth/refresh-token":
		if !o.take(o.sessions, cookie) {
			answer(w, 401, map[string]any{"error": "token_revoked", "error_description": "Refresh token has been revoked"})
			return
		}
		set(o.token(o.sessions))
		answer(w, 200, map[string]any{"access_token": unsigned(), "token_type": "Bearer", "expires_in": 900, "sub": "ann"})
	case "POST /auth/logout":
		o.take(o.sessions, cookie)
		set("")
		answer(w, 200, map[string]any{"message": "Logged out"})
	default:
		http.Error(w, "Not Found", 404)
	}
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(body)
}

// unsigned returns an access token with the original's claims. Only its server verifies it.
func unsigned() string {
	claims, _ := json.Marshal(map[string]any{
		"iss": "https://lumenize.local", "aud": "https://lumenize.local", "sub": "ann", "exp": time.Now().Add(15 * time.Minute).Unix(),
		"emailVerified": true, "adminApproved": true,
	})
	return strings.Join([]string{"e30", base64.RawURLEncoding.EncodeToString(claims), "e30"}, ".")
}
