package test

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/lumenize/lmz/internal/poll"
)

// ask sends a request to the program; as is a Bearer token, or "cookie=" and a refresh token.
func (d *devServer) ask(as, method, path, body string) (*http.Response, string) {
	d.t.Helper()
	r, err := http.NewRequest(method, d.url()+path, strings.NewReader(body))
	if err != nil {
		d.t.Fatal(err)
	}
	if cookie, ok := strings.CutPrefix(as, "cookie="); ok {
		r.Header.Set("Cookie", "refresh-token="+cookie)
	} else if as != "" {
		r.Header.Set("Authorization", "Bearer "+as)
	}
	answer, err := http.DefaultTransport.RoundTrip(r) // does not follow redirects
	if err != nil {
		d.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(answer.Body)
	return answer, string(text)
}

func (d *devServer) askJSON(as, method, path, body string) map[string]any {
	d.t.Helper()
	answer, text := d.ask(as, method, path, body)
	if answer.StatusCode >= 400 {
		d.t.Fatalf("%s %s: %d %s", method, path, answer.StatusCode, text)
	}
	var v map[string]any
	json.Unmarshal([]byte(text), &v)
	return v
}

var linkInMail = regexp.MustCompile(`/auth/magic-link\?one_time_token=[\w-]+`)

// holder is a signed-in user with the newest tokens of the session.
type holder struct {
	*devServer
	email, sub, refresh, access string
}

// mailSignIn signs a user in with a mailed link.
func (d *devServer) mailSignIn(email string) *holder {
	d.t.Helper()
	d.askJSON("", "POST", "/auth/email-magic-link", `{"email":"`+email+`"}`)
	link := ""
	poll.Until(d.t, "a mail to "+email, func() bool {
		_, text := d.ask("", "GET", "/dev/mail", "")
		if at := strings.Index(text, email); at >= 0 {
			link = linkInMail.FindString(text[at:])
		}
		return link != ""
	})
	h := &holder{devServer: d, email: email}
	answer, _ := d.ask("", "POST", link, "")
	h.keep(answer)
	h.renew()
	return h
}

// keep stores the refresh token that an answer sets.
func (h *holder) keep(answer *http.Response) {
	for _, c := range answer.Cookies() {
		if c.Name == "refresh-token" {
			h.refresh = c.Value
		}
	}
}

// renew exchanges the tokens for new ones.
func (h *holder) renew() {
	h.t.Helper()
	answer, text := h.ask("cookie="+h.refresh, "POST", "/auth/refresh-token", "")
	h.keep(answer)
	var tokens struct {
		Access string `json:"access_token"`
		Sub    string `json:"sub"`
	}
	if json.Unmarshal([]byte(text), &tokens); tokens.Access == "" {
		h.t.Fatalf("no token: %s", text)
	}
	h.access, h.sub = tokens.Access, tokens.Sub
}

// named creates a named access token.
func (h *holder) named() (token, id string) {
	h.t.Helper()
	made := h.askJSON(h.access, "POST", "/auth/tokens", `{"name":"ci"}`)
	return made["token"].(string), made["id"].(string)
}

// session returns the id of the session.
func (h *holder) session() string {
	h.t.Helper()
	payload, _ := base64.RawURLEncoding.DecodeString(strings.Split(h.access, ".")[1])
	var claims struct {
		Session string `json:"sid"`
	}
	if json.Unmarshal(payload, &claims); claims.Session == "" {
		h.t.Fatalf("no session in %s", payload)
	}
	return claims.Session
}

// way is a way to revoke authority.
type way struct {
	name string
	want string // what the user is told
	page string // the page's message; empty for tokens that cannot sign a page in
	take func(h *holder, admin string) (token string, take func())
}

// delete returns a request that deletes something.
func (h *holder) delete(as, path string) func() {
	return func() { h.askJSON(as, "DELETE", path, "") }
}

// ways are all ways that exist from outside; a normal run tests the first two.
var ways = []way{
	{"signed out", "Signed out", "You were signed out in another tab", func(h *holder, _ string) (string, func()) {
		return h.access, func() { h.askJSON("cookie="+h.refresh, "POST", "/auth/logout", "") }
	}},
	{"account removed", "Account removed", "Your account has been removed", func(h *holder, admin string) (string, func()) {
		return h.access, h.delete(admin, "/auth/subject/"+h.sub)
	}},
	{"approval withdrawn", "Approval withdrawn", "An administrator has withdrawn", func(h *holder, admin string) (string, func()) {
		return h.access, func() { h.askJSON(admin, "PATCH", "/auth/subject/"+h.sub, `{"adminApproved":false}`) }
	}},
	{"session ended elsewhere", "Signed out on another device", "You were signed out on another device", func(h *holder, _ string) (string, func()) {
		return h.access, h.delete(h.mailSignIn(h.email).access, "/auth/session/"+h.session())
	}},
	{"signed out everywhere", "Signed out on another device", "You were signed out on another device", func(h *holder, _ string) (string, func()) {
		other := h.mailSignIn(h.email)
		return h.access, func() { h.askJSON(other.access, "POST", "/auth/logout/all", "") }
	}},
	{"signed out by an admin", "Signed out by an administrator", "An administrator signed you out", func(h *holder, admin string) (string, func()) {
		return h.access, h.delete(admin, "/auth/subject/"+h.sub+"/sessions")
	}},
	{"refresh token reused", "Signed out because a copy of the sign-in was used", "You were signed out because somebody used a copy", func(h *holder, _ string) (string, func()) {
		old := h.refresh
		h.renew()
		h.renew()
		pause(h.t.Context(), 31*time.Second) // a repeated token counts as stolen only 30 s after its successor was used
		return h.access, func() { h.ask("cookie="+old, "POST", "/auth/refresh-token", "") }
	}},
	{"named token deleted", "Access token removed", "", func(h *holder, _ string) (string, func()) {
		token, id := h.named()
		return token, h.delete(h.access, "/auth/token/"+id)
	}},
	// The tokens of an account are deleted with it.
	{"owner of a named token removed", "Access token removed", "", func(h *holder, admin string) (string, func()) {
		token, _ := h.named()
		return token, h.delete(admin, "/auth/subject/"+h.sub)
	}},
	{"actor removed", "May not act for this account any more", "", func(h *holder, admin string) (string, func()) {
		actor, token := h.delegate(admin)
		return token, h.delete(admin, "/auth/subject/"+h.sub+"/actors/"+actor.sub)
	}},
	{"actor signed out", "Signed out", "", func(h *holder, admin string) (string, func()) {
		actor, token := h.delegate(admin)
		return token, func() { h.askJSON("cookie="+actor.refresh, "POST", "/auth/logout", "") }
	}},
}

// delegate lets another user act for the holder, with a token.
func (h *holder) delegate(admin string) (actor *holder, token string) {
	h.t.Helper()
	actor = h.mailSignIn("actor-of-" + h.email)
	h.askJSON(admin, "POST", "/auth/subject/"+h.sub+"/actors", `{"actorSub":"`+actor.sub+`"}`)
	return actor, h.askJSON(actor.access, "POST", "/auth/delegated-token", `{"actFor":"`+h.sub+`"}`)["access_token"].(string)
}
