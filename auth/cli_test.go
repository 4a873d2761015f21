package auth

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

const state = "0123456789abcdef0123"

var verifier = strings.Repeat("v", 43)

func cliStart(email, redirectURI, verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return toJSON(map[string]string{
		"email": email, "redirect_uri": redirectURI, "state": state,
		"code_challenge": base64.RawURLEncoding.EncodeToString(sum[:]), "code_challenge_method": "S256",
		"client_name": "lmz", "hostname": "laptop.home.example",
	})
}

func toJSON(v map[string]string) string {
	out, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(out)
}

const callback = "http://127.0.0.1:1/callback"

// code runs a terminal sign-in up to the code.
func (f *fixture) code(email string) string {
	f.t.Helper()
	f.want(f.do("POST", "/auth/cli/start", cliStart(email, callback, verifier)), 202, "")
	a := f.do("POST", f.lastLink(), "")
	f.want(a, 303, "")
	to, err := url.Parse(a.Header.Get("Location"))
	if err != nil || to.Query().Get("state") != state || a.Header.Get("Set-Cookie") != "" {
		f.t.Fatalf("Location %q, cookie %q", to, a.Header.Get("Set-Cookie"))
	}
	return to.Query().Get("code")
}

func (f *fixture) redeem(code, verifier, redirectURI string) answer {
	return f.do("POST", "/auth/cli/token", toJSON(map[string]string{
		"grant_type": "authorization_code", "code": code, "code_verifier": verifier, "redirect_uri": redirectURI}))
}

func (f *fixture) terminal(email string) (code string, signedIn answer) {
	f.t.Helper()
	code = f.code(email)
	signedIn = f.redeem(code, verifier, callback)
	f.want(signedIn, 200, "")
	return code, signedIn
}

func TestTerminalSignInByLoopbackListener(t *testing.T) {
	f := start(t, Options{AutoApprove: true})
	arrived := make(chan url.Values, 1)
	terminal := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/callback" {
			arrived <- r.URL.Query()
		}
	}))
	defer terminal.Close()
	redirectURI := terminal.URL + "/callback"

	a := f.do("POST", "/auth/cli/start", cliStart(ada, redirectURI, verifier))
	f.want(a, 202, "")
	if len(a.json("request_id")) != 36 || !strings.HasSuffix(a.body, `,"expires_in":600,"interval":5}`) {
		t.Errorf("start: %s", a.body)
	}
	mail := f.box.newestFirst()[0]
	if mail.Kind != KindCLILink || !strings.Contains(mail.Text, "a terminal on laptop (lmz)") {
		t.Errorf("mail: %+v", mail)
	}
	link := f.lastLink()
	page := f.do("GET", link, "")
	f.want(page, 200, "")
	if !strings.Contains(page.body, "<dd>laptop</dd>") || !strings.Contains(page.body, ada) || !strings.Contains(page.body, "--device") {
		t.Errorf("page: %s", page.body)
	}
	if csp := checkCSP(t, page); !strings.HasSuffix(csp, "form-action 'self' "+terminal.URL) {
		t.Errorf("the browser would block the way to the terminal: %s", csp)
	}
	browser := &http.Client{Transport: &http.Transport{}}
	defer browser.CloseIdleConnections()
	resp, err := browser.Post(f.url+link, "application/x-www-form-urlencoded", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	query := <-arrived
	if query.Get("state") != state {
		t.Errorf("state %q", query.Get("state"))
	}
	a = f.redeem(query.Get("code"), verifier, redirectURI)
	f.want(a, 200, "")
	if a.json("token_type") != "Bearer" || a.json("sub") != f.subject(ada).Sub || a.Header.Get("Set-Cookie") != "" {
		t.Errorf("token: %s", a.body)
	}
	if _, err := f.svc.Verify(t.Context(), a.json("access_token")); err != nil {
		t.Error(err)
	}
	f.want(f.do("POST", "/auth/refresh-token", `{"refresh_token":"`+a.json("refresh_token")+`"}`), 200, "")
}

func TestCodeOfATerminal(t *testing.T) {
	f := start(t, Options{AutoApprove: true})
	const invalid = `{"error":"invalid_grant","error_description":"The code is unknown, used, expired or not for this client"}`
	code, _ := f.terminal(ada)
	f.want(f.redeem(code, verifier, callback), 400, invalid)
	f.want(f.redeem("unknown", verifier, callback), 400, invalid)

	code = f.code(ada)
	f.want(f.redeem(code, strings.Repeat("w", 43), callback), 400, invalid)
	f.want(f.redeem(code, verifier, callback), 400, invalid) // only one try is allowed

	f.want(f.redeem(f.code(ada), verifier, "http://127.0.0.1:2/callback"), 400, invalid)

	code = f.code(ada)
	f.pass(codeTTL)
	f.want(f.redeem(code, verifier, callback), 200, "")
	code = f.code(ada)
	f.pass(codeTTL + time.Millisecond)
	f.want(f.redeem(code, verifier, callback), 400, invalid)
}

