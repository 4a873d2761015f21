package auth

import (
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestRefresh(t *testing.T) {
	f := start(t, Options{AutoApprove: true})
	session := f.signIn(ada)
	a := f.refresh(session)
	f.want(a, 200, "")
	want := `{"access_token":"` + a.json("access_token") + `","token_type":"Bearer","expires_in":900,"sub":"` + f.subject(ada).Sub + `"}`
	if a.body != want || a.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("got %s, want %s", a.body, want)
	}
	next := a.cookie()
	if next == session || len(next) != 43 || !strings.HasSuffix(a.Header.Get("Set-Cookie"), "; Path=/; HttpOnly; Secure; SameSite=Strict; Max-Age=2592000") {
		t.Errorf("cookie %q", a.Header.Get("Set-Cookie"))
	}
	f.pass(20 * 24 * time.Hour)
	f.pass(20 * 24 * time.Hour)
	f.want(f.refresh(next), 401, `{"error":"token_expired","error_description":"Refresh token expired"}`)
}

func TestRefreshWithoutCookies(t *testing.T) {
	f := start(t, Options{AutoApprove: true})
	session := f.signIn(ada)
	a := f.do("POST", "/auth/refresh-token", `{"refresh_token":"`+session+`"}`)
	f.want(a, 200, "")
	if len(a.json("refresh_token")) != 43 || a.Header.Get("Set-Cookie") != "" {
		t.Errorf("got %s, cookie %q", a.body, a.Header.Get("Set-Cookie"))
	}
	f.want(f.refresh(a.json("refresh_token")), 200, "")
}

func TestRepeatedRefresh(t *testing.T) {
	f := start(t, Options{AutoApprove: true})
	session := f.signIn(ada)
	var wg sync.WaitGroup
	got := make(chan string, 20)
	for range 20 {
		wg.Go(func() { got <- f.refresh(session).cookie() })
	}
	wg.Wait()
	close(got)
	next := <-got
	for c := range got {
		if c != next || c == "" {
			t.Errorf("got %q and %q", next, c)
		}
	}
	f.pass(refreshGrace)
	if c := f.refresh(session).cookie(); c != next {
		t.Errorf("at the end of the grace window: got %q, want %q", c, next)
	}
	f.want(f.refresh(next), 200, "")
}

// The machine was asleep, or the connection was down, when the answer arrived.
func TestRefreshWhoseAnswerWasLost(t *testing.T) {
	f := start(t, Options{AutoApprove: true})
	session := f.signIn(ada)
	next := f.refresh(session).cookie()
	for range 3 {
		f.pass(24 * time.Hour)
		a := f.refresh(session)
		f.want(a, 200, "")
		if a.cookie() != next {
			t.Fatalf("got %q, want the successor that nobody has used, %q", a.cookie(), next)
		}
	}
	if n := f.count("Audit WHERE event = 'token.repeated'"); n != 3 {
		t.Errorf("the log has %d late repetitions", n)
	}
	f.pass(time.Hour)
	f.want(f.do("GET", "/auth/sessions", "", "Cookie", cookieName+"="+session), 200, "")
	f.want(f.refresh(session), 200, "")
	// Of two tabs that wake up with it, one continues before the other is answered.
	last := f.refresh(next).cookie()
	if a := f.refresh(session); a.cookie() != last {
		t.Errorf("a slow tab got %d and %q, want %q", a.StatusCode, a.cookie(), last)
	}
	f.pass(refreshGrace + time.Millisecond)
	after := f.refresh(last).cookie()
	f.pass(refreshGrace + time.Millisecond)
	f.want(f.refresh(next), 401, `{"error":"token_revoked","error_description":"Refresh token has been revoked"}`)
	f.want(f.refresh(after), 401, "")
	f.want(f.do("GET", "/auth/sessions", "", "Cookie", cookieName+"="+after), 401, "")
	if e := f.event("token.reused"); e.Outcome != "failure" {
		t.Errorf("event %+v", e)
	}
}

func TestLostAnswerAfterARestart(t *testing.T) {
	dir := t.TempDir()
	var session, next string
	t.Run("before", func(t *testing.T) {
		f := start(t, Options{Dir: dir, AutoApprove: true})
		session = f.signIn(ada)
		next = f.refresh(session).cookie()
	})
	f := start(t, Options{Dir: dir, AutoApprove: true})
	f.pass(time.Hour)
	if a := f.refresh(session); a.cookie() != next {
		t.Errorf("got %d and %q, want %q", a.StatusCode, a.cookie(), next)
	}
}

// One request retries for a lost answer while the other uses the token.
func TestLateRefreshRace(t *testing.T) {
	rounds := 6
	if os.Getenv("LMZ_SOAK") != "" {
		rounds = 20
	}
	for range rounds {
		f := start(t, Options{AutoApprove: true})
		session := f.signIn(ada)
		next := f.refresh(session).cookie()
		f.pass(time.Hour)
		var wg sync.WaitGroup
		late, used := make(chan answer, 8), make(chan answer, 8)
		for range 8 {
			wg.Go(func() { late <- f.refresh(session) })
			wg.Go(func() { used <- f.refresh(next) })
		}
		wg.Wait()
		close(late)
		close(used)
		// Either all came before the use or within the grace period after one that did, or the
		// first one came after it and ended the session.
		var ended bool
		last := ""
		for a := range used {
			ended = ended || a.StatusCode == 401
			if last == "" {
				last = a.cookie()
			}
			if a.StatusCode == 200 && a.cookie() != last && last != "" {
				t.Errorf("two successors: %q and %q", a.cookie(), last)
			}
		}
		for a := range late {
			ended = ended || a.StatusCode == 401
			if a.StatusCode == 200 && a.cookie() != next && a.cookie() != last {
				t.Errorf("the late one got %q", a.cookie())
			}
		}
		if got := f.refresh(last).StatusCode; got == 401 != ended {
			t.Errorf("ended %v, and the last token is answered %d", ended, got)
		}
		if n := f.count("RefreshTokens WHERE rotatedAt IS NULL"); n != 1 {
			t.Errorf("%d tokens have no successor", n)
		}
	}
}

