package auth

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/lumenize/lmz/auth/internal/secret"
	"github.com/lumenize/lmz/auth/internal/store"
)

// One test for each threat of appendix B. Where an earlier test covers a part, a comment names
// it.

func TestThreatB01AnswersAboutUnknownAddresses(t *testing.T) {
	f, admin := withAdmin(t)
	f.signIn(bob)
	f.want(f.as(admin, "PATCH", "subject/"+f.subject(bob).Sub, `{"adminApproved":false}`), 200, "")
	for path, ask := range map[string]func(email string) string{
		"email-magic-link": func(email string) string { return `{"email":"` + email + `"}` },
		"cli/start":        func(email string) string { return cliStart(email, callback, verifier) },
		"cli/device":       func(email string) string { return `{"email":"` + email + `"}` },
	} {
		shapes := map[string]bool{}
		for _, email := range []string{ada, bob, carol} { // an admin, a revoked user, a stranger
			a := f.do("POST", "/auth/"+path, ask(email))
			var members map[string]any
			f.into(a, &members)
			for _, random := range []string{"request_id", "device_code", "user_code"} {
				if members[random] != nil {
					members[random] = "random"
				}
			}
			shape, _ := json.Marshal(members)
			shapes[a.Status+string(shape)] = true
		}
		if len(shapes) != 1 {
			t.Errorf("%s tells them apart: %v", path, shapes)
		}
	}
}

// Storage: TestDefect16StoredSecrets.
func TestThreatB02TokenEntropy(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		seen[secret.New()] = true
		seen[secret.UUID()] = true
	}
	if len(seen) != 2000 || len(secret.New()) != 43 || len(newUserCode()) != 8 {
		t.Errorf("%d different ones", len(seen))
	}
	if got := secret.Hash("abc"); got != "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0" {
		t.Errorf("hash %s", got)
	}
	f := start(t, Options{AutoApprove: true})
	_, code, _ := f.device(ada)
	if f.number("SELECT count(*) FROM Devices WHERE userCodeMac = ?", secret.Hash(plainUserCode(code))) != 0 {
		t.Error("a short code is stored so that it can be found by trying")
	}
}

func TestThreatB03LinksAfterASignIn(t *testing.T) {
	f, admin := withAdmin(t)
	first, second := f.link(bob), f.link(bob)
	f.want(f.do("POST", second, ""), 303, "")
	for _, link := range []string{first, second} {
		if got := f.do("POST", link, "").Header.Get("Location"); got != "/?error=invalid_token" {
			t.Errorf("Location %q", got)
		}
	}
	f.want(f.as(admin, "POST", "invite", `{"emails":["`+carol+`"]}`), 200, "")
	invitation := f.lastLink()
	if f.do("POST", invitation, "").cookie() == "" || f.do("POST", invitation, "").cookie() != "" {
		t.Error("an invitation does not work once")
	}
}

// With a browser that runs scripts: TestLinkInAScannerWithScripts.
func TestThreatB04PreviewOfALink(t *testing.T) {
	f, admin := withAdmin(t)
	f.want(f.as(admin, "POST", "invite", `{"emails":["`+carol+`"]}`), 200, "")
	for _, link := range []string{f.lastLink(), f.link(bob)} {
		for _, method := range []string{"GET", "HEAD", "OPTIONS", "GET"} {
			if a := f.do(method, link, ""); a.Header.Get("Set-Cookie") != "" {
				t.Errorf("%s set a cookie", method)
			}
		}
		if f.do("POST", link, "").cookie() == "" {
			t.Error("the link is used up")
		}
	}
}

func TestThreatB05ApprovalByGet(t *testing.T) {
	f, admin := withAdmin(t)
	f.signIn(bob)
	path := "approve/" + f.subject(bob).Sub
	f.want(f.as(admin, "GET", path, ""), 200, "")
	if f.subject(bob).AdminApproved {
		t.Error("approved")
	}
	a := f.do("POST", "/auth/"+path, "", "Authorization", "Bearer "+admin, "Origin", "https://evil.example")
	f.want(a, 403, "")
}

func TestThreatB06ForgedHost(t *testing.T) {
	f := start(t, Options{AutoApprove: true})
	session := f.signIn(ada)
	a := f.do("POST", f.link(bob), "", "Host", "evil.example")
	f.want(a, 303, "")
	if a.Header.Get("Location") != "/" {
		t.Errorf("Location %q", a.Header.Get("Location"))
	}
	f.want(f.do("POST", "/auth/refresh-token", "", "Cookie", cookieName+"="+session, "Sec-Fetch-Site", "cross-site", "Host", "evil.example", "Origin", "https://evil.example"), 403, "")
}

