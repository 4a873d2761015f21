package auth

import (
	"net/http"
	"strings"
	"testing"
)

// everyMethod includes one that is not registered.
var everyMethod = []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"}

// Every answer carries the headers that protect it from other pages.
func TestHeadersOfEveryAnswer(t *testing.T) {
	f := start(t, Options{BootstrapEmail: ada, Limits: Limits{FailuresPerIP: 50, MailsPerIP: 5}, Origins: []string{"https://app.lmz.example"}})
	admin := f.admin()
	statuses := map[int]bool{}
	check := func(a answer) {
		t.Helper()
		statuses[a.StatusCode] = true
		for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Cross-Origin-Opener-Policy": "same-origin", "Referrer-Policy": "no-referrer"} {
			if got := a.Header.Values(name); len(got) != 1 || got[0] != want {
				t.Errorf("%s %s: %d with %s %q", a.Request.Method, a.Request.URL.Path, a.StatusCode, name, got)
			}
		}
	}
	for _, link := range []string{f.link(bob), "/auth/approve/" + f.subject(ada).Sub} {
		check(f.do("GET", link, "", "Authorization", "Bearer "+admin))
		check(f.do("POST", link, "", "Authorization", "Bearer "+admin))
	}
	check(f.do("POST", "/auth/email-magic-link", strings.Repeat(" ", bodyLimit+1)))
	paths := []string{"", "nothing", "magic-link/", "%2e%2e/auth/sessions"}
	for _, r := range routes {
		paths = append(paths, strings.ReplaceAll(r.path, "{id}", "x"))
	}
	for _, path := range paths {
		for _, query := range []string{"", "?one_time_token=x&invite_token=x"} {
			for _, method := range everyMethod {
				for _, header := range [][]string{
					{"Accept", "text/html"},
					{"Accept", "text/html", "Authorization", "Bearer " + admin},
					{"Origin", "https://evil.example"},
					{"Origin", "https://app.lmz.example"},
					{"Sec-Fetch-Site", "cross-site", "Accept", "text/html"},
				} {
					check(f.do(method, "/auth/"+path+query, "", header...))
				}
			}
		}
	}
	for _, status := range []int{200, 204, 303, 302, 400, 401, 403, 404, 413, 429} {
		if !statuses[status] {
			t.Errorf("no answer with status %d was looked at", status)
		}
	}
	for _, method := range everyMethod {
		for _, accept := range []string{"text/html", "application/json"} {
			w := serveAs(f.box, method, "Accept", accept)
			check(answer{w, ""})
		}
		check(answer{serveAs(f.svc.Middleware(http.NotFoundHandler()), method), ""})
	}
}

// An Origin with more in it than a browser sends could pass for our own in code that compares
// only its host.
func TestOriginWithUserInformation(t *testing.T) {
	for name, o := range map[string]Options{"no other origins": {AutoApprove: true}, "others": {AutoApprove: true, Origins: []string{"https://app.lmz.example"}}} {
		f := start(t, o)
		session := f.signIn(ada)
		host := strings.TrimPrefix(f.url, "http://")
		for _, origin := range []string{"http://user@" + host, "http://user:secret@" + host, "http://@" + host, "http://" + host + "/", "http://" + host + "?",
			"https://user@lmz.example", "https://x@app.lmz.example", "//" + host, host, "http://" + host + " http://evil.example"} {
			for _, target := range []string{"POST logout", "GET sessions", "POST refresh-token", "OPTIONS refresh-token"} {
				method, path, _ := strings.Cut(target, " ")
				a := f.do(method, "/auth/"+path, "", "Origin", origin, "Cookie", cookieName+"="+session)
				if a.StatusCode != 403 || a.Header.Get("Access-Control-Allow-Origin") != "" || a.Header.Get("Set-Cookie") != "" {
					t.Errorf("%s: %s from %s: %d %v", name, target, origin, a.StatusCode, a.Header)
				}
			}
		}
		own := "http://" + host
		if len(o.Origins) > 0 {
			own = publicURL
		}
		f.want(f.do("POST", "/auth/refresh-token", "", "Origin", own, "Cookie", cookieName+"="+session), 200, "")
	}
}

// serveAs sends a request with a method to a handler.
func serveAs(h http.Handler, method string, header ...string) *http.Response {
	asked := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Method = method
		h.ServeHTTP(w, r)
	})
	resp := serve(asked, header...).Result()
	resp.Request, _ = http.NewRequest(method, "/x", nil)
	return resp
}
