package signin

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/lumenize/lmz/auth"
	"github.com/lumenize/lmz/cli/internal/authclient"
	"github.com/lumenize/lmz/cli/internal/console"
	"github.com/lumenize/lmz/cli/internal/exit"
)

// With https, a gateway prefixes the name of its cookie (auth.Options.HostCookie).
func TestPastedLinkWithHTTPS(t *testing.T) {
	var service *auth.Service
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { service.ServeHTTP(w, r) }))
	defer server.Close()
	transport := http.DefaultTransport.(*http.Transport)
	before := transport.TLSClientConfig
	transport.TLSClientConfig = server.Client().Transport.(*http.Transport).TLSClientConfig
	defer func() { transport.TLSClientConfig = before }()

	links := make(chan string, 1)
	mailbox := &auth.Mailbox{OnMail: func(m auth.Mail) { links <- m.Link }}
	service, err := auth.Open(auth.Options{Dir: t.TempDir(), PublicURL: server.URL, Sender: mailbox, AutoApprove: true, HostCookie: true})
	if err != nil {
		t.Fatal(err)
	}
	defer service.Close()
	if err := authclient.Post(t.Context(), server.URL, "email-magic-link", map[string]string{"email": "ann@example.com"}, nil); err != nil {
		t.Fatal(err)
	}
	link, err := url.Parse(<-links)
	if err != nil {
		t.Fatal(err)
	}
	session, err := (&flow{server: server.URL, email: "ann@example.com"}).redeem(t.Context(), link)
	if err != nil {
		t.Fatal(err)
	}
	got, err := authclient.Refresh(t.Context(), server.URL, session)
	if err != nil || got.Access == "" || got.Refresh == "" {
		t.Fatalf("access token %t, refresh token %t, %v", got.Access != "", got.Refresh != "", err)
	}
}

func TestPastedLinkAfterRateLimit(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusTooManyRequests)
		io.WriteString(w, `{"error":"rate_limited","error_description":"Too many requests. Please try again later."}`)
	}))
	defer server.Close()
	var told strings.Builder
	con := console.New(console.Streams{In: strings.NewReader(server.URL + "/nonsense\n"), Out: io.Discard, Err: &told, Getenv: func(string) string { return "" }})
	_, err := Run(t.Context(), con, server.URL, "ann@example.com", Paste)
	if err == nil || !strings.Contains(err.Error(), "not a sign-in link") || !strings.Contains(told.String(), "in a browser that has been signed in as ann@example.com") {
		t.Errorf("%v, told %q", err, &told)
	}
}

func TestEmptyPaste(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "{}") }))
	defer server.Close()
	con := console.New(console.Streams{In: strings.NewReader(""), Out: io.Discard, Err: io.Discard, Getenv: func(string) string { return "" }})
	if _, err := Run(t.Context(), con, server.URL, "ann@example.com", Paste); err == nil || err.Error() != "no link was pasted" {
		t.Fatal(err)
	}
}

func TestHintAfterTooManyLinks(t *testing.T) {
	f := &flow{server: "https://mesh.example", email: "Ann@example.com"}
	var e *exit.Error
	const want = "lmz login magic-link ann@example.com --server https://mesh.example --paste"
	if err := f.refused(&authclient.Refusal{Status: 429}); !errors.As(err, &e) || e.Try != want || e.Code != exit.Login {
		t.Errorf("got %+v", e)
	}
}
