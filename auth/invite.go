package auth

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/lumenize/lmz/auth/internal/mail"
	"github.com/lumenize/lmz/auth/internal/outbox"
	"github.com/lumenize/lmz/auth/internal/page"
	"github.com/lumenize/lmz/auth/internal/secret"
	"github.com/lumenize/lmz/auth/internal/store"
)

const inviteMax = 100 // addresses in one call

// inviteError is an address that was not invited, and the reason.
type inviteError struct {
	Email json.RawMessage `json:"email"`
	Error string          `json:"error"`
}

// inviteAnswer is the body of POST invite.
type inviteAnswer struct {
	Invited []string          `json:"invited"`
	Errors  []inviteError     `json:"errors"`
	Links   map[string]string `json:"links,omitempty"`
	Notice  string            `json:"notice,omitempty"`
}

// invite approves addresses and mails each an invitation, all in one transaction.
func (s *Service) invite(w http.ResponseWriter, r *request) error {
	body, err := readBody(r)
	if err != nil {
		return err
	}
	answer := inviteAnswer{Invited: []string{}, Errors: []inviteError{}}
	byTest := s.testing(r) && r.URL.Query().Get("_test") == "true"
	if byTest {
		answer.Links = map[string]string{}
	}
	err = s.asAdmin(r, func(tx store.Tx, who caller) error {
		emails, err := emailList(body)
		if err != nil {
			return err
		}
		for _, raw := range emails {
			var text string
			email, ok := "", json.Unmarshal(raw, &text) == nil
			if ok {
				email, ok = NormalEmail(text)
			}
			if !ok {
				answer.Errors = append(answer.Errors, inviteError{raw, "Invalid email format"})
				continue
			}
			link, err := s.inviteOne(tx, r, who, email, !byTest)
			if err != nil {
				return err
			}
			answer.Invited = append(answer.Invited, email)
			if byTest {
				answer.Links[email] = link
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	s.outbox.Deliver()
	answer.Notice = s.refusals.Why()
	writeJSON(w, http.StatusOK, answer)
	return nil
}

func emailList(body []byte) ([]json.RawMessage, error) {
	var b struct {
		Emails json.RawMessage `json:"emails"`
	}
	if err := decodeBody(body, &b); err != nil {
		return nil, err
	}
	var emails []json.RawMessage
	switch {
	case json.Unmarshal(b.Emails, &emails) != nil || emails == nil:
		return nil, badRequest("invalid_request", "emails array required")
	case len(emails) > inviteMax:
		return nil, badRequest("invalid_request", "emails: at most 100 at a time")
	}
	return emails, nil
}

func (s *Service) inviteOne(tx store.Tx, r *request, who caller, email string, byMail bool) (link string, err error) {
	now := s.now()
	from, made, err := tx.EnsureSubject(email, now)
	if err != nil {
		return "", err
	}
	if made {
		err := s.record(tx, r, event{name: "subject.created", actor: who.Sub, target: from.Sub, email: email, details: map[string]any{"via": "invite"}})
		if err != nil {
			return "", err
		}
	}
	to := from
	to.AdminApproved, to.ApprovalRevoked = true, false
	if err := s.change(tx, r, who.Sub, from, to, false); err != nil {
		return "", err
	}
	letter := mail.Letter{Kind: mail.InviteExisting, To: email, Link: s.appURL()}
	var delivery outbox.Delivery
	link = "(already verified)"
	if !from.EmailVerified {
		token := secret.New()
		if err := tx.ReplaceInvite(token, email, now, s.opts.InviteTTL); err != nil {
			return "", err
		}
		link = s.kept.PublicURL + s.invitePath(token)
		letter.Kind, letter.Link, delivery.Lifetime = mail.InviteNew, link, s.opts.InviteTTL
	}
	if byMail {
		if err := s.queue(tx, letter, delivery); err != nil {
			return "", err
		}
	}
	return link, s.record(tx, r, event{name: "invite.sent", actor: who.Sub, target: to.Sub, email: email})
}

// showInvite shows the page behind an invitation. It changes nothing, unless OneClick is set.
func (s *Service) showInvite(w http.ResponseWriter, r *request) error {
	token := r.URL.Query().Get("invite_token")
	if token == "" {
		return errMissingInvite
	}
	if s.opts.OneClick {
		return s.acceptNow(w, r, token, http.StatusFound)
	}
	var email string
	err := s.store.View(r.Context(), func(tx store.Tx) (err error) {
		email, err = invited(tx, token, s.now())
		return err
	})
	if err != nil {
		return s.linkFailed(w, r, err, "invite", http.StatusFound)
	}
	page.Invitation(s.appName(), email, s.invitePath(token), s.opts.Redirect).Write(w, http.StatusOK)
	return nil
}

// acceptInvite handles the button of that page, and uses the invitation up.
func (s *Service) acceptInvite(w http.ResponseWriter, r *request) error {
	token := r.URL.Query().Get("invite_token")
	if token == "" {
		return errMissingInvite
	}
	return s.acceptNow(w, r, token, http.StatusSeeOther)
}

func (s *Service) acceptNow(w http.ResponseWriter, r *request, token string, status int) error {
	var refresh, email string
	err := s.tx(r, func(tx store.Tx) (err error) {
		if email, err = invited(tx, token, s.now()); err != nil {
			return err
		}
		if _, err := tx.SubjectByEmail(email); err == store.ErrNotFound {
			return errInvalidLink
		} else if err != nil {
			return err
		}
		if err := tx.DropInvites(email); err != nil {
			return err
		}
		subj, err := s.verified(tx, r, email)
		if err != nil {
			return err
		}
		if refresh, err = s.signInBrowser(tx, r, subj); err != nil {
			return err
		}
		return s.record(tx, r, event{name: "login.succeeded", actor: bySystem, target: subj.Sub, email: email, details: map[string]any{"method": "invite"}})
	})
	if err != nil {
		return s.linkFailed(w, r, err, "invite", status)
	}
	s.outbox.Deliver()
	s.admitBrowser(w, refresh, email)
	redirect(w, status, s.opts.Redirect)
	return nil
}

// invited returns the address of a valid invitation.
func invited(tx store.Tx, token string, now time.Time) (email string, err error) {
	email, err = tx.Invite(token, now)
	return email, linkProblem(err)
}
