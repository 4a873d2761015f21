package auth

import (
	"context"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/auth/internal/token"
)

// Authenticate is [Service.Verify] in the form of gateway.Options.Verify. A named token that is
// valid for months is accepted for AccessTTL at a time, so that a connection learns of a
// revocation within that time even at a gateway that [Service.OnRevoke] does not notify. The ids
// of session and token are removed from the claims, which other nodes see.
func (s *Service) Authenticate(ctx context.Context, accessToken string) (*lmz.Auth, error) {
	c, err := s.Verify(ctx, accessToken)
	if err != nil {
		return nil, err
	}
	if again := s.now().Add(s.opts.AccessTTL); token.IsNamed(accessToken) && again.Before(c.Expires) {
		c.Expires = again
	}
	auth := &lmz.Auth{Subject: c.Subject, Claims: c.All, Expires: c.Expires.Round(time.Millisecond), Session: c.Session}
	auth.Token, _ = c.All["jti"].(string)
	delete(c.All, "jti") // this copy is ours: see current
	delete(c.All, "sid")
	return auth, nil
}
