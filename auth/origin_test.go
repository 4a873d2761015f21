package auth

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// One origin has many spellings, which are equivalent.
func TestOriginsInOtherSpellings(t *testing.T) {
	f := start(t, Options{PublicURL: "https://MÜLLER.example.:443/", Origins: []string{"https://Äpp.example"}, AutoApprove: true, Redirect: "https://müller.example/app"})
	session := f.signIn(ada)
	f.link(bob)
	if m := f.box.newestFirst()[0]; !strings.HasPrefix(m.Link, "https://xn--mller-kva.example/auth/magic-link?") {
		t.Errorf("mailed link %s", m.Link)
	}
	for _, own := range []string{"https://xn--mller-kva.example", "https://xn--mller-kva.example.", "https://xn--mller-kva.example:443", "https://müller.example"} {
		for _, site := range []string{"same-origin", ""} { // old browsers do not send it
			f.want(f.do("GET", "/auth/sessions", "", "Origin", own, "Cookie", cookieName+"="+session), 200, "")
			f.want(f.do("POST", "/auth/logout", "", "Origin", own, "Sec-Fetch-Site", site), 200, "")
		}
	}
	for _, app := range []string{"https://xn--pp-uia.example", "https://xn--pp-uia.example.", "https://XN--PP-UIA.example"} {
		a := f.do("POST", "/auth/logout", "", "Origin", app, "Sec-Fetch-Site", "cross-site")
		if f.want(a, 200, ""); a.Header.Get("Access-Control-Allow-Origin") != app {
			t.Errorf("%s is answered with %q", app, a.Header.Get("Access-Control-Allow-Origin"))
		}
	}
	for _, foreign := range []string{"https://muller.example", "https://xn--mller-kva.example:444", "http://xn--mller-kva.example", "https://xn--mller-kva.example.evil.example"} {
		f.want(f.do("POST", "/auth/logout", "", "Origin", foreign, "Sec-Fetch-Site", "cross-site"), 403, "")
	}
	a := f.do("GET", f.link(bob), "", "Accept", "text/html")
	if policy := a.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "https://xn--mller-kva.example") {
		t.Errorf("policy %q", policy)
	}
}

// An older data directory may hold the public URL in any spelling.
func TestStoredPublicURLInAnOldSpelling(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "auth.json"), []byte(`{"issuer":"i","audience":"a","public_url":"https://Mesh.Example."}`), 0o600); err != nil {
		t.Fatal(err)
	}
	svc, err := Open(Options{Dir: dir, Getenv: noEnv})
	if err != nil {
		t.Fatal(err)
	}
	defer svc.Close()
	if svc.kept.PublicURL != "https://mesh.example" {
		t.Errorf("got %s", svc.kept.PublicURL)
	}
}

// A browser converts a typed domain to ASCII, a terminal does not.
func TestMailDomainInOtherSpellings(t *testing.T) {
	f := start(t, Options{AutoApprove: true, BootstrapEmail: "Info@Müller.example"})
	f.signIn("info@xn--mller-kva.example")
	_, in := f.terminal("info@müller.example")
	f.want(in, 200, "")
	for _, email := range []string{"INFO@MÜLLER.EXAMPLE", "info@mu\u0308ller.example"} {
		f.want(f.do("POST", "/auth/email-magic-link", `{"email":"`+email+`"}`), 200, "")
	}
	if n := f.count("Subjects"); n != 1 {
		t.Errorf("%d accounts", n)
	}
	if subj := f.subject("info@xn--mller-kva.example"); !subj.IsAdmin {
		t.Errorf("the first admin is known by one spelling only: %+v", subj)
	}
	for _, email := range []string{"jörg@müller.example", "a@" + strings.Repeat("ü", 70) + ".example", "a@b\u202ec.example", "a@müller"} {
		f.want(f.do("POST", "/auth/email-magic-link", `{"email":"`+email+`"}`), 400, "")
	}
}
