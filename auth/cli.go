package auth

import (
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

	"zombiezen.com/go/sqlite"
)

const (
	cliLinkTTL  = 10 * time.Minute // longest wait of a terminal for the click
	cliInterval = 5                // seconds; advice for clients that poll
	codeTTL     = time.Minute
)

// cliRequest is what a terminal asked for (RFC 8252 with RFC 7636).
type cliRequest struct {
	challenge   string // base64url SHA-256 of the verifier that the terminal keeps
	redirectURI string // the terminal's loopback listener
	state       string
	client      string // for people
	hostname    string // for people
}

// callback is where the browser brings the code.
func (c *cliRequest) callback(code string) string {
	return withQuery(c.redirectURI, "code", code, "state", c.state)
}

func (s *Service) startCLI(w http.ResponseWriter, r *http.Request) error {
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
	email, ok := normalEmail(body.Email)
	switch {
	case !ok:
		return badRequest("invalid_request", "Valid email required")
	case body.Method != "S256":
		return badRequest("invalid_request", "code_challenge_method must be S256")
	case !challengeSyntax.MatchString(body.Challenge):
		return badRequest("invalid_request", "code_challenge must be 43 base64url characters")
	case !stateSyntax.MatchString(body.State):
		return badRequest("invalid_request", "state must be 16 to 256 base64url characters")
	case !isLoopbackCallback(body.RedirectURI):
		return badRequest("invalid_request", "redirect_uri must be http://127.0.0.1:PORT/callback or http://[::1]:PORT/callback")
	}
	cli := &cliRequest{
		challenge:   body.Challenge,
		redirectURI: body.RedirectURI,
		state:       body.State,
		client:      label(body.Client, "a terminal program"),
		hostname:    label(firstLabel(body.Hostname), "an unnamed computer"),
	}
	ttl := min(cliLinkTTL, s.opts.LinkTTL)
	token, err := s.newLink(r.Context(), email, ttl, cli, true)
	if err != nil {
		return err
	}
	id := newUUID()
	s.log.Info("terminal sign-in asked for", "request", id, "email", email, "hostname", cli.hostname)
	if token != "" {
		s.mail(r.Context(), cliMail(email, s.linkURL(token), ttl, cli, s.now()))
	}
	// The same for every address, known or not, limited or not.
	writeJSON(w, http.StatusAccepted, struct {
		RequestID string `json:"request_id"`
		ExpiresIn int64  `json:"expires_in"`
		Interval  int    `json:"interval"`
	}{id, int64(ttl / time.Second), cliInterval})
	return nil
}

var (
	challengeSyntax = regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`)
	verifierSyntax  = regexp.MustCompile(`^[A-Za-z0-9._~-]{43,128}$`)
	stateSyntax     = regexp.MustCompile(`^[A-Za-z0-9._~-]{16,256}$`)
	labelSyntax     = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9 _-]{0,39}$`)
)

// label is a name that a stranger gave and that goes into a mail. It can hold
// neither markup nor, for lack of dots and slashes, anything that a mail program
// turns into a link.
func label(s, otherwise string) string {
	if labelSyntax.MatchString(s) {
		return s
	}
	return otherwise
}

// firstLabel is the name of a computer without its domain.
func firstLabel(hostname string) string {
	name, _, _ := strings.Cut(hostname, ".")
	return name
}

// isLoopbackCallback accepts literal loopback addresses only: what the name
// localhost leads to is up to the resolver (RFC 8252 8.3).
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

// newCode makes the code that the browser carries to the terminal. Alone it is
// worth nothing: it is bound to the verifier that never left the terminal.
func (s *Service) newCode(d db, sub string, c *cliRequest) (string, error) {
	code := newToken()
	return code, d.exec(`INSERT INTO CliCodes (codeHash, subjectId, codeChallenge, redirectUri, expiresAt)
		VALUES (:hash, :sub, :challenge, :redirect, :expires)`,
		args{":hash": hash(code), ":sub": sub, ":challenge": c.challenge, ":redirect": c.redirectURI,
			":expires": s.now().Add(codeTTL).UnixMilli()}, nil)
}

var errInvalidGrant = badRequest("invalid_grant", "The code is unknown, used, expired or not for this client")

func (s *Service) redeemCode(w http.ResponseWriter, r *http.Request) error {
	var body struct {
		GrantType   string `json:"grant_type"`
		Code        string `json:"code"`
		Verifier    string `json:"code_verifier"`
		RedirectURI string `json:"redirect_uri"`
	}
	if err := decode(r, &body); err != nil {
		return err
	}
	switch {
	case body.GrantType != "authorization_code":
		return badRequest("unsupported_grant_type", "grant_type must be authorization_code")
	case body.Code == "":
		return badRequest("invalid_request", "code required")
	case !verifierSyntax.MatchString(body.Verifier):
		return badRequest("invalid_request", "code_verifier must be 43 to 128 characters")
	}
	var out tokens
	var refusal error
	err := s.store.tx(r.Context(), func(d db) error {
		sub, err := d.takeCode(body.Code, body.Verifier, body.RedirectURI, s.now())
		if err == errInvalidGrant {
			refusal = err // and keep the code used up
			return nil
		}
		if err != nil {
			return err
		}
		subj, err := d.subjectBy("sub", sub)
		if err != nil {
			return err
		}
		token, err := s.newSession(d, sub)
		if err != nil {
			return err
		}
		out, err = s.grant(subj, token)
		return err
	})
	if err := errors.Join(err, refusal); err != nil {
		return err
	}
	s.log.Info("terminal signed in", "subject", out.Subject)
	writeJSON(w, http.StatusOK, out)
	return nil
}

// takeCode deletes a code, whether or not what came with it is right: there is
// one try.
func (d db) takeCode(code, verifier, redirectURI string, now time.Time) (sub string, err error) {
	var challenge, redirect string
	var expires int64
	err = d.exec("DELETE FROM CliCodes WHERE codeHash = :hash RETURNING subjectId, codeChallenge, redirectUri, expiresAt",
		args{":hash": hash(code)}, func(stmt *sqlite.Stmt) {
			sub, challenge = stmt.GetText("subjectId"), stmt.GetText("codeChallenge")
			redirect, expires = stmt.GetText("redirectUri"), stmt.GetInt64("expiresAt")
		})
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(verifier))
	got := base64.RawURLEncoding.EncodeToString(sum[:])
	if sub == "" || now.UnixMilli() > expires || redirect != redirectURI ||
		subtle.ConstantTimeCompare([]byte(got), []byte(challenge)) != 1 {
		return "", errInvalidGrant
	}
	return sub, nil
}
