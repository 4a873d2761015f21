package sender

import (
	"cmp"
	"errors"
	"fmt"
	netmail "net/mail"
	"strings"
	"unicode/utf8"

	gomail "github.com/wneessen/go-mail"

	"github.com/lumenize/lmz/auth/internal/mail"
	"github.com/lumenize/lmz/internal/origin"
)

// envelope is the sender of mails.
type envelope struct {
	from    netmail.Address
	replyTo string
}

func newEnvelope(from, replyTo string) (envelope, error) {
	if from == "" {
		return envelope{}, errors.New("From is required: the address that mails come from")
	}
	sender, err := address("From", from)
	if err != nil {
		return envelope{}, err
	}
	_, domain, _ := strings.Cut(sender.Address, "@")
	answer, err := address("ReplyTo", cmp.Or(replyTo, "no-reply@"+domain))
	if err != nil {
		return envelope{}, err
	}
	return envelope{from: *sender, replyTo: answer.Address}, nil
}

// address reads one of our own mail addresses, the value of an option, and converts its domain to
// the form that every server accepts.
func address(option, raw string) (*netmail.Address, error) {
	a, err := netmail.ParseAddress(raw)
	if err != nil {
		return nil, fmt.Errorf("%s %q is not a mail address", option, raw)
	}
	if spelled, ok := origin.Mailbox(a.Address); ok {
		a.Address = spelled
	}
	if strings.ContainsFunc(a.Address, func(r rune) bool { return r >= utf8.RuneSelf }) {
		return nil, fmt.Errorf("%s %q is not an address that every mail server accepts: the part before the @ must be ASCII", option, raw)
	}
	return a, nil
}

// message returns m in the form of RFC 5322. A mail has the same Message-ID at each attempt, so
// that servers can drop duplicates.
func (e envelope) message(m mail.Message) (*gomail.Msg, error) {
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	msg.FromMailAddress(&e.from)
	if err := errors.Join(msg.To(m.To), msg.ReplyTo(e.replyTo)); err != nil {
		return nil, err
	}
	_, domain, _ := strings.Cut(e.from.Address, "@")
	msg.Subject(m.Subject)
	msg.SetMessageIDWithValue(m.ID + "@" + domain)
	msg.SetDate()
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // suppresses vacation notices
	msg.SetBodyString(gomail.TypeTextPlain, m.Text)
	msg.AddAlternativeString(gomail.TypeTextHTML, m.HTML)
	return msg, nil
}