func TestThreatB07OpenRedirects(t *testing.T) {
	f := start(t, Options{AutoApprove: true, Redirect: "/app?x=1#frag"})
	for _, extra := range []string{"&next=https://evil.example", "&redirect_uri=//evil.example", "&return_to=/\\evil.example"} {
		a := f.do("POST", f.link(ada)+extra, "")
		if got := a.Header.Get("Location"); a.StatusCode != 303 || got != "/app?x=1#frag" {
			t.Errorf("%d %q", a.StatusCode, got)
		}
		if got := f.do("GET", "/auth/magic-link?one_time_token=x"+extra, "").Header.Get("Location"); got != "/app?x=1&error=invalid_token#frag" {
			t.Errorf("Location %q", got)
		}
	}
	for _, uri := range []string{"https://127.0.0.1:1/callback", "http://localhost:1/callback", "http://127.0.0.1/callback", "http://127.0.0.1:1/other",
		"http://127.0.0.1:1@evil.example/callback", "http://127.0.0.1:1/callback#x", "http://evil.example:1/callback", "http://127.0.0.1:1/callback?x"} {
		f.want(f.do("POST", "/auth/cli/start", cliStart(ada, uri, verifier)), 400, "")
	}
}

// Across two real sites: TestBrowserSignInAcrossSites.
func TestThreatB08RequestsOfForeignPages(t *testing.T) {
	f, _ := withAdmin(t)
	session := f.signIn(bob)
	sub := f.subject(bob).Sub
	adminSession := f.signIn(ada)
	for _, from := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "https://other.lmz.example"}, {"Origin", "null"}} {
		for _, target := range []string{"POST logout", "POST logout/all", "POST refresh-token", "POST tokens", "POST delegated-token"} {
			method, path, _ := strings.Cut(target, " ")
			a := f.do(method, "/auth/"+path, `{}`, append(from, "Cookie", cookieName+"="+session, "Content-Type", "text/plain")...)
			f.want(a, 403, `{"error":"forbidden","error_description":"Cross-origin request refused"}`)
			if a.Header.Get("Set-Cookie") != "" {
				t.Errorf("%s touched the cookie", target)
			}
		}
		for _, target := range []string{"PATCH subject/" + sub, "DELETE subject/" + sub, "POST approve/" + sub, "POST invite"} {
			method, path, _ := strings.Cut(target, " ")
			f.want(f.do(method, "/auth/"+path, `{"isAdmin":true}`, append(from, "Cookie", cookieName+"="+adminSession)...), 403, "")
		}
		// Login CSRF: a foreign form cannot press the button of its own link.
		f.want(f.do("POST", f.link(carol), "", from...), 403, "")
	}
	f.want(f.refresh(session), 200, "")
}

func TestThreatB08CookieByOrigin(t *testing.T) {
	const app = "https://app.lmz.example"
	f := start(t, Options{AutoApprove: true, Origins: []string{app + "/"}})
	session := f.signIn(ada)
	a := f.do("OPTIONS", "/auth/refresh-token", "", "Origin", app, "Access-Control-Request-Method", "POST")
	f.want(a, 204, "")
	for name, want := range map[string]string{"Access-Control-Allow-Origin": app, "Access-Control-Allow-Credentials": "true",
		"Access-Control-Allow-Methods": "GET, POST, PATCH, DELETE", "Access-Control-Allow-Headers": "Authorization, Content-Type", "Vary": "Origin"} {
		if a.Header.Get(name) != want {
			t.Errorf("%s: got %q, want %q", name, a.Header.Get(name), want)
		}
	}
	a = f.do("POST", "/auth/refresh-token", "", "Origin", app, "Sec-Fetch-Site", "same-site", "Cookie", cookieName+"="+session)
	f.want(a, 200, "")
	if a.Header.Get("Access-Control-Allow-Origin") != app {
		t.Errorf("header %v", a.Header)
	}
	for _, foreign := range []string{"https://evil.example", "https://app.lmz.example.evil.example", "null", "http://app.lmz.example"} {
		a := f.do("OPTIONS", "/auth/refresh-token", "", "Origin", foreign)
		if f.want(a, 204, ""); a.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s is allowed", foreign)
		}
		f.want(f.do("GET", "/auth/sessions", "", "Origin", foreign, "Cookie", cookieName+"="+session), 403, "Forbidden: Origin not allowed")
	}
	f.want(f.do("POST", "/auth/logout", "", "Origin", publicURL, "Sec-Fetch-Site", "same-origin"), 200, "")
	f.want(f.do("POST", f.link(bob), "", "Origin", "null", "Sec-Fetch-Site", "same-origin"), 303, "")
	f.want(f.do("POST", "/auth/logout", ""), 200, "")
}