func TestReuseAfterTheGracePeriod(t *testing.T) {
	f := start(t, Options{AutoApprove: true})
	other := f.signIn(ada)
	session := f.signIn(ada)
	next := f.refresh(session).cookie()
	f.pass(refreshGrace + time.Millisecond)
	last := f.refresh(next).cookie()
	const revoked = `{"error":"token_revoked","error_description":"Refresh token has been revoked"}`
	for _, token := range []string{session, next, last} {
		a := f.refresh(token)
		f.want(a, 401, revoked)
		if a.Header.Get("Set-Cookie") != "" {
			t.Error("a refusal set a cookie")
		}
	}
	f.want(f.refresh(other), 200, "") // the other session remains valid
	if !strings.Contains(f.log.String(), "token.reused") {
		t.Errorf("log: %s", f.log)
	}
}

func TestRefreshWithUnknownTokens(t *testing.T) {
	f := start(t, Options{})
	const none = `{"error":"invalid_token","error_description":"No refresh token provided"}`
	for _, body := range []string{"", "null", "{}", "not json", `{"refresh_token":""}`} {
		f.want(f.do("POST", "/auth/refresh-token", body), 401, none)
	}
	f.want(f.do("POST", "/auth/refresh-token", "", "Cookie", cookieName+"="), 401, none)
	f.want(f.refresh("unknown"), 401, `{"error":"invalid_token","error_description":"Invalid refresh token"}`)
	f.want(f.do("POST", "/auth/refresh-token", strings.Repeat("x", bodyLimit+1)), 413, "")
}

func TestSessionAfterAFailedRefresh(t *testing.T) {
	f := start(t, Options{AutoApprove: true})
	session := f.signIn(ada)
	f.sql("CREATE TRIGGER full BEFORE INSERT ON RefreshTokens BEGIN SELECT RAISE (ABORT, 'disk full'); END")
	f.want(f.refresh(session), 500, `{"error":"server_error","error_description":"Internal server error"}`)
	f.sql("DROP TRIGGER full")
	f.pass(time.Hour)
	f.want(f.refresh(session), 200, "")
}

func TestLogout(t *testing.T) {
	f := start(t, Options{AutoApprove: true})
	other := f.signIn(ada)
	session := f.signIn(ada)
	next := f.refresh(session).cookie()
	a := f.do("POST", "/auth/logout", "", "Cookie", cookieName+"="+next)
	f.want(a, 200, `{"message":"Logged out"}`)
	if got := a.Header.Get("Set-Cookie"); got != "refresh-token=; Path=/; HttpOnly; Secure; SameSite=Strict; Max-Age=0" {
		t.Errorf("cookie %q", got)
	}
	if got := a.Header.Get("Clear-Site-Data"); got != `"cache"` {
		t.Errorf("what the browser keeps of pages stays: %q", got)
	}
	f.want(f.refresh(next), 401, "")
	f.want(f.refresh(session), 401, "") // although within its grace window
	a = f.do("POST", "/auth/logout", `{"refresh_token":"`+other+`"}`)
	f.want(a, 200, `{"message":"Logged out"}`)
	if a.Header.Get("Set-Cookie") != "" {
		t.Error("a logout by body touched the cookie")
	}
	f.want(f.refresh(other), 401, "")
	f.want(f.do("POST", "/auth/logout", ""), 200, `{"message":"Logged out"}`)
}

func TestSessionAfterARestart(t *testing.T) {
	dir := t.TempDir()
	var session, access string
	t.Run("before", func(t *testing.T) {
		f := start(t, Options{Dir: dir, AutoApprove: true})
		session = f.refresh(f.signIn(ada)).cookie()
		access = f.access(session)
	})
	f := start(t, Options{Dir: dir, AutoApprove: true})
	if _, err := f.svc.Verify(t.Context(), access); err != nil {
		t.Error(err)
	}
	f.want(f.refresh(session), 200, "")
}

func TestRepeatedRefreshAfterOthers(t *testing.T) {
	f := start(t, Options{AutoApprove: true})
	session := f.signIn(ada)
	next := f.refresh(session).cookie()
	f.pass(10 * time.Second)
	last := f.refresh(next).cookie()
	f.pass(10 * time.Second)
	// A slow tab, or one whose answer was lost, must not receive a token that others have already
	// replaced: it would look like a thief with it.
	late := f.refresh(session).cookie()
	f.pass(time.Hour)
	f.want(f.refresh(late), 200, "")
	if late != last {
		t.Errorf("got %q, want the newest, %q", late, last)
	}
}
