package auth

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lumenize/lmz/auth/internal/secret"
	"github.com/lumenize/lmz/auth/internal/store"
)

// One test for each defect of the original that is fixed here, in the order of its list (section
// 23).

func TestDefect01ExactPaths(t *testing.T) {
	f := withTurnstile(t, Options{}, func(string) bool { return false })
	f.wantError(f.do("POST", "/auth/email-magic-link", `{"email":"`+ada+`","cf-turnstile-response":"x"}`), 403, "turnstile_failed")
	for _, path := range []string{"/auth/x/email-magic-link", "/auth//email-magic-link", "/auth/LUMENIZE_AUTH/default/email-magic-link", "/auth/email-magic-link/"} {
		f.want(f.do("POST", path, `{"email":"`+ada+`"}`), 404, "Not Found")
	}
	if len(f.box.newestFirst()) != 0 {
		t.Error("a mail was sent without Turnstile")
	}
}

func TestDefect02LinksUnderAForgedHost(t *testing.T) {
	f, admin := withAdmin(t)
	for _, header := range [][]string{{"Host", "evil.example"}, {"X-Forwarded-Host", "evil.example"}, {"Forwarded", "host=evil.example"}} {
		f.want(f.do("POST", "/auth/email-magic-link", `{"email":"`+ada+`"}`, header...), 200, "")
		f.want(f.do("POST", "/auth/invite", `{"emails":["`+bob+`"]}`, append(header, "Authorization", "Bearer "+admin)...), 200, "")
	}
	for _, m := range f.box.newestFirst() {
		if !strings.HasPrefix(m.Link, publicURL+"/auth/") || strings.Contains(m.Text, "evil") {
			t.Errorf("%s: %s", m.Kind, m.Link)
		}
	}
}

func TestDefect03OddInput(t *testing.T) {
	f, admin := withAdmin(t)
	f.signIn(bob)
	sub := f.subject(bob).Sub
	for _, target := range []string{"POST email-magic-link", "POST invite", "POST delegated-token", "PATCH subject/" + sub,
		"POST subject/" + sub + "/actors", "POST cli/start", "POST cli/device", "POST cli/token", "POST tokens"} {
		method, path, _ := strings.Cut(target, " ")
		for _, body := range []string{"null", "", "[", `"x"`, "7"} {
			if a := f.as(admin, method, path, body); a.StatusCode != 400 || a.json("error") != "invalid_request" {
				t.Errorf("%s with %q: got %d %s", target, body, a.StatusCode, a.body)
			}
		}
	}
	for _, query := range []string{"limit=1.5", "limit=1e30", "offset=1e30", "offset=0.1", "limit=99999999999999999999"} {
		f.wantError(f.as(admin, "GET", "subjects?"+query, ""), 400, "invalid_request")
	}
}

func TestDefect04ApprovalOfADemotedAdmin(t *testing.T) {
	f := start(t, Options{TestMode: true})
	f.signIn(ada)
	f.want(f.do("POST", "/auth/test/set-subject-data", `{"email":"`+ada+`","isAdmin":false}`), 204, "")
	if f.subject(ada).AdminApproved {
		t.Error("approved")
	}
}

func TestDefect05RightsOfAnUnapprovedAdmin(t *testing.T) {
	f, admin := withAdmin(t)
	f.signIn(bob)
	path := "subject/" + f.subject(bob).Sub
	f.want(f.as(admin, "PATCH", path, `{"isAdmin":true}`), 200, "")
	old := f.access(f.signIn(bob))
	f.want(f.as(admin, "PATCH", path, `{"adminApproved":false}`), 200, "")
	for _, token := range []string{old, f.access(f.signIn(bob))} {
		if _, err := f.svc.Verify(t.Context(), token); err == nil {
			t.Error("a token of an unapproved admin passes")
		}
	}
}

// Nesting and admins: see also TestDelegationChain.
func TestDefect06UnapprovedActor(t *testing.T) {
	f, admin := withAdmin(t)
	f.signIn(carol)
	carols := f.subject(carol).Sub
	f.want(f.as(admin, "POST", "approve/"+carols, ""), 200, "")
	bobs := f.access(f.signIn(bob))
	f.want(f.as(admin, "POST", "subject/"+carols+"/actors", `{"actorSub":"`+f.subject(bob).Sub+`"}`), 200, "")
	f.want(f.as(bobs, "POST", "delegated-token", `{"actFor":"`+carols+`"}`), 403, `{"error":"access_denied","error_description":"Account not yet approved"}`)
}

