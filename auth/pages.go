package auth

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// style is inline in every page and mail: nothing is loaded from anywhere. The
// content security policy of the pages allows it by its hash.
const style = `
:root { color-scheme: light dark; --ink: #1c2230; --quiet: #5b6474; --paper: #ffffff; --ground: #f2f4f8; --line: #dde2ea; --blue: #1d4ed8; --on-blue: #ffffff; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8ebf1; --quiet: #a3acbc; --paper: #1b2130; --ground: #11151f; --line: #313a4d; --blue: #8fb4ff; --on-blue: #0d1424; } }
* { box-sizing: border-box; }
body { margin: 0; padding: 1.5rem 1rem; background: var(--ground); color: var(--ink); font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { max-width: 30rem; margin: 8vh auto 0; padding: 2rem; background: var(--paper); border: 1px solid var(--line); border-radius: 14px; overflow-wrap: anywhere; }
main.wide { max-width: 46rem; margin-top: 2vh; }
h1 { margin: 0 0 1rem; font-size: 1.45rem; line-height: 1.25; }
h2 { margin: 0 0 .25rem; font-size: 1.05rem; }
p { margin: 0 0 1rem; }
p:last-child { margin-bottom: 0; }
.who { font-weight: 600; font-size: 1.1rem; }
.quiet { color: var(--quiet); font-size: .9rem; }
.button { display: inline-block; padding: .75rem 1.5rem; border: 0; border-radius: 8px; background: var(--blue); color: var(--on-blue); font: inherit; font-weight: 600; text-decoration: none; cursor: pointer; }
form .button { width: 100%; min-height: 3rem; margin-bottom: 1rem; }
a { color: var(--blue); }
a.button { color: var(--on-blue); }
:focus-visible { outline: 3px solid var(--blue); outline-offset: 3px; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1rem; margin: 0 0 1rem; }
dt { color: var(--quiet); }
dd { margin: 0; font-weight: 600; }
ol { list-style: none; margin: 0; padding: 0; }
li { padding: 1.25rem 0; border-top: 1px solid var(--line); }
pre { white-space: pre-wrap; margin: .75rem 0 0; font-size: .85rem; }
`

var styleHash = func() string {
	sum := sha256.Sum256([]byte(style))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}()

// page is what the layout is filled with.
type page struct {
	Title  string
	Wide   bool
	Body   any
	formTo string // where the form's answer may lead, besides this origin
	body   *template.Template
}

var layout = template.Must(template.New("layout").Funcs(template.FuncMap{
	"style": func() template.CSS { return style },
	"clock": func(t time.Time) string { return t.Format("15:04:05") },
	"iso":   func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
}).Parse(`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>{{.Title}}</title>
<style>{{style}}</style>
</head>
<body>
<main{{if .Wide}} class="wide"{{end}}>
{{template "body" .Body}}
</main>
</body>
</html>
`))

func render(t *template.Template, p page) []byte {
	var out bytes.Buffer
	if err := t.Execute(&out, p); err != nil {
		panic(fmt.Sprintf("auth: page %q: %v", p.Title, err)) // templates and data are both ours
	}
	return out.Bytes()
}

func writePage(w http.ResponseWriter, p page) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Content-Security-Policy", strings.TrimSpace(
		"default-src 'none'; style-src "+styleHash+"; base-uri 'none'; frame-ancestors 'none'; form-action 'self' "+p.formTo))
	w.Write(render(p.body, p))
}

var confirmBody = withLayout(`{{define "body"}}<h1>{{if .Terminal}}Sign in your terminal?{{else}}Sign in?{{end}}</h1>
<p>You are about to {{if .Terminal}}sign in a terminal{{else}}sign in{{end}} as<br><span class="who">{{.Email}}</span></p>
{{if .Terminal}}<dl>
<dt>Computer</dt><dd>{{.Hostname}}</dd>
<dt>Program</dt><dd>{{.Client}}</dd>
<dt>Asked</dt><dd>{{.Asked}}</dd>
</dl>
{{end}}<form method="post" action="{{.Action}}">
<button class="button" type="submit">{{if .Terminal}}Yes, sign in this terminal{{else}}Sign in{{end}}</button>
</form>
{{if .Terminal}}<p class="quiet">This works only in a browser on that same computer.</p>
<p class="quiet">You did not start this, or someone asked you to open it? Close this page: nothing has happened.</p>
{{else}}<p class="quiet">Not you? Close this page: nothing has happened, and the link stays unused.</p>
{{end}}{{end}}`)

// confirmPage asks whoever opened a link to press the button that uses it. It
// names the account, so that nobody is signed in to a stranger's unnoticed.
func confirmPage(l link, action, redirect string, now time.Time) page {
	type body struct {
		Email, Action, Hostname, Client, Asked string
		Terminal                               bool
	}
	p := page{Title: "Sign in as " + l.email, body: confirmBody, formTo: formTarget(redirect)}
	b := body{Email: l.email, Action: action}
	if c := l.cli; c != nil {
		b.Terminal, b.Hostname, b.Client, b.Asked = true, c.hostname, c.client, ago(now.Sub(l.createdAt))
		p.formTo = formTarget(c.redirectURI)
	}
	p.Body = b
	return p
}

// formTarget names the origin of a URL for form-action, which browsers apply to
// redirects too. The grammar of that directive has no IPv6 addresses, so for
// these it names the scheme.
func formTarget(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" {
		return ""
	}
	if strings.HasPrefix(u.Host, "[") {
		return u.Scheme + ":"
	}
	return u.Scheme + "://" + u.Host
}

func ago(d time.Duration) string {
	if d < time.Minute {
		return "just now"
	}
	return inWords(d.Truncate(time.Minute)) + " ago"
}

var mailboxBody = withLayout(`{{define "body"}}<h1>Development mailbox</h1>
<p class="quiet">Mails that would have been sent. They are kept in memory only, newest first. <a href="">Reload</a></p>
{{if .}}<ol>
{{range .}}<li><h2>{{.Subject}}</h2>
<p class="quiet">to {{.To}} at <time datetime="{{iso .Time}}">{{clock .Time}}</time></p>
{{if .Link}}<p><a class="button" href="{{.Link}}" aria-label="Open the link for {{.To}}">Open the link</a></p>
{{end}}<details><summary>Text of the mail</summary><pre>{{.Text}}</pre></details></li>
{{end}}</ol>
{{else}}<p>No mail yet. Ask for a sign-in link and reload this page.</p>
{{end}}{{end}}`)

func mailboxPage(mails []received) page {
	return page{Title: "Development mailbox", Wide: true, body: mailboxBody, Body: mails}
}
