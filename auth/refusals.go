package auth

import (
	"context"
	"errors"
	"net/http"

	"github.com/lumenize/lmz/auth/internal/mail"
	"github.com/lumenize/lmz/internal/printable"
)

var (
	errNoMails = &Error{Status: http.StatusServiceUnavailable, Code: "mail_refused",
		Description: "No links can be mailed at the moment: the mail server refuses them. The administrators have been told; try again later"}
	errNoMailsToYou = &Error{Status: http.StatusServiceUnavailable, Code: "mail_refused",
		Description: "The mail server permanently refused the last mail to this address. Another one is being tried; if none arrives, check the address or ask an administrator"}
)

// refusedTo returns the error for a user who requests a link to an address whose mails are
// refused, or nil.
func (s *Service) refusedTo(address string) error {
	switch all, this := s.refusals.Refused(address); {
	case all:
		return errNoMails
	case this:
		return errNoMailsToYou
	}
	return nil
}

// mailAnswered handles the result of sending a mail, and records permanent refusals.
func (s *Service) mailAnswered(ctx context.Context, m mail.Message, err error) {
	why := ""
	if err != nil {
		why = printable.StripCut(err.Error(), 300)
	}
	e := event{name: "mail.refused", actor: bySystem, email: m.To, details: map[string]any{"kind": m.Kind, "mail": m.ID, "reason": why}}
	switch {
	case err == nil:
		s.refusals.Delivered(m.To)
		return
	case errors.Is(err, ErrRefused):
		if !s.refusals.RefuseAll(why) {
			return
		}
		s.log.Error("the mail server accepts no mail from this service, and people who ask for links are told so; fix what it objects to", "error", err)
	case errors.Is(err, ErrUndeliverable):
		if s.anybodyCausesMail(m.Kind) {
			s.refusals.Refuse(m.To)
		}
	default:
		return
	}
	s.recordFailure(&request{Request: new(http.Request).WithContext(ctx)}, e)
}

// anybodyCausesMail reports whether mails of a kind also go to addresses without an account. The
// fate of other mails must stay secret: it would reveal which addresses have an account.
func (s *Service) anybodyCausesMail(kind string) bool {
	switch kind {
	case KindMagicLink:
		return true
	case KindCLILink, KindDeviceLink:
		return s.changeable.Load().TurnstileSecret == "" // otherwise see mailLink
	}
	return false
}
