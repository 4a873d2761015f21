package flags

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestSettingsThatSayNothing(t *testing.T) {
	file := filepath.Join(t.TempDir(), "gateway.json")
	for text, want := range map[string]string{
		`{"app-name":"a","app-name":"b"}`: "app-name is there twice", `{"app-name":null}`: "app-name is no text", `{"smtp":{"url":"x"}}`: "smtp is no text",
		`{"proxies":[1]}`: "proxies is no text", `[]`: "another value", `{} {}`: "something follows", `{`: "ends too early",
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if kept, err := readSettings(file); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s is read as %v, %v", text, kept, err)
		}
	}
	if err := os.WriteFile(file, []byte(`{"app-name":"a","proxies":2,"one-click-links":true}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if kept, err := readSettings(file); err != nil || kept["app-name"] != "a" || kept["proxies"] != "2" || kept["one-click-links"] != "true" {
		t.Errorf("got %v, %v", kept, err)
	}
}
