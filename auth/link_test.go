package auth

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lumenize/lmz/auth/internal/secret"
	"github.com/lumenize/lmz/auth/internal/store"
)

func TestBrowserSignIn(t *testing.T) {
	f := start(t, Options{AutoApprove: true, Redirect: "/app"})
	a := f.do("POST", "/auth/email-magic-link", `{"email":"  Ada@Example.com "}`)
	f.want(a, 200, `{"message":"Check your email for the magic link","expires_in":1800}`)
	if got := a.Header.Get("Content-Type"); got != "application/json" {
		t.Errorf("Content-Type %q", got)
	}
	a = f.do("POST", f.lastLink(), "", "Sec-Fetch-Site", "same-origin", "Origin", "null")
	f.want(a, 303, "")
	if got := a.Header.Get("Location"); got != "/app" {
		t.Errorf("Location %q", got)
	}
	want := "refresh-token=" + a.cookie() + "; Path=/; HttpOnly; Secure; SameSite=Strict; Max-Age=2592000"
	if got := a.Header.Get("Set-Cookie"); got != want {
		t.Errorf("got cookie %q, want %q", got, want)
	}
	claims, err := f.svc.Verify(t.Context(), f.access(a.cookie()))
	if err != nil || claims.Email != ada || !claims.EmailVerified || !claims.AdminApproved || claims.IsAdmin {
		t.Errorf("got %+v, %v", claims, err)
	}
}

func TestMalformedLinkRequests(t *testing.T) {
	f := start(t, Options{AutoApprove: true})
	const badJSON = `{"error":"invalid_request","error_description":"Invalid JSON body"}`
	const badEmail = `{"error":"invalid_request","error_description":"Valid email required"}`
	for body, want := range map[string]string{
		"":                                   badJSON,
		"null":                               badJSON,
		" null ":                             badJSON,
		"[]":                                 badJSON,
		`{"email":7}`:                        badJSON,
		`{"email":"a@b.co"} x`:               badJSON,
		`{}`:                                 badEmail,
		`{"email":"a@localhost"}`:            badEmail,
		`{"email":"a@b.co, c@tx.co"}`:        badEmail,
		`{"email":"foo<x@evil.co>"}`:         badEmail,
		`{"email":"<b>x</b>@evil.co"}`:       badEmail,
		`{"email":"a@b.co\r\nBcc: c@tx.co"}`: badEmail,
		`{"email":"\u0430@b.co"}`:            badEmail,
		`{"email":"` + strings.Repeat("a", 65) + `@b.co"}`: badEmail,
	} {
		f.want(f.do("POST", "/auth/email-magic-link", body), 400, want)
	}
	f.want(f.do("POST", "/auth/email-magic-link", `{"email":"`+strings.Repeat("a", bodyLimit)+`"}`), 413, "")
	if n := f.count("MagicLinks"); n != 0 {
		t.Errorf("%d links were made", n)
	}
}

func TestOpenedLink(t *testing.T) {
	f := start(t, Options{AutoApprove: true})
	link := f.link(ada)
	for range 3 {
		a := f.do("GET", link, "")
		f.want(a, 200, "")
		for name, want := range map[string]string{
			"Content-Type":    "text/html; charset=utf-8",
			"Cache-Control":   "no-store",
			"Referrer-Policy": "no-referrer",
			"X-Frame-Options": "DENY",
		} {
			if got := a.Header.Get(name); got != want {
				t.Errorf("%s: got %q, want %q", name, got, want)
			}
		}
		if a.cookie() != "" || !strings.Contains(a.body, ada) || !strings.Contains(a.body, `<form method="post" action="`+link+`"`) {
			t.Errorf("page: %s", a.body)
		}
		checkCSP(t, a)
		f.want(f.do("HEAD", link, ""), 404, "")
	}
	if f.count("Subjects") != 0 || f.count("RefreshTokens") != 0 {
		t.Error("looking at the page changed something")
	}
	f.want(f.do("POST", link, ""), 303, "")
}

func TestSecondUseOfALink(t *testing.T) {
	f := start(t, Options{AutoApprove: true, Redirect: "/app?x=1#top"})
	link := f.link(ada)
	f.want(f.do("POST", link, ""), 303, "")
	for method, status := range map[string]int{"GET": 302, "POST": 303} {
		a := f.do(method, link, "")
		f.want(a, status, "")
		if got := a.Header.Get("Location"); got != "/app?x=1&error=invalid_token#top" || a.cookie() != "" {
			t.Errorf("%s: Location %q, cookie %q", method, got, a.cookie())
		}
	}
}

