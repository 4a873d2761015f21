package flags

import (
	"os"
	"path/filepath"
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

// Settings without effect are errors.
func TestMailSettingsWithoutUse(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("s\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, o := range []Mail{
		{smtp: "smtp://m", smtpPassword: secret}, {smtp: "smtp://user@m"}, {resend: secret, smtpPassword: secret}, {resend: secret, smtpHelo: "m.example"},
		{smtp: "smtp://m", resend: secret},
	} {
		o.from = "a@example.com"
		if _, err := o.Sender(func(string) string { return "" }, nil); err == nil {
			t.Errorf("%+v is taken", o)
		}
	}
	for _, o := range []Mail{{smtp: "smtp://m"}, {smtp: "smtp://user@m", smtpPassword: secret}, {resend: secret}} {
		o.from = "a@example.com"
		if _, err := o.Sender(func(string) string { return "" }, nil); err != nil {
			t.Errorf("%+v: %v", o, err)
		}
	}
}
