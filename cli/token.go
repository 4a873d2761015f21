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
		if _, err := readClaims(token); err != nil {
			return "", loginRequired("the token in LMZ_ACCESS_TOKEN is damaged: it is no JWT with a subject")
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
		return "", loginRequired(fmt.Sprintf("the sign-in at %s has ended (%v)", server, err))
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

func loginRequired(message string) error {
	return &loginError{failure{code: exitLogin, message: message, try: loginHint}}
}

const loginHint = "lmz login magic-link you@example.com"

func notSignedIn(server string) error { return loginRequired("not signed in at " + server) }

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

// readClaims reads a token without verifying it: that is the server's job.
func readClaims(token string) (c claims, err error) {
	parts := strings.Split(token, ".")
	if len(parts) == 3 {
		var data []byte
		if data, err = base64.RawURLEncoding.DecodeString(parts[1]); err == nil {
			err = json.Unmarshal(data, &c)
		}
	}
	if len(parts) != 3 || err != nil || c.Subject == "" {
		return claims{}, loginRequired("the access token is damaged")
	}
	return c, nil
}