func TestDefect07FailedRefresh(t *testing.T) {
	dir := t.TempDir()
	f := start(t, Options{Dir: dir, AutoApprove: true})
	session := f.signIn(ada)
	key := filepath.Join(dir, "keys", "blue.pem")
	f.must(os.Rename(key, key+".away"))
	f.want(f.refresh(session), 500, `{"error":"server_error","error_description":"Internal server error"}`)
	f.must(os.Rename(key+".away", key))
	f.pass(time.Hour)
	f.want(f.refresh(session), 200, "")
}

func TestDefect08ReusedRefreshToken(t *testing.T) {
	for _, mode := range []RefreshMode{RefreshStrict, RefreshGrace} {
		f := start(t, Options{AutoApprove: true, Refresh: mode})
		session := f.signIn(ada)
		a := f.refresh(session)
		next, access := a.cookie(), a.json("access_token")
		if mode == RefreshGrace {
			f.pass(refreshGrace + time.Millisecond)
			a = f.refresh(next)
			next, access = a.cookie(), a.json("access_token")
		}
		f.wantError(f.refresh(session), 401, "token_revoked")
		f.wantError(f.refresh(next), 401, "token_revoked")
		if _, err := f.svc.Verify(t.Context(), access); err == nil {
			t.Errorf("%s: the access token of the session still works", mode)
		}
		if e := f.event("token.reused"); e.Outcome != "failure" || e.Target != f.subject(ada).Sub {
			t.Errorf("%s: event %+v", mode, e)
		}
	}
}

func TestDefect09ApprovalFromAWebmail(t *testing.T) {
	f := start(t, Options{BootstrapEmail: ada})
	session := f.signIn(ada)
	f.signIn(bob)
	link := f.lastLink()
	a := f.do("GET", link, "", "Sec-Fetch-Site", "cross-site", "Accept", "text/html") // the Strict cookie is not sent
	f.want(a, 200, "")
	f.want(f.do("GET", link, "", "Sec-Fetch-Site", "same-origin", "Cookie", cookieName+"="+session, "Accept", "text/html"), 200, "")
	if f.subject(bob).AdminApproved {
		t.Error("a GET approved somebody")
	}
	f.want(f.do("POST", link, "", "Sec-Fetch-Site", "same-origin", "Cookie", cookieName+"="+session, "Accept", "text/html"), 200, "")
	if !f.subject(bob).AdminApproved {
		t.Error("the button approved nobody")
	}
}

func TestDefect10WholeLinksInMails(t *testing.T) {
	for redirect, want := range map[string]string{"/app": publicURL + "/app", "/": publicURL + "/", "app?x=1#y": publicURL + "/app?x=1#y", "https://app.example/in": "https://app.example/in"} {
		f := start(t, Options{BootstrapEmail: ada, Redirect: redirect})
		admin := f.admin()
		f.signIn(bob)
		f.want(f.as(admin, "POST", "approve/"+f.subject(bob).Sub, ""), 200, "")
		if m := f.box.newestFirst()[0]; m.Kind != KindApproval || m.Link != want {
			t.Errorf("got %s %q, want %q", m.Kind, m.Link, want)
		}
	}
}

func TestDefect11MarkupOfStrangersInMails(t *testing.T) {
	f := start(t, Options{})
	for _, email := range []string{"<b>x</b>@evil.co", `"><a href=x>@evil.co`, "foo<x@evil.co>"} {
		body := toJSON(map[string]string{"email": email})
		f.want(f.do("POST", "/auth/email-magic-link", body), 400, "")
	}
	f.want(f.do("POST", "/auth/cli/device", toJSON(map[string]string{"email": ada, "client_name": "<b>", "hostname": "http://evil"})), 200, "")
	if m := f.box.newestFirst()[0]; strings.Contains(m.Text, "evil") || strings.Contains(m.Text, "<b>") {
		t.Errorf("mail %s", m.Text)
	}
}

