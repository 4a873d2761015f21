package auth

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lumenize/lmz/auth/internal/secret"
	"github.com/lumenize/lmz/auth/internal/store"
)

// The columns of the matrix are the callers. "other" sends the cookie of an admitted user who
// owns nothing that the path names; the rest, if they have a credential, send it as a Bearer
// token or, where only a cookie counts, as that.
var columns = []string{"none", "expired", "unapproved", "user", "admin", "delegated", "other"}

// row is an endpoint and the status for each column with the right method. {sub} is another
// subject, {session} and {token} are the caller's own or, if the caller has none, another's;
// {link}, {invite} and {actor} stand for what they name.
type row struct {
	method, path, body string
	cookie             bool // only a cookie counts
	want               [7]int
}

func everyone(status int) [7]int {
	return [7]int{status, status, status, status, status, status, status}
}

func self(status, other int) [7]int { return [7]int{401, 401, status, status, status, 403, other} }

func adminOnly(status int) [7]int { return [7]int{401, 401, 403, 403, status, 403, 403} }

var matrix = []row{
	{"POST", "email-magic-link", `{"email":"new@example.com"}`, false, everyone(200)},
	{"GET", "magic-link?one_time_token={link}", "", false, everyone(200)},
	{"POST", "magic-link?one_time_token={link}", "", false, everyone(303)},
	{"GET", "accept-invite?invite_token={invite}", "", false, everyone(200)},
	{"POST", "accept-invite?invite_token={invite}", "", false, everyone(303)},
	{"POST", "refresh-token", "", true, [7]int{401, 401, 200, 200, 200, 401, 200}},
	{"POST", "logout", "", true, everyone(200)},
	{"POST", "logout/all", "", false, self(200, 200)},

	{"POST", "cli/start", cliStart("new@example.com", callback, verifier), false, everyone(202)},
	{"POST", "cli/device", `{"email":"new@example.com"}`, false, everyone(200)},
	{"POST", "cli/token", `{"grant_type":"` + deviceGrant + `","device_code":"unknown"}`, false, everyone(400)},

	{"GET", "sessions", "", false, self(200, 200)},
	{"DELETE", "session/{session}", "", false, self(204, 404)},
	{"GET", "tokens", "", false, self(200, 200)},
	{"POST", "tokens", `{"name":"ci"}`, false, [7]int{401, 401, 403, 201, 201, 403, 201}},
	{"DELETE", "token/{token}", "", false, self(204, 404)},
	{"POST", "delegated-token", `{"actFor":"{sub}"}`, false, [7]int{401, 401, 403, 200, 200, 403, 403}},

	{"GET", "subjects", "", false, adminOnly(200)},
	{"GET", "subject/{sub}", "", false, adminOnly(200)},
	{"PATCH", "subject/{sub}", `{"isAdmin":true}`, false, adminOnly(200)},
	{"DELETE", "subject/{sub}", "", false, adminOnly(204)},
	{"POST", "subject/{sub}/actors", `{"actorSub":"{sub}"}`, false, adminOnly(200)},
	{"DELETE", "subject/{sub}/actors/{actor}", "", false, adminOnly(200)},
	{"GET", "subject/{sub}/sessions", "", false, adminOnly(200)},
	{"DELETE", "subject/{sub}/sessions", "", false, adminOnly(204)},
	{"GET", "subject/{sub}/tokens", "", false, adminOnly(200)},
	{"POST", "invite", `{"emails":["invited@example.com"]}`, false, adminOnly(200)},
	{"GET", "approve/{sub}", "", false, [7]int{302, 302, 403, 403, 200, 403, 403}},
	{"POST", "approve/{sub}", "", false, adminOnly(200)},
	{"GET", "audit", "", false, adminOnly(200)},

	{"GET", ".well-known/jwks.json", "", false, everyone(200)},
	{"POST", "test/set-subject-data", `{"email":"ada@example.com","isAdmin":true}`, false, everyone(403)},
}

