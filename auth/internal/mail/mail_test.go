package mail

import (
	"strings"
	"testing"
	"testing/fstest"
)

const ada = "ada@example.com"

func allLetters() (all []Letter) {
	for _, kind := range kinds {
		all = append(all, Letter{Kind: kind, To: "o'hara&co@example.com", App: `<App> & "Co"`, Link: "https://lmz.example/auth/magic-link?one_time_token=x_-1",
			ValidFor: "30 minutes", Where: "<i>lmz</i> on <b>laptop</b>", Program: "<i>lmz</i>", Computer: "<b>laptop</b>", Agent: "<script>", IP: "192.0.2.1",
			When: "15:04 UTC", About: "<a href=evil>@example.com"})
	}
	return all
}

func TestBothFormsOfAMail(t *testing.T) {
	for _, l := range allLetters() {
		m, err := Templates{}.Message(l)
		if err != nil {
			t.Fatal(err)
		}
		if m.Link != l.Link || strings.Count(m.Text, l.Link) != 1 || !strings.Contains(m.HTML, `href="`+l.Link+`"`) || len(m.ID) != 36 {
			t.Errorf("%s: %s\n%s", m.Kind, m.Text, m.HTML)
		}
		for _, markup := range []string{"<b>", "<i>", "<script>", "<a href=evil>", "<App>"} {
			if strings.Contains(m.HTML, markup) {
				t.Errorf("%s holds %s: %s", m.Kind, markup, m.HTML)
			}
		}
		if m.Subject == "" || strings.ContainsAny(m.Subject, "\r\n") || !strings.Contains(m.HTML, `<html lang="en">`) || strings.Count(m.HTML, "<h1") != 1 {
			t.Errorf("%s: %q %s", m.Kind, m.Subject, m.HTML)
		}
	}
}

func TestMailTemplates(t *testing.T) {
	files := fstest.MapFS{
		"magic-link.subject": {Data: []byte("Hello\n {{.To}}")},
		"magic-link.html":    {Data: []byte(`<p title="{{.App}}">{{.To}} <a href="{{.Link}}">{{.Button}}</a></p>`)},
	}
	templates, err := Load(files)
	if err != nil {
		t.Fatal(err)
	}
	m, err := templates.Message(Letter{Kind: MagicLink, To: ada, App: `"><b>`, Link: "https://x.example/?a=1&b=2", ValidFor: "30 minutes"})
	if err != nil || m.Subject != "Hello "+ada || strings.Contains(m.HTML, "<b>") || !strings.Contains(m.HTML, `href="https://x.example/?a=1&amp;b=2">Sign in</a>`) {
		t.Errorf("got %+v, %v", m, err)
	}
	if !strings.Contains(m.Text, "https://x.example/?a=1&b=2") {
		t.Errorf("the text is not the usual one: %s", m.Text)
	}
	for name, bad := range map[string]string{"magic-link.html": "{{.Nonsense}}", "invite-new.txt": "{{", "cli-link.subject": "{{template \"x\"}}"} {
		_, err := Load(fstest.MapFS{name: {Data: []byte(bad)}})
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