func TestDefect12AuditLogByDefault(t *testing.T) {
	svc, err := Open(Options{Dir: t.TempDir(), PublicURL: publicURL, Getenv: noEnv, Sender: new(Mailbox)}) // no Log
	if err != nil {
		t.Fatal(err)
	}
	defer svc.Close()
	w := httptest.NewRecorder()
	svc.ServeHTTP(w, httptest.NewRequest("POST", "/auth/email-magic-link", strings.NewReader(`{"email":"`+ada+`"}`)))
	n := 0
	err = svc.store.View(t.Context(), func(tx store.Tx) error {
		return tx.Events(store.EventQuery{Before: 1 << 53, Limit: 10, Event: "login.requested"}, func(e store.Event) {
			if e.IP != "" && e.Request != "" {
				n++
			}
		})
	})
	if err != nil || n != 1 {
		t.Errorf("%d events, %v", n, err)
	}
	f, admin := withAdmin(t)
	f.want(f.as(admin, "POST", "invite", `{"emails":["`+bob+`"]}`), 200, "")
	f.want(f.as(admin, "PATCH", "subject/"+f.subject(bob).Sub, `{"adminApproved":false}`), 200, "")
	if e := f.event("subject.updated"); string(e.Detail) != `{"field":"adminApproved","from":true,"to":false}` {
		t.Errorf("event %s", e.Detail)
	}
}

func TestDefect13BothCookieNames(t *testing.T) {
	f := start(t, Options{AutoApprove: true})
	session := f.signIn(ada)
	a := f.do("POST", "/auth/refresh-token", "", "Cookie", hostCookieName+"="+session)
	f.want(a, 200, "")
	if a.cookie() == "" {
		t.Error("the usual name is not kept")
	}
	f = start(t, Options{AutoApprove: true, HostCookie: true})
	a = f.do("POST", f.link(ada), "")
	f.want(a, 303, "")
	set := a.Header.Get("Set-Cookie")
	if !strings.HasPrefix(set, "__Host-refresh-token=") || !strings.Contains(set, "; Path=/; HttpOnly; Secure; SameSite=Strict") || strings.Contains(set, "Domain") {
		t.Errorf("cookie %q", set)
	}
	value, _, _ := strings.Cut(strings.TrimPrefix(set, "__Host-refresh-token="), ";")
	f.want(f.do("POST", "/auth/refresh-token", "", "Cookie", "refresh-token=planted; __Host-refresh-token="+value), 200, "")
}

func TestDefect14CacheHeaders(t *testing.T) {
	f := start(t, Options{AutoApprove: true})
	session := f.signIn(ada)
	link := f.link(bob)
	for _, a := range []answer{f.refresh(session), f.refresh("x"), f.do("GET", link, ""), f.do("POST", link, ""), f.do("GET", "/auth/nothing", ""),
		f.do("POST", "/auth/logout", ""), f.do("GET", "/auth/subjects", "")} {
		if a.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s %s: Cache-Control %q", a.Request.Method, a.Request.URL.Path, a.Header.Get("Cache-Control"))
		}
	}
}

