package auth

import (
	"cmp"
	"net/http"
	"net/url"
	"time"

	"github.com/lumenize/lmz/auth/internal/mail"
	"github.com/lumenize/lmz/auth/internal/page"
	"github.com/lumenize/lmz/auth/internal/secret"
	"github.com/lumenize/lmz/auth/internal/store"
)

func (s *Service) askLink(w http.ResponseWriter, r *request) error {
	var body struct {
		Email     string `json:"email"`
		Turnstile any    `json:"cf-turnstile-response"`
	}
	if err := decode(r, &body); err != nil {
		return err
	}
	byTest := s.testing(r) && r.URL.Query().Get("_test") == "true"
	if !byTest {
		if err := s.checkTurnstile(r, body.Turnstile); err != nil {
			return err
		}
	}
	email, ok := NormalEmail(body.Email)
	if !ok {
		return errBadEmail
	}
	answer := struct {
		Message   string `json:"message"`
		Link      string `json:"magic_link,omitempty"`
		ExpiresIn int64  `json:"expires_in"`
		Notice    string `json:"notice,omitempty"`
	}{Message: "Check your email for the magic link", ExpiresIn: int64(s.opts.LinkTTL / time.Second)}
	var a ask
	if !byTest {
		var err error
		if a, err = s.mayAsk(r, email); err != nil {
			return err
		}
		answer.Notice = a.notice()
	}
	token := secret.New()
	err := s.tx(r, func(tx store.Tx) error {
		now := s.now()
		err := tx.InsertLink(token, store.Link{Email: email, CreatedAt: now, ExpiresAt: now.Add(s.opts.LinkTTL), IP: r.ip})
		if err != nil || byTest {
			return err
		}
		return s.mailLink(tx, r, a, mail.Letter{Kind: mail.MagicLink, To: email}, s.opts.LinkTTL, token)
	})
	if err != nil {
		return err
	}
	s.noteCrowd(r, a)
	s.outbox.Deliver()
	if byTest {
		answer.Message, answer.Link = "Magic link generated (test mode)", s.linkURL(token)
	} else if err := s.refusedTo(email); err != nil {
		return err
	}
	// The same answer for every address, known or not.
	writeJSON(w, http.StatusOK, answer)
	return nil
}

// showLink shows the page behind a link. It changes nothing, unless OneClick is set.
func (s *Service) showLink(w http.ResponseWriter, r *request) error {
	token := r.URL.Query().Get("one_time_token")
	if token == "" {
		return errMissingToken
	}
	var l store.Link
	var dev store.Device
	err := s.store.View(r.Context(), func(tx store.Tx) (err error) {
		if l, err = found(tx, token, s.now()); err == nil && l.Device != "" {
			dev, err = waiting(tx, l.Device, s.now())
		}
		return err
	})
	switch {
	case err != nil:
		return s.linkFailed(w, r, err, "link", http.StatusFound)
	case s.opts.OneClick && l.Listener == nil && l.Device == "" && l.EndsSession == "":
		return s.useLinkNow(w, r, token, http.StatusFound)
	case l.Device != "":
		s.devicePage(l, dev, s.linkPath(token), r.ip, "").Write(w, http.StatusOK)
	case l.EndsSession != "":
		page.EndSession(l.Email, s.linkPath(token)).Write(w, http.StatusOK)
	default:
		s.confirmPage(l, s.linkPath(token)).Write(w, http.StatusOK)
	}
	return nil
}

// useLink handles the button of that page, and uses the link up.
func (s *Service) useLink(w http.ResponseWriter, r *request) error {
	token := r.URL.Query().Get("one_time_token")
	if token == "" {
		return errMissingToken
	}
	return s.useLinkNow(w, r, token, http.StatusSeeOther)
}

func (s *Service) useLinkNow(w http.ResponseWriter, r *request, token string, status int) error {
	body := ""
	if r.Method == http.MethodPost {
		raw, err := readBody(r)
		if err != nil {
			return err
		}
		body = string(raw)
	}
	form, _ := url.ParseQuery(body) // a malformed body counts as empty
	var u used
	err := s.tx(r, func(tx store.Tx) (err error) {
		l, err := found(tx, token, s.now())
		switch {
		case err != nil:
		case l.Device != "":
			u, err = s.useDeviceLink(tx, r, l, token, form)
		case l.EndsSession != "":
			u, err = s.useEndLink(tx, r, l, token)
		default:
			u, err = s.signInByLink(tx, r, l, token)
		}
		return err
	})
	if err != nil {
		return s.linkFailed(w, r, err, "link", status)
	}
	s.outbox.Deliver()
	switch {
	case u.page != nil:
		u.page.Write(w, cmp.Or(u.status, http.StatusOK))
	case u.link.Listener != nil:
		redirect(w, status, callbackURL(u.link.Listener, u.secret))
	default:
		s.admitBrowser(w, u.secret, u.link.Email)
		redirect(w, status, s.opts.Redirect)
	}
	return nil
}
