package auth

import (
	"strings"
	"testing"
)

// With OneClick the service behaves like the original.
func TestOneClickLinks(t *testing.T) {
	f := start(t, Options{BootstrapEmail: ada, OneClick: true, Redirect: "/app", Refresh: RefreshStrict, Limits: Limits{MailsPerAddress: -1}})
	a := f.do("GET", f.link(ada), "")
	f.want(a, 302, "")
	if a.Header.Get("Location") != "/app" || !strings.HasPrefix(a.Header.Get("Set-Cookie"), "refresh-token=") || a.body != "" {
		t.Errorf("header %v", a.Header)
	}
	admin := f.access(a.cookie())
	if got := f.do("GET", a.Request.URL.RequestURI(), "").Header.Get("Location"); got != "/app?error=invalid_token" {
		t.Errorf("a second time: %q", got)
	}
	f.want(f.as(admin, "POST", "invite", `{"emails":["`+carol+`"]}`), 200, "")
	a = f.do("GET", f.lastLink(), "")
	f.want(a, 302, "")
	if a.cookie() == "" {
		t.Error("an invitation does not sign in")
	}
	f.want(f.do("GET", f.link(bob), ""), 302, "")
	approve := "approve/" + f.subject(bob).Sub
	f.want(f.do("GET", "/auth/"+approve, ""), 302, "")
	f.want(f.as(f.access(f.do("GET", f.link(carol), "").cookie()), "GET", approve, ""), 403, "")
	a = f.as(admin, "GET", approve, "")
	f.want(a, 302, "")
	if a.Header.Get("Location") != "/app" || !f.subject(bob).AdminApproved {
		t.Errorf("Location %q, %+v", a.Header.Get("Location"), f.subject(bob))
	}
	// Links of terminals still require confirmation: the original has none.
	_, _, device := f.device(bob)
	f.want(f.do("GET", device, ""), 200, "")
}
