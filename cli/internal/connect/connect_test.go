package connect

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/lumenize/lmz/cli/internal/account"
	"github.com/lumenize/lmz/cli/internal/console"
	"github.com/lumenize/lmz/cli/internal/credentials"
	"github.com/lumenize/lmz/cli/internal/exit"
)

func TestLoginHintsForKnownAccount(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusUnauthorized)
		io.WriteString(w, `{"error":"token_revoked","error_description":"revoked"}`)
	}))
	defer server.Close()
	con := console.New(console.Streams{In: strings.NewReader(""), Out: io.Discard, Err: io.Discard, Getenv: func(string) string { return "" }})
	as := func(dir, email string) *account.Account {
		o := account.Flags(con, new(cobra.Command))
		o.Server, o.ConfigDir, o.NoKeyring, o.Email = server.URL, dir, true, email
		return o
	}
	dir := t.TempDir()
	o := as(dir, "")
	command := func(email string) string { return "lmz login magic-link " + email + " --server " + server.URL }
	wantTry := func(what string, err error, want string) {
		t.Helper()
		var f *exit.Error
		if !errors.As(err, &f) || f.Try != want {
			t.Errorf("%s: %v, try %+v, want %q", what, err, f, want)
		}
	}
	token := func(o *account.Account) error {
		_, err := o.Token(t.Context(), server.URL, "")
		return err
	}
	wantTry("nobody is known", token(o), command("you@example.com"))
	wantTry("--email", token(as(dir, "Bob@example.com")), command("bob@example.com"))
	c, unlock, err := o.Credentials(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Put(server.URL, credentials.SignIn{Email: "ann@example.com", Subject: "ann", Secrets: &credentials.Secrets{Refresh: "old", Access: "a.e30.b"}})
	unlock()
	if err != nil {
		t.Fatal(err)
	}
	wantTry("a sign-in that has ended", token(o), command("ann@example.com"))
	_, err = Connection{Account: o}.Open(t.Context(), con)
	wantTry("a connection", err, command("ann@example.com"))
	if email, subject := o.Kept(t.Context(), server.URL); email != "ann@example.com" || subject != "ann" {
		t.Errorf("kept %s, %s", email, subject)
	}
}
