package auth

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/lumenize/lmz/internal/printable"
)

// What a mail server refuses for good will not arrive by asking again, so who asks for
// another link is told, and so are the admins. The next mail is tried all the same: it
// finds out whether somebody has mended the cause.

// ErrRefused is wrapped by the error of a [Sender] whose mail server takes no mail at all
// from this service until somebody changes something, such as a password, the sender or
// the name in the greeting. The mail is tried again as after any other error; meanwhile
// people who ask for links are told that none can be sent, and admins why.
var ErrRefused = errors.New("the mail server takes no mails from this service")

var (
	errNoMails = &Error{Status: http.StatusServiceUnavailable, Code: "mail_refused",
		Description: "No links can be mailed at the moment: the mail server refuses them. The administrators have been told; try again later"}
	errNoMailsToYou = &Error{Status: http.StatusServiceUnavailable, Code: "mail_refused",
		Description: "The last mail to this address was refused for good by the mail server. Another one is being tried; if none comes, check the address or ask an administrator"}
)

const (
	refusedKept = 24 * time.Hour // how long it is remembered that an address was refused
	refusedMax  = 10000          // addresses
)

// refusals are what mail servers have refused for good since the start.
type refusals struct {
	now func() time.Time

	mu  sync.Mutex // guards the following fields
	why string     // why all mails are refused; "" if they are not
	to  map[string]time.Time
}

// of is what to tell somebody who asks for a link to an address, or nil.
func (f *refusals) of(address string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.why != "" {
		return errNoMails
	}
	if at, found := f.to[address]; found && f.now().Sub(at) < refusedKept {
		return errNoMailsToYou
	}
	return nil
}

// notice is what to tell admins, or "".
func (f *refusals) notice() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.why
}

// delivered notes that a mail was taken.
func (f *refusals) delivered(address string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.why = ""
	delete(f.to, address)
}

// all notes that every mail is refused, and reports whether that is new.
func (f *refusals) all(why string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	first := f.why == ""
	f.why = why
	return first
}

// address notes that mails to an address are refused.
func (f *refusals) address(address string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.to) >= refusedMax {
		for other, at := range f.to {
			if f.now().Sub(at) >= refusedKept || len(f.to) >= refusedMax {
				delete(f.to, other)
			}
		}
	}
	f.to[address] = f.now()
}

// forget forgets all refusals.
func (f *refusals) forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.why = ""
	clear(f.to)
}

// mailAnswered notes what a mail server said to a mail, and records refusals for good.
func (s *Service) mailAnswered(ctx context.Context, m Mail, err error) {
	why := ""
	if err != nil {
		why = printable.StripCut(err.Error(), 300)
	}
	e := event{name: "mail.refused", actor: bySystem, email: m.To, details: map[string]any{"kind": m.Kind, "mail": m.ID, "reason": why}}
	switch {
	case err == nil:
		s.refusals.delivered(m.To)
		return
	case errors.Is(err, ErrRefused):
		if !s.refusals.all(why) {
			return
		}
		s.log.Error("the mail server takes no mails from this service, and people who ask for links are told so; change what it objects to", "error", err)
	case errors.Is(err, ErrUndeliverable):
		if s.anybodyCausesMail(m.Kind) {
			s.refusals.address(m.To)
		}
	default:
		return
	}
	s.recordFailure(&request{Request: new(http.Request).WithContext(ctx)}, e)
}

// anybodyCausesMail reports whether mails of a kind go to addresses without an account as
// well. What becomes of the others must not be told: it would show who has an account.
func (s *Service) anybodyCausesMail(kind string) bool {
	switch kind {
	case KindMagicLink:
		return true
	case KindCLILink, KindDeviceLink:
		return s.changeable.Load().TurnstileSecret == "" // else see mailLink
	}
	return false
}
