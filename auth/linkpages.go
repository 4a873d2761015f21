package auth

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/lumenize/lmz/auth/internal/limit"
	"github.com/lumenize/lmz/auth/internal/store"
	"github.com/lumenize/lmz/internal/origin"
)

// The pages behind links. They work without scripts; what they show of strangers'
// making is escaped and short.

var confirmBody = withLayout(`{{define "body"}}<h1>{{if .Terminal}}Sign in your terminal?{{else}}Sign in to {{.App}}?{{end}}</h1>
<p>You are about to {{if .Terminal}}sign in a terminal{{else}}sign in{{end}} as<br><span class="who">{{.Email}}</span></p>
{{if .Terminal}}<dl>
<dt>Computer</dt><dd>{{.Hostname}}</dd>
<dt>Program</dt><dd>{{.Client}}</dd>
<dt>Asked</dt><dd>{{.Asked}}</dd>
<dt>Lasts</dt><dd>{{.Lasts}}</dd>
</dl>
{{end}}<form method="post" action="{{.Action}}">
<button class="button" type="submit">{{if .Terminal}}Yes, sign in this terminal{{else}}Sign in{{end}}</button>
</form>
{{if .Terminal}}<p class="quiet">This works only in a browser on that same computer.{{if .Device}} You read this on another device? Start again in the terminal, with --device.{{end}}</p>
<p class="quiet">You did not start this, or someone asked you to open it? Close this page: nothing has happened.</p>
{{else}}<p class="quiet">Not you? Close this page: nothing has happened, and the link stays unused.</p>
{{end}}{{end}}`)

// confirmPage asks whoever opened a link to press the button that uses it. It
// names the account, so that nobody is signed in to a stranger's unnoticed.
func (s *Service) confirmPage(l store.Link, action string) page {
	type body struct {
		App, Email, Action, Hostname, Client, Asked, Lasts string
		Terminal, Device                                   bool
	}
	p := page{Title: "Sign in as " + l.Email, body: confirmBody, formTo: formTarget(s.opts.Redirect)}
	b := body{App: s.changeable.Load().AppName, Email: l.Email, Action: action}
	if c := l.Listener; c != nil {
		b.Terminal, b.Device = true, !s.opts.NoDeviceFlow
		b.Hostname, b.Client, b.Asked = c.Hostname, c.Client, ago(s.now().Sub(l.CreatedAt))
		b.Lasts = s.lasts()
		p.formTo = formTarget(c.RedirectURI)
	}
	p.Body = b
	return p
}

// lasts says for how long a terminal is signed in.
func (s *Service) lasts() string {
	if s.opts.SessionTTL > 0 {
		return inWords(s.opts.SessionTTL) + " at most, or until you end it"
	}
	return "until you end it, or do not use it for " + inWords(s.opts.RefreshTTL)
}

var deviceBody = withLayout(`{{define "body"}}<h1>Sign in your terminal?</h1>
<p>You are about to sign in a terminal as<br><span class="who">{{.Email}}</span></p>
<dl>
<dt>Terminal</dt><dd>{{.Label}}</dd>
<dt>Asked</dt><dd>{{.Asked}}</dd>
<dt>From</dt><dd>{{.From}}</dd>
<dt>Lasts</dt><dd>{{.Lasts}}</dd>
</dl>
{{if .Wrong}}<p class="alarm" role="alert" id="wrong">{{.Wrong}}</p>
{{end}}<form method="post" action="{{.Action}}">
<label for="code">Code on your terminal</label>
<input id="code" name="user_code" type="text" required autocomplete="off" autocapitalize="characters" autocorrect="off" spellcheck="false" maxlength="20" placeholder="XXXX-XXXX" aria-describedby="{{if .Wrong}}wrong {{end}}care"{{if .Wrong}} aria-invalid="true"{{end}}>
<button class="button" type="submit">Sign in this terminal</button>
</form>
<form method="post" action="{{.Action}}">
<input type="hidden" name="answer" value="no">
<button class="button plain" type="submit">I did not start this</button>
</form>
<p class="quiet" id="care">Type a code only if you see it on a terminal that you started yourself. Nobody from {{.App}} tells you one, and whoever does wants your account.</p>{{end}}`)

// devicePage asks for the code of a terminal, and shows where that is.
func (s *Service) devicePage(l store.Link, dev store.Device, action, ip, wrong string) page {
	from := first(l.IP, "an unknown address")
	if limit.Network(l.IP) == limit.Network(ip) {
		from += ", the network that you are in"
	} else {
		from += ", another network than yours (" + ip + ")"
	}
	return page{Title: "Sign in a terminal as " + l.Email, body: deviceBody, Body: struct{ App, Email, Label, Asked, From, Lasts, Action, Wrong string }{
		s.changeable.Load().AppName, l.Email, dev.Label, ago(s.now().Sub(l.CreatedAt)), from, s.lasts(), action, wrong}}
}

