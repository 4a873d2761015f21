package cli

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/lumenize/lmz/client"
)

// renewBefore is how long before its end an access token is replaced.
const renewBefore = 30 * time.Second

// token returns an access token for a server: the one in LMZ_ACCESS_TOKEN as it is, or
// that of the sign-in, renewed if need be. A sign-in's refused token is not returned
// again.
func (a *app) token(ctx context.Context, o *account, server, refused string) (string, error) {
	if token := a.Getenv("LMZ_ACCESS_TOKEN"); token != "" {
		if _, err := readClaims(server, token); err != nil {
			return "", loginRequired(server, "the token in LMZ_ACCESS_TOKEN is damaged: it is no JWT with a subject")
		}
		return token, nil
	}
	c, unlock, err := a.openCredentials(ctx, o)
	if err != nil {
		return "", err
	}
	defer unlock()
	s, found, err := c.get(server)
	switch {
	case err != nil:
		return "", err
	case !found:
		return "", notSignedIn(server)
	case s.Secrets.Access != refused && time.Until(s.Secrets.Expires) > renewBefore:
		return s.Secrets.Access, nil
	}
	return renew(ctx, c, server, s)
}

// renew gets new tokens. The old refresh token is worth nothing then, so the new one
// is kept before the access token is used. The credentials are locked: two processes
// that renew at once would look like a thief and the victim.
func renew(ctx context.Context, c *credentials, server string, s signIn) (string, error) {
	var t tokens
	err := post(ctx, server, "refresh-token", map[string]string{"refresh_token": s.Secrets.Refresh}, &t)
	if errors.Is(err, client.ErrLoginRequired) {
		return "", loginRequired(server, fmt.Sprintf("the sign-in at %s has ended (%v)", server, err))
	}
	if err != nil {
		return "", err
	}
	s.Secrets = t.secrets(time.Now())
	if _, err := c.put(server, s); err != nil {
		return "", err
	}
	return t.Access, nil
}

// loginError is a failure that only signing in helps against.
type loginError struct{ failure }

func loginRequired(server, message string) error {
	return &loginError{failure{code: exitLogin, message: message, try: loginHint(server)}}
}

const loginExample = "lmz login magic-link you@example.com"

// loginHint is the command to sign in to a server.
func loginHint(server string) string {
	if server == defaultServer {
		return loginExample
	}
	return loginExample + " --server " + shellWord(server)
}

func notSignedIn(server string) error { return loginRequired(server, "not signed in at "+server) }

func (e *loginError) Is(target error) bool { return target == client.ErrLoginRequired }
func (e *loginError) Unwrap() error        { return &e.failure }

// claims are what an access token says about its bearer.
type claims struct {
	Subject  string `json:"sub"`
	Email    string `json:"email"`
	Approved bool   `json:"adminApproved"`
	Admin    bool   `json:"isAdmin"`
	Expires  int64  `json:"exp"` // seconds since 1970
}

// readClaims reads a token of a server without verifying it: that is the server's job.
func readClaims(server, token string) (c claims, err error) {
	parts := strings.Split(token, ".")
	if len(parts) == 3 {
		var data []byte
		if data, err = base64.RawURLEncoding.DecodeString(parts[1]); err == nil {
			err = json.Unmarshal(data, &c)
		}
	}
	if len(parts) != 3 || err != nil || c.Subject == "" {
		return claims{}, loginRequired(server, "the access token is damaged")
	}
	return c, nil
}