func TestThreatB09MailAndGuessLimits(t *testing.T) {
	f := start(t, Options{Limits: Limits{MailsPerIP: 4, MailsPerHour: 12, FailuresPerIP: 5}, Proxies: 1})
	ask := func(email, ip string) answer {
		return f.do("POST", "/auth/email-magic-link", `{"email":"`+email+`"}`, "X-Forwarded-For", "6.6.6.6, "+ip)
	}
	for _, email := range []string{"a@x.co", "b@x.co", "c@x.co", "d@x.co"} {
		f.want(ask(email, "2001:db8::1"), 200, "")
	}
	a := ask("e@x.co", "2001:db8::2") // the same client: a /64
	f.wantError(a, 429, "rate_limited")
	if a.Header.Get("Retry-After") != "900" {
		t.Errorf("Retry-After %q", a.Header.Get("Retry-After"))
	}
	f.want(ask("e@x.co", "192.0.2.1"), 200, "")
	f.want(ask("f@x.co", "192.0.2.1"), 200, "")
	f.want(ask("g@x.co", "198.51.100.2"), 200, "") // all together: strangers have half
	f.want(ask("h@x.co", "198.51.100.2"), 200, "")
	if n := len(f.box.newestFirst()); n != 6 {
		t.Errorf("%d mails", n)
	}
	if limited := f.recorded("rate.limited"); limited != 2 { // once per window, or the log itself would be flooded
		t.Errorf("%d events", limited)
	}
	f.pass(24 * time.Hour)
	guess := func(ip string) answer {
		return f.do("POST", "/auth/refresh-token", `{"refresh_token":"x"}`, "X-Forwarded-For", ip)
	}
	for range 3 {
		f.want(guess("192.0.2.7"), 401, "")
	}
	f.want(f.do("POST", "/auth/magic-link?one_time_token=x", "", "X-Forwarded-For", "192.0.2.7"), 303, "")
	f.want(f.do("POST", "/auth/cli/token", `{"grant_type":"`+deviceGrant+`","device_code":"x"}`, "X-Forwarded-For", "192.0.2.7"), 400, "")
	f.wantError(guess("192.0.2.7"), 429, "rate_limited")
	f.want(guess("192.0.2.8"), 401, "")
	f.want(f.do("POST", "/auth/refresh-token", "", "X-Forwarded-For", "192.0.2.9"), 401, "") // a request without a token is not a guess
}

func TestThreatB09OwnerOfAFloodedAddress(t *testing.T) {
	f := start(t, Options{Limits: Limits{MailsPerIP: 20, MailsPerHour: 50}, Proxies: 1, BootstrapEmail: ada})
	ask := func(email, ip, cookies string) answer {
		return f.do("POST", "/auth/email-magic-link", `{"email":"`+email+`"}`, "X-Forwarded-For", ip, "Cookie", cookies)
	}
	known := func(a answer) string {
		for _, c := range a.Cookies() {
			if c.Name == knownCookie {
				if c.Path != "/auth/" || !c.HttpOnly || !c.Secure || c.SameSite != http.SameSiteStrictMode || strings.Contains(c.Value, "@") {
					t.Errorf("cookie %s", c.Raw)
				}
				return c.Name + "=" + c.Value
			}
		}
		t.Fatalf("the browser does not become known: %v", a.Header)
		return ""
	}
	mailed := func(email string) int { return crowd{f}.mailed(email) }
	mine := known(f.do("POST", f.link(ada), ""))
	stranger := known(f.do("POST", f.link(bob), "")) // known for the stranger's own address
	f.pass(24 * time.Hour)

	// One stranger uses up the share of one client, and no other.
	for range 3 {
		f.want(ask(ada, "192.0.2.1", stranger), 200, "")
	}
	f.wantError(ask(ada, "192.0.2.1", stranger), 429, "rate_limited")
	f.want(ask(ada, "198.51.100.2", ""), 200, "")

	// Many strangers use up the shared limit, and the mail limit.
	for i := range 100 {
		f.want(ask(ada, "10."+strconv.Itoa(i)+".0.1", stranger), 200, "")
	}
	if n := mailed(ada); n != 1+9 {
		t.Errorf("%d mails in 15 minutes", n)
	}
	for i := range 100 {
		ask("x"+strconv.Itoa(i)+"@x.co", "10."+strconv.Itoa(i)+".0.1", "")
	}
	f.want(ask(carol, "192.0.2.3", ""), 200, "")
	if mailed(carol) != 0 {
		t.Error("what may be mailed altogether is no limit")
	}
	// The owner asks from a browser that has signed in before, even in a stranger's network.
	for range 3 {
		f.want(ask(ada, "192.0.2.1", mine), 200, "")
	}
	f.wantError(ask(ada, "192.0.2.1", mine), 429, "rate_limited") // her requests are limited, too
	if n := mailed(ada); n != 1+9+3 {
		t.Errorf("%d mails with those that she asked for", n)
	}
	ask(carol, "192.0.2.1", mine)
	ask(ada, "203.0.113.4", mine[:len(mine)-2]+"xx")
	if mailed(carol) != 0 || mailed(ada) != 1+9+3 {
		t.Error("the cookie is good for another address, or changed")
	}
	mine = known(f.do("POST", f.lastLink(), ""))

	// Nor is there a flood of mails.
	before := mailed(ada)
	for range 24 {
		f.pass(time.Hour)
		for i := range 20 {
			ask(ada, "10."+strconv.Itoa(i)+".0.1", "")
		}
	}
	if day := mailed(ada) - before; day < 20 || day > 60 { // 30 at once, and 30 over the day
		t.Errorf("%d mails in a day", day)
	}
	f.want(ask(ada, "192.0.2.1", mine), 200, "")
}

