package auth

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lumenize/lmz/auth/internal/store"
)

func newKeyPEM(t *testing.T) (private, public string) {
	t.Helper()
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	pubDER, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
		string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: pubDER}))
}

func env(vars map[string]string) func(string) string {
	return func(name string) string { return vars[name] }
}

func accessFor(t *testing.T, f *fixture) string {
	t.Helper()
	f.insert(store.Subject{Sub: "s", Email: "s@example.com", IsAdmin: true})
	out, err := f.svc.signAccess(grantTo(store.Subject{Sub: "s", IsAdmin: true}, f.now().Add(time.Minute)), f.now())
	if err != nil {
		t.Fatal(err)
	}
	return out.AccessToken
}

func TestDataDirectoryPermissions(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "data")
	f := start(t, Options{Dir: dir, AutoApprove: true})
	f.signIn(ada)
	want := map[string]fs.FileMode{
		".": 0o700, "auth.json": 0o600, "auth.db": 0o600, "auth.db-wal": 0o600, "auth.db-shm": 0o600,
		"keys": 0o700, "keys/blue.pem": 0o600, "keys/refresh.key": 0o600,
	}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(dir, path)
		info, err := entry.Info()
		if err != nil {
			return err
		}
		if mode, known := want[filepath.ToSlash(name)]; !known || info.Mode().Perm() != mode {
			t.Errorf("%s: mode %o, want %o", name, info.Mode().Perm(), mode)
		}
		delete(want, filepath.ToSlash(name))
		return nil
	})
	if err != nil || len(want) != 0 {
		t.Errorf("missing %v, %v", want, err)
	}
}

func TestWidePermissionsOfSecrets(t *testing.T) {
	dir := t.TempDir()
	t.Run("make", func(t *testing.T) { start(t, Options{Dir: dir}) })
	for _, name := range []string{"auth.json", "auth.db", "keys/blue.pem", "keys/refresh.key"} {
		if err := os.Chmod(filepath.Join(dir, name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	start(t, Options{Dir: dir})
	for _, name := range []string{"auth.json", "auth.db", "keys/blue.pem", "keys/refresh.key"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
}

func TestKeysFromTheEnvironment(t *testing.T) {
	dir := t.TempDir()
	t.Run("make a file key", func(t *testing.T) { start(t, Options{Dir: dir}) })
	blue, bluePublic := newKeyPEM(t)
	block, _ := pem.Decode([]byte(blue))
	body := base64.StdEncoding.EncodeToString(block.Bytes)
	for name, text := range map[string]string{
		"as it is":    blue,
		"escaped":     strings.ReplaceAll(blue, "\n", `\n`),
		"one line":    "-----BEGIN PRIVATE KEY-----" + body + "-----END PRIVATE KEY-----",
		"spaces":      strings.ReplaceAll(blue, "\n", " "),
		"base64 only": body,
	} {
		t.Run(name, func(t *testing.T) {
			vars := map[string]string{"JWT_PRIVATE_KEY_BLUE": text, "JWT_PUBLIC_KEY_BLUE": bluePublic}
			f := start(t, Options{Dir: dir, Getenv: env(vars)})
			minted, err := Mint(dir, env(vars), ada, false, 0)
			if err != nil {
				t.Fatal(err)
			}
			fromFile, err := Mint(dir, noEnv, ada, false, 0)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := f.svc.Verify(t.Context(), minted); err != nil {
				t.Errorf("the key of the environment: %v", err)
			}
			if _, err := f.svc.Verify(t.Context(), fromFile); err == nil {
				t.Error("the key of the file counts too")
			}
		})
	}
}

func TestNoKeyFileBesideTheEnvironment(t *testing.T) {
	dir := t.TempDir()
	private, _ := newKeyPEM(t)
	start(t, Options{Dir: dir, Getenv: env(map[string]string{"JWT_PRIVATE_KEY_BLUE": private})})
	if _, err := os.Stat(filepath.Join(dir, "keys", "blue.pem")); err == nil {
		t.Error("a key was made")
	}
}

func TestTokensOfBothSlots(t *testing.T) {
	dir := t.TempDir()
	green, greenPublic := newKeyPEM(t)
	var old string
	t.Run("blue", func(t *testing.T) { old = accessFor(t, start(t, Options{Dir: dir})) })
	f := start(t, Options{Dir: dir, Getenv: env(map[string]string{
		"JWT_PRIVATE_KEY_GREEN": green, "JWT_PUBLIC_KEY_GREEN": greenPublic, "PRIMARY_JWT_KEY": "GREEN"})})
	if f.keys().Primary != "GREEN" {
		t.Errorf("primary %s", f.keys().Primary)
	}
	for _, token := range []string{old, accessFor(t, f)} {
		if _, err := f.svc.Verify(t.Context(), token); err != nil {
			t.Error(err)
		}
	}
}

func TestMalformedKeys(t *testing.T) {
	private, _ := newKeyPEM(t)
	_, otherPublic := newKeyPEM(t)
	for want, vars := range map[string]map[string]string{
		"JWT_PRIVATE_KEY_BLUE is not":         {"JWT_PRIVATE_KEY_BLUE": "hello"},
		"JWT_PUBLIC_KEY_GREEN is not":         {"JWT_PUBLIC_KEY_GREEN": private},
		"JWT_PUBLIC_KEY_BLUE does not belong": {"JWT_PRIVATE_KEY_BLUE": private, "JWT_PUBLIC_KEY_BLUE": otherPublic},
		"no private key in slot BLUE":         {"JWT_PUBLIC_KEY_BLUE": otherPublic},
	} {
		_, err := Open(Options{Dir: t.TempDir(), PublicURL: publicURL, Getenv: env(vars)})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), private) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestStoredSettings(t *testing.T) {
	dir := t.TempDir()
	open := func(o Options) settings {
		t.Helper()
		o.Dir, o.Getenv = dir, noEnv
		svc, err := Open(o)
		if err != nil {
			t.Fatal(err)
		}
		defer svc.Close()
		return svc.kept
	}
	first := settings{"https://i.example", defaultIssuer, "http://127.0.0.1:8787"}
	if got := open(Options{Issuer: first.Issuer, PublicURL: first.PublicURL + "/"}); got != first {
		t.Errorf("got %+v, want %+v", got, first)
	}
	if got := open(Options{}); got != first {
		t.Errorf("later: got %+v, want %+v", got, first)
	}
	moved := settings{first.Issuer, "https://a.example", "https://b.example"}
	open(Options{Audience: moved.Audience, PublicURL: moved.PublicURL})
	if got := open(Options{}); got != moved {
		t.Errorf("moved: got %+v, want %+v", got, moved)
	}
}

func TestInvalidOptions(t *testing.T) {
	for _, o := range []Options{
		{},
		{Dir: t.TempDir()},
		{Dir: t.TempDir(), PublicURL: "example.com"},
		{Dir: t.TempDir(), PublicURL: "ftp://example.com"},
		{Dir: t.TempDir(), PublicURL: "https://example.com/app"},
	} {
		o.Getenv = noEnv
		if svc, err := Open(o); err == nil {
			svc.Close()
			t.Errorf("%+v was accepted", o)
		}
	}
}
