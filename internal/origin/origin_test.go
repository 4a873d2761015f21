package origin

import (
	"testing"

	"pgregory.net/rapid"
)

func TestOriginSpellings(t *testing.T) {
	for raw, want := range map[string]string{
		"https://Mesh.Example.COM":            "https://mesh.example.com",
		"HTTPS://mesh.example.com/":           "https://mesh.example.com",
		"https://mesh.example.com.":           "https://mesh.example.com",
		"https://mesh.example.com:443":        "https://mesh.example.com",
		"https://mesh.example.com.:0443":      "https://mesh.example.com",
		"https://mesh.example.com:":           "https://mesh.example.com",
		"https://mesh.example.com:80":         "https://mesh.example.com:80",
		"http://mesh.example.com:80":          "http://mesh.example.com",
		"https://müller.example":              "https://xn--mller-kva.example",
		"https://MÜLLER。example.":             "https://xn--mller-kva.example",
		"https://m%C3%BCller.example":         "https://xn--mller-kva.example",
		"https://mu\u0308ller.example":        "https://xn--mller-kva.example",
		"https://XN--MLLER-KVA.example":       "https://xn--mller-kva.example",
		"https://straße.example":              "https://xn--strae-oqa.example",
		"http://[2001:DB8:0:0::1]:8787":       "http://[2001:db8::1]:8787",
		"https://[2001:db8::1]:443":           "https://[2001:db8::1]",
		"http://my_host:8787":                 "http://my_host:8787",
		"capacitor://localhost":               "capacitor://localhost",
		"chrome-extension://abcdefghijklmnop": "chrome-extension://abcdefghijklmnop",
	} {
		if got, err := Parse(raw); err != nil || got.String() != want {
			t.Errorf("%s is %s, %v; want %s", raw, got, err, want)
		}
	}
	for _, raw := range []string{"", "null", "mesh.example.com", "https://", "https://.", "https://a..b", "https://u@h", "https://h/p", "https://h?q", "https://h?",
		"https://h#f", "https://h:65536", "https://h:x", "https://[::1%25lo]", "https://[127.0.0.1]", "https://::1", "https://xn--\u00ad.", "https://a\u202eb.example"} {
		if got, err := Parse(raw); err == nil {
			t.Errorf("%q is taken for %s", raw, got)
		}
	}
}

func TestHostOfARequest(t *testing.T) {
	public, err := Parse("https://müller.example")
	if err != nil {
		t.Fatal(err)
	}
	for host, want := range map[string]bool{
		"xn--mller-kva.example": true, "XN--mller-kva.example.": true, "xn--mller-kva.example:443": true, "müller.example": true,
		"xn--mller-kva.example:80": false, "xn--mller-kva.example.evil.example": false, "muller.example": false, "": false,
		"xn--mller-kva.example@evil.example": false, "xn--mller-kva.example..": false,
	} {
		if got := public.Has(host); got != want {
			t.Errorf("%q: %v", host, got)
		}
	}
}

func TestOriginPatterns(t *testing.T) {
	for _, c := range []struct {
		pattern, origin string
		want            bool
	}{
		{"https://app.example.com", "https://app.example.com", true},
		{"https://APP.example.com.:443/", "https://app.example.com", false}, // no origin
		{"https://APP.example.com.:443", "https://app.example.com", true},
		{"app.example.com", "http://app.example.com", true},
		{"*.example.com", "https://app.example.com", true},
		{"*.example.com", "https://example.com", false},
		{"*.müller.example", "https://app.xn--mller-kva.example", true},
		{"https://müller.example", "https://xn--mller-kva.example", true},
		{"http://localhost:*", "http://localhost:5173", true},
		{"https://localhost:*", "http://localhost:5173", false},
		{"http://[::1]:3000", "http://[::1]:3000", true},
		{"http://[::1]:3000", "http://1:3000", false},
		{"*", "https://app.example.com", true},
		{"", "https://app.example.com", false},
	} {
		o, err := Parse(c.origin)
		if err != nil {
			t.Fatal(err)
		}
		if got := o.Matches(c.pattern); got != c.want {
			t.Errorf("%s matches %s: %v", c.origin, c.pattern, got)
		}
	}
}

func TestMailboxSpellings(t *testing.T) {
	for address, want := range map[string]string{"info@müller.example": "info@xn--mller-kva.example", "a@B.Example": "a@b.example", "a@b@c.example": "a@b@c.example"} {
		if got, ok := Mailbox(address); !ok || got != want {
			t.Errorf("%s is %s, %v", address, got, ok)
		}
	}
	for _, address := range []string{"", "a", "@b.example", "a@", "a@b c", "a@b.", "a@[127.0.0.1]"} {
		if got, ok := Mailbox(address); ok {
			t.Errorf("%q is taken for %s", address, got)
		}
	}
}

func TestURLKeepsAllButTheOrigin(t *testing.T) {
	for raw, want := range map[string]string{
		"/app?x=1#y": "/app?x=1#y", "https://Müller.example/Ä?q=%20#f": "https://xn--mller-kva.example/%C3%84?q=%20#f",
		"https://app.example/%7e": "https://app.example/%7e", "": "",
	} {
		if got := URL(raw); got != want {
			t.Errorf("%q is %q, want %q", raw, got, want)
		}
	}
}

// What is in its spelling stays in it, or things would depend on how often it was read.
func TestSpellingIsStable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		raw := rapid.OneOf(rapid.String(), rapid.StringMatching(`[a-zA-Zäßøя._:\[\]0-9-]{1,30}`)).Draw(t, "host")
		scheme := rapid.SampledFrom([]string{"", "http", "https"}).Draw(t, "scheme")
		once, err := Host(scheme, raw)
		if err != nil {
			return
		}
		if twice, err := Host(scheme, once); err != nil || twice != once {
			t.Errorf("%q is %q, and that is %q, %v", raw, once, twice, err)
		}
	})
}
