package account

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/lumenize/lmz/cli/internal/console"
	"github.com/lumenize/lmz/cli/internal/exit"
)

// with returns the account of a command with stdin, variables and the flag --token-stdin.
func with(t *testing.T, stdin string, variables map[string]string, tokenStdin bool) *Account {
	o := Flags(console.New(console.Streams{
		In: strings.NewReader(stdin), Out: io.Discard, Err: io.Discard, Getenv: func(name string) string { return variables[name] },
	}), new(cobra.Command))
	o.ConfigDir, o.NoKeyring, o.TokenStdin = t.TempDir(), true, tokenStdin
	return o
}

// token returns an unsigned token with claims.
func token(claims string) string {
	return "e30." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".x"
}

func TestTokenFromElsewhere(t *testing.T) {
	variables := map[string]string{"LMZ_ACCESS_TOKEN": "of-variable", "LMZ_SERVER": "https://mesh.example"}
	for _, tt := range []struct {
		what, stdin string
		tokenStdin  bool
		want, err   string
	}{
		{"a variable", "of-stdin\n", false, "of-variable", ""},
		{"stdin", "of-stdin\nmore\n", true, "of-stdin", ""},
		{"empty stdin", "", true, "", "no token on stdin"},
		{"a damaged token", "a\x01b\n", true, "", "the token on stdin is damaged"},
	} {
		o := with(t, tt.stdin, variables, tt.tokenStdin)
		for range 2 { // stdin is read once
			got, err := o.Token(t.Context(), o.Server, "")
			if got != tt.want || (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Errorf("%s: %q, %v", tt.what, got, err)
			}
		}
	}
}

func TestServerSpelling(t *testing.T) {
	for given, want := range map[string]string{
		"HTTPS://Müller.example.:443/": "https://xn--mller-kva.example", "http://127.0.0.1:8787": "http://127.0.0.1:8787",
		"mesh.example": "", "ftp://mesh.example": "", "https://mesh.example/path": "",
	} {
		o := with(t, "", nil, false)
		o.Server = given
		if got, err := o.Origin(); got != want || (err == nil) != (want != "") {
			t.Errorf("%s: %q, %v", given, got, err)
		}
	}
}

func TestNameOfBearer(t *testing.T) {
	if got := NameOf(token(`{"sub":"ann"}`)); got != "ann" {
		t.Errorf("a token of ann: %q", got)
	}
	if a, b := NameOf("lmz_opaque"), NameOf("lmz_other"); a == b || !strings.HasPrefix(a, "token-") || len(a) != 22 {
		t.Errorf("opaque tokens: %q, %q", a, b)
	}
	if got := NameOf(""); got != "" {
		t.Errorf("no token: %q", got)
	}
}

// The exit code of a refusal depends on its status and code, never on its text.
func TestRefusedRequests(t *testing.T) {
	ann := token(`{"sub":"ann","email":"ann@example.com","adminApproved":true}`)
	admin := token(`{"sub":"ada","email":"ada@example.com","isAdmin":true}`)
	for _, tt := range []struct {
		status      int
		code, token string
		want        int
		try         string
	}{
		{401, "invalid_token", ann, exit.Login, "lmz login magic-link ann@example.com"},
		{403, "forbidden", ann, exit.Refused, "--bootstrap-email ann@example.com"},
		{403, "forbidden", "lmz_opaque", exit.Refused, "--bootstrap-email you@example.com"},
		{403, "forbidden", admin, exit.Refused, ""},
		{403, "access_denied", ann, exit.Refused, ""},
		{404, "not_found", ann, exit.Absent, ""},
		{404, "", ann, exit.Absent, ""},
		{400, "invalid_request", ann, exit.Failed, ""},
		{429, "rate_limited", ann, exit.NotExecuted, ""},
		{503, "server_error", ann, exit.NotExecuted, ""},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(tt.status)
			fmt.Fprintf(w, `{"error":%q,"error_description":"No."}`, tt.code)
		}))
		err := (&Service{Server: server.URL, access: tt.token}).Do(t.Context(), http.MethodGet, "subjects", nil, nil)
		server.Close()
		if e := (*exit.Error)(nil); !errors.As(err, &e) || e.Code != tt.want || !strings.Contains(e.Try, tt.try) || (tt.try == "") != (e.Try == "") {
			t.Errorf("%d %s: %+v", tt.status, tt.code, e)
		}
	}
}
