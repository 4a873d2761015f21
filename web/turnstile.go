package web

import (
	"bytes"
	"html"
	"strings"
)

// Options configure [Handler].
type Options struct {
	// TurnstileSiteKey is the public key of a Cloudflare Turnstile widget; the sign-in
	// service has its secret. The page shows the widget in its sign-in form, and its content
	// security policy allows Cloudflare's script and frame. If it is empty, there is no
	// widget, and nothing from Cloudflare is loaded or allowed.
	TurnstileSiteKey string
}

const turnstileOrigin = "https://challenges.cloudflare.com"

// policy returns the content security policy. It adds what Turnstile needs according to
// https://developers.cloudflare.com/turnstile/reference/content-security-policy
func (o Options) policy() string {
	if o.TurnstileSiteKey == "" {
		return contentPolicy
	}
	const scripts = "script-src 'self' 'wasm-unsafe-eval'"
	return strings.Replace(contentPolicy, scripts, scripts+" "+turnstileOrigin, 1) + "; frame-src " + turnstileOrigin
}

// tell adds the site key to the page, for its script.
func (o Options) tell(assets map[string]*asset) {
	if o.TurnstileSiteKey == "" {
		return
	}
	meta := `<meta name="turnstile-site-key" content="` + html.EscapeString(o.TurnstileSiteKey) + "\">\n</head>"
	data := bytes.Replace(assets["index.html"].forms[""], []byte("</head>"), []byte(meta), 1)
	assets["index.html"] = &asset{contentType("index.html"), tagOf(data), map[string][]byte{"": data}}
}