func TestMatrixCoverage(t *testing.T) {
	for _, r := range routes {
		covered := slices.ContainsFunc(matrix, func(m row) bool {
			path, _, _ := strings.Cut(m.path, "?")
			_, ok := match(r.path, path)
			return ok && m.method == r.method
		})
		if !covered {
			t.Errorf("%s %s is not in the matrix", r.method, r.path)
		}
	}
}

func TestEndpointsByCaller(t *testing.T) {
	f := start(t, Options{Limits: Limits{MailsPerAddress: -1, MailsPerAddressDaily: -1, MailsPerIP: -1, MailsPerHour: -1, FailuresPerIP: -1}})
	for _, m := range matrix {
		for i, who := range columns {
			// Requests that change nothing come first, so one world serves them all.
			c := f.cell(who, m.cookie)
			for _, how := range []string{"wrong method", "cross-site", "right method"} {
				method, want, header := m.method, m.want[i], c.header
				switch how {
				case "wrong method":
					method, want = "PUT", 404
				case "cross-site":
					header = append(slices.Clip(header), "Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site")
					if method != "GET" {
						want = 403
					} else if m.path == "approve/{sub}" && who == "none" {
						want = 200 // the cookie was not sent: the page asks to continue
					}
				}
				a := f.do(method, "/auth/"+c.fill(m.path), c.fill(m.body), header...)
				f.checkCell(fmt.Sprintf("%s %s as %s, %s", m.method, m.path, who, how), a, want, header)
			}
		}
	}
}

func (f *fixture) checkCell(name string, a answer, want int, header []string) {
	f.t.Helper()
	if a.StatusCode != want {
		f.t.Errorf("%s: got %d %s, want %d", name, a.StatusCode, a.body, want)
		return
	}
	refused := a.StatusCode >= 400
	if refused && a.StatusCode != 404 && (a.json("error") == "" || a.json("error_description") == "") {
		f.t.Errorf("%s: the refusal does not say why: %s", name, a.body)
	}
	if refused && (a.cookie() != "" || a.Header.Get("WWW-Authenticate") != "") {
		f.t.Errorf("%s: header %v", name, a.Header)
	}
	if a.Header.Get("Access-Control-Allow-Origin") != "" || a.Header.Get("X-Content-Type-Options") != "nosniff" || a.Header.Get("Referrer-Policy") != "no-referrer" {
		f.t.Errorf("%s: header %v", name, a.Header)
	}
	for i := 1; i < len(header); i += 2 {
		if _, secret, ok := strings.Cut(header[i], "Bearer "); ok && strings.Contains(a.body, secret) {
			f.t.Errorf("%s: the answer repeats the credential", name)
		}
	}
}

// cell is the world of one request.
type cell struct {
	header []string
	fill   func(string) string
}