func TestMalformedRedemptions(t *testing.T) {
	f := start(t, Options{})
	for body, want := range map[string]string{
		`null`:                           "invalid_request",
		`{}`:                             "unsupported_grant_type",
		`{"grant_type":"refresh_token"}`: "unsupported_grant_type",
		`{"grant_type":"authorization_code","code_verifier":"` + verifier + `"}`: "invalid_request",
		`{"grant_type":"authorization_code","code":"c","code_verifier":"short"}`: "invalid_request",
	} {
		a := f.do("POST", "/auth/cli/token", body)
		f.want(a, 400, "")
		if a.json("error") != want {
			t.Errorf("%s: got %s", body, a.body)
		}
	}
}

func TestMalformedTerminalRequests(t *testing.T) {
	f := start(t, Options{AutoApprove: true})
	bad := map[string][]string{
		"email":                 {"", "nobody"},
		"code_challenge":        {"", "short", strings.Repeat("+", 43)},
		"code_challenge_method": {"", "plain", "s256"},
		"state":                 {"", "short", strings.Repeat("a b ", 8), strings.Repeat("a", 257)},
		"redirect_uri": {"", "https://127.0.0.1:1/callback", "http://localhost:1/callback", "http://127.0.0.1/callback",
			"http://127.0.0.1:1/other", "http://127.0.0.1:1/callback?x", "http://127.0.0.1:1/callback#x",
			"http://u@127.0.0.1:1/callback", "http://127.0.0.1:0/callback", "http://127.0.0.1:70000/callback",
			"http://127.0.0.2:1/callback", "http://127.0.0.1.evil.example:1/callback", "http://[::2]:1/callback",
			"HTTP://127.0.0.1:1/callback", "http://127.0.0.1:01/callback", "http://127.0.0.1:1/./callback"},
	}
	for member, values := range bad {
		for _, value := range values {
			body := map[string]string{}
			json.Unmarshal([]byte(cliStart(ada, callback, verifier)), &body)
			body[member] = value
			a := f.do("POST", "/auth/cli/start", toJSON(body))
			f.want(a, 400, "")
			if a.json("error") != "invalid_request" {
				t.Errorf("%s %q: %s", member, value, a.body)
			}
		}
	}
	f.want(f.do("POST", "/auth/cli/start", "null"), 400, "")
	if n := f.count("MagicLinks"); n != 0 {
		t.Errorf("%d links were made", n)
	}
	body := cliStart(ada, "http://"+net.JoinHostPort("::1", "4321")+"/callback", verifier)
	f.want(f.do("POST", "/auth/cli/start", body), 202, "")
	if csp := checkCSP(t, f.do("GET", f.lastLink(), "")); !strings.HasSuffix(csp, "form-action 'self' http:") {
		t.Errorf("csp %q", csp)
	}
}

func TestHostileTerminalNames(t *testing.T) {
	f := start(t, Options{AutoApprove: true})
	for _, name := range []string{"evil.example/win", "https://evil.example", "<b>x</b>", "a\r\nBcc: b@c.de", strings.Repeat("x", 41), "\u202ecod"} {
		body := map[string]string{}
		json.Unmarshal([]byte(cliStart(ada, callback, verifier)), &body)
		body["hostname"], body["client_name"] = name, name
		f.want(f.do("POST", "/auth/cli/start", toJSON(body)), 202, "")
		mail := f.box.newestFirst()[0]
		if strings.Contains(mail.Text, name) || strings.Contains(mail.Text, "evil.example") || strings.Contains(mail.Subject, name) {
			t.Errorf("%q: %s", name, mail.Text)
		}
	}
}

func TestLifetimeOfATerminalLink(t *testing.T) {
	f := start(t, Options{AutoApprove: true})
	f.want(f.do("POST", "/auth/cli/start", cliStart(ada, callback, verifier)), 202, "")
	f.pass(cliLinkTTL + time.Millisecond)
	if got := f.do("POST", f.lastLink(), "").Header.Get("Location"); got != "/?error=token_expired" {
		t.Errorf("Location %q", got)
	}
}

func TestSecondUseOfATerminalLink(t *testing.T) {
	f := start(t, Options{AutoApprove: true})
	f.want(f.do("POST", "/auth/cli/start", cliStart(ada, callback, verifier)), 202, "")
	link := f.lastLink()
	f.want(f.do("POST", link, ""), 303, "")
	if got := f.do("POST", link, "").Header.Get("Location"); got != "/?error=invalid_token" {
		t.Errorf("Location %q", got)
	}
}