func TestThreatB10SecretLookupByHash(t *testing.T) {
	f := start(t, Options{})
	for table, column := range map[string]string{"MagicLinks": "tokenHash", "InviteTokens": "tokenHash", "RefreshTokens": "tokenHash",
		"CliCodes": "codeHash", "Devices": "deviceHash", "NamedTokens": "tokenHash"} {
		columns := "SELECT count(*) FROM pragma_table_info('" + table + "') WHERE name "
		if n := f.number(columns+"= ?", column); n != 1 {
			t.Errorf("%s has no %s", table, column)
		}
		if n := f.number(columns + "IN ('token', 'code', 'secret')"); n != 0 {
			t.Errorf("%s holds a secret", table)
		}
	}
}

func TestThreatB11ClockDifferences(t *testing.T) {
	dir := t.TempDir()
	signer := start(t, Options{Dir: dir, AutoApprove: true})
	access := signer.access(signer.signIn(ada))
	for _, test := range []struct {
		name string
		skew time.Duration // of the verifier's clock, relative to the issuer's, including elapsed time
		ok   bool
	}{
		{"behind by 29 s", -29 * time.Second, true},
		{"behind by 40 s", -40 * time.Second, false},
		{"ahead, at the end of a token", 15*time.Minute + 28*time.Second, true},
		{"ahead by more", 15*time.Minute + 31*time.Second, false},
	} {
		verifier := &fixture{clock: signer.now().Add(test.skew)}
		svc, err := Open(Options{Dir: dir, Getenv: noEnv, Sender: new(Mailbox), now: verifier.now})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := svc.Verify(t.Context(), access); (err == nil) != test.ok {
			t.Errorf("%s: %v", test.name, err)
		}
		svc.Close()
	}
}

// Reuse: TestDefect08ReusedRefreshToken.
func TestThreatB12RefreshModes(t *testing.T) {
	strict := start(t, Options{AutoApprove: true, Refresh: RefreshStrict})
	session := strict.signIn(ada)
	strict.want(strict.refresh(session), 200, "")
	strict.want(strict.refresh(session), 401, `{"error":"token_revoked","error_description":"Refresh token has been revoked"}`)

	grace := start(t, Options{AutoApprove: true})
	session = grace.signIn(ada)
	if a, b := grace.refresh(session).cookie(), grace.refresh(session).cookie(); a != b || a == "" || a == session {
		t.Errorf("successors %q and %q", a, b)
	}

	slide := start(t, Options{AutoApprove: true, Refresh: RefreshSlide, SessionTTL: -1})
	session = slide.signIn(ada)
	for range 4 {
		slide.pass(20 * 24 * time.Hour)
		if a := slide.refresh(session); a.cookie() != session || !strings.HasSuffix(a.Header.Get("Set-Cookie"), "Max-Age=2592000") {
			t.Errorf("got %d, cookie %q", a.StatusCode, a.Header.Get("Set-Cookie"))
		}
	}
	slide.pass(31 * 24 * time.Hour)
	slide.wantError(slide.refresh(session), 401, "token_expired")
}

