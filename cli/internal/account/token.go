package account

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/lumenize/lmz/cli/internal/authclient"
	"github.com/lumenize/lmz/cli/internal/credentials"
	"github.com/lumenize/lmz/cli/internal/exit"
	"github.com/lumenize/lmz/cli/internal/hint"
	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/internal/proto"
)

// renewBefore is how long before its end an access token is replaced.
const renewBefore = 30 * time.Second

// Token returns an access token for a server: the one given to the command, unchanged, or that
// of the sign-in, renewed if necessary. It does not return the refused token of a sign-in
// again.
func (o *Account) Token(ctx context.Context, server, refused string) (string, error) {
	given, from, err := o.GivenToken()
	if err != nil {
		return "", err
	}
	if given != "" {
		if err := proto.CheckToken(given); err != nil {
			return "", exit.LoginRequired(server, o.Email, "the token "+from+" is damaged: "+err.Error())
		}
		return given, nil // which may be opaque
	}
	c, unlock, err := o.Credentials(ctx)
	if err != nil {
		return "", err
	}
	defer unlock()
	s, found, err := c.Get(server, o.Email)
	switch {
	case err != nil:
		return "", err
	case !found:
		return "", NotSignedIn(c, server, o.Email)
	case s.Secrets.Access != refused && time.Until(s.Secrets.Expires) > renewBefore && mayCall(server, s.Secrets.Access):
		return s.Secrets.Access, nil
	}
	return renew(ctx, c, server, s)
}

// mayCall reports whether a token admits its bearer. A token issued before the approval does
// not, but a new one may.
func mayCall(server, token string) bool {
	c, err := ReadClaims(server, token)
	return err != nil || c.Approved || c.Admin
}

// renew gets new tokens. That invalidates the old refresh token, so the new one is stored before
// the access token is used. The credentials are locked, because two processes that renew at
// once would look like a thief and a victim.
func renew(ctx context.Context, c *credentials.File, server string, s credentials.SignIn) (string, error) {
	t, err := authclient.Refresh(ctx, server, s.Secrets.Refresh)
	if errors.Is(err, client.ErrLoginRequired) {
		return "", exit.LoginRequired(server, s.Email, fmt.Sprintf("the sign-in at %s has ended (%v)", server, err))
	}
	if err != nil {
		return "", err
	}
	s.Secrets = t.Secrets(time.Now())
	if _, err := c.Put(server, s); err != nil {
		return "", err
	}
	return t.Access, nil
}

// NotSignedIn is the error for an account without a sign-in. It lists the accounts that have
// one.
func NotSignedIn(c *credentials.File, server, email string) error {
	others := c.Emails(server)
	switch {
	case email != "":
		return exit.LoginRequired(server, email, fmt.Sprintf("not signed in at %s as %s", server, credentials.SameAddress(email)))
	case len(others) > 0:
		return exit.NewLoginError("lmz accounts use "+hint.Quote(others[0]),
			"several accounts are signed in at "+server+" and none is active: "+strings.Join(others, ", "))
	}
	return exit.LoginRequired(server, "", "not signed in at "+server)
}

// Claims are what an access token says about its bearer.
type Claims struct {
	Subject  string `json:"sub"`
	Email    string `json:"email"`
	Approved bool   `json:"adminApproved"`
	Admin    bool   `json:"isAdmin"`
	Expires  int64  `json:"exp"` // seconds since 1970
}

// NameOf returns a stable name for the bearer of a token: the subject, or a hash of an opaque
// token.
func NameOf(token string) string {
	if c, err := ReadClaims("", token); err == nil {
		return c.Subject
	}
	if token == "" {
		return ""
	}
	return fmt.Sprintf("token-%x", sha256.Sum256([]byte(token)))[:22]
}

// ReadClaims reads a token without verifying it, which is the job of the server.
func ReadClaims(server, token string) (c Claims, err error) {
	parts := strings.Split(token, ".")
	if len(parts) == 3 {
		var data []byte
		if data, err = base64.RawURLEncoding.DecodeString(parts[1]); err == nil {
			err = json.Unmarshal(data, &c)
		}
	}
	if len(parts) != 3 || err != nil || c.Subject == "" {
		return Claims{}, exit.LoginRequired(server, "", "the access token is damaged")
	}
	return c, nil
}
