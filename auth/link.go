package auth

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/lumenize/lmz/auth/internal/secret"
	"github.com/lumenize/lmz/auth/internal/store"
)

var (
	errInvalidLink = &linkError{"invalid_token"}
	errExpiredLink = &linkError{"token_expired"}
)

// linkError is why a link does not work, as a code for the redirect.
type linkError struct{ code string }

func (e *linkError) Error() string { return "link: " + e.code }

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
		return s.mailLink(tx, r, a, Letter{Kind: KindMagicLink, To: email, Link: s.linkURL(token), life: s.opts.LinkTTL}, token)
	})
	if err != nil {
		return err
	}
	s.noteCrowd(r, a)
	s.deliver()
	if byTest {
		answer.Message, answer.Link = "Magic link generated (test mode)", s.linkURL(token)
	} else if err := s.refusals.of(email); err != nil {
		return err
	}
	// The same for every address, known or not.
	writeJSON(w, http.StatusOK, answer)
	return nil
}

// linkURL never depends on the request, whose Host header anyone can forge.
func (s *Service) linkURL(token string) string { return s.kept.PublicURL + s.linkPath(token) }

func (s *Service) linkPath(token string) string {
	return s.path("magic-link") + "?one_time_token=" + url.QueryEscape(token)
}

// showLink is the page behind a link. It changes nothing, unless it is to do what
// the original does.
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
		writePage(w, http.StatusOK, s.devicePage(l, dev, s.linkPath(token), r.ip, ""))
	case l.EndsSession != "":
		writePage(w, http.StatusOK, s.endSessionPage(l, s.linkPath(token)))
	default:
		writePage(w, http.StatusOK, s.confirmPage(l, s.linkPath(token)))
	}
	return nil
}

// useLink is the button of that page. The link is gone afterwards.
func (s *Service) useLink(w http.ResponseWriter, r *request) error {
	token := r.URL.Query().Get("one_time_token")
	if token == "" {
		return errMissingToken
	}
	return s.useLinkNow(w, r, token, http.StatusSeeOther)
}

// used is what a link led to.
type used struct {
	link   store.Link
	secret string // a refresh token, or for a terminal a code
	page   *page  // to be shown instead of going anywhere
	status int    // of the page
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
	form, _ := url.ParseQuery(body) // what cannot be read counts as absent
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
	s.deliver()
	switch {
	case u.page != nil:
		writePage(w, cmp.Or(u.status, http.StatusOK), *u.page)
	case u.link.Listener != nil:
		redirect(w, status, callbackURL(u.link.Listener, u.secret))
	default:
		s.admitBrowser(w, u.secret, u.link.Email)
		redirect(w, status, s.opts.Redirect)
	}
	return nil
}

// signInByLink uses up a link of a browser or of a terminal with a listener.
func (s *Service) signInByLink(tx store.Tx, r *request, l store.Link, token string) (used, error) {
	u := used{link: l}
	if err := tx.DropLink(token); err != nil {
		return u, err
	}
	subj, err := s.verified(tx, r, l.Email)
	if err != nil {
		return u, err
	}
	if l.Listener != nil {
		u.secret, err = s.newCode(tx, subj.Sub, l.Listener)
	} else if err = tx.DropBrowserLinks(l.Email); err == nil {
		u.secret, err = s.signInBrowser(tx, r, subj)
	}
	if err != nil {
		return u, err
	}
	if err := s.askAdmins(tx, r, subj); err != nil {
		return u, err
	}
	return u, s.record(tx, r, event{name: "login.succeeded", actor: bySystem, target: subj.Sub, email: l.Email,
		details: map[string]any{"method": "link", "terminal": l.Listener != nil}})
}

func (s *Service) signInBrowser(tx store.Tx, r *request, subj store.Subject) (token string, err error) {
	id, token, err := s.beginSession(tx, r, newSession{sub: subj.Sub, kind: store.Browser})
	if err != nil {
		return "", err
	}
	// Told first: that a browser is known may follow from the session that ends.
	return token, errors.Join(s.tellOfNewPlace(tx, r, subj, id, newSession{kind: store.Browser}), s.endReplaced(tx, r))
}

// endReplaced ends the session that a browser has had: the cookie by which it could be
// used and ended is replaced.
func (s *Service) endReplaced(tx store.Tx, r *request) error {
	token := refreshCookie(r.Request)
	if token == "" {
		return nil
	}
	row, known, err := tx.RefreshToken(token)
	if err != nil || !known || row.Revoked {
		return err
	}
	return errors.Join(tx.EndSession(row.Family, store.EndedSignOut), s.record(tx, r, event{name: "token.revoked", actor: bySystem, target: row.Subject,
		details: map[string]any{"method": "replaced", "session": row.Family}}))
}

// linkFailed leads a browser whose link does not work back to the application.
func (s *Service) linkFailed(w http.ResponseWriter, r *request, err error, method string, status int) error {
	failure, ok := errors.AsType[*linkError](err)
	if !ok {
		return err
	}
	s.countFailure(r)
	s.recordFailure(r, event{name: "login.failed", actor: bySystem, details: map[string]any{"method": method, "reason": failure.code}})
	redirect(w, status, withQuery(s.opts.Redirect, "error", failure.code))
	return nil
}

// redirect sends the Location as it is and no body. [http.Redirect] would add
// both a body and a base path.
func redirect(w http.ResponseWriter, status int, to string) {
	w.Header().Set("Location", to)
	w.WriteHeader(status)
}

// withQuery adds parameters to a URL, before its fragment.
func withQuery(raw string, pairs ...string) string {
	base, fragment, hasFragment := strings.Cut(raw, "#")
	sep := "?"
	if strings.Contains(base, "?") {
		sep = "&"
	}
	values := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		values.Set(pairs[i], pairs[i+1])
	}
	out := base + sep + values.Encode()
	if hasFragment {
		out += "#" + fragment
	}
	return out
}

// found returns a link that still works.
func found(tx store.Tx, token string, now time.Time) (store.Link, error) {
	l, err := tx.Link(token, now)
	return l, linkProblem(err)
}

// linkProblem translates why the store does not return a link.
func linkProblem(err error) error {
	switch err {
	case store.ErrNotFound:
		return errInvalidLink
	case store.ErrExpired:
		return errExpiredLink
	}
	return err
}
