package auth

import (
	"cmp"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/lumenize/lmz/auth/internal/limit"
	"github.com/lumenize/lmz/auth/internal/mail"
	"github.com/lumenize/lmz/auth/internal/secret"
	"github.com/lumenize/lmz/auth/internal/store"
)

const (
	cliLinkTTL  = 10 * time.Minute // longest time that a terminal waits for the click
	cliInterval = 5                // seconds; advice for clients that poll
	codeTTL     = time.Minute
)

// terminalLabel names a terminal in lists of sessions.
func terminalLabel(l *store.Listener) string { return l.Client + " on " + l.Hostname }

// callbackURL returns the URL that takes a code to the terminal.
func callbackURL(l *store.Listener, code string) string {
	return withQuery(l.RedirectURI, "code", code, "state", l.State)
}

func (s *Service) startCLI(w http.ResponseWriter, r *request) error {
	var body struct {
		Email       string `json:"email"`
		Challenge   string `json:"code_challenge"`
		Method      string `json:"code_challenge_method"`
		RedirectURI string `json:"redirect_uri"`
		State       string `json:"state"`
		Client      string `json:"client_name"`
		Hostname    string `json:"hostname"`
	}
	if err := decode(r, &body); err != nil {
		return err
	}
	email, ok := NormalEmail(body.Email)
	switch {
	case !ok:
		return errBadEmail
	case body.Method != "S256":
		return badRequest("invalid_request", "code_challenge_method must be S256")
	case !challengeSyntax.MatchString(body.Challenge):
		return badRequest("invalid_request", "code_challenge must be 43 base64url characters")
	case !stateSyntax.MatchString(body.State):
		return badRequest("invalid_request", "state must be 16 to 256 base64url characters")
	case !isLoopbackCallback(body.RedirectURI):
		return badRequest("invalid_request", "redirect_uri must be http://127.0.0.1:PORT/callback or http://[::1]:PORT/callback")
	}
	listener := &store.Listener{
		Challenge:   body.Challenge,
		RedirectURI: body.RedirectURI,
		State:       body.State,
		Client:      label(body.Client, "a terminal program"),
		Hostname:    label(firstLabel(body.Hostname), "an unnamed computer"),
	}
	a, err := s.mayAsk(r, email)
	if err != nil {
		return err
	}
	ttl := min(cliLinkTTL, s.opts.LinkTTL)
	id, token := secret.UUID(), secret.New()
	err = s.tx(r, func(tx store.Tx) error {
		now := s.now()
		err := tx.InsertLink(token, store.Link{Email: email, CreatedAt: now, ExpiresAt: now.Add(ttl), IP: r.ip, Listener: listener})
		if err != nil {
			return err
		}
		return s.mailLink(tx, r, a, mail.Letter{Kind: mail.CLILink, To: email,
			Where: terminalLabel(listener), Program: listener.Client, Computer: listener.Hostname}, ttl, token)
	})
	if err != nil {
		return err
	}
	s.noteCrowd(r, a)
	s.outbox.Deliver()
	if err := s.refusedTo(email); err != nil {
		return err
	}
	// The same answer for every address, known or not, limited or not.
	writeJSON(w, http.StatusAccepted, struct {
		RequestID string `json:"request_id"`
		ExpiresIn int64  `json:"expires_in"`
		Interval  int    `json:"interval"`
		Notice    string `json:"notice,omitempty"`
	}{id, int64(ttl / time.Second), cliInterval, a.notice()})
	return nil
}

var (
	challengeSyntax = regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`)
	verifierSyntax  = regexp.MustCompile(`^[A-Za-z0-9._~-]{43,128}$`)
	stateSyntax     = regexp.MustCompile(`^[A-Za-z0-9._~-]{16,256}$`)
	labelSyntax     = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9 _-]{0,39}$`)
)

// label returns a name that a stranger chose, for a mail. It can contain neither markup nor,
// without dots and slashes, anything that a mail program turns into a link.
func label(s, otherwise string) string {
	if labelSyntax.MatchString(s) {
		return s
	}
	return otherwise
}

// firstLabel returns the name of a computer without its domain.
func firstLabel(hostname string) string {
	name, _, _ := strings.Cut(hostname, ".")
	return name
}

// isLoopbackCallback accepts only literal loopback addresses: localhost depends on the resolver
// (RFC 8252 8.3).
func isLoopbackCallback(raw string) bool {
	u, err := url.Parse(raw)
	if err != nil {
		return false
	}
	host, port, err := net.SplitHostPort(u.Host)
	if err != nil || (host != "127.0.0.1" && host != "::1") {
		return false
	}
	n, err := strconv.Atoi(port)
	if err != nil || n < 1 || n > 65535 {
		return false
	}
	return raw == "http://"+net.JoinHostPort(host, strconv.Itoa(n))+"/callback"
}

