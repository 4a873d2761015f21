package auth

import (
	"strings"
	"testing"
)

// A code that is redeemed twice was stolen before or after: its session ends.
func TestCodeReuse(t *testing.T) {
	f := start(t, Options{AutoApprove: true})
	code, in := f.terminal(ada)
	session := in.json("refresh_token")
	other := "another-verifier-of-the-right-length-0123456789"
	f.wantError(f.redeem(code, other, callback), 400, "invalid_grant") // a caller without the verifier ends nothing
	session = f.refreshBody(session)
	f.wantError(f.redeem(code, verifier, callback), 400, "invalid_grant")
	f.want(f.do("POST", "/auth/refresh-token", `{"refresh_token":"`+session+`"}`), 401, `{"error":"token_revoked","error_description":"Refresh token has been revoked"}`)
	if _, err := f.svc.Verify(t.Context(), in.json("access_token")); err == nil {
		t.Error("the access token still works")
	}
	if e := f.event("token.reused"); e.Outcome != "failure" || e.Target != f.subject(ada).Sub {
		t.Errorf("event %+v", e)
	}
	// A wrong verifier still uses up the code.
	code = f.code(ada)
	f.wantError(f.redeem(code, other, callback), 400, "invalid_grant")
	f.wantError(f.redeem(code, verifier, callback), 400, "invalid_grant")
}

// A user who approves a terminal sees for how long.
func TestTerminalLifetimeShown(t *testing.T) {
	f := start(t, Options{AutoApprove: true, SessionTTL: 7 * day})
	f.want(f.do("POST", "/auth/cli/start", cliStart(ada, callback, verifier)), 202, "")
	_, _, device := f.device(bob)
	for _, link := range []string{f.mailedLink(ada, KindCLILink), device} {
		if a := f.do("GET", link, ""); !strings.Contains(a.body, "at most 7 days") {
			t.Errorf("%s", a.body)
		}
	}
}

// refreshBody returns the successor of a terminal's refresh token.
func (f *fixture) refreshBody(token string) string {
	f.t.Helper()
	a := f.do("POST", "/auth/refresh-token", `{"refresh_token":"`+token+`"}`)
	f.want(a, 200, "")
	return a.json("refresh_token")
}

// Signing in again in the same browser replaces the session there.
func TestSessionReplacedBySignIn(t *testing.T) {
	f := start(t, Options{BootstrapEmail: ada, Limits: Limits{MailsPerAddress: -1, MailsPerIP: -1}})
	for _, email := range []string{ada, bob} {
		before := f.signIn(ada)
		access := f.access(before)
		f.want(f.do("POST", f.link(email), "", "Cookie", cookieName+"="+before), 303, "")
		f.want(f.refresh(before), 401, `{"error":"token_revoked","error_description":"Refresh token has been revoked"}`)
		if _, err := f.svc.Verify(t.Context(), access); err == nil {
			t.Errorf("%s: the replaced session still works", email)
		}
	}
	alerts := 0
	for _, m := range f.box.newestFirst() {
		if m.Kind == KindNewSignIn {
			alerts++
		}
	}
	if alerts != 0 {
		t.Errorf("%d mails tell of a new place", alerts)
	}
	// Sessions elsewhere remain.
	elsewhere, here := f.signIn(ada), f.signIn(ada)
	f.want(f.do("POST", f.link(ada), "", "Cookie", cookieName+"="+here), 303, "")
	f.want(f.refresh(elsewhere), 200, "")
}
