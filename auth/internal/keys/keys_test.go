package keys

import (
	"bytes"
	"crypto/ed25519"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func none(string) string { return "" }

func env(pairs ...string) func(string) string {
	return func(name string) string {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1]
			}
		}
		return ""
	}
}

func open(t *testing.T, dir string, getenv func(string) string) *Dir {
	t.Helper()
	d, err := Open(dir, getenv)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func current(t *testing.T, d *Dir) *Set {
	t.Helper()
	set, err := d.Current()
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func generate(t *testing.T) (signing, public string) {
	t.Helper()
	signing, public, err := Generate()
	if err != nil {
		t.Fatal(err)
	}
	return signing, public
}

func TestNewDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	set := current(t, open(t, dir, none))
	if set.Primary != "BLUE" || len(set.Public) != 1 || set.Public[0].Slot != "BLUE" {
		t.Errorf("%s signs, %d keys verify", set.Primary, len(set.Public))
	}
	if !set.Public[0].Key.Equal(set.Signing.Public()) {
		t.Error("the public key is not that of the private key")
	}
	again := current(t, open(t, dir, none))
	if !again.Signing.Equal(set.Signing) {
		t.Error("opening the directory again made another key")
	}
}

func TestPrimarySlot(t *testing.T) {
	blue, _ := generate(t)
	green, _ := generate(t)
	for name, want := range map[string]string{"": "BLUE", "BLUE": "BLUE", "green": "BLUE", "GREEN": "GREEN"} {
		d := open(t, t.TempDir(), env("JWT_PRIVATE_KEY_BLUE", blue, "JWT_PRIVATE_KEY_GREEN", green, "PRIMARY_JWT_KEY", name))
		if got := current(t, d).Primary; got != want {
			t.Errorf("PRIMARY_JWT_KEY=%q: %s signs, want %s", name, got, want)
		}
	}
}

func TestRotationWithoutRestart(t *testing.T) {
	dir := t.TempDir()
	d := open(t, dir, none)
	before := current(t, d)
	if _, err := Rotate(dir, none); err == nil {
		t.Error("rotated to a slot without a key")
	}
	if slot, err := Make(dir, none); err != nil || slot != "GREEN" {
		t.Fatalf("made %s, %v", slot, err)
	}
	if set := current(t, d); set.Primary != "BLUE" || len(set.Public) != 2 {
		t.Errorf("%s signs, %d keys verify", set.Primary, len(set.Public))
	}
	if slot, err := Rotate(dir, none); err != nil || slot != "GREEN" {
		t.Fatalf("rotated to %s, %v", slot, err)
	}
	set := current(t, d)
	if set.Primary != "GREEN" || set.Signing.Equal(before.Signing) || d.Dropped() != 0 {
		t.Errorf("%s signs, %d keys dropped", set.Primary, d.Dropped())
	}
	if _, err := Make(dir, none); err != nil { // replaces BLUE
		t.Fatal(err)
	}
	if current(t, d); d.Dropped() != 1 {
		t.Errorf("%d keys dropped, want 1", d.Dropped())
	}
}

func TestSlotsOfADirectory(t *testing.T) {
	dir := t.TempDir()
	open(t, dir, none)
	green, _ := generate(t)
	all, err := Slots(dir, env("JWT_PRIVATE_KEY_GREEN", green))
	if err != nil || len(all) != 2 {
		t.Fatalf("%+v, %v", all, err)
	}
	if b := all[0]; b.Name != "BLUE" || !b.Primary || b.Environment || len(b.Fingerprint) != 43 || b.Made.IsZero() {
		t.Errorf("%+v", b)
	}
	if g := all[1]; g.Name != "GREEN" || g.Primary || !g.Environment || len(g.Fingerprint) != 43 || !g.Made.IsZero() {
		t.Errorf("%+v", g)
	}
}

func TestMissingDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "none")
	if _, err := Load(dir, none); err == nil {
		t.Error("loaded keys from nowhere")
	}
	if _, err := Make(dir, none); err == nil || !strings.Contains(err.Error(), "not a data directory yet") {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("the directory was made")
	}
}

func TestDamagedSecret(t *testing.T) {
	dir := t.TempDir()
	open(t, dir, none)
	if err := os.WriteFile(filepath.Join(dir, "refresh.key"), []byte("short"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(dir, none); err == nil || !strings.Contains(err.Error(), "refresh.key is damaged") {
		t.Errorf("got %v", err)
	}
}

func TestSealedText(t *testing.T) {
	dir := t.TempDir()
	d := open(t, dir, none)
	sealed, err := d.Seal([]byte("a link"))
	if err != nil || bytes.Contains(sealed, []byte("a link")) {
		t.Fatalf("%q, %v", sealed, err)
	}
	if plain, err := open(t, dir, none).Unseal(sealed); err != nil || string(plain) != "a link" {
		t.Errorf("after a restart: %q, %v", plain, err)
	}
	if _, err := open(t, t.TempDir(), none).Unseal(sealed); err == nil {
		t.Error("unsealed with the keys of another directory")
	}
}

func TestMACPurposes(t *testing.T) {
	d := open(t, t.TempDir(), none)
	mac := func(purpose, text string) string {
		out, err := d.MAC(purpose, text)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	one := mac("a", "x")
	if again := mac("a", "x"); again != one || one == mac("b", "x") || one == mac("a", "y") || len(one) != 43 {
		t.Error("a MAC depends on purpose and text, and on nothing else")
	}
}

func TestPublishedKeys(t *testing.T) {
	signing, public := generate(t)
	d := open(t, t.TempDir(), env("JWT_PRIVATE_KEY_BLUE", signing, "JWT_PUBLIC_KEY_BLUE", public))
	list := current(t, d).JWKS()
	if len(list.Keys) != 1 {
		t.Fatalf("%+v", list)
	}
	if k := list.Keys[0]; k.KeyType != "OKP" || k.Curve != "Ed25519" || k.ID != "BLUE" || k.Use != "sig" || k.Algorithm != "EdDSA" || len(k.X) != 43 {
		t.Errorf("%+v", k)
	}
	if len(current(t, d).Signing) != ed25519.PrivateKeySize {
		t.Error("no private key")
	}
}
