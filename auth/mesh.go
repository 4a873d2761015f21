package auth

import (
	"context"
	"strings"
	"time"

	"github.com/lumenize/lmz"
)

// Authenticate is [Service.Verify] in the shape that gateway.Options.Verify
// wants. A token with a name that lives for months is good for AccessTTL at a
// time, so that a connection learns within that time that it was revoked.
func (s *Service) Authenticate(ctx context.Context, token string) (*lmz.Auth, error) {
	c, err := s.Verify(ctx, token)
	if err != nil {
		return nil, err
	}
	if again := s.now().Add(s.opts.AccessTTL); strings.HasPrefix(token, namedPrefix) && again.Before(c.Expires) {
		c.Expires = again
	}
	return &lmz.Auth{Subject: c.Subject, Claims: c.All, Expires: c.Expires.Round(time.Millisecond)}, nil
}