func TestThreatB13EndOfEverySession(t *testing.T) {
	f := start(t, Options{AutoApprove: true, RefreshTTL: 10 * 24 * time.Hour})
	session := f.signIn(ada)
	for range 5 {
		f.pass(5 * 24 * time.Hour)
		a := f.refresh(session)
		f.want(a, 200, "")
		session = a.cookie()
	}
	f.pass(5*24*time.Hour + time.Second) // the 30th day is over
	f.wantError(f.refresh(session), 401, "token_expired")
	idle := f.signIn(ada)
	f.pass(10*24*time.Hour + time.Second)
	f.wantError(f.refresh(idle), 401, "token_expired")

	// An access token does not outlive its session.
	session = f.signIn(ada)
	for range 3 {
		f.pass(10*24*time.Hour - 2*time.Minute)
		a := f.refresh(session)
		f.want(a, 200, "")
		session = a.cookie()
	}
	a := f.refresh(session)
	if _, err := f.svc.Verify(t.Context(), a.json("access_token")); err != nil || !strings.Contains(a.body, `"expires_in":360,`) {
		t.Errorf("got %s, %v", a.body, err)
	}
	f.pass(6*time.Minute + time.Second)
	if _, err := f.svc.Verify(t.Context(), a.json("access_token")); err == nil {
		t.Error("an access token outlives its session")
	}
}

func TestThreatB14ImmediateRevocation(t *testing.T) {
	f, admin := withAdmin(t)
	enter := func() (access, session string) {
		session = f.signIn(bob)
		f.want(f.as(admin, "POST", "approve/"+f.subject(bob).Sub, ""), 200, "")
		return f.access(session), session
	}
	sub := func() string { return f.subject(bob).Sub }
	for name, take := range map[string]func(session string){
		"logout":          func(session string) { f.do("POST", "/auth/logout", "", "Cookie", cookieName+"="+session) },
		"approval":        func(string) { f.as(admin, "PATCH", "subject/"+sub(), `{"adminApproved":false}`) },
		"sessions ended":  func(string) { f.as(admin, "DELETE", "subject/"+sub()+"/sessions", "") },
		"subject deleted": func(string) { f.as(admin, "DELETE", "subject/"+sub(), "") },
	} {
		access, session := enter()
		if _, err := f.svc.Verify(t.Context(), access); err != nil {
			t.Fatalf("%s, before: %v", name, err)
		}
		take(session)
		if _, err := f.svc.Verify(t.Context(), access); err == nil {
			t.Errorf("%s: the access token still works", name)
		}
	}
	enter()
	f.want(f.as(admin, "PATCH", "subject/"+sub(), `{"isAdmin":true}`), 200, "")
	promoted := f.access(f.signIn(bob))
	f.want(f.as(admin, "PATCH", "subject/"+sub(), `{"isAdmin":false}`), 200, "")
	claims, err := f.svc.Verify(t.Context(), promoted)
	if err != nil || claims.IsAdmin || claims.All["isAdmin"] != nil {
		t.Errorf("a demoted admin: %+v, %v", claims, err)
	}
	f.want(f.as(promoted, "GET", "subjects", ""), 403, "")
}

// Other refusals: TestStrictVerification.
func TestThreatB15TokenChecksOfEndpoints(t *testing.T) {
	f, admin := withAdmin(t)
	sub := f.subject(ada).Sub
	for name, change := range map[string]jwt.MapClaims{
		"another audience": {"aud": "x"}, "another issuer": {"iss": "x"}, "no end": {"exp": nil}, "not yet": {"nbf": f.now().Add(time.Hour).Unix()},
		"an unknown session": {"sid": "x"}, "a forged actor": {"act": "x"}, "a nameless actor": {"act": map[string]any{"sub": 7}},
	} {
		claims := goodClaims(f.now())
		claims["sub"] = sub
		claims["isAdmin"] = true
		for k, v := range change {
			if claims[k] = v; v == nil {
				delete(claims, k)
			}
		}
		token, err := jwt.NewWithClaims(jwt.SigningMethodEdDSA, claims).SignedString(f.keys().Signing)
		f.must(err)
		if a := f.as(token, "GET", "subjects", ""); a.StatusCode != 401 || a.json("error_description") != "Invalid or expired access token" {
			t.Errorf("%s: got %d %s", name, a.StatusCode, a.body)
		}
	}
	f.want(f.do("GET", "/auth/subjects", "", "Authorization", "Bearer x", "Cookie", cookieName+"="+f.signIn(ada)), 401, "") // no fallback to the cookie
	expired := goodClaims(f.now())
	expired["sub"], expired["exp"] = sub, f.now().Add(-time.Minute).Unix()
	token, err := jwt.NewWithClaims(jwt.SigningMethodEdDSA, expired).SignedString(f.keys().Signing)
	f.must(err)
	f.want(f.as(token, "GET", "subjects", ""), 401, `{"error":"token_expired","error_description":"Token expired"}`)
	f.want(f.as(admin, "GET", "subjects", ""), 200, "")
}

