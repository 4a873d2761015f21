package auth

import (
	"context"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/auth/internal/token"
)

// Authenticate is [Service.Verify] in the shape that gateway.Options.Verify wants. A token with a
// name that lives for months is good for AccessTTL at a time, so that a connection learns within
// that time that it was revoked even at a gateway that [Service.OnRevoke] does not tell. The ids
// of session and token are not among the claims, which other nodes see.
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
	delete(c.All, "jti") // All is ours alone: see current
	delete(c.All, "sid")
	return auth, nil
}
