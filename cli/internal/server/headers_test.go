package server

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/lumenize/lmz/auth"
	"github.com/lumenize/lmz/internal/origin"
)

// Every answer, from every part of the server, has the headers that isolate it from other pages.
func TestSecurityHeadersOfServer(t *testing.T) {
	s, err := Open(Plan{
		Getenv: func(string) string { return "" }, Addr: "127.0.0.1:0", Data: t.TempDir(), CallLimit: 1e9, Log: slog.New(slog.DiscardHandler),
		Auth:    auth.Options{Sender: new(auth.Mailbox), AutoApprove: true},
		Routes:  map[string]http.Handler{"/dev/mail": new(auth.Mailbox), "/dev/": http.NotFoundHandler()},
		Answers: origin.IsLoopback, Refusal: "elsewhere",
	})
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	statuses := map[int]bool{}
	for _, path := range []string{"/", "/nothing", "/app.js", "//auth//magic-link", "/auth", "/auth/", "/auth/magic-link", "/auth/magic-link?one_time_token=x",
		"/auth/sessions", "/auth/.well-known/jwks.json", "/dev/mail", "/dev/mail?format=json", "/dev/", "/dev/mail/x", "/dev",
		"/gateway/", "/gateway/x/y", "/gateway/LUMENIZE_CLIENT_GATEWAY/a.b", "/gateway/document-do/notes/x"} {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND"} {
			for _, host := range []string{"localhost", "evil.example"} {
				r := httptest.NewRequest(method, "http://"+host+path, nil)
				w := httptest.NewRecorder()
				s.http.Handler.ServeHTTP(w, r)
				statuses[w.Code] = true
				for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Cross-Origin-Opener-Policy": "same-origin", "Referrer-Policy": "no-referrer"} {
					if got := w.Result().Header.Values(name); len(got) != 1 || got[0] != want {
						t.Errorf("%s %s at %s: %d with %s %q", method, path, host, w.Code, name, got)
					}
				}
			}
		}
	}
	for _, status := range []int{200, 302, 307, 400, 401, 404, 405, 421, 426} {
		if !statuses[status] {
			t.Errorf("no answer with status %d was looked at: %v", status, statuses)
		}
	}
}