func TestExpiredLink(t *testing.T) {
	f := start(t, Options{AutoApprove: true, LinkTTL: time.Minute})
	link := f.link(ada)
	f.pass(time.Minute)
	f.want(f.do("GET", link, ""), 200, "")
	f.pass(time.Millisecond)
	for _, method := range []string{"GET", "POST", "POST"} {
		if got := f.do(method, link, "").Header.Get("Location"); got != "/?error=token_expired" {
			t.Errorf("%s: Location %q", method, got)
		}
	}
	f.pass(time.Minute)
	if err := f.svc.store.Update(t.Context(), func(tx store.Tx) error { return tx.Sweep(f.now()) }); err != nil {
		t.Fatal(err)
	}
	if got := f.do("POST", link, "").Header.Get("Location"); got != "/?error=invalid_token" {
		t.Errorf("after the sweep: Location %q", got)
	}
}

func TestLinkWithoutItsToken(t *testing.T) {
	f := start(t, Options{})
	for _, path := range []string{"/auth/magic-link", "/auth/magic-link?one_time_token="} {
		for _, method := range []string{"GET", "POST"} {
			f.want(f.do(method, path, ""), 400, `{"error":"invalid_request","error_description":"Missing one_time_token"}`)
		}
	}
}

func TestConcurrentUseOfALink(t *testing.T) {
	f := start(t, Options{AutoApprove: true})
	link := f.link(ada)
	var wg sync.WaitGroup
	cookies := make(chan string, 50)
	for range 50 {
		wg.Go(func() { cookies <- f.do("POST", link, "").cookie() })
	}
	wg.Wait()
	close(cookies)
	sessions := 0
	for c := range cookies {
		if c != "" {
			sessions++
		}
	}
	if sessions != 1 || f.count("RefreshTokens") != 1 {
		t.Errorf("%d cookies, %d sessions", sessions, f.count("RefreshTokens"))
	}
}

func TestForgedHost(t *testing.T) {
	f := start(t, Options{AutoApprove: true})
	f.want(f.do("POST", "/auth/email-magic-link", `{"email":"`+ada+`"}`, "Host", "evil.example",
		"X-Forwarded-Host", "evil.example", "Forwarded", "host=evil.example"), 200, "")
	mail := f.box.newestFirst()[0]
	for _, text := range []string{mail.Text, mail.Link} {
		if strings.Contains(text, "evil") || !strings.Contains(text, f.public+"/auth/magic-link?one_time_token=") {
			t.Errorf("%s", text)
		}
	}
}

func TestPostsFromOtherSites(t *testing.T) {
	f := start(t, Options{AutoApprove: true})
	session := f.signIn(ada)
	link := f.link(ada)
	const refused = `{"error":"forbidden","error_description":"Cross-origin request refused"}`
	for _, header := range [][]string{
		{"Sec-Fetch-Site", "cross-site"},
		{"Sec-Fetch-Site", "same-site"},
		{"Origin", "https://evil.example"},
		{"Origin", "null"},
	} {
		header = append(header, "Cookie", cookieName+"="+session)
		for _, path := range []string{link, "/auth/refresh-token", "/auth/logout", "/auth/email-magic-link"} {
			a := f.do("POST", path, "", header...)
			f.want(a, 403, refused)
			if a.Header.Get("Set-Cookie") != "" {
				t.Errorf("%s: a cookie was set", path)
			}
		}
	}
	f.want(f.do("POST", "/auth/refresh-token", "", "Cookie", cookieName+"="+session, "Origin", f.url), 200, "")
	f.want(f.do("POST", link, "", "Origin", publicURL), 303, "")
}

func TestUnknownPathsAndMethods(t *testing.T) {
	f := start(t, Options{})
	for _, req := range []string{
		"GET /auth", "GET /auth/", "POST /auth/x/email-magic-link", "POST /auth//email-magic-link",
		"POST /authx/email-magic-link", "GET /auth/email-magic-link", "PUT /auth/magic-link", "DELETE /auth/logout",
		"OPTIONS /auth/refresh-token", "GET /auth/refresh-token", "POST /auth/magic-link/", "POST /x/auth/logout",
	} {
		method, path, _ := strings.Cut(req, " ")
		a := f.do(method, path, "")
		f.want(a, 404, "Not Found")
		if a.Header.Get("Content-Type") != "text/plain;charset=UTF-8" || a.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: header %v", req, a.Header)
		}
	}
}