// Nesting and rights: TestDelegationChain.
func TestThreatB16RecordOfDelegation(t *testing.T) {
	f, admin := withAdmin(t)
	f.signIn(bob)
	f.want(f.as(admin, "POST", "approve/"+f.subject(bob).Sub, ""), 200, "")
	f.want(f.as(admin, "POST", "delegated-token", `{"actFor":"`+f.subject(bob).Sub+`"}`), 200, "")
	e := f.event("token.delegated")
	if e.Actor != f.subject(ada).Sub || e.Target != f.subject(bob).Sub || string(e.Detail) != `{"actors":["`+e.Actor+`"]}` {
		t.Errorf("event %+v %s", e, e.Detail)
	}
}

// Attributes and names: TestDefect13BothCookieNames.
func TestThreatB17CookieOnProtectedRoutes(t *testing.T) {
	f := start(t, Options{AutoApprove: true})
	access := f.access(f.signIn(ada))
	var seen []string
	handler := f.svc.Middleware(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen = append(seen, r.Header.Get("Cookie")) }))
	serve(handler, "Authorization", "Bearer "+access, "Cookie", "theme=dark; refresh-token=secret; __Host-refresh-token=secret;a=b")
	serve(handler, "Authorization", "Bearer "+access, "Cookie", "refresh-token=secret")
	if len(seen) != 2 || seen[0] != "theme=dark; a=b" || seen[1] != "" {
		t.Errorf("seen %q", seen)
	}
}

// The entry in the subprotocol is the gateway's, which strips it (see the gateway's tests). The
// library ensures that a named token, although long-lived, is valid for a connection for
// AccessTTL only.
func TestThreatB18LongTokenConnection(t *testing.T) {
	f, admin := withAdmin(t)
	token := f.as(admin, "POST", "tokens", `{"name":"ci"}`).json("token")
	auth, err := f.svc.Authenticate(t.Context(), token)
	if err != nil || auth.Expires.After(f.now().Add(15*time.Minute+time.Second)) {
		t.Errorf("until %v, %v", auth, err)
	}
}

func TestThreatB19LeaksOfPages(t *testing.T) {
	f, admin := withAdmin(t)
	f.want(f.as(admin, "POST", "invite", `{"emails":["`+carol+`"]}`), 200, "")
	invitation := f.lastLink()
	_, _, device := f.device(bob)
	for _, path := range []string{invitation, device, f.link(bob)} {
		a := f.do("GET", path, "", "Accept", "text/html")
		f.want(a, 200, "")
		csp := checkCSP(t, a)
		for name, want := range map[string]string{"Referrer-Policy": "no-referrer", "Cache-Control": "no-store", "X-Frame-Options": "DENY", "X-Content-Type-Options": "nosniff"} {
			if a.Header.Get(name) != want {
				t.Errorf("%s: %s %q", path, name, a.Header.Get(name))
			}
		}
		if strings.Contains(a.body, "http://") || strings.Contains(a.body, "https://") || !strings.Contains(csp, "base-uri 'none'") {
			t.Errorf("%s reaches out: %s", path, a.body)
		}
		_, secret, _ := strings.Cut(path, "=")
		if strings.Contains(f.log.String(), secret) {
			t.Errorf("%s is in the log", path)
		}
	}
	a := f.do("GET", f.link(bob), "")
	if a = f.do("POST", a.Request.URL.RequestURI(), ""); a.Header.Get("Referrer-Policy") != "no-referrer" {
		t.Errorf("header %v", a.Header)
	}
}

