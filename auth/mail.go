package auth

import (
	"bytes"
	"context"
	"fmt"
	"html/template"
	"time"
)

// Kinds of mail.
const (
	// KindMagicLink is a sign-in link that a browser asked for.
	KindMagicLink = "magic-link"
	// KindCLILink is a sign-in link that a terminal asked for.
	KindCLILink = "cli-link"
)

// Mail is one message to one person.
type Mail struct {
	// Kind says what it is for: [KindMagicLink] or [KindCLILink].
	Kind string
	// To is an address in lower case.
	To string
	// Subject is one line.
	Subject string
	// Text and HTML are the two forms of the body, UTF-8.
	Text, HTML string
	// Link is what the mail asks to be opened. It is as good as a password.
	Link string
}

// A Sender delivers mails.
type Sender interface {
	// Send delivers m or hands it to something that will. The request that
	// caused the mail waits for it, at most 10 seconds; its answer does not
	// depend on the error, which is logged. Send is called from any goroutine.
	Send(ctx context.Context, m Mail) error
}

// letter is what the body of a mail is made of, in both forms.
type letter struct {
	Title  string
	Lines  []string
	Link   string
	Button string
	Footer string
}

func linkMail(to, link string, ttl time.Duration) Mail {
	return letter{
		Title:  "Sign in to Lumenize",
		Lines:  []string{"Here is the link you asked for. It works once, for " + inWords(ttl) + "."},
		Link:   link,
		Button: "Sign in",
		Footer: "You did not ask for it? Then ignore this mail: nobody gets in without it.",
	}.mail(KindMagicLink, to, "Your login link")
}

func cliMail(to, link string, ttl time.Duration, c *cliRequest, now time.Time) Mail {
	return letter{
		Title: "A terminal asks to sign in",
		Lines: []string{
			fmt.Sprintf("At %s a terminal on %s (%s) asked to be signed in as %s.", now.UTC().Format("15:04 UTC"), c.hostname, c.client, to),
			"Open the link on that same computer. It works once, for " + inWords(ttl) + ".",
		},
		Link:   link,
		Button: "Sign in the terminal",
		Footer: "That was not you? Then ignore this mail, and do not open the link for anyone who asks you to.",
	}.mail(KindCLILink, to, "Sign in your terminal")
}

func (l letter) mail(kind, to, subject string) Mail {
	var text bytes.Buffer
	fmt.Fprintf(&text, "%s\n\n", l.Title)
	for _, line := range l.Lines {
		fmt.Fprintf(&text, "%s\n\n", line)
	}
	fmt.Fprintf(&text, "%s:\n%s\n\n%s\n", l.Button, l.Link, l.Footer)
	return Mail{Kind: kind, To: to, Subject: subject, Link: l.Link,
		Text: text.String(), HTML: string(render(letterBody, page{Title: l.Title, Body: l}))}
}

// letterBody styles its button in place as well: some mail programs ignore
// style sheets.
var letterBody = withLayout(`{{define "body"}}<h1>{{.Title}}</h1>
{{range .Lines}}<p>{{.}}</p>
{{end}}<p><a class="button" style="display:inline-block;padding:12px 24px;border-radius:8px;background:#1d4ed8;color:#ffffff;text-decoration:none;font-weight:600" href="{{.Link}}">{{.Button}}</a></p>
<p class="quiet">If the button does not work, copy this address into your browser:<br><a href="{{.Link}}">{{.Link}}</a></p>
<p class="quiet">{{.Footer}}</p>{{end}}`)

// inWords gives a duration in the largest unit that fits it exactly.
func inWords(d time.Duration) string {
	n, unit := int64(d/time.Second), "second"
	switch {
	case d >= time.Hour && d%time.Hour == 0:
		n, unit = int64(d/time.Hour), "hour"
	case d >= time.Minute && d%time.Minute == 0:
		n, unit = int64(d/time.Minute), "minute"
	}
	if n != 1 {
		unit += "s"
	}
	return fmt.Sprintf("%d %s", n, unit)
}

func withLayout(body string) *template.Template {
	return template.Must(template.Must(layout.Clone()).Parse(body))
}
