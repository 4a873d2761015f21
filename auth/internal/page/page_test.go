package page

import (
	"math"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// WCAG AA: 4.5 for text, 3 for the borders of fields.
func TestColourContrast(t *testing.T) {
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

func TestFormTargets(t *testing.T) {
	for raw, want := range map[string]string{
		"/": "", "https://app.example.com/in": "https://app.example.com", "http://127.0.0.1:4711/callback": "http://127.0.0.1:4711",
		"http://[::1]:4711/callback": "http:", "::": "",
	} {
		if got := formTarget(raw); got != want {
			t.Errorf("%s: got %q, want %q", raw, got, want)
		}
	}
}

func TestTextOfStrangersIsEscaped(t *testing.T) {
	for name, p := range map[string]Page{
		"confirm": Confirm{App: "<b>", Email: "<b>", Action: "/x", Terminal: &ListenerInfo{Hostname: "<b>", Client: "<b>"}}.Page("/"),
		"code":    Code{App: "<b>", Email: "<b>", Label: "<b>", From: "<b>", Action: "/x", Wrong: "<b>"}.Page(),
		"failure": Failure("<b>", "javascript:alert(1)", "<b>"),
	} {
		w := httptest.NewRecorder()
		p.Write(w, 200)
		if body := w.Body.String(); strings.Contains(body, "<b>") || strings.Contains(body, `"javascript:`) {
			t.Errorf("%s: %s", name, body)
		}
	}
}