// Mails: TestDefect11MarkupOfStrangersInMails, TestBothFormsOfAMail.
func TestThreatB20NormalMailAddresses(t *testing.T) {
	for raw, want := range map[string]string{" Ada@Example.COM ": ada, "foo<x@evil.co>": "", "x@evil.co (ada)": "", `"x"@evil.co`: "", "x@evil..co": "", "x@-evil.co": "",
		"x@evil.co.": "", "x@evil": "", "a@b@c.co": "", "x@evil.co,y@evil.co": "", "x\r\n@evil.co": "", "ü@evil.co": "", "x@" + strings.Repeat("a.", 130) + "co": "",
		"x+tag@evil.co": "x+tag@evil.co"} {
		if got, ok := NormalEmail(raw); ok != (want != "") || ok && got != want {
			t.Errorf("%q: got %q, %v", raw, got, ok)
		}
	}
}

func TestThreatB21NoticeOfANewSignIn(t *testing.T) {
	f, _ := withAdmin(t)
	alerts := func() (all []received) {
		for _, m := range f.box.newestFirst() {
			if m.Kind == KindNewSignIn {
				all = append(all, m)
			}
		}
		return all
	}
	in := func(agent string) string {
		return f.do("POST", f.link(bob), "", "User-Agent", agent).cookie()
	}
	first := in("Firefox")
	in("Firefox")
	if n := len(alerts()); n != 0 {
		t.Fatalf("%d alerts for the first browser", n)
	}
	thief := in("Evil/1.0")
	all := alerts()
	if len(all) != 1 || !strings.Contains(all[0].Text, "Evil/1.0") || !strings.Contains(all[0].Text, "127.0.0.1") {
		t.Fatalf("alerts %+v", all)
	}
	link := strings.TrimPrefix(all[0].Link, publicURL)
	page := f.do("GET", link, "")
	f.want(page, 200, "")
	checkCSP(t, page)
	f.want(f.refresh(thief), 200, "")
	f.want(f.do("POST", link, ""), 200, "")
	f.want(f.refresh(thief), 401, "")
	f.want(f.refresh(first), 200, "")
	deviceCode, userCode, device := f.device(bob)
	f.want(f.typeCode(device, userCode), 200, "")
	f.want(f.poll(deviceCode), 200, "")
	if n := len(alerts()); n != 2 {
		t.Errorf("%d alerts after a terminal signed in", n)
	}
}

func TestThreatB22TestModeFromElsewhere(t *testing.T) {
	_, err := Open(Options{Dir: t.TempDir(), PublicURL: publicURL, Getenv: noEnv, TestMode: true})
	if err == nil || !strings.Contains(err.Error(), "loopback") {
		t.Errorf("got %v", err)
	}
	f := start(t, Options{TestMode: true})
	change := func(remote, host string, header ...string) int {
		r := httptest.NewRequest("POST", "/auth/test/set-subject-data", strings.NewReader(`{"email":"`+ada+`","isAdmin":true}`))
		r.RemoteAddr, r.Host = remote, host
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		w := httptest.NewRecorder()
		f.svc.ServeHTTP(w, r)
		return w.Code
	}
	for _, test := range []struct {
		want         int
		remote, host string
		header       []string
	}{
		{404, "127.0.0.1:5", "127.0.0.1:8787", nil}, // it gets that far: the address is unused
		{404, "[::1]:5", "localhost", nil},
		{403, "192.0.2.1:5", "127.0.0.1:8787", nil},
		{403, "127.0.0.1:5", "evil.example", nil}, // DNS rebinding
		{403, "127.0.0.1:5", "127.0.0.1:8787", []string{"X-Forwarded-For", "127.0.0.1"}},
		{403, "127.0.0.1:5", "127.0.0.1:8787", []string{"Forwarded", "for=127.0.0.1"}},
	} {
		if got := change(test.remote, test.host, test.header...); got != test.want {
			t.Errorf("%+v: got %d", test, got)
		}
	}
	a := f.do("POST", "/auth/email-magic-link?_test=true", `{"email":"`+ada+`"}`, "X-Forwarded-For", "1.1.1.1")
	f.want(a, 200, `{"message":"Check your email for the magic link","expires_in":1800}`)
}

