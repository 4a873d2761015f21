package cli

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/internal/proto"
)

// renewBefore is how long before its end an access token is replaced.
const renewBefore = 30 * time.Second

// token returns an access token for a server: the one of stdin or of LMZ_ACCESS_TOKEN as
// it is, or that of the sign-in, renewed if need be. A sign-in's refused token is not
// returned again.
func (a *app) token(ctx context.Context, o *account, server, refused string) (string, error) {
	given, from := a.Getenv("LMZ_ACCESS_TOKEN"), "in LMZ_ACCESS_TOKEN"
	if o.tokenStdin {
		var err error
		if given, err = o.stdinToken(a.In); err != nil {
			return "", err
		}
		from = "on stdin"
	}
	if given != "" {
		if err := proto.CheckToken(given); err != nil {
			return "", loginRequired(server, o.email, "the token "+from+" is damaged: "+err.Error())
		}
		return given, nil // which may be opaque
	}
	c, unlock, err := a.openCredentials(ctx, o)
	if err != nil {
		return "", err
	}
	defer unlock()
	s, found, err := c.get(server, o.email)
	switch {
	case err != nil:
		return "", err
	case !found:
		return "", c.notSignedIn(server, o.email)
	case s.Secrets.Access != refused && time.Until(s.Secrets.Expires) > renewBefore && mayCall(server, s.Secrets.Access):
		return s.Secrets.Access, nil
	}
	return renew(ctx, c, server, s)
}

// mayCall reports whether a token lets its bearer in. One from before the approval does
// not: a new one may.
func mayCall(server, token string) bool {
	c, err := readClaims(server, token)
	return err != nil || c.Approved || c.Admin
}

// renew gets new tokens. The old refresh token is worth nothing then, so the new one
// is kept before the access token is used. The credentials are locked: two processes
// that renew at once would look like a thief and the victim.
func renew(ctx context.Context, c *credentials, server string, s signIn) (string, error) {
	t, err := refresh(ctx, server, s.Secrets.Refresh)
	if errors.Is(err, client.ErrLoginRequired) {
		return "", loginRequired(server, s.Email, fmt.Sprintf("the sign-in at %s has ended (%v)", server, err))
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

// loginRequired is a failure of the user with a mail address, which may be unknown.
func loginRequired(server, email, message string) error {
	return &loginError{failure{code: exitLogin, message: message, try: loginHint(server, email)}}
}

const loginExample = "lmz login magic-link you@example.com"

// loginHint is the command to sign in to a server, as the user with a mail address if
// that is known.
func loginHint(server, email string) string {
	hint := loginExample
	if email = sameAddress(email); email != "" {
		hint = "lmz login magic-link " + shellWord(email)
	}
	if server != defaultServer {
		hint += " --server " + shellWord(server)
	}
	return hint
}

// notSignedIn says that an account is not kept, and which others are.
func (c *credentials) notSignedIn(server, email string) error {
	others := slices.Sorted(maps.Keys(c.servers[server].Accounts))
	switch {
	case email != "":
		return loginRequired(server, email, fmt.Sprintf("not signed in at %s as %s", server, sameAddress(email)))
	case len(others) > 0:
		return &loginError{failure{code: exitLogin, try: "lmz accounts use " + shellWord(others[0]),
			message: "several accounts are signed in at " + server + " and none is chosen: " + strings.Join(others, ", ")}}
	}
	return loginRequired(server, "", "not signed in at "+server)
}

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

// accountOf is a name that stays the same for the bearer of a token: the subject, or of an
// opaque one its hash.
func accountOf(token string) string {
	if c, err := readClaims("", token); err == nil {
		return c.Subject
	}
	if token == "" {
		return ""
	}
	return fmt.Sprintf("token-%x", sha256.Sum256([]byte(token)))[:22]
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
		return claims{}, loginRequired(server, "", "the access token is damaged")
	}
	return c, nil
}
