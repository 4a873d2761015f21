// Package page has the HTML pages of sign-in, their layout and their text. They work without
// scripts and load nothing. Text from strangers is escaped and short.
package page

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"html/template"
	"net/http"
	"strings"
	"time"
)

// style is inline in every page, so nothing is loaded. The content security policy of the pages
// allows it by its hash.
const style = `
:root { color-scheme: light dark; --ink: #1c2230; --quiet: #5b6474; --paper: #ffffff; --ground: #f2f4f8; --line: #dde2ea; --blue: #1d4ed8; --on-blue: #ffffff; --red: #b91c1c; --edge: #6b7484; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8ebf1; --quiet: #a3acbc; --paper: #1b2130; --ground: #11151f; --line: #313a4d; --blue: #8fb4ff; --on-blue: #0d1424; --red: #ff9b9b; --edge: #8a94a6; } }
* { box-sizing: border-box; }
body { margin: 0; padding: 1.5rem 1rem; background: var(--ground); color: var(--ink); font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { max-width: 30rem; margin: 8vh auto 0; padding: 2rem; background: var(--paper); border: 1px solid var(--line); border-radius: 14px; overflow-wrap: anywhere; }
main.wide { max-width: 46rem; margin-top: 2vh; }
h1 { margin: 0 0 1rem; font-size: 1.45rem; line-height: 1.25; }
h2 { margin: 0 0 .25rem; font-size: 1.05rem; }
p { margin: 0 0 1rem; }
p:last-child { margin-bottom: 0; }
.who { font-weight: 600; font-size: 1.1rem; }
.alarm { padding: .75rem 1rem; border-left: 4px solid var(--red); background: var(--ground); color: var(--ink); font-weight: 600; }
.quiet { color: var(--quiet); font-size: .9rem; }
.button { display: inline-block; padding: .75rem 1.5rem; border: 0; border-radius: 8px; background: var(--blue); color: var(--on-blue); font: inherit; font-weight: 600; text-decoration: none; cursor: pointer; }
form .button { width: 100%; min-height: 3rem; margin-bottom: 1rem; }
.plain { background: none; color: var(--ink); border: 1px solid var(--edge); }
label { display: block; margin-bottom: .35rem; font-weight: 600; }
input { width: 100%; min-height: 3rem; margin-bottom: 1rem; padding: .5rem .75rem; border: 1px solid var(--edge); border-radius: 8px; background: var(--paper); color: var(--ink); font: 600 1.25rem/1.5 ui-monospace, monospace; letter-spacing: .12em; text-transform: uppercase; }
::placeholder { color: var(--quiet); opacity: 1; font-weight: 400; }
a { color: var(--blue); }
a.button { color: var(--on-blue); }
:focus-visible { outline: 3px solid var(--blue); outline-offset: 3px; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1rem; margin: 0 0 1rem; }
dt { color: var(--quiet); }
dd { margin: 0; font-weight: 600; }
ol { list-style: none; margin: 0; padding: 0; }
li { padding: 1.25rem 0; border-top: 1px solid var(--line); }
pre { white-space: pre-wrap; margin: .75rem 0 0; font-size: .85rem; }
@media (max-width: 30rem) { body { padding: .75rem; } main { margin-top: 0; padding: 1.25rem; } }
`

var styleHash = func() string {
	sum := sha256.Sum256([]byte(style))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}()

// Page is a page to write.
type Page struct {
	// Title is the title of the document; Wide allows text wider than usual.
	Title string
	Wide  bool
	// Body is the data for the template of the body.
	Body any
	// FormTo is a source for form-action in the content security policy: where the answer to the
	// form may redirect to, besides this origin.
	FormTo string
	// Template defines "body". It comes from [Template].
	Template *template.Template
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

// Template returns a template with the layout and text, the definition of "body". It panics if
// text is malformed.
func Template(text string) *template.Template {
	return template.Must(template.Must(layout.Clone()).Parse(text))
}

func (p Page) render() []byte {
	var out bytes.Buffer
	if err := p.Template.Execute(&out, p); err != nil {
		panic(fmt.Sprintf("auth: page %q: %v", p.Title, err)) // templates and data are both ours
	}
	return out.Bytes()
}

// Write answers a request with p. It adds to the headers that every answer carries.
func (p Page) Write(w http.ResponseWriter, status int) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Content-Security-Policy", strings.TrimSpace(
		"default-src 'none'; style-src "+styleHash+"; base-uri 'none'; frame-ancestors 'none'; form-action 'self' "+p.FormTo))
	w.WriteHeader(status)
	w.Write(p.render())
}
