package auth

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/lumenize/lmz/auth/internal/secret"
	"zombiezen.com/go/sqlite"
)

const inviteMax = 100 // addresses in one call

var errMissingInvite = badRequest("invalid_request", "Missing invite_token")

// inviteError is an address that was not invited, and why.
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

// invite approves addresses and mails each an invitation. All of it happens or
// nothing.
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
	err = s.asAdmin(r, func(d db, who caller) error {
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
			link, err := s.inviteOne(d, r, who, email, !byTest)
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
	s.deliver()
	answer.Notice = s.refusals.notice()
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

func (s *Service) inviteOne(d db, r *request, who caller, email string, mail bool) (link string, err error) {
	now := s.now()
	from, made, err := d.ensureSubject(email, now)
	if err != nil {
		return "", err
	}
	if made {
		err := s.record(d, r, event{name: "subject.created", actor: who.sub, target: from.sub, email: email, details: map[string]any{"via": "invite"}})
		if err != nil {
			return "", err
		}
	}
	to := from
	to.adminApproved, to.approvalRevoked = true, false
	if err := s.change(d, r, who.sub, from, to); err != nil {
		return "", err
	}
	letter := Letter{Kind: KindInviteExisting, To: email, Link: s.appURL()}
	link = "(already verified)"
	if !from.emailVerified {
		token := secret.New()
		if err := d.replaceInvite(token, email, now, s.opts.InviteTTL); err != nil {
			return "", err
		}
		link = s.kept.PublicURL + s.invitePath(token)
		letter = Letter{Kind: KindInviteNew, To: email, Link: link, life: s.opts.InviteTTL}
	}
	if mail {
		if err := s.queue(d, letter); err != nil {
			return "", err
		}
	}
	return link, s.record(d, r, event{name: "invite.sent", actor: who.sub, target: to.sub, email: email})
}

// appURL is the application as an address for mails: a path alone leads nowhere
// from there.
func (s *Service) appURL() string {
	base, err := url.Parse(s.kept.PublicURL + "/")
	if err != nil {
		return s.kept.PublicURL
	}
	to, err := base.Parse(s.opts.Redirect)
	if err != nil {
		return s.kept.PublicURL
	}
	return to.String()
}

func (s *Service) invitePath(token string) string {
	return s.path("accept-invite") + "?invite_token=" + url.QueryEscape(token)
}

// showInvite is the page behind an invitation. It changes nothing, unless it is to
// do what the original does.
func (s *Service) showInvite(w http.ResponseWriter, r *request) error {
	token := r.URL.Query().Get("invite_token")
	if token == "" {
		return errMissingInvite
	}
	if s.opts.OneClick {
		return s.acceptNow(w, r, token, http.StatusFound)
	}
	var email string
	err := s.store.read(r.Context(), func(d db) (err error) {
		email, err = d.findInvite(token, s.now())
		return err
	})
	if err != nil {
		return s.linkFailed(w, r, err, "invite", http.StatusFound)
	}
	writePage(w, http.StatusOK, s.invitePage(email, s.invitePath(token)))
	return nil
}

// acceptInvite is the button of that page. The invitation is gone afterwards.
func (s *Service) acceptInvite(w http.ResponseWriter, r *request) error {
	token := r.URL.Query().Get("invite_token")
	if token == "" {
		return errMissingInvite
	}
	return s.acceptNow(w, r, token, http.StatusSeeOther)
}

func (s *Service) acceptNow(w http.ResponseWriter, r *request, token string, status int) error {
	var secret, email string
	err := s.tx(r, func(d db) (err error) {
		if email, err = d.findInvite(token, s.now()); err != nil {
			return err
		}
		if _, err := d.subjectBy("email", email); err == errNoSubject {
			return errInvalidLink
		} else if err != nil {
			return err
		}
		if err := d.exec("DELETE FROM InviteTokens WHERE email = :email", args{":email": email}, nil); err != nil {
			return err
		}
		subj, err := s.verified(d, r, email)
		if err != nil {
			return err
		}
		if secret, err = s.signInBrowser(d, r, subj); err != nil {
			return err
		}
		return s.record(d, r, event{name: "login.succeeded", actor: bySystem, target: subj.sub, email: email, details: map[string]any{"method": "invite"}})
	})
	if err != nil {
		return s.linkFailed(w, r, err, "invite", status)
	}
	s.deliver()
	s.admitBrowser(w, secret, email)
	redirect(w, status, s.opts.Redirect)
	return nil
}

// findInvite returns the address of an invitation that still works.
func (d db) findInvite(token string, now time.Time) (email string, err error) {
	var expires int64
	found, err := d.one("SELECT email, expiresAt FROM InviteTokens WHERE tokenHash = :hash", args{":hash": secret.Hash(token)},
		func(stmt *sqlite.Stmt) { email, expires = stmt.GetText("email"), stmt.GetInt64("expiresAt") })
	switch {
	case err != nil:
		return "", err
	case !found:
		return "", errInvalidLink
	case now.UnixMilli() > expires:
		return "", errExpiredLink
	}
	return email, nil
}

// replaceInvite stores an invitation; older ones to that address are void.
func (d db) replaceInvite(token, email string, now time.Time, ttl time.Duration) error {
	return errors.Join(
		d.exec("DELETE FROM InviteTokens WHERE email = :email", args{":email": email}, nil),
		d.exec("INSERT INTO InviteTokens (tokenHash, email, createdAt, expiresAt) VALUES (:hash, :email, :now, :expires)",
			args{":hash": secret.Hash(token), ":email": email, ":now": now.UnixMilli(), ":expires": now.Add(ttl).UnixMilli()}, nil))
}
