package auth

import (
	"context"
	"time"

	"github.com/lumenize/lmz/auth/internal/store"
	"github.com/lumenize/lmz/auth/internal/token"
)

const touchEvery = time.Hour // precision of the time of the last use

// namedClaims looks up a named token.
func (s *Service) namedClaims(tx store.Tx, text string) (token.Claims, error) {
	t, err := tx.NamedToken(text)
	switch {
	case err == store.ErrNotFound:
		return token.Claims{}, errNamedGone
	case err != nil:
		return token.Claims{}, err
	case t.ExpiresAt <= s.now().UnixMilli():
		return token.Claims{}, errExpiredToken
	}
	subj, err := tx.Subject(t.Subject)
	if err != nil {
		return token.Claims{}, err
	}
	c := token.Claims{Subject: subj.Sub, Email: subj.Email, EmailVerified: subj.EmailVerified, AdminApproved: subj.AdminApproved,
		IsAdmin: t.Admin && subj.IsAdmin, Expires: time.UnixMilli(t.ExpiresAt), IssuedAt: time.UnixMilli(t.CreatedAt)}
	c.All = map[string]any{"iss": s.kept.Issuer, "aud": s.kept.Audience, "sub": c.Subject, "email": c.Email, "jti": t.ID, "name": t.Name,
		"iat": float64(t.CreatedAt / 1000), "exp": float64(t.ExpiresAt / 1000)}
	if c.IsAdmin {
		c.All["isAdmin"] = true
	}
	return c, nil
}

// touchNamed records, once an hour, that a named token was used.
func (s *Service) touchNamed(ctx context.Context, text string) {
	now, due := s.now(), false
	since := now.Add(-touchEvery)
	err := s.store.View(ctx, func(tx store.Tx) (err error) {
		due, err = tx.IsNamedUnusedSince(text, since)
		return err
	})
	if err == nil && due {
		err = s.store.Update(context.WithoutCancel(ctx), func(tx store.Tx) error { return tx.NoteNamedUse(text, now, since) })
	}
	if err != nil {
		s.log.Error("the use of a named token could not be recorded", "error", err)
	}
}
