package cli

import (
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
