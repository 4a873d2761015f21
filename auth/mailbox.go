package auth

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/lumenize/lmz/auth/internal/page"
	"github.com/lumenize/lmz/internal/httphead"
)

// mailboxSize is how many mails a [Mailbox] keeps.
const mailboxSize = 200

// Mailbox is a [Sender] for development. It keeps the last 200 mails in memory and shows them over
// HTTP: anyone who can reach it can sign in as anyone. The zero value is ready to use; its methods
// may be called from any goroutine.
type Mailbox struct {
	// OnMail, unless nil, is called with each mail after it was stored, on the goroutine of Send.
	// Set it before the first use.
	OnMail func(Mail)

	mu    sync.Mutex
	mails []received // oldest first
}

type received struct {
	Kind    string    `json:"kind"`
	To      string    `json:"to"`
	Subject string    `json:"subject"`
	Link    string    `json:"link"`
	Text    string    `json:"text"`
	Time    time.Time `json:"time"`
}

var _ Sender = (*Mailbox)(nil)

// Send stores m. It never fails.
func (b *Mailbox) Send(_ context.Context, m Mail) error {
	b.mu.Lock()
	b.mails = append(b.mails, received{m.Kind, m.To, m.Subject, m.Link, m.Text, time.Now()})
	if extra := len(b.mails) - mailboxSize; extra > 0 {
		b.mails = slices.Delete(b.mails, 0, extra)
	}
	b.mu.Unlock()
	if b.OnMail != nil {
		b.OnMail(m)
	}
	return nil
}

// ServeHTTP lists the mails, newest first: as a page, or with ?format=json or
// "Accept: application/json" as a JSON array of objects with the members kind,
// to, subject, link, text and time.
func (b *Mailbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	httphead.Protect(w.Header())
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	mails := b.newestFirst()
	if r.URL.Query().Get("format") == "json" || strings.Contains(r.Header.Get("Accept"), "application/json") {
		w.Header().Set("Cache-Control", "no-store")
		writeJSON(w, http.StatusOK, mails)
		return
	}
	mailboxPage(mails).Write(w, http.StatusOK)
}

func (b *Mailbox) newestFirst() []received {
	b.mu.Lock()
	defer b.mu.Unlock()
	mails := append([]received{}, b.mails...) // not nil: an empty list is [] in JSON
	slices.Reverse(mails)
	return mails
}

var mailboxTemplate = page.Template(`{{define "body"}}<h1>Development mailbox</h1>
<p class="quiet">Mails that would have been sent. They are kept in memory only, newest first. <a href="">Reload</a></p>
{{if .}}<ol>
{{range .}}<li><h2>{{.Subject}}</h2>
<p class="quiet">to {{.To}} at <time datetime="{{iso .Time}}">{{clock .Time}}</time></p>
{{if .Link}}<p><a class="button" href="{{.Link}}" aria-label="Open the link for {{.To}}">Open the link</a></p>
{{end}}<details><summary>Text of the mail</summary><pre>{{.Text}}</pre></details></li>
{{end}}</ol>
{{else}}<p>No mail yet. Ask for a sign-in link and reload this page.</p>
{{end}}{{end}}`)

func mailboxPage(mails []received) page.Page {
	return page.Page{Title: "Development mailbox", Wide: true, Template: mailboxTemplate, Body: mails}
}