func TestDefect15MissingBearer(t *testing.T) {
	f := start(t, Options{})
	w := serve(f.svc.Middleware(http.NotFoundHandler()))
	if w.Code != 401 || w.Body.String() != `{"error":"invalid_request","error_description":"Missing Authorization header with Bearer token"}` {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

func TestDefect16StoredSecrets(t *testing.T) {
	dir := t.TempDir()
	f := start(t, Options{Dir: dir, BootstrapEmail: ada})
	admin := f.admin()
	f.want(f.as(admin, "POST", "invite", `{"emails":["`+bob+`"]}`), 200, "")
	_, invitation, _ := strings.Cut(f.lastLink(), "=")
	_, link, _ := strings.Cut(f.link(carol), "=")
	named := f.as(admin, "POST", "tokens", `{"name":"ci"}`).json("token")
	deviceCode, userCode, _ := f.device("dan@example.com")
	dump := dumpOf(t, dir)
	if !strings.Contains(dump, secret.Hash(invitation)) || !strings.Contains(dump, secret.Hash(link)) || !strings.Contains(dump, secret.Hash(deviceCode)) {
		t.Fatal("the dump does not show what is stored")
	}
	for i, secret := range []string{invitation, link, named, named[len(named)-43:], deviceCode, userCode, plainUserCode(userCode), admin} {
		if secret == "" || strings.Contains(dump, secret) || strings.Contains(f.log.String(), secret) {
			t.Errorf("secret %d is stored or logged", i)
		}
	}
}

// dumpOf returns everything on disk except the keys.
func dumpOf(t *testing.T, dir string) string {
	t.Helper()
	var dump strings.Builder
	for _, name := range []string{"auth.db", "auth.db-wal"} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		dump.Write(data)
	}
	return dump.String()
}

func TestDefect17LinksAfterARevocation(t *testing.T) {
	f, admin := withAdmin(t)
	f.want(f.as(admin, "POST", "invite", `{"emails":["`+bob+`"]}`), 200, "")
	invitation := f.lastLink()
	link := f.link(bob)
	f.want(f.as(admin, "PATCH", "subject/"+f.subject(bob).Sub, `{"adminApproved":false}`), 200, "")
	for _, void := range []string{invitation, link} {
		if a := f.do("POST", void, ""); a.cookie() != "" || a.Header.Get("Location") != "/?error=invalid_token" {
			t.Errorf("%s: Location %q", void, a.Header.Get("Location"))
		}
	}
}

func TestDefect18MailsToAdmins(t *testing.T) {
	f, _ := withAdmin(t)
	for range 4 {
		f.signIn(bob)
	}
	n := 0
	for _, m := range f.box.newestFirst() {
		if m.Kind == KindAdminNotification {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d mails", n)
	}
}

// withTurnstile starts a service with a Turnstile server that accepts the tokens for which good
// returns true.
func withTurnstile(t *testing.T, o Options, good func(token string) bool) *fixture {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch token := r.PostFormValue("response"); {
		case r.PostFormValue("secret") != "s3cret" || r.PostFormValue("remoteip") == "":
			w.Write([]byte(`{"success":false,"error-codes":["invalid-input-secret"]}`))
		case good(token):
			w.Write([]byte(`{"success":true}`))
		default:
			w.Write([]byte(`{"success":false,"error-codes":["timeout-or-duplicate"]}`))
		}
	}))
	t.Cleanup(func() { server.Close(); http.DefaultClient.CloseIdleConnections() })
	o.TurnstileSecret = "s3cret"
	f := start(t, o)
	f.svc.turnstile = server.URL
	return f
}

// No account exists yet, and the page that shows Turnstile may not be deployed yet either.
func TestFirstAdminByTerminalDespiteTurnstile(t *testing.T) {
	f := withTurnstile(t, Options{BootstrapEmail: ada}, func(string) bool { return false })
	code, userCode, link := f.device(ada)
	f.want(f.typeCode(link, userCode), 200, "")
	f.want(f.poll(code), 200, "")
	if !f.subject(ada).IsAdmin {
		t.Error("not an admin")
	}
}

func TestTurnstileOnEveryWayToAMail(t *testing.T) {
	var asked atomic.Int64
	f := withTurnstile(t, Options{BootstrapEmail: ada, Limits: Limits{MailsPerAddress: -1}}, func(token string) bool { asked.Add(1); return token == "good" })
	ask := func(token string) answer {
		return f.do("POST", "/auth/email-magic-link", `{"email":"`+ada+`","cf-turnstile-response":`+token+`}`)
	}
	for _, none := range []string{`""`, `7`, `null`} {
		f.want(ask(none), 403, `{"error":"turnstile_required","error_description":"Missing cf-turnstile-response in request body"}`)
	}
	f.want(ask(`"bad"`), 403, `{"error":"turnstile_failed","error_description":"Turnstile verification failed","error_codes":["timeout-or-duplicate"]}`)
	f.want(f.do("POST", "/auth/email-magic-link", "null"), 400, "")
	// Terminals cannot show it: a stranger's address gets no mail through them, and the answer does
	// not reveal that.
	f.want(f.do("POST", "/auth/cli/start", cliStart(carol, callback, verifier)), 202, "")
	f.want(f.do("POST", "/auth/cli/device", `{"email":"`+carol+`"}`), 200, "")
	if n := len(f.box.newestFirst()); n != 0 {
		t.Fatalf("%d mails", n)
	}
	f.want(ask(`"good"`), 200, "")
	f.want(f.do("POST", f.lastLink(), ""), 303, "")
	f.device(ada)
	if n := len(f.box.newestFirst()); n != 2 || asked.Load() != 2 {
		t.Errorf("%d mails, asked %d times", n, asked.Load())
	}
	f.svc.turnstile = "http://127.0.0.1:1" // nothing listens there
	f.wantError(ask(`"good"`), 403, "turnstile_failed")
}