// newCode creates the code that the browser takes to the terminal. It is worthless alone: it is
// bound to the verifier, which never left the terminal.
func (s *Service) newCode(tx store.Tx, sub string, l *store.Listener) (string, error) {
	code := secret.New()
	return code, tx.InsertCode(code, store.Code{Subject: sub, Challenge: l.Challenge, RedirectURI: l.RedirectURI,
		Label: terminalLabel(l), ExpiresAt: s.now().Add(codeTTL).UnixMilli()})
}

var errInvalidGrant = &Error{Status: http.StatusBadRequest, Code: "invalid_grant",
	Description: "The code is unknown, used, expired or not for this client", guess: true}

// redemption is the body of POST cli/token.
type redemption struct {
	GrantType   string `json:"grant_type"`
	Code        string `json:"code"`
	Verifier    string `json:"code_verifier"`
	RedirectURI string `json:"redirect_uri"`
	DeviceCode  string `json:"device_code"`
}

const deviceGrant = "urn:ietf:params:oauth:grant-type:device_code"

// redeem gives a terminal its tokens.
func (s *Service) redeem(w http.ResponseWriter, r *request) error {
	var q redemption
	if err := decode(r, &q); err != nil {
		return err
	}
	var take func(tx store.Tx) (newSession, error)
	switch {
	case q.GrantType == deviceGrant && !s.opts.NoDeviceFlow:
		if q.DeviceCode == "" {
			return badRequest("invalid_request", "device_code required")
		}
		if wait, _ := s.limits.Take(limit.Rule{Key: "polls " + secret.Hash(q.DeviceCode), Max: pollsPerDevice, Every: shortWindow}); wait > 0 {
			return errSlowDown
		}
		take = func(tx store.Tx) (newSession, error) { return s.poll(tx, q.DeviceCode) }
	case q.GrantType != "authorization_code":
		return badRequest("unsupported_grant_type", "grant_type must be authorization_code or "+deviceGrant)
	case q.Code == "":
		return badRequest("invalid_request", "code required")
	case !verifierSyntax.MatchString(q.Verifier):
		return badRequest("invalid_request", "code_verifier must be 43 to 128 characters")
	default:
		take = func(tx store.Tx) (newSession, error) { return s.takeCode(tx, r, q) }
	}
	return s.signInTerminal(w, r, take)
}

// signInTerminal begins the session that take allows. A refusal by take is committed: a tried
// code is used up, and a poll is recorded.
func (s *Service) signInTerminal(w http.ResponseWriter, r *request, take func(store.Tx) (newSession, error)) error {
	var out tokens
	var refusal error
	err := s.tx(r, func(tx store.Tx) error {
		n, err := take(tx)
		if _, refused := err.(*Error); refused {
			refusal = err
			return nil
		}
		if err != nil {
			return err
		}
		subj, err := tx.Subject(n.sub)
		if err != nil {
			return err
		}
		n.kind = store.Terminal
		id, token, err := s.beginSession(tx, r, n)
		if err == nil && n.code != "" {
			err = tx.SetCodeSession(n.code, id)
		}
		if err != nil {
			return err
		}
		if out, err = s.grant(subj, id, token, s.endOf(s.now(), s.now())); err != nil {
			return err
		}
		return errors.Join(s.tellOfNewPlace(tx, r, subj, id, n), s.record(tx, r, event{name: "login.succeeded", actor: bySystem, target: subj.Sub, email: subj.Email,
			details: map[string]any{"method": "terminal", "session": id, "terminal": n.label}}))
	})
	if err := errors.Join(err, refusal); err != nil {
		return err
	}
	s.outbox.Deliver()
	writeJSON(w, http.StatusOK, out)
	return nil
}

// takeCode uses a code up, whether or not the rest of the request is valid: there is a single
// try. If a second request knows the verifier, the code and the verifier were stolen, so the
// session that the code began ends (RFC 6749, 4.1.2).
func (s *Service) takeCode(tx store.Tx, r *request, q redemption) (newSession, error) {
	c, err := tx.TryCode(q.Code)
	n := newSession{sub: c.Subject, label: c.Label, code: q.Code}
	if err != nil {
		return n, err
	}
	sum := sha256.Sum256([]byte(q.Verifier))
	got := base64.RawURLEncoding.EncodeToString(sum[:])
	switch {
	case c.Subject == "" || s.now().UnixMilli() > c.ExpiresAt || c.RedirectURI != q.RedirectURI ||
		subtle.ConstantTimeCompare([]byte(got), []byte(c.Challenge)) != 1:
		return n, errInvalidGrant
	case c.Tried && c.Session != "":
		err := errors.Join(tx.EndSession(c.Session, store.EndedReused), s.record(tx, r, event{name: "token.reused", failed: true, actor: bySystem, target: n.sub,
			details: map[string]any{"session": c.Session, "method": "code"}}))
		return n, cmp.Or(err, error(errInvalidGrant))
	case c.Tried:
		return n, errInvalidGrant
	}
	return n, nil
}
