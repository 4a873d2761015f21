package auth

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lumenize/lmz/auth/internal/keys"
)

// Files of a data directory that were edited on Windows, and variables set from a file written
// there, are read as intended.
func TestTextFromWindows(t *testing.T) {
	dir := t.TempDir()
	none := func(string) string { return "" }
	if _, err := keys.Open(keyDir(dir), none); err != nil {
		t.Fatal(err)
	}
	if _, err := keepSettings(dir, settings{PublicURL: "https://mesh.example"}, func(settings) error { return nil }); err != nil {
		t.Fatal(err)
	}
	mark := func(path string) string {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		content := "\ufeff" + strings.ReplaceAll(string(data), "\n", "\r\n")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return content
	}
	key := mark(filepath.Join(keyDir(dir), "blue.pem"))
	mark(filepath.Join(dir, "auth.json"))
	if kept, err := readSettings(dir); err != nil || kept.PublicURL != "https://mesh.example" {
		t.Errorf("%+v, %v", kept, err)
	}
	if all, err := KeySlots(dir, none); err != nil || len(all) == 0 || all[0].Name != "BLUE" {
		t.Errorf("%+v, %v", all, err)
	}
	variables := map[string]string{"JWT_PRIVATE_KEY_BLUE": key, "PRIMARY_JWT_KEY": "BLUE\r"}
	if all, err := KeySlots(dir, func(name string) string { return variables[name] }); err != nil || len(all) == 0 || !all[0].Environment || !all[0].Primary {
		t.Errorf("%+v, %v", all, err)
	}
	if err := os.WriteFile(filepath.Join(dir, "auth.json"), []byte("\xff\xfe{\x00}\x00"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := readSettings(dir); err == nil || !strings.Contains(err.Error(), "UTF-16") {
		t.Errorf("UTF-16: %v", err)
	}
}