// questionBody is a page with one button, or none.
var questionBody = withLayout(`{{define "body"}}<h1>{{.Title}}</h1>
{{range .Lines}}<p>{{.}}</p>
{{end}}{{if .Who}}<p><span class="who">{{.Who}}</span></p>
{{end}}{{if .Button}}<form method="post" action="{{.Action}}">
<button class="button" type="submit">{{.Button}}</button>
</form>
{{end}}{{if .Link}}<p><a class="button" href="{{.Link}}">{{.Go}}</a></p>
{{end}}{{if .Quiet}}<p class="quiet">{{.Quiet}}</p>
{{end}}{{end}}`)

// simple is what questionBody is filled with.
type simple struct {
	Title, Who, Button, Action, Link, Go, Quiet string
	Lines                                       []string
}

func (b simple) page(formTo string) page {
	return page{Title: b.Title, Body: b, body: questionBody, formTo: formTo}
}

func (s *Service) invitePage(email, action string) page {
	return simple{Title: "You are invited to " + s.changeable.Load().AppName, Lines: []string{"You are about to sign in as"}, Who: email,
		Button: "Accept and sign in", Action: action, Quiet: "Not you? Close this page: nothing has happened."}.page(formTarget(s.opts.Redirect))
}

func (s *Service) endSessionPage(l store.Link, action string) page {
	return simple{Title: "Sign that session out?", Lines: []string{"Somebody was signed in as"}, Who: l.Email,
		Button: "That was not me: sign it out", Action: action, Quiet: "It was you? Close this page: the session goes on."}.page("")
}

func (s *Service) approvePage(subj store.Subject, action string) page {
	if subj.AdminApproved {
		return s.messagePage("Already approved", subj.Email+" may come in already.")
	}
	asks := "This address waits for approval. Its owner has confirmed that they read its mail."
	if !subj.EmailVerified {
		asks = "This address waits for approval. Nobody has confirmed yet that they read its mail."
	}
	return simple{Title: "Let this person in?", Lines: []string{asks}, Who: subj.Email, Button: "Approve", Action: action,
		Quiet: "If you do not know them, close this page: they stay outside."}.page("")
}

// continuePage is for somebody whose cookie did not come along because they came
// from another site. A click on this one brings it.
func (s *Service) continuePage(path string) page {
	return simple{Title: "Continue to " + s.changeable.Load().AppName, Lines: []string{"You come from another site, so your browser has not said yet who you are."},
		Link: path, Go: "Continue"}.page("")
}

// messagePage says something that needs no answer.
func (s *Service) messagePage(title string, lines ...string) page {
	return simple{Title: title, Lines: lines}.page("")
}

// errorPage is a refusal for people.
func (s *Service) errorPage(e *Error) page {
	lines := []string{strings.TrimSuffix(e.Description, ".") + "."}
	switch {
	case e == errMissingToken, e == errMissingInvite:
		lines = []string{"The link is not complete. Open it again from the mail, or copy all of it."}
	case e == errCrossOrigin:
		lines = []string{"Another site sent this in your name. Nothing has happened."}
	case e.RetryAfter > 0:
		lines = []string{"Too many requests came from your network. Try again in " + inWords(e.RetryAfter.Truncate(time.Minute)+time.Minute) + "."}
	}
	return simple{Title: "This did not work", Lines: lines, Link: s.opts.Redirect, Go: "Go to " + s.changeable.Load().AppName}.page("")
}

// formTarget names the origin of a URL for form-action, which browsers apply to
// redirects too. The grammar of that directive has no IPv6 addresses, so for
// these it names the scheme.
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

func ago(d time.Duration) string {
	if d < time.Minute {
		return "just now"
	}
	return inWords(d.Truncate(time.Minute)) + " ago"
}

// inWords gives a duration in the largest unit that fits it exactly.
func inWords(d time.Duration) string {
	n, unit := int64(d/time.Second), "second"
	switch {
	case d >= 24*time.Hour && d%(24*time.Hour) == 0:
		n, unit = int64(d/(24*time.Hour)), "day"
	case d >= time.Hour && d%time.Hour == 0:
		n, unit = int64(d/time.Hour), "hour"
	case d >= time.Minute && d%time.Minute == 0:
		n, unit = int64(d/time.Minute), "minute"
	}
	if n != 1 {
		unit += "s"
	}
	return strconv.FormatInt(n, 10) + " " + unit
}
