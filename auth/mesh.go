package auth

import (
	"context"

	"github.com/lumenize/lmz"
)

// Authenticate is [Service.Verify] in the shape that gateway.Options.Verify wants.
func (s *Service) Authenticate(ctx context.Context, token string) (*lmz.Auth, error) {
	c, err := s.Verify(ctx, token)
	if err != nil {
		return nil, err
	}
	return &lmz.Auth{Subject: c.Subject, Claims: c.All, Expires: c.Expires}, nil
}
