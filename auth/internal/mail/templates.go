package mail

import (
	"errors"
	"fmt"
	htmltemplate "html/template"
	"io/fs"
	"strings"
	texttemplate "text/template"

	"github.com/lumenize/lmz/auth/internal/secret"
)

// Templates format letters as messages. They are the files that replace parts of mails, by name.
type Templates struct {
	text map[string]*texttemplate.Template
	html map[string]*htmltemplate.Template
}

// Load reads the template files that exist, and executes each once, so that a mistake shows at
// startup and not with the first mail. Nil means no files.
func Load(files fs.FS) (Templates, error) {
	t := Templates{text: map[string]*texttemplate.Template{}, html: map[string]*htmltemplate.Template{}}
	if files == nil {
		return t, nil
	}
	for _, kind := range kinds {
		for _, part := range []string{".subject", ".txt", ".html"} {
			if err := t.load(files, kind+part); err != nil {
				return t, fmt.Errorf("mail template %s%s: %w", kind, part, err)
			}
		}
		if _, err := t.Message(Letter{Kind: kind, To: "ada@example.com", About: "bob@example.com", Link: "https://example.com"}); err != nil {
			return t, err
		}
	}
	return t, nil
}

func (t Templates) load(files fs.FS, name string) error {
	text, err := fs.ReadFile(files, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if strings.HasSuffix(name, ".html") {
		t.html[name], err = htmltemplate.New(name).Option("missingkey=error").Parse(string(text))
	} else {
		t.text[name], err = texttemplate.New(name).Option("missingkey=error").Parse(string(text))
	}
	return err
}

// Message formats a letter.
func (t Templates) Message(l Letter) (Message, error) {
	l, subject := l.worded()
	html, err := l.html()
	if err != nil {
		return Message{}, err
	}
	m := Message{ID: secret.UUID(), Kind: l.Kind, To: l.To, Link: l.Link, Subject: subject, Text: l.text(), HTML: html}
	for _, part := range []struct {
		name string
		into *string
	}{{".subject", &m.Subject}, {".txt", &m.Text}, {".html", &m.HTML}} {
		if err := t.execute(l.Kind+part.name, l, part.into); err != nil {
			return m, fmt.Errorf("mail template %s%s: %w", l.Kind, part.name, err)
		}
	}
	// A subject is one line, whatever the template produces.
	m.Subject = strings.Join(strings.Fields(m.Subject), " ")
	return m, nil
}

// execute replaces *into with the output of the template with that name, if there is one.
func (t Templates) execute(name string, l Letter, into *string) error {
	var out strings.Builder
	var err error
	if html := t.html[name]; html != nil {
		err = html.Execute(&out, l)
	} else if text := t.text[name]; text != nil {
		err = text.Execute(&out, l)
	} else {
		return nil
	}
	*into = out.String()
	return err
}

// text returns the letter as plain text.
func (l Letter) text() string {
	var out strings.Builder
	for _, paragraph := range append([]string{l.Title}, l.Lines...) {
		fmt.Fprintf(&out, "%s\n\n", paragraph)
	}
	fmt.Fprintf(&out, "%s:\n%s\n\n%s\n", l.Button, l.Link, l.Footer)
	return out.String()
}

// html returns the letter in the service's own looks.
func (l Letter) html() (string, error) {
	var out strings.Builder
	err := letterTemplate.Execute(&out, l)
	return out.String(), err
}

// letterTemplate is for mail programs: many ignore style sheets, so the essential styles are
// attributes of the elements, and a table sets the width.
var letterTemplate = htmltemplate.Must(htmltemplate.New("letter").Parse(`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<title>{{.Title}}</title>
<style>
:root { color-scheme: light dark; }
@media (prefers-color-scheme: dark) {
  .ground { background: #11151f !important; }
  .paper { background: #1b2130 !important; border-color: #313a4d !important; }
  .ink { color: #e8ebf1 !important; }
  .quiet { color: #a3acbc !important; }
  .link { color: #8fb4ff !important; }
}
</style>
</head>
<body class="ground" style="margin:0;padding:0;background:#f2f4f8">
<table role="presentation" class="ground" width="100%" cellpadding="0" cellspacing="0" style="background:#f2f4f8">
<tr><td align="center" style="padding:24px 12px">
<table role="presentation" class="paper" width="100%" cellpadding="0" cellspacing="0" style="max-width:480px;background:#ffffff;border:1px solid #dde2ea;border-radius:14px">
<tr><td style="padding:28px 24px;font:16px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,sans-serif;overflow-wrap:anywhere">
<h1 class="ink" style="margin:0 0 16px;font-size:22px;line-height:1.25;color:#1c2230">{{.Title}}</h1>
{{range .Lines}}<p class="ink" style="margin:0 0 16px;color:#1c2230">{{.}}</p>
{{end}}<p style="margin:24px 0"><a style="display:inline-block;padding:13px 26px;border-radius:8px;background:{{if .Good}}#15803d{{else}}#1d4ed8{{end}};color:#ffffff;text-decoration:none;font-weight:600" href="{{.Link}}">{{.Button}}</a></p>
<p class="quiet" style="margin:0 0 16px;font-size:14px;color:#5b6474">If the button does not work, copy this address into your browser:<br><a class="link" style="color:#1d4ed8;word-break:break-all" href="{{.Link}}">{{.Link}}</a></p>
<p class="quiet" style="margin:0;font-size:14px;color:#5b6474">{{.Footer}}</p>
</td></tr></table>
</td></tr></table>
</body>
</html>
`))
