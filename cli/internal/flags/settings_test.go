package flags

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestInvalidSettings(t *testing.T) {
	file := filepath.Join(t.TempDir(), "gateway.json")
	for text, want := range map[string]string{
		`{"app-name":"a","app-name":"b"}`: "app-name occurs twice", `{"app-name":null}`: "app-name is not a string", `{"smtp":{"url":"x"}}`: "smtp is not a string",
		`{"proxies":[1]}`: "proxies is not a string", `[]`: "not an object", `{} {}`: "text after the value", `{`: "incomplete",
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
