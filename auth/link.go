package auth

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/lumenize/lmz/auth/internal/secret"
	"zombiezen.com/go/sqlite"
)

var (
	errInvalidLink = &linkError{"invalid_token"}
	errExpiredLink = &linkError{"token_expired"}
)

// linkError is why a link does not work, as a code for the redirect.
type linkError struct{ code string }

func (e *linkError) Error() string { return "link: " + e.code }

// link is a row of MagicLinks: a browser's, or with cli that of a terminal with a
// listener, with device that of one that polls, with endsSession one that ends a
// session.
type link struct {
	email       string
	createdAt   time.Time
	expiresAt   time.Time
	ip          string // of who asked
	cli         *cliRequest
	device      string // hash of the device code
	endsSession string
}

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
	err := s.tx(r, func(d db) error {
		now := s.now()
		err := d.insertLink(token, link{email: email, createdAt: now, expiresAt: now.Add(s.opts.LinkTTL), ip: r.ip})
		if err != nil || byTest {
			return err
		}
		return s.mailLink(d, r, a, Letter{Kind: KindMagicLink, To: email, Link: s.linkURL(token), life: s.opts.LinkTTL}, token)
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
	var l link
	var dev device
	err := s.store.read(r.Context(), func(d db) (err error) {
		if l, err = d.findLink(token, s.now()); err == nil && l.device != "" {
			dev, err = d.device(l.device, s.now())
		}
		return err
	})
	switch {
	case err != nil:
		return s.linkFailed(w, r, err, "link", http.StatusFound)
	case s.opts.OneClick && l.cli == nil && l.device == "" && l.endsSession == "":
		return s.useLinkNow(w, r, token, http.StatusFound)
	case l.device != "":
		writePage(w, http.StatusOK, s.devicePage(l, dev, s.linkPath(token), r.ip, ""))
	case l.endsSession != "":
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
	link   link
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
	err := s.tx(r, func(d db) (err error) {
		l, err := d.findLink(token, s.now())
		switch {
		case err != nil:
		case l.device != "":
			u, err = s.useDeviceLink(d, r, l, token, form)
		case l.endsSession != "":
			u, err = s.useEndLink(d, r, l, token)
		default:
			u, err = s.signInByLink(d, r, l, token)
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
	case u.link.cli != nil:
		redirect(w, status, u.link.cli.callback(u.secret))
	default:
		s.admitBrowser(w, u.secret, u.link.email)
		redirect(w, status, s.opts.Redirect)
	}
	return nil
}

// signInByLink uses up a link of a browser or of a terminal with a listener.
func (s *Service) signInByLink(d db, r *request, l link, token string) (used, error) {
	u := used{link: l}
	if err := d.dropLink(token); err != nil {
		return u, err
	}
	subj, err := s.verified(d, r, l.email)
	if err != nil {
		return u, err
	}
	if l.cli != nil {
		u.secret, err = s.newCode(d, subj.sub, l.cli)
	} else if err = d.dropOlderLinks(l.email); err == nil {
		u.secret, err = s.signInBrowser(d, r, subj)
	}
	if err != nil {
		return u, err
	}
	if err := s.askAdmins(d, r, subj); err != nil {
		return u, err
	}
	return u, s.record(d, r, event{name: "login.succeeded", actor: bySystem, target: subj.sub, email: l.email,
		details: map[string]any{"method": "link", "terminal": l.cli != nil}})
}

func (s *Service) signInBrowser(d db, r *request, subj subject) (token string, err error) {
	id, token, err := s.beginSession(d, r, newSession{sub: subj.sub, kind: kindBrowser})
	if err != nil {
		return "", err
	}
	// Told first: that a browser is known may follow from the session that ends.
	return token, errors.Join(s.tellOfNewPlace(d, r, subj, id, newSession{kind: kindBrowser}), s.endReplaced(d, r))
}

// endReplaced ends the session that a browser has had: the cookie by which it could be
// used and ended is replaced.
func (s *Service) endReplaced(d db, r *request) error {
	token := refreshCookie(r.Request)
	if token == "" {
		return nil
	}
	row, found, err := d.refreshToken(token)
	if err != nil || !found || row.revoked {
		return err
	}
	return errors.Join(d.endSession(row.family, endedSignOut), s.record(d, r, event{name: "token.revoked", actor: bySystem, target: row.subject,
		details: map[string]any{"method": "replaced", "session": row.family}}))
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

func scanLink(stmt *sqlite.Stmt) link {
	l := link{
		email:       stmt.GetText("email"),
		createdAt:   time.UnixMilli(stmt.GetInt64("createdAt")),
		expiresAt:   time.UnixMilli(stmt.GetInt64("expiresAt")),
		ip:          stmt.GetText("ip"),
		device:      stmt.GetText("deviceHash"),
		endsSession: stmt.GetText("endsSession"),
	}
	if !stmt.IsNull("codeChallenge") {
		l.cli = &cliRequest{
			challenge:   stmt.GetText("codeChallenge"),
			redirectURI: stmt.GetText("redirectUri"),
			state:       stmt.GetText("state"),
			client:      stmt.GetText("clientName"),
			hostname:    stmt.GetText("hostname"),
		}
	}
	return l
}

func (d db) insertLink(token string, l link) error {
	named := args{":hash": secret.Hash(token), ":email": l.email, ":created": l.createdAt.UnixMilli(), ":expires": l.expiresAt.UnixMilli(),
		":ip": l.ip, ":device": l.device, ":ends": l.endsSession,
		":challenge": nil, ":redirect": nil, ":state": nil, ":client": nil, ":hostname": nil}
	if c := l.cli; c != nil {
		named[":challenge"], named[":redirect"], named[":state"] = c.challenge, c.redirectURI, c.state
		named[":client"], named[":hostname"] = c.client, c.hostname
	}
	return d.exec(`INSERT INTO MagicLinks (tokenHash, email, createdAt, expiresAt, ip, deviceHash, endsSession,
		codeChallenge, redirectUri, state, clientName, hostname)
		VALUES (:hash, :email, :created, :expires, :ip, nullif(:device, ''), nullif(:ends, ''),
		:challenge, :redirect, :state, :client, :hostname)`, named, nil)
}

// findLink returns a link that still works. An expired one stays until the sweep,
// so that it goes on saying so.
func (d db) findLink(token string, now time.Time) (l link, err error) {
	found, err := d.one("SELECT * FROM MagicLinks WHERE tokenHash = :hash",
		args{":hash": secret.Hash(token)}, func(stmt *sqlite.Stmt) { l = scanLink(stmt) })
	switch {
	case err != nil:
		return l, err
	case !found:
		return l, errInvalidLink
	case now.UnixMilli() > l.expiresAt.UnixMilli():
		return l, errExpiredLink
	}
	return l, nil
}

// dropLink deletes a link: transactions that write follow each other, so of many
// who found it one drops it.
func (d db) dropLink(token string) error {
	return d.exec("DELETE FROM MagicLinks WHERE tokenHash = :hash", args{":hash": secret.Hash(token)}, nil)
}

// dropOlderLinks voids the other links by which a browser could sign in to an
// address: somebody just did.
func (d db) dropOlderLinks(email string) error {
	return d.exec("DELETE FROM MagicLinks WHERE email = :email AND codeChallenge IS NULL AND deviceHash IS NULL AND endsSession IS NULL",
		args{":email": email}, nil)
}
