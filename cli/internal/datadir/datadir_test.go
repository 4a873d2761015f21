package datadir

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPrivateDirectory(t *testing.T) {
	base := t.TempDir()
	getenv := func(name string) string { return map[string]string{"XDG_DATA_HOME": base}[name] }
	made, err := Make(getenv, "", "gateway")
	if err != nil || made != filepath.Join(base, "lmz", "gateway") {
		t.Fatalf("made %s, %v", made, err)
	}
	if info, err := os.Stat(made); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if _, err := Existing(getenv, made); err == nil || !strings.Contains(err.Error(), "no gateway has created it") {
		t.Errorf("before a gateway ran: %v", err)
	}
	if err := os.WriteFile(filepath.Join(made, "auth.json"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if found, err := Existing(getenv, made); err != nil || found != made {
		t.Errorf("found %s, %v", found, err)
	}
}

// Access is revoked only for a directory that is ours or empty.
func TestDirectoryOfOthers(t *testing.T) {
	for file, ours := range map[string]bool{"": true, "auth.json": true, "thesis.tex": false} {
		dir := filepath.Join(t.TempDir(), "data")
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if file != "" {
			if err := os.WriteFile(filepath.Join(dir, file), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		_, err := Make(os.Getenv, dir, "dev")
		info, statErr := os.Stat(dir)
		if statErr != nil || (err == nil) != ours || (info.Mode().Perm() == 0o700) != ours {
			t.Errorf("with %q: mode %v, %v", file, info.Mode(), err)
		}
	}
}
