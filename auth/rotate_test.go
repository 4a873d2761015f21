package auth

import (
	"crypto/ed25519"
	"encoding/base64"
	"strings"
	"testing"
)

func TestRotationWhileRunning(t *testing.T) {
	dir := t.TempDir()
	f := start(t, Options{Dir: dir, AutoApprove: true})
	session := f.signIn(ada)
	a := f.refresh(session)
	old, session := a.json("access_token"), a.cookie()
	if _, err := RotateKeys(dir, noEnv); err == nil || !strings.Contains(err.Error(), "slot GREEN has no private key: make one first") {
		t.Errorf("rotated to nothing: %v", err)
	}
	slot, err := NewKey(dir, noEnv)
	if err != nil || slot != "GREEN" {
		t.Fatalf("got %s, %v", slot, err)
	}
	if n := strings.Count(f.do("GET", "/auth/.well-known/jwks.json", "").body, `"kid"`); n != 2 {
		t.Errorf("%d keys are published before the new one signs", n)
	}
	if f.keys().Primary != "BLUE" {
		t.Error("the new key signs already")
	}
	slot, err = RotateKeys(dir, noEnv)
	if err != nil || slot != "GREEN" || f.keys().Primary != "GREEN" {
		t.Fatalf("got %s, %v; %s signs", slot, err, f.keys().Primary)
	}
	a = f.refresh(session) // refresh tokens are not affected
	f.want(a, 200, "")
	header, err := base64.RawURLEncoding.DecodeString(strings.Split(a.json("access_token"), ".")[0])
	if err != nil || !strings.Contains(string(header), `"kid":"GREEN"`) {
		t.Errorf("header %s", header)
	}
	for _, token := range []string{old, a.json("access_token")} {
		if _, err := f.svc.Verify(t.Context(), token); err != nil {
			t.Error(err)
		}
	}
	minted, err := Mint(dir, noEnv, ada, false, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.svc.Verify(t.Context(), minted); err != nil {
		t.Error(err)
	}
	// The next key replaces the first, whose tokens become invalid.
	if slot, err := NewKey(dir, noEnv); err != nil || slot != "BLUE" {
		t.Errorf("got %s, %v", slot, err)
	}
	if _, err := f.svc.Verify(t.Context(), old); err == nil {
		t.Error("a token of a key that is gone passes")
	}
	if slot, err := RotateKeys(dir, noEnv); err != nil || slot != "BLUE" || f.keys().Primary != "BLUE" {
		t.Errorf("back: %s, %v", slot, err)
	}
}

func TestRotationOfEnvironmentKeys(t *testing.T) {
	dir := t.TempDir()
	if _, err := NewKey(dir, noEnv); err == nil || !strings.Contains(err.Error(), "start the server on it once") {
		t.Errorf("got %v", err)
	}
	start(t, Options{Dir: dir})
	private, public, err := GenerateKeys()
	if err != nil {
		t.Fatal(err)
	}
	vars := map[string]string{"JWT_PRIVATE_KEY_GREEN": private, "JWT_PUBLIC_KEY_GREEN": public}
	if _, err := NewKey(dir, env(vars)); err == nil || !strings.Contains(err.Error(), "JWT_PRIVATE_KEY_GREEN") || strings.Contains(err.Error(), private) {
		t.Errorf("got %v", err)
	}
	all, err := KeySlots(dir, env(vars))
	if err != nil || len(all) != 2 || !all[0].Primary || all[0].Environment || !all[1].Environment || all[1].Primary || all[0].Fingerprint == all[1].Fingerprint || len(all[1].Fingerprint) != 43 {
		t.Errorf("got %+v, %v", all, err)
	}
	if slot, err := RotateKeys(dir, env(vars)); err != nil || slot != "GREEN" {
		t.Errorf("got %s, %v", slot, err)
	}
	vars["PRIMARY_JWT_KEY"] = "BLUE"
	if _, err := RotateKeys(dir, env(vars)); err == nil || !strings.Contains(err.Error(), "set it to GREEN") {
		t.Errorf("got %v", err)
	}
	f := start(t, Options{Dir: dir, Getenv: env(vars)})
	if f.keys().Primary != "BLUE" || len(f.keys().Signing) != ed25519.PrivateKeySize {
		t.Errorf("the environment does not outrank the directory")
	}
}
