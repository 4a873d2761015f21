package credentials

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/zalando/go-keyring"
)

const server = "http://127.0.0.1:8787"

// open opens the credentials in a directory until the test ends, or unlock is called.
func open(t *testing.T, dir string, keyring bool) (f *File, unlock func()) {
	t.Helper()
	f, unlock, err := Open(t.Context(), dir, keyring)
	if err != nil {
		t.Fatal(err)
	}
	return f, unlock
}

// keep stores a sign-in in a directory, and returns the contents of the file.
func keep(t *testing.T, dir string, keyring bool) (inFile bool, file string) {
	t.Helper()
	f, unlock := open(t, dir, keyring)
	defer unlock()
	inFile, err := f.Put(server, SignIn{Email: "ann@example.com", Subject: "ann", Secrets: &Secrets{
		Refresh: "refresh-secret", Access: "access-secret", Expires: time.Now().Add(time.Hour),
	}})
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(dir, "credentials.json"))
	if err != nil {
		t.Fatal(err)
	}
	return inFile, string(data)
}

func wantSecret(t *testing.T, dir string, keyring bool) {
	t.Helper()
	f, unlock := open(t, dir, keyring)
	defer unlock()
	if s, found, err := f.Get(server, ""); err != nil || !found || s.Secrets.Access != "access-secret" {
		t.Errorf("got %+v, %v, %v", s, found, err)
	}
}

func TestSecretsInTheKeyring(t *testing.T) {
	keyring.MockInit() // a keyring in memory
	dir := t.TempDir()
	inFile, file := keep(t, dir, true)
	if inFile || strings.Contains(file, "secret\"") || !strings.Contains(file, "ann@example.com") {
		t.Errorf("in file %v: %s", inFile, file)
	}
	wantSecret(t, dir, true)
	if _, err := keyring.Get("lmz:"+server, "ann@example.com"); err != nil {
		t.Error(err)
	}
	f, unlock := open(t, dir, true)
	defer unlock()
	if err := f.Remove(server, "ann@example.com"); err != nil {
		t.Error(err)
	}
	if _, err := keyring.Get("lmz:"+server, "ann@example.com"); !errors.Is(err, keyring.ErrNotFound) {
		t.Errorf("after logout: %v", err)
	}
}

func TestSecretsInTheFileWithoutKeyring(t *testing.T) {
	keyring.MockInitWithError(errors.New("no secret service"))
	dir := t.TempDir()
	inFile, file := keep(t, dir, true)
	if !inFile || !strings.Contains(file, `"refresh-secret"`) {
		t.Errorf("in file %v: %s", inFile, file)
	}
	wantSecret(t, dir, true)
}

func TestUnwantedKeyring(t *testing.T) {
	keyring.MockInit()
	dir := t.TempDir()
	if inFile, _ := keep(t, dir, false); !inFile {
		t.Error("not in the file")
	}
	wantSecret(t, dir, false)
	if _, err := keyring.Get("lmz:"+server, "ann@example.com"); !errors.Is(err, keyring.ErrNotFound) {
		t.Errorf("the keyring was asked: %v", err)
	}
}

// The accounts of a server: which one is active, and which are listed.
func TestActiveAccount(t *testing.T) {
	f, unlock := open(t, t.TempDir(), false)
	defer unlock()
	for _, email := range []string{"bob@example.com", "Ann@Example.com"} {
		if _, err := f.Put(server, SignIn{Email: email, Secrets: &Secrets{Access: "x"}}); err != nil {
			t.Fatal(err)
		}
	}
	want := func(when, active, emails string) {
		t.Helper()
		if got := strings.Join(f.Emails(server), " "); got != emails || f.Active(server) != active {
			t.Errorf("%s: active %q of %s, want %q of %s", when, f.Active(server), got, active, emails)
		}
	}
	want("after two", "bob@example.com", "ann@example.com bob@example.com")
	if err := f.Use(server, "ANN@example.com"); err != nil {
		t.Fatal(err)
	}
	want("after use", "ann@example.com", "ann@example.com bob@example.com")
	if err := f.Remove(server, "ann@example.com"); err != nil {
		t.Fatal(err)
	}
	want("after a removal", "bob@example.com", "bob@example.com")
	if all := f.All(); len(all) != 1 || !all[0].Active || all[0].Server != server || all[0].Email != "bob@example.com" {
		t.Errorf("all: %+v", all)
	}
}

// Open waits for a lock held by another process until ctx ends.
func TestLockedCredentials(t *testing.T) {
	dir := t.TempDir()
	_, unlock := open(t, dir, false)
	ctx, cancel := context.WithTimeout(t.Context(), 3*lockPoll)
	defer cancel()
	if _, _, err := Open(ctx, dir, false); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("opened twice: %v", err)
	}
	unlock()
	_, unlock = open(t, dir, false)
	unlock()
}

// Sign-ins are found even if they were stored under the server as it was typed.
func TestServerSpellings(t *testing.T) {
	keyring.MockInit()
	for _, inKeyring := range []bool{true, false} {
		dir := t.TempDir()
		const before, now = "https://müller.example:443", "https://xn--mller-kva.example"
		f, unlock := open(t, dir, inKeyring)
		_, err := f.Put(before, SignIn{Email: "ann@example.com", Subject: "ann", Secrets: &Secrets{Access: "access-secret", Expires: time.Now().Add(time.Hour)}})
		unlock()
		if err != nil {
			t.Fatal(err)
		}
		f, unlock = open(t, dir, inKeyring)
		s, found, err := f.Get(now, "Ann@Example.com")
		if !found || err != nil || s.Secrets.Access != "access-secret" {
			t.Errorf("in keyring %v: %+v, %v", inKeyring, s, err)
		}
		unlock()
	}
	for given, want := range map[string]string{" Info@Müller.example": "info@xn--mller-kva.example", "": ""} {
		if got := SameAddress(given); got != want {
			t.Errorf("%q is kept as %q", given, got)
		}
	}
}
