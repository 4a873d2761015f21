package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lumenize/lmz/internal/origin"
)

func TestSMTPURLWithUnknownMembers(t *testing.T) {
	for _, raw := range []string{"smtp://m?TLS=none", "smtp://m?tls=none&x=1", "smtp://m?tls=none&tls=none", "smtp://m/?tls=", "smtp://m/path", "smtp://m#f", "smtp://m?tls=none;x", "smtps://m?tls=none"} {
		if o, err := smtpOptions(raw); err == nil {
			t.Errorf("%s is read as %+v", raw, o)
		}
	}
	for _, raw := range []string{"smtp://m", "smtp://m/", "smtps://u@m:465", "smtp://127.0.0.1:25?tls=none"} {
		if _, err := smtpOptions(raw); err != nil {
			t.Errorf("%s: %v", raw, err)
		}
	}
}

func TestGreetingFromThePublicURL(t *testing.T) {
	for raw, want := range map[string]string{
		"https://mesh.example.com": "mesh.example.com", "https://mesh.example.com.:8443": "mesh.example.com", "http://127.0.0.1:8787": "[127.0.0.1]",
		"http://[2001:db8::1]:1": "[IPv6:2001:db8::1]", "http://localhost": "", "https://bücher.example": "xn--bcher-kva.example",
	} {
		u, err := origin.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		if got := greeting(u.Hostname()); got != want {
			t.Errorf("%s greets as %q, not %q", raw, got, want)
		}
	}
}

// What a setting says and nothing uses is a mistake.
func TestMailSettingsWithoutUse(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("s\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, o := range []mailOptions{
		{smtp: "smtp://m", smtpPassword: secret}, {smtp: "smtp://user@m"}, {resend: secret, smtpPassword: secret}, {resend: secret, smtpHelo: "m.example"},
		{smtp: "smtp://m", resend: secret},
	} {
		o.from = "a@example.com"
		if _, err := o.sender(newApp().Getenv, nil); err == nil {
			t.Errorf("%+v is taken", o)
		}
	}
	for _, o := range []mailOptions{{smtp: "smtp://m"}, {smtp: "smtp://user@m", smtpPassword: secret}, {resend: secret}} {
		o.from = "a@example.com"
		if _, err := o.sender(newApp().Getenv, nil); err != nil {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

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
