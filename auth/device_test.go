package auth

import (
	"net/url"
	"strings"
	"testing"
	"time"
)

// device starts a sign-in of a terminal that polls, and returns its two codes and the mailed
// link.
func (f *fixture) device(email string) (deviceCode, userCode, link string) {
	f.t.Helper()
	a := f.do("POST", "/auth/cli/device", `{"email":"`+email+`","client_name":"lmz","hostname":"server1.example"}`)
	f.want(a, 200, "")
	return a.json("device_code"), a.json("user_code"), f.lastLink()
}

func (f *fixture) poll(deviceCode string) answer {
	f.t.Helper()
	return f.do("POST", "/auth/cli/token", `{"grant_type":"`+deviceGrant+`","device_code":"`+deviceCode+`"}`)
}

func (f *fixture) typeCode(link, code string) answer {
	f.t.Helper()
	return f.do("POST", link, url.Values{"user_code": {code}}.Encode(), "Content-Type", "application/x-www-form-urlencoded", "Accept", "text/html")
}

func (f *fixture) wantError(a answer, status int, code string) {
	f.t.Helper()
	f.want(a, status, "")
	if a.json("error") != code {
		f.t.Fatalf("%s %s: got %s, want %s", a.Request.Method, a.Request.URL.Path, a.body, code)
	}
}

func TestTerminalSignInByCode(t *testing.T) {
	f := start(t, Options{AutoApprove: true})
	deviceCode, userCode, link := f.device(ada)
	if len(deviceCode) != 43 || len(userCode) != 9 || userCode[4] != '-' {
		t.Errorf("codes %q, %q", deviceCode, userCode)
	}
	f.wantError(f.poll(deviceCode), 400, "authorization_pending")
	page := f.do("GET", link, "")
	f.want(page, 200, "")
	checkCSP(t, page)
	for _, text := range []string{ada, "lmz on server1", "the network that you are in", `<label for="code">`, `name="user_code"`} {
		if !strings.Contains(page.body, text) {
			t.Errorf("the page lacks %q: %s", text, page.body)
		}
	}
	if strings.Contains(page.body, userCode) || strings.Contains(f.box.newestFirst()[0].Text, userCode) {
		t.Error("the code is shown where it is to be typed")
	}
	a := f.typeCode(link, strings.ToLower(userCode[:4])+" "+userCode[5:])
	f.want(a, 200, "")
	if a.cookie() != "" || !strings.Contains(a.body, "Your terminal is signed in") {
		t.Errorf("cookie %q, page %s", a.cookie(), a.body)
	}
	f.pass(5 * time.Second)
	a = f.poll(deviceCode)
	f.want(a, 200, "")
	claims, err := f.svc.Verify(t.Context(), a.json("access_token"))
	if err != nil || claims.Email != ada || claims.Session == "" {
		t.Errorf("got %+v, %v", claims, err)
	}
	f.want(f.do("POST", "/auth/refresh-token", `{"refresh_token":"`+a.json("refresh_token")+`"}`), 200, "")
	f.wantError(f.poll(deviceCode), 400, "invalid_grant") // issued only once
	if got := f.typeCode(link, userCode).Header.Get("Location"); got != "/?error=invalid_token" {
		t.Errorf("the link works again: %q", got)
	}
}

func TestFiveWrongCodes(t *testing.T) {
	f := start(t, Options{AutoApprove: true})
	deviceCode, userCode, link := f.device(ada)
	for left, words := range []string{"4 more tries", "3 more tries", "2 more tries", "one more try"} {
		a := f.typeCode(link, "BBBB-BBBB")
		f.want(a, 422, "")
		if !strings.Contains(a.body, words) || !strings.Contains(a.body, `role="alert"`) {
			t.Errorf("try %d: %s", left, a.body)
		}
	}
	f.want(f.typeCode(link, ""), 403, "")
	f.want(f.typeCode(link, userCode), 303, "")
	f.wantError(f.poll(deviceCode), 400, "access_denied")
	if f.count("Sessions") != 0 {
		t.Error("a session began")
	}
}

func TestRefusedTerminal(t *testing.T) {
	f := start(t, Options{})
	deviceCode, _, link := f.device(ada)
	f.want(f.do("POST", link, "answer=no"), 200, "")
	f.wantError(f.poll(deviceCode), 400, "access_denied")
	f.want(f.do("GET", link, ""), 302, "")
}

func TestFrequentPolls(t *testing.T) {
	f := start(t, Options{})
	deviceCode, _, link := f.device(ada)
	f.wantError(f.poll(deviceCode), 400, "authorization_pending")
	f.pass(time.Second)
	f.wantError(f.poll(deviceCode), 400, "slow_down")
	f.pass(6 * time.Second)
	f.wantError(f.poll(deviceCode), 400, "slow_down")
	f.pass(15 * time.Second)
	f.wantError(f.poll(deviceCode), 400, "authorization_pending")
	f.pass(10 * time.Minute)
	f.wantError(f.poll(deviceCode), 400, "expired_token")
	if got := f.do("GET", link, "").Header.Get("Location"); got != "/?error=token_expired" {
		t.Errorf("Location %q", got)
	}
}

func TestDisabledSignInByCode(t *testing.T) {
	f := start(t, Options{NoDeviceFlow: true})
	f.wantError(f.do("POST", "/auth/cli/device", `{"email":"`+ada+`"}`), 404, "not_found")
	f.wantError(f.poll("x"), 400, "unsupported_grant_type")
	f.want(f.do("POST", "/auth/cli/start", cliStart(ada, callback, verifier)), 202, "")
	if page := f.do("GET", f.lastLink(), ""); page.StatusCode != 200 || strings.Contains(page.body, "--device") {
		t.Errorf("the page offers it: %s", page.body)
	}
}
