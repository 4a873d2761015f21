package cli

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/zalando/go-keyring"
)

// keep puts a sign-in into the credentials of a directory and returns the file.
func keep(t *testing.T, a *app, o *account) (inFile bool, file string) {
	t.Helper()
	c, unlock, err := a.openCredentials(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	inFile, err = c.put(defaultServer, signIn{Email: "ann@example.com", Subject: "ann", Secrets: &secrets{
		Refresh: "refresh-secret", Access: "access-secret", Expires: time.Now().Add(time.Hour),
	}})
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(o.configDir, "credentials.json"))
	if err != nil {
		t.Fatal(err)
	}
	return inFile, string(data)
}

func wantToken(t *testing.T, a *app, o *account) {
	t.Helper()
	token, err := a.token(t.Context(), o, defaultServer, "")
	if token != "access-secret" || err != nil {
		t.Errorf("token %q, %v", token, err)
	}
}

func newApp() *app { return &app{Streams: Streams{Getenv: func(string) string { return "" }}} }

func TestAKeyringKeepsTheSecretsOutOfTheFile(t *testing.T) {
	keyring.MockInit() // a keyring in memory
	a, o := newApp(), &account{configDir: t.TempDir()}
	inFile, file := keep(t, a, o)
	if inFile || strings.Contains(file, "secret\"") || !strings.Contains(file, "ann@example.com") {
		t.Errorf("in file %v: %s", inFile, file)
	}
	wantToken(t, a, o)
	if _, err := keyring.Get("lmz:"+defaultServer, "ann@example.com"); err != nil {
		t.Error(err)
	}
	c, unlock, err := a.openCredentials(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	if err := c.remove(defaultServer, "ann@example.com"); err != nil {
		t.Error(err)
	}
	if _, err := keyring.Get("lmz:"+defaultServer, "ann@example.com"); !errors.Is(err, keyring.ErrNotFound) {
		t.Errorf("after logout: %v", err)
	}
}

func TestWithoutAKeyringTheFileKeepsTheSecrets(t *testing.T) {
	keyring.MockInitWithError(errors.New("no secret service"))
	a, o := newApp(), &account{configDir: t.TempDir()}
	inFile, file := keep(t, a, o)
	if !inFile || !strings.Contains(file, `"refresh-secret"`) {
		t.Errorf("in file %v: %s", inFile, file)
	}
	wantToken(t, a, o)
}

func TestHintsNameTheAccountThatIsKnown(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusUnauthorized)
		io.WriteString(w, `{"error":"token_revoked","error_description":"revoked"}`)
	}))
	defer server.Close()
	a, o := newApp(), &account{configDir: t.TempDir(), noKeyring: true, server: server.URL}
	command := func(email string) string { return "lmz login magic-link " + email + " --server " + server.URL }
	wantTry := func(what string, err error, want string) {
		t.Helper()
		var f *failure
		if !errors.As(err, &f) || f.try != want {
			t.Errorf("%s: %v, try %+v, want %q", what, err, f, want)
		}
	}
	token := func(o *account) error {
		_, err := a.token(t.Context(), o, server.URL, "")
		return err
	}
	wantTry("nobody is known", token(o), command("you@example.com"))
	wantTry("--email", token(&account{configDir: o.configDir, noKeyring: true, email: "Bob@example.com"}), command("bob@example.com"))
	c, unlock, err := a.openCredentials(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.put(server.URL, signIn{Email: "ann@example.com", Subject: "ann", Secrets: &secrets{Refresh: "old", Access: "a.e30.b"}})
	unlock()
	if err != nil {
		t.Fatal(err)
	}
	wantTry("a sign-in that has ended", token(o), command("ann@example.com"))
	_, err = a.connect(t.Context(), connection{account: o})
	wantTry("a connection", err, command("ann@example.com"))
	wantTry("a sign-in that nobody confirmed", refusedLogin(server.URL, "ann@example.com", &refusal{Status: 429}), command("ann@example.com")+" --paste")
	if who := a.kept(t.Context(), o, server.URL); who.Subject != "ann" || who.Secrets != nil {
		t.Errorf("kept %+v", who)
	}
}

func TestAKeyringThatIsNotWantedIsNotAsked(t *testing.T) {
	keyring.MockInit()
	a, o := newApp(), &account{configDir: t.TempDir(), noKeyring: true}
	if inFile, _ := keep(t, a, o); !inFile {
		t.Error("not in the file")
	}
	wantToken(t, a, o)
	if _, err := keyring.Get("lmz:"+defaultServer, "ann@example.com"); !errors.Is(err, keyring.ErrNotFound) {
		t.Errorf("the keyring was asked: %v", err)
	}
}

// Sign-ins are found although servers were once kept as they had been typed.
func TestServerSpellings(t *testing.T) {
	keyring.MockInit()
	for _, inKeyring := range []bool{true, false} {
		a, o := newApp(), &account{configDir: t.TempDir(), noKeyring: !inKeyring, server: "HTTPS://Müller.example.:443/"}
		const before = "https://müller.example:443"
		c, unlock, err := a.openCredentials(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.put(before, signIn{Email: "ann@example.com", Subject: "ann", Secrets: &secrets{Access: "access-secret", Expires: time.Now().Add(time.Hour)}})
		unlock()
		if err != nil {
			t.Fatal(err)
		}
		server, c, unlock, err := a.credentialsAt(t.Context(), o)
		if err != nil || server != "https://xn--mller-kva.example" {
			t.Fatalf("%s, %v", server, err)
		}
		s, found, err := c.get(server, "Ann@Example.com")
		if !found || err != nil || s.Secrets.Access != "access-secret" {
			t.Errorf("in keyring %v: %+v, %v", inKeyring, s, err)
		}
		unlock()
	}
	for given, want := range map[string]string{" Info@Müller.example": "info@xn--mller-kva.example", "": ""} {
		if got := sameAddress(given); got != want {
			t.Errorf("%q is kept as %q", given, got)
		}
	}
}

// The Host of a request names the public URL, however either is written.
func TestPublicURLSpellings(t *testing.T) {
	for _, url := range []string{"https://müller.example", "https://MÜLLER.example.", "https://xn--mller-kva.example:443/"} {
		public, err := (&gatewayOptions{publicURL: url}).public()
		if err != nil {
			t.Fatal(err)
		}
		for _, host := range []string{"xn--mller-kva.example", "xn--mller-kva.example.", "XN--MLLER-KVA.example:443"} {
			if !public.Has(host) {
				t.Errorf("%s does not answer to %s", url, host)
			}
		}
	}
}
