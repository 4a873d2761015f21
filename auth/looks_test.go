package auth

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/lumenize/lmz/auth/internal/store"
)

// allPages are the pages that people get to see.
func allPages(s *Service) map[string]page {
	l := store.Link{Email: ada, CreatedAt: s.now(), IP: "192.0.2.1"}
	terminal := l
	terminal.Listener = &store.Listener{Client: "lmz", Hostname: "laptop", RedirectURI: callback}
	dev := store.Device{Label: "lmz on laptop"}
	return map[string]page{
		"confirm":     s.confirmPage(l, "/x"),
		"terminal":    s.confirmPage(terminal, "/x"),
		"device":      s.devicePage(l, dev, "/x", "192.0.2.1", ""),
		"wrong code":  s.devicePage(l, dev, "/x", "198.51.100.1", "That is not the code on your terminal."),
		"invitation":  s.invitePage(ada, "/x"),
		"approve":     s.approvePage(store.Subject{Email: bob, EmailVerified: true}, "/x"),
		"approved":    s.approvePage(store.Subject{Email: bob, AdminApproved: true}, "/x"),
		"continue":    s.continuePage("/x"),
		"end session": s.endSessionPage(l, "/x"),
		"message":     s.messagePage("Done", "It is."),
		"incomplete":  s.errorPage(errMissingToken),
		"too often":   s.errorPage(&Error{Status: 429, RetryAfter: 90 * time.Second}),
		"mailbox":     mailboxPage([]received{{Kind: KindMagicLink, To: ada, Subject: "s", Link: "/x", Text: "t"}}),
	}
}

var inputs = regexp.MustCompile(`<input id="([^"]*)"[^>]*>|<input [^>]*type="hidden"[^>]*>|<input[^>]*>`)

// A screen reader needs a language, one heading, a title, names for fields and
// buttons, and descriptions that exist.
func TestPagesTellScreenReadersWhatIsWhat(t *testing.T) {
	s := start(t, Options{}).svc
	for name, p := range allPages(s) {
		text := string(render(p.body, p))
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

// WCAG AA: 4.5 for text, 3 for the edges of fields.
func TestColoursContrastInLightAndDark(t *testing.T) {
	variable := regexp.MustCompile(`--([a-z-]+): (#[0-9a-f]{6});`)
	schemes := strings.SplitN(style, "@media (prefers-color-scheme: dark)", 2)
	if len(schemes) != 2 {
		t.Fatal("no dark scheme")
	}
	for i, css := range schemes {
		c := map[string]string{}
		for _, m := range variable.FindAllStringSubmatch(css, -1) {
			c[m[1]] = m[2]
		}
		for _, pair := range []struct {
			ink, ground string
			least       float64
		}{{"ink", "paper", 4.5}, {"quiet", "paper", 4.5}, {"ink", "ground", 4.5}, {"on-blue", "blue", 4.5}, {"blue", "paper", 4.5}, {"edge", "paper", 3}, {"red", "ground", 3}} {
			if got := contrast(t, c[pair.ink], c[pair.ground]); got < pair.least {
				t.Errorf("scheme %d: %s on %s: %.2f, want %.1f", i, pair.ink, pair.ground, got, pair.least)
			}
		}
	}
	for _, pair := range [][2]string{{"#ffffff", "#1d4ed8"}, {"#ffffff", "#15803d"}, {"#5b6474", "#ffffff"}, {"#a3acbc", "#1b2130"}, {"#8fb4ff", "#1b2130"}} { // of mails
		if got := contrast(t, pair[0], pair[1]); got < 4.5 {
			t.Errorf("%v: %.2f", pair, got)
		}
	}
}

func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	la, lb := luminance(t, a), luminance(t, b)
	return (max(la, lb) + 0.05) / (min(la, lb) + 0.05)
}

func luminance(t *testing.T, colour string) float64 {
	t.Helper()
	sum := 0.0
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		n, err := strconv.ParseUint(colour[1+2*i:3+2*i], 16, 8)
		if err != nil {
			t.Fatal(err)
		}
		c := float64(n) / 255
		if c <= 0.04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		sum += weight * c
	}
	return sum
}
