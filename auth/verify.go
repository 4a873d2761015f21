package auth

import (
	"context"
	"errors"
	"maps"

	"github.com/lumenize/lmz/auth/internal/store"
	"github.com/lumenize/lmz/auth/internal/token"
	"github.com/lumenize/lmz/internal/credential"
)

var (
	errAudience       = unauthorized("invalid_token", "Token audience mismatch")
	errIssuer         = unauthorized("invalid_token", "Token issuer mismatch")
	errNoSubjectClaim = unauthorized("invalid_token", "Token missing subject claim")
)

// Verify verifies an access token and checks that its subject is admitted: an admin, or a
// verified address that is approved. Errors are of type [*Error]: status 401 for an invalid token
// (with the code token_expired if it was valid until it expired), 403 for a subject that is not
// admitted, and 500 if the database fails.
//
// It checks the Ed25519 signature, exp (required), nbf and iat, with 30 seconds of leeway (for
// exp at most a tenth of the lifetime), aud, iss and sub. Then it looks up what was revoked since
// the token was signed: an ended session, a deleted subject, a revoked approval or admin right,
// an actor that may no longer act. New rights require a new token. Named tokens are only looked
// up.
func (s *Service) Verify(ctx context.Context, accessToken string) (Claims, error) {
	var c token.Claims
	var subj store.Subject
	err := s.store.View(ctx, func(tx store.Tx) (err error) {
		c, subj, err = s.authenticate(tx, accessToken)
		return err
	})
	if refusal, ok := errors.AsType[*Error](err); ok {
		return Claims{}, refusal
	}
	if err != nil {
		s.log.Error("a token could not be checked", "error", err)
		return Claims{}, errServer
	}
	if token.IsNamed(accessToken) {
		s.touchNamed(ctx, accessToken)
	}
	if !mayEnter(c.IsAdmin, c.EmailVerified, c.AdminApproved) {
		if subj.ApprovalRevoked {
			return Claims{}, errUnapproved
		}
		return Claims{}, &Error{Status: 403, Code: "access_denied", Description: credential.ReasonNotApproved}
	}
	return Claims(c), nil
}

// mayEnter reports whether a subject with these flags may use what the service protects.
func mayEnter(admin, verified, approved bool) bool { return admin || verified && approved }

// authenticate checks a token and its subject, except for mayEnter.
func (s *Service) authenticate(tx store.Tx, text string) (token.Claims, store.Subject, error) {
	var c token.Claims
	var err error
	if token.IsNamed(text) {
		c, err = s.namedClaims(tx, text)
	} else {
		c, err = s.signedClaims(text)
	}
	if err != nil {
		return token.Claims{}, store.Subject{}, err
	}
	return s.current(tx, c)
}

// signedClaims verifies a token on its own.
func (s *Service) signedClaims(text string) (token.Claims, error) {
	set, err := s.keys.Current()
	if err != nil {
		return token.Claims{}, err
	}
	c, err := s.tokens.Verify(set, text)
	switch {
	case errors.Is(err, token.ErrExpired):
		return c, errExpiredToken
	case errors.Is(err, token.ErrAudience):
		return c, errAudience
	case errors.Is(err, token.ErrIssuer):
		return c, errIssuer
	case errors.Is(err, token.ErrSubject):
		return c, errNoSubjectClaim
	case err != nil:
		return c, errBadToken
	}
	return c, nil
}

// current removes from c what has been revoked.
func (s *Service) current(tx store.Tx, c token.Claims) (token.Claims, store.Subject, error) {
	subj, err := tx.Subject(c.Subject)
	if err == store.ErrNotFound {
		return token.Claims{}, subj, errAccountGone
	}
	if err != nil {
		return token.Claims{}, subj, err
	}
	if c.Session != "" {
		alive, err := tx.IsAlive(c.Session, s.now())
		if err != nil {
			return token.Claims{}, subj, err
		}
		if !alive {
			return token.Claims{}, subj, sessionEnded(tx, c.Session)
		}
	}
	principal := subj
	for _, sub := range c.Actors {
		actor, err := actorFor(tx, principal, sub)
		if _, refused := err.(*Error); refused {
			return token.Claims{}, subj, errMayNotActNow
		}
		if err != nil {
			return token.Claims{}, subj, err
		}
		principal = actor
	}
	c.EmailVerified = c.EmailVerified && subj.EmailVerified
	c.AdminApproved = c.AdminApproved && subj.AdminApproved
	c.IsAdmin = c.IsAdmin && subj.IsAdmin
	c.All = maps.Clone(c.All)
	c.All["emailVerified"], c.All["adminApproved"] = c.EmailVerified, c.AdminApproved
	if !c.IsAdmin {
		delete(c.All, "isAdmin")
	}
	return c, subj, nil
}
