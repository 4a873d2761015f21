package auth

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/lumenize/lmz/auth/internal/limit"
	"github.com/lumenize/lmz/auth/internal/mail"
	"github.com/lumenize/lmz/auth/internal/outbox"
	"github.com/lumenize/lmz/auth/internal/page"
	"github.com/lumenize/lmz/auth/internal/store"
)

const (
	notifyEvery  = day // between two mails to the admins about one waiting subject
	signUps      = 100 // subjects per day that the admins are notified of
	signUpsPerIP = 20  // of those, from one client
)

// askAdmins notifies every admin by mail that a subject is waiting for approval: at its first
// sign-in, and then once a day while it keeps trying. Anybody can sign up with any number of
// addresses, so the mails caused by one network and by all together are bounded; lmz subjects
// lists the waiting subjects.
func (s *Service) askAdmins(tx store.Tx, r *request, subj store.Subject) error {
	now := s.now()
	if subj.AdminApproved || subj.IsAdmin || now.UnixMilli()-subj.NotifiedAt < notifyEvery.Milliseconds() {
		return nil
	}
	wait, first := s.limits.Take(append(limit.PerClient("signups", r.ip, signUpsPerIP, day),
		limit.Rule{Key: "signups", Max: signUps, Every: day, Paced: true, Common: true})...)
	if first {
		s.log.Warn("many sign-ups are waiting for approval: the admins are not mailed about each", "for", wait, "request", r.id)
	}
	if wait > 0 {
		return nil
	}
	admins, err := tx.Admins()
	if err != nil {
		return err
	}
	for _, admin := range admins {
		l := mail.Letter{Kind: mail.AdminNotification, To: admin, About: subj.Email, Link: s.kept.PublicURL + s.path("approve/"+url.PathEscape(subj.Sub))}
		if err := s.queue(tx, l, outbox.Delivery{}); err != nil {
			return err
		}
	}
	return tx.NoteNotified(subj.Sub, now)
}

// showApproval shows an admin the page behind the link in the mail: the subject, and a button. A
// browser does not send a SameSite=Strict cookie when it comes from a webmail, so a request from
// another site without one gets a page to continue from, which sends it.
func (s *Service) showApproval(w http.ResponseWriter, r *request) error {
	if s.opts.OneClick {
		return s.approveNow(w, r, http.StatusFound)
	}
	var subj store.Subject
	err := s.asAdmin(r, func(tx store.Tx, _ caller) (err error) {
		subj, err = target(tx, r)
		return err
	})
	if err == errNoCredential && r.Header.Get("Sec-Fetch-Site") == "cross-site" {
		page.Continue(s.appName(), r.URL.Path).Write(w, http.StatusOK)
		return nil
	}
	if isUnauthorized(err) {
		redirect(w, http.StatusFound, withQuery(s.opts.Redirect, "error", "login_required"))
		return nil
	}
	if err == nil {
		approvePage(subj, r.URL.Path).Write(w, http.StatusOK)
	}
	return err
}

func isUnauthorized(err error) bool {
	refusal, ok := errors.AsType[*Error](err)
	return ok && refusal.Status == http.StatusUnauthorized
}

// approve handles the button of that page, and requests by programs.
func (s *Service) approve(w http.ResponseWriter, r *request) error {
	return s.approveNow(w, r, http.StatusOK)
}

func (s *Service) approveNow(w http.ResponseWriter, r *request, status int) error {
	var subj store.Subject
	var shown shownSubject
	err := s.asAdmin(r, func(tx store.Tx, who caller) error {
		from, err := target(tx, r)
		if err != nil {
			return err
		}
		subj = from
		subj.AdminApproved, subj.ApprovalRevoked = true, false
		if err := s.change(tx, r, who.Sub, from, subj, false); err != nil {
			return err
		}
		if !from.AdminApproved {
			if err := s.queue(tx, mail.Letter{Kind: mail.Approval, To: subj.Email, Link: s.appURL()}, outbox.Delivery{}); err != nil {
				return err
			}
		}
		shown, err = show(tx, subj)
		return err
	})
	switch {
	case isUnauthorized(err) && status == http.StatusFound:
		redirect(w, status, withQuery(s.opts.Redirect, "error", "login_required"))
		return nil
	case err != nil:
		return err
	}
	s.outbox.Deliver()
	switch {
	case status == http.StatusFound:
		redirect(w, status, s.opts.Redirect)
	case strings.Contains(r.Header.Get("Accept"), "text/html"):
		page.Message("Approved", subj.Email+" can sign in now and will be told by mail.", "You can close this page.").Write(w, status)
	default:
		writeSubject(w, shown)
	}
	return nil
}