func TestMailLimitOfAnAddress(t *testing.T) {
	f := start(t, Options{})
	ask := func() answer { return f.do("POST", "/auth/email-magic-link", `{"email":"`+ada+`"}`) }
	for range 3 {
		f.want(ask(), 200, "")
	}
	f.pass(time.Minute)
	const limited = `{"error":"rate_limited","error_description":"Too many requests. Please try again later."}`
	a := ask()
	f.want(a, 429, limited)
	if a.Header.Get("Retry-After") != "840" {
		t.Errorf("Retry-After %q", a.Header.Get("Retry-After"))
	}
	f.want(f.do("POST", "/auth/cli/start", cliStart(ada, "http://127.0.0.1:1/callback", strings.Repeat("v", 43))), 429, limited)
	f.want(f.do("POST", "/auth/cli/device", `{"email":"`+ada+`"}`), 429, limited)
	f.link(bob)
	if n := len(f.box.newestFirst()); n != 4 {
		t.Errorf("%d mails", n)
	}
	f.pass(shortWindow)
	f.want(ask(), 200, "")
	for range 3 {
		f.pass(shortWindow)
		f.want(ask(), 200, "")
		f.want(ask(), 200, "")
	}
	f.pass(shortWindow) // ten a day are the limit
	a = ask()
	f.want(a, 429, limited)
	if a.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	f.pass(24 * time.Hour)
	f.want(ask(), 200, "")
}

func TestMailLimitInDevelopment(t *testing.T) {
	f := start(t, Options{AutoApprove: true})
	for range 10 {
		f.link(ada)
	}
	if n := len(f.box.newestFirst()); n != 10 {
		t.Errorf("%d mails", n)
	}
}

func TestTokensInDatabaseAndLog(t *testing.T) {
	dir := t.TempDir()
	f := start(t, Options{Dir: dir, AutoApprove: true})
	used, unused := f.link(ada), f.link(bob)
	session := f.do("POST", used, "").cookie()
	next := f.refresh(session).cookie()
	code, signedIn := f.terminal(ada)
	f.do("POST", used, "")
	f.refresh("unknown" + session)

	_, usedToken, _ := strings.Cut(used, "=")
	_, unusedToken, _ := strings.Cut(unused, "=")
	secrets := []string{usedToken, unusedToken, session, next, code, signedIn.json("refresh_token"), signedIn.json("access_token")}
	var dump strings.Builder
	for _, name := range []string{"auth.db", "auth.db-wal"} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		dump.Write(data)
	}
	if !strings.Contains(dump.String(), ada) || !strings.Contains(dump.String(), secret.Hash(unusedToken)) {
		t.Fatal("the dump does not show what is stored")
	}
	for i, secret := range secrets {
		if len(secret) < 43 {
			t.Fatalf("secret %d is %q", i, secret)
		}
		if strings.Contains(dump.String(), secret) || strings.Contains(f.log.String(), secret) {
			t.Errorf("secret %d is stored or logged", i)
		}
	}
}

func TestAnswerWithoutASender(t *testing.T) {
	f := start(t, Options{Sender: noSender})
	f.want(f.do("POST", "/auth/email-magic-link", `{"email":"`+ada+`"}`), 200,
		`{"message":"Check your email for the magic link","expires_in":1800}`)
	if !strings.Contains(f.log.String(), "no Sender is configured") {
		t.Errorf("log: %s", f.log)
	}
}

func TestBootstrapAdmin(t *testing.T) {
	f := start(t, Options{BootstrapEmail: " Ada@Example.com"})
	claims, err := f.svc.Verify(t.Context(), f.access(f.signIn(ada)))
	if err != nil || !claims.IsAdmin || !claims.AdminApproved {
		t.Errorf("got %+v, %v", claims, err)
	}
	_, err = f.svc.Verify(t.Context(), f.access(f.signIn(bob)))
	if fmt.Sprint(err) != "access_denied: Account not yet approved" {
		t.Errorf("bob: %v", err)
	}
}
