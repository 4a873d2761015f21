package page

import (
	"net/url"
	"strings"

	"github.com/lumenize/lmz/internal/origin"
)

var confirmTemplate = Template(`{{define "body"}}<h1>{{if .Terminal}}Sign in on your terminal?{{else}}Sign in to {{.App}}?{{end}}</h1>
<p>You are about to sign in{{if .Terminal}} on a terminal{{end}} as<br><span class="who">{{.Email}}</span></p>
{{with .Terminal}}<dl>
<dt>Computer</dt><dd>{{.Hostname}}</dd>
<dt>Program</dt><dd>{{.Client}}</dd>
<dt>Requested</dt><dd>{{.Asked}}</dd>
<dt>Valid</dt><dd>{{.Lasts}}</dd>
</dl>
{{end}}<form method="post" action="{{.Action}}">
<button class="button" type="submit">{{if .Terminal}}Yes, sign in on this terminal{{else}}Sign in{{end}}</button>
</form>
{{with .Terminal}}<p class="quiet">This works only in a browser on that same computer.{{if .Device}} Are you reading this on another device? Start again in the terminal, with --device.{{end}}</p>
<p class="quiet">If you did not start this, or somebody asked you to open it, close this page: nothing has happened.</p>
{{else}}<p class="quiet">If this is not you, close this page: nothing has happened, and the link has not been used.</p>
{{end}}{{end}}`)

// Confirm asks the visitor who opened a link to press the button that uses it. It names the
// account, so that nobody is signed in to a stranger's account unnoticed.
type Confirm struct {
	App, Email string
	Action     string        // URL of the form
	Terminal   *ListenerInfo // nil for a browser
}

// ListenerInfo describes a terminal that waits on the computer of the browser.
type ListenerInfo struct {
	Hostname, Client string
	Asked            string // when, such as "just now"
	Lasts            string // how long the terminal stays signed in
	Device           bool   // it can use a code instead
}

// Page returns the page. The answer to its form redirects to the URL to.
func (c Confirm) Page(to string) Page {
	return Page{Title: "Sign in as " + c.Email, Body: c, FormTo: formTarget(to), Template: confirmTemplate}
}

var codeTemplate = Template(`{{define "body"}}<h1>Sign in on your terminal?</h1>
<p>You are about to sign in on a terminal as<br><span class="who">{{.Email}}</span></p>
<dl>
<dt>Terminal</dt><dd>{{.Label}}</dd>
<dt>Requested</dt><dd>{{.Asked}}</dd>
<dt>From</dt><dd>{{.From}}</dd>
<dt>Valid</dt><dd>{{.Lasts}}</dd>
</dl>
{{if .Wrong}}<p class="alarm" role="alert" id="wrong">{{.Wrong}}</p>
{{end}}<form method="post" action="{{.Action}}">
<label for="code">Code on your terminal</label>
<input id="code" name="user_code" type="text" required autocomplete="off" autocapitalize="characters" autocorrect="off" spellcheck="false" maxlength="20" placeholder="XXXX-XXXX" aria-describedby="{{if .Wrong}}wrong {{end}}care"{{if .Wrong}} aria-invalid="true"{{end}}>
<button class="button" type="submit">Sign in on this terminal</button>
</form>
<form method="post" action="{{.Action}}">
<input type="hidden" name="answer" value="no">
<button class="button plain" type="submit">I did not start this</button>
</form>
<p class="quiet" id="care">Enter a code only if you see it on a terminal that you started yourself. Nobody from {{.App}} will ever tell you a code: anyone who does is after your account.</p>{{end}}`)

// Code asks for the code that a terminal shows, and says where that terminal is.
type Code struct {
	App, Email string
	Label      string // of the terminal
	Asked      string // when, such as "just now"
	From       string // the network that the terminal is in
	Lasts      string // how long the terminal stays signed in
	Action     string // URL of the forms
	Wrong      string // what was wrong with the previous code, or ""
}

// Page returns the page.
func (c Code) Page() Page {
	return Page{Title: "Sign in on a terminal as " + c.Email, Body: c, Template: codeTemplate}
}

var messageTemplate = Template(`{{define "body"}}<h1>{{.Title}}</h1>
{{range .Lines}}<p>{{.}}</p>
{{end}}{{if .Who}}<p><span class="who">{{.Who}}</span></p>
{{end}}{{if .Button}}<form method="post" action="{{.Action}}">
<button class="button" type="submit">{{.Button}}</button>
</form>
{{end}}{{if .Link}}<p><a class="button" href="{{.Link}}">{{.Go}}</a></p>
{{end}}{{if .Quiet}}<p class="quiet">{{.Quiet}}</p>
{{end}}{{end}}`)

// message is a page with at most one button or link.
type message struct {
	Title, Who, Button, Action, Link, Go, Quiet string
	Lines                                       []string
}

func (m message) page(formTo string) Page {
	return Page{Title: m.Title, Body: m, FormTo: formTo, Template: messageTemplate}
}

// Invitation asks whether to accept an invitation. The answer to its form redirects to the URL
// to.
func Invitation(app, email, action, to string) Page {
	return message{Title: "You have been invited to " + app, Lines: []string{"You are about to sign in as"}, Who: email,
		Button: "Accept and sign in", Action: action, Quiet: "If this is not you, close this page: nothing has happened."}.page(formTarget(to))
}

// EndSession asks whether to undo a sign-in.
func EndSession(email, action string) Page {
	return message{Title: "Sign out that session?", Lines: []string{"Somebody signed in as"}, Who: email,
		Button: "That was not me: sign it out", Action: action, Quiet: "If it was you, close this page: you stay signed in."}.page("")
}

// Approve asks an admin whether to approve an address.
func Approve(email string, verified bool, action string) Page {
	asks := "This address is waiting for approval. Its owner has confirmed that they can read its mail."
	if !verified {
		asks = "This address is waiting for approval. Nobody has confirmed yet that they can read its mail."
	}
	return message{Title: "Let this person in?", Lines: []string{asks}, Who: email, Button: "Approve", Action: action,
		Quiet: "If you do not know them, close this page: they stay out."}.page("")
}

// Continue is for a visitor whose cookie was not sent because they came from another site. A
// click on this page sends it.
func Continue(app, path string) Page {
	return message{Title: "Continue to " + app, Lines: []string{"You came from another site, so your browser has not identified you yet."},
		Link: path, Go: "Continue"}.page("")
}

// Message shows text that needs no answer.
func Message(title string, lines ...string) Page { return message{Title: title, Lines: lines}.page("") }

// Failure explains why something failed, and leads back to the application at the URL link.
func Failure(app, link, line string) Page {
	return message{Title: "That did not work", Lines: []string{line}, Link: link, Go: "Go to " + app}.page("")
}

// formTarget returns the origin of a URL for form-action, which browsers apply to redirects too.
// The grammar of that directive has no IPv6 addresses, so for these it returns the scheme.
func formTarget(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	target, err := origin.Of(u)
	switch {
	case err != nil:
		return ""
	case strings.HasPrefix(target.Host, "["):
		return target.Scheme + ":"
	}
	return target.String()
}