func TestThreatB23BoundedResources(t *testing.T) {
	dir := t.TempDir()
	f := start(t, Options{Dir: dir, BootstrapEmail: ada, Limits: Limits{MailsPerAddress: -1, MailsPerIP: -1}})
	admin := f.admin()
	f.want(f.as(admin, "POST", "invite", `{"emails":["`+bob+`"]}`), 200, "")
	f.device(bob)
	f.link(carol)
	f.want(f.as(admin, "POST", "tokens", `{"name":"ci"}`), 201, "")
	for _, path := range []string{"POST email-magic-link", "POST invite", "POST cli/device", "PATCH subject/x", "POST magic-link?one_time_token=x"} {
		method, endpoint, _ := strings.Cut(path, " ")
		f.want(f.as(admin, method, endpoint, strings.Repeat(" ", bodyLimit+1)), 413, "")
	}
	f.pass(2 * 365 * 24 * time.Hour)
	f.must(f.svc.store.Update(t.Context(), func(tx store.Tx) error { return tx.Sweep(f.now()) }))
	for _, table := range []string{"MagicLinks", "InviteTokens", "CliCodes", "Devices", "RefreshTokens", "Sessions", "NamedTokens", "Outbox", "Audit"} {
		if n := f.count(table); n != 0 {
			t.Errorf("%s: %d rows stay", table, n)
		}
	}
	if _, err := Open(Options{Dir: filepath.Join(dir, "auth.json")}); err == nil {
		t.Error("a file was taken for a directory")
	}
}

func TestThreatB23ConstantRefreshes(t *testing.T) {
	f := start(t, Options{BootstrapEmail: ada, Proxies: 1})
	first := f.signIn(ada)
	session, refreshes := first, 0
	for range 5 * 60 {
		f.pass(24 * time.Second)
		if session = f.refresh(session).cookie(); session == "" {
			t.Fatal("the session ended")
		}
		refreshes++
	}
	if n := f.count("RefreshTokens"); n > 3 {
		t.Errorf("%d refresh tokens are kept", n)
	}
	told, rows := 0, 0
	for _, e := range f.events() {
		if e.Event == "token.refreshed" {
			var detail struct{ Times int }
			f.must(json.Unmarshal(e.Detail, &detail))
			told += max(detail.Times, 1)
			rows++
		}
	}
	if told != refreshes || rows > 3 {
		t.Errorf("the audit log tells of %d refreshes of %d, in %d rows", told, refreshes, rows)
	}
	if n := strings.Count(f.log.String(), "msg=token.refreshed"); n != refreshes {
		t.Errorf("the log tells of %d", n)
	}
	// From elsewhere it is a different event.
	a := f.do("POST", "/auth/refresh-token", "", "Cookie", cookieName+"="+session, "X-Forwarded-For", "203.0.113.9")
	session = a.cookie()
	all := f.events()
	if e := all[len(all)-1]; e.Event != "token.refreshed" || e.IP != "203.0.113.9" {
		t.Errorf("the newest event: %+v", e)
	}
	// Reuse of the first token is detected while the session lives, and reported as long as it
	// would have lived.
	f.want(f.refresh(first), 401, `{"error":"token_revoked","error_description":"Refresh token has been revoked"}`)
	f.want(f.refresh(session), 401, `{"error":"token_revoked","error_description":"Refresh token has been revoked"}`)
	f.want(f.refresh(first), 401, `{"error":"token_revoked","error_description":"Refresh token has been revoked"}`)
	if n := f.count("Sessions"); n != 0 {
		t.Errorf("%d sessions", n)
	}
	f.want(f.refresh(secret.New()), 401, `{"error":"invalid_token","error_description":"Invalid refresh token"}`)
}

func TestThreatB24RecordedRefusals(t *testing.T) {
	f := start(t, Options{BootstrapEmail: ada, Limits: Limits{FailuresPerIP: 5}})
	user := f.access(f.signIn(bob))
	denied := func() (n int) {
		for _, e := range f.events() {
			if e.Event == "access.denied" || e.Event == "rate.limited" {
				n++
			}
		}
		return n
	}
	// Sending what a foreign page could send needs no account.
	for range 50 {
		f.wantError(f.do("POST", "/auth/email-magic-link", `{"email":"x@x.co"}`, "Origin", "https://evil.example"), 403, "forbidden")
	}
	foreign := denied()
	for range 50 {
		f.wantError(f.as(user, "GET", "subjects", ""), 403, "forbidden")
	}
	if all := denied(); foreign > 6 || all > 7 {
		t.Errorf("%d refusals of foreign pages and %d of a user are recorded", foreign, all-foreign)
	}
	// Such refusals do not lock anyone out: another page may have caused them.
	f.want(f.do("POST", "/auth/email-magic-link", `{"email":"x@x.co"}`), 200, "")
	f.pass(time.Hour)
	before := denied()
	f.wantError(f.as(f.access(f.signIn(bob)), "GET", "subjects", ""), 403, "forbidden")
	if denied() != before+1 {
		t.Error("an hour later a refusal is not recorded")
	}
}
