package auth

import (
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/lumenize/lmz/auth/internal/page"
	"github.com/lumenize/lmz/auth/internal/store"
)

// allPages returns the pages that users see.
func allPages(s *Service) map[string]page.Page {
	l := store.Link{Email: ada, CreatedAt: s.now(), IP: "192.0.2.1"}
	terminal := l
	terminal.Listener = &store.Listener{Client: "lmz", Hostname: "laptop", RedirectURI: callback}
	dev := store.Device{Label: "lmz on laptop"}
	return map[string]page.Page{
		"confirm":     s.confirmPage(l, "/x"),
		"terminal":    s.confirmPage(terminal, "/x"),
		"device":      s.devicePage(l, dev, "/x", "192.0.2.1", ""),
		"wrong code":  s.devicePage(l, dev, "/x", "198.51.100.1", "That is not the code on your terminal."),
		"invitation":  page.Invitation("Lumenize", ada, "/x", "/"),
		"approve":     approvePage(store.Subject{Email: bob, EmailVerified: true}, "/x"),
		"approved":    approvePage(store.Subject{Email: bob, AdminApproved: true}, "/x"),
		"continue":    page.Continue("Lumenize", "/x"),
		"end session": page.EndSession(ada, "/x"),
		"message":     page.Message("Done", "It is."),
		"incomplete":  s.errorPage(errMissingToken),
		"too often":   s.errorPage(&Error{Status: 429, RetryAfter: 90 * time.Second}),
		"mailbox":     mailboxPage([]received{{Kind: KindMagicLink, To: ada, Subject: "s", Link: "/x", Text: "t"}}),
	}
}

var inputs = regexp.MustCompile(`<input id="([^"]*)"[^>]*>|<input [^>]*type="hidden"[^>]*>|<input[^>]*>`)

// A screen reader needs a language, one heading, a title, names for fields and
// buttons, and descriptions that exist.
func TestPagesForScreenReaders(t *testing.T) {
	s := start(t, Options{}).svc
	for name, p := range allPages(s) {
		w := httptest.NewRecorder()
		p.Write(w, 200)
		text := w.Body.String()
		for what, want := range map[string]int{`<html lang="en">`: 1, "<h1": 1, "</h1>": 1, "<main": 1, "<title>": 1, "<title></title>": 0, `name="viewport"`: 1,
			"<script": 0, "<img": 0, "tabindex": 0, "user-scalable": 0, "<button": strings.Count(text, `type="submit">`)} {
			if got := strings.Count(text, what); got != want {
				t.Errorf("%s: %d times %s, want %d", name, got, what, want)
			}
		}
		for _, input := range inputs.FindAllStringSubmatch(text, -1) {
			if strings.Contains(input[0], `type="hidden"`) {
				continue
			}
			if input[1] == "" || !strings.Contains(text, `<label for="`+input[1]+`">`) {
				t.Errorf("%s: %s has no label", name, input[0])
			}
		}
		for _, m := range regexp.MustCompile(`aria-describedby="([^"]*)"`).FindAllStringSubmatch(text, -1) {
			for id := range strings.FieldsSeq(m[1]) {
				if !strings.Contains(text, `id="`+id+`"`) {
					t.Errorf("%s: nothing is called %s", name, id)
				}
			}
		}
	}
}
