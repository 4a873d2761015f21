package auth

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"zombiezen.com/go/sqlite"
)

// mailTimeout bounds the delivery of one mail to the Sender.
const mailTimeout = 10 * time.Second

var (
	errInvalidLink = &linkError{"invalid_token"}
	errExpiredLink = &linkError{"token_expired"}
)

// linkError is why a link does not work, as a code for the redirect.
type linkError struct{ code string }

func (e *linkError) Error() string { return "link: " + e.code }

// link is a row of MagicLinks. cli is nil unless a terminal asked.
type link struct {
	email     string
	createdAt time.Time
	expiresAt time.Time
	cli       *cliRequest
}

func (s *Service) askLink(w http.ResponseWriter, r *http.Request) error {
	var body struct {
		Email string `json:"email"`
	}
	if err := decode(r, &body); err != nil {
		return err
	}
	email, ok := normalEmail(body.Email)
	if !ok {
		return badRequest("invalid_request", "Valid email required")
	}
	answer := struct {
		Message   string `json:"message"`
		Link      string `json:"magic_link,omitempty"`
		ExpiresIn int64  `json:"expires_in"`
	}{Message: "Check your email for the magic link", ExpiresIn: int64(s.opts.LinkTTL / time.Second)}
	byTest := s.opts.TestMode && r.URL.Query().Get("_test") == "true"
	token, err := s.newLink(r.Context(), email, s.opts.LinkTTL, nil, !byTest)
	switch {
	case err != nil:
		return err
	case byTest:
		answer.Message, answer.Link = "Magic link generated (test mode)", s.linkURL(token)
	case token != "":
		s.mail(r.Context(), linkMail(email, s.linkURL(token), s.opts.LinkTTL))
	}
	// The same for every address, known or not, limited or not.
	writeJSON(w, http.StatusOK, answer)
	return nil
}

// newLink stores a link and returns its token, or none when limited applies and
// the address has had its share of mails.
func (s *Service) newLink(ctx context.Context, email string, ttl time.Duration, cli *cliRequest, limited bool) (token string, err error) {
	err = s.store.tx(ctx, func(d db) error {
		now := s.now()
		if limited && !s.opts.AutoApprove {
			sent, err := d.recentLinks(email, now)
			if err != nil {
				return err
			}
			if sent >= mailLimit {
				s.log.Warn("too many links asked for: no mail sent", "email", email)
				return nil
			}
		}
		token = newToken()
		return d.insertLink(token, link{email: email, createdAt: now, expiresAt: now.Add(ttl), cli: cli})
	})
	return token, err
}

// linkURL never depends on the request, whose Host header anyone can forge.
func (s *Service) linkURL(token string) string {
	return s.kept.PublicURL + s.linkPath(token)
}

func (s *Service) linkPath(token string) string {
	return s.path("magic-link") + "?one_time_token=" + url.QueryEscape(token)
}

// mail hands m to the Sender. The answer to the request does not depend on the
// outcome, so that it tells nothing about the address.
func (s *Service) mail(ctx context.Context, m Mail) {
	if s.opts.Sender == nil {
		s.log.Error("mail not sent: no Sender is configured", "kind", m.Kind, "to", m.To)
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), mailTimeout)
	defer cancel()
	if err := s.opts.Sender.Send(ctx, m); err != nil {
		s.log.Error("mail not sent", "kind", m.Kind, "to", m.To, "error", err)
	}
}

// showLink is the page behind a link. It changes nothing.
func (s *Service) showLink(w http.ResponseWriter, r *http.Request) error {
	token := r.URL.Query().Get("one_time_token")
	if token == "" {
		return errMissingToken
	}
	var l link
	err := s.store.tx(r.Context(), func(d db) (err error) {
		l, err = d.findLink(token, s.now())
		return err
	})
	if err != nil {
		return s.linkFailed(w, err, http.StatusFound)
	}
	writePage(w, confirmPage(l, s.linkPath(token), s.opts.Redirect, s.now()))
	return nil
}