// cell creates a caller and the targets of the request in one transaction. It bypasses the
// endpoints, which are under test.
func (f *fixture) cell(who string, cookieOnly bool) (c cell) {
	f.t.Helper()
	s := f.svc
	err := s.store.Update(f.t.Context(), func(tx store.Tx) error {
		r := &request{}
		r.Request, _ = http.NewRequest("GET", "/", nil)
		person := func(verified, approved, admin bool) store.Subject {
			subj, _, err := tx.EnsureSubject("p"+secret.UUID()[:8]+"@example.com", f.now())
			subj.EmailVerified, subj.AdminApproved, subj.IsAdmin = verified, approved, admin
			f.must(err)
			f.must(tx.SaveFlags(subj, f.now()))
			return subj
		}
		owned := func(subj store.Subject) (session, refresh, token string) {
			session, refresh, err := s.beginSession(tx, r, newSession{sub: subj.Sub, kind: store.Browser})
			f.must(err)
			token = secret.UUID()
			f.must(tx.InsertNamed(token, store.NamedToken{ID: token, Name: "n", Subject: subj.Sub, ExpiresAt: f.now().Add(time.Hour).UnixMilli()}))
			return session, refresh, token
		}
		must := func(_ bool, err error) { f.must(err) }
		access := func(of store.Subject, session string, expires time.Time, actors ...string) string {
			g := grantTo(of, expires)
			g.Session, g.Actors = session, actors
			out, err := s.signAccess(g, f.now())
			f.must(err)
			return out.AccessToken
		}
		soon := f.now().Add(time.Minute)
		target := person(true, true, false)
		asker := person(true, who != "unapproved", who == "admin")
		actor := person(true, true, false)
		session, refresh, token := owned(asker)
		var bearer string
		switch who {
		case "none":
			refresh = ""
		case "expired":
			bearer = access(asker, session, f.now().Add(-time.Hour))
			f.must(tx.ExtendRefresh(secret.Hash(refresh), time.UnixMilli(1)))
		case "delegated":
			boss := person(true, true, true)
			must(tx.AddActor(boss.Sub, asker.Sub))
			bearer = access(boss, session, soon, asker.Sub)
		case "other":
			session, _, token = owned(target)
		default:
			bearer = access(asker, session, soon)
		}
		if who != "other" && who != "delegated" {
			must(tx.AddActor(target.Sub, asker.Sub))
		}
		switch {
		case who == "other", cookieOnly && who != "none" && who != "delegated":
			c.header = []string{"Cookie", cookieName + "=" + refresh}
		case bearer != "":
			c.header = []string{"Authorization", "Bearer " + bearer}
		}
		link, invite := secret.New(), secret.New()
		f.must(tx.InsertLink(link, link1(target.Email, f.now())))
		f.must(tx.ReplaceInvite(invite, target.Email, f.now(), time.Hour))
		c.fill = strings.NewReplacer("{sub}", target.Sub, "{session}", session, "{token}", token, "{actor}", actor.Sub,
			"{link}", link, "{invite}", invite).Replace
		return nil
	})
	f.must(err)
	return c
}

func link1(email string, now time.Time) store.Link {
	return store.Link{Email: email, CreatedAt: now, ExpiresAt: now.Add(time.Hour)}
}

func (f *fixture) must(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

// TestCredentialsOfEndpoints requires that a Bearer token takes precedence, and that the cookie
// counts if there is none or another scheme.
func TestCredentialsOfEndpoints(t *testing.T) {
	f := start(t, Options{AutoApprove: true})
	session := f.signIn(ada)
	cookie, access := cookieName+"="+session, f.access(session)
	for _, test := range []struct {
		authorization, cookie, refused string
	}{
		{"Bearer " + access, "", ""},
		{"bEARER " + access, "", ""},
		{"Bearer x", cookie, "Invalid or expired access token"},
		{"Bearer " + f.access(f.signIn(ada))[1:], "", "Invalid or expired access token"},
		{"Basic x", cookie, ""},
		{"Bearer  " + access, cookie, ""},
		{"", cookie, ""},
		{"", "other=1; " + cookie + "; Path=/; HttpOnly", ""},
		{"", cookieName + "=", "Authentication required"},
		{"", cookieName + "=x; " + cookie, "Authentication required"}, // the first of that name
		{"Basic x", "", "Authentication required"},
		{"", "", "Authentication required"},
	} {
		a := f.do("GET", "/auth/sessions", "", "Authorization", test.authorization, "Cookie", test.cookie)
		if test.refused == "" {
			f.want(a, 200, "")
			continue
		}
		f.want(a, 401, `{"error":"invalid_token","error_description":"`+test.refused+`"}`)
	}
	// A request for an upgrade is handled like any other here.
	f.want(f.do("GET", "/auth/sessions", "", "Cookie", cookie, "Connection", "Upgrade", "Upgrade", "websocket"), 200, "")
}

func TestAccessToProtectedRoutes(t *testing.T) {
	f := start(t, Options{})
	handler := f.svc.Middleware(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("in")) }))
	for i, want := range [7]int{401, 401, 403, 200, 200, 200, 401} {
		c := f.cell(columns[i], false)
		if w := serve(handler, c.header...); w.Code != want || (w.Code == 401) != (w.Header().Get("WWW-Authenticate") != "") {
			t.Errorf("%s: got %d %s, want %d", columns[i], w.Code, w.Body, want)
		}
	}
}