// useLink is the button of that page. The link is gone afterwards.
func (s *Service) useLink(w http.ResponseWriter, r *http.Request) error {
	token := r.URL.Query().Get("one_time_token")
	if token == "" {
		return errMissingToken
	}
	var l link
	var secret string // a refresh token, or for a terminal a code
	err := s.store.tx(r.Context(), func(d db) (err error) {
		if l, err = d.takeLink(token, s.now()); err != nil {
			return err
		}
		subj, err := s.verified(d, l.email, s.now())
		if err != nil {
			return err
		}
		if l.cli != nil {
			secret, err = s.newCode(d, subj.sub, l.cli)
		} else {
			secret, err = s.newSession(d, subj.sub)
		}
		return err
	})
	if err != nil {
		return s.linkFailed(w, err, http.StatusSeeOther)
	}
	s.log.Info("signed in by link", "email", l.email, "terminal", l.cli != nil)
	to := s.opts.Redirect
	if l.cli != nil {
		to = l.cli.callback(secret)
	} else {
		s.setCookie(w, secret)
	}
	redirect(w, http.StatusSeeOther, to)
	return nil
}

// linkFailed leads a browser whose link does not work back to the application.
func (s *Service) linkFailed(w http.ResponseWriter, err error, status int) error {
	failure, ok := errors.AsType[*linkError](err)
	if !ok {
		return err
	}
	s.log.Warn("sign-in link refused", "reason", failure.code)
	redirect(w, status, withQuery(s.opts.Redirect, "error", failure.code))
	return nil
}

// redirect sends the Location as it is and no body. [http.Redirect] would add
// both a body and a base path.
func redirect(w http.ResponseWriter, status int, to string) {
	w.Header().Set("Location", to)
	w.Header().Set("Referrer-Policy", "no-referrer")
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

const linkColumns = "email, createdAt, expiresAt, codeChallenge, redirectUri, state, clientName, hostname"

func scanLink(stmt *sqlite.Stmt) link {
	l := link{
		email:     stmt.GetText("email"),
		createdAt: time.UnixMilli(stmt.GetInt64("createdAt")),
		expiresAt: time.UnixMilli(stmt.GetInt64("expiresAt")),
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
	named := args{":hash": hash(token), ":email": l.email, ":created": l.createdAt.UnixMilli(), ":expires": l.expiresAt.UnixMilli(),
		":challenge": nil, ":redirect": nil, ":state": nil, ":client": nil, ":hostname": nil}
	if c := l.cli; c != nil {
		named[":challenge"], named[":redirect"], named[":state"] = c.challenge, c.redirectURI, c.state
		named[":client"], named[":hostname"] = c.client, c.hostname
	}
	return d.exec(`INSERT INTO MagicLinks (tokenHash, email, createdAt, expiresAt, codeChallenge, redirectUri, state, clientName, hostname)
		VALUES (:hash, :email, :created, :expires, :challenge, :redirect, :state, :client, :hostname)`, named, nil)
}

// findLink returns a link that still works.
func (d db) findLink(token string, now time.Time) (l link, err error) {
	found := false
	err = d.exec("SELECT "+linkColumns+" FROM MagicLinks WHERE tokenHash = :hash",
		args{":hash": hash(token)}, func(stmt *sqlite.Stmt) { l, found = scanLink(stmt), true })
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

// takeLink deletes a link that still works. Of many who try, one gets it; an
// expired one stays until the sweep, so that it goes on saying so.
func (d db) takeLink(token string, now time.Time) (link, error) {
	l, err := d.findLink(token, now)
	if err != nil {
		return l, err
	}
	return l, d.exec("DELETE FROM MagicLinks WHERE tokenHash = :hash", args{":hash": hash(token)}, nil)
}

// recentLinks counts the unused links that were mailed to an address lately.
func (d db) recentLinks(email string, now time.Time) (n int64, err error) {
	err = d.exec("SELECT count(*) AS n FROM MagicLinks WHERE email = :email AND createdAt > :since",
		args{":email": email, ":since": now.Add(-mailWindow).UnixMilli()},
		func(stmt *sqlite.Stmt) { n = stmt.GetInt64("n") })
	return n, err
}
