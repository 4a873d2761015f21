package auth

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

var (
	errBadToken     = unauthorized("invalid_token", "Token is invalid or expired")
	errExpiredToken = unauthorized("token_expired", "Token expired") // it was good
)

// Verify checks an access token and whether its subject may come in: an admin,
// or a verified address that is approved. Errors are of type [*Error], with
// status 401 for a token that is no good (its code is token_expired if it was good until it ended), 403 for a subject that may not, and 500
// when the database fails.
//
// It checks the Ed25519 signature, exp (required), nbf and iat, with 30 seconds
// of leeway (for exp at most a tenth of the token's life), aud, iss and sub. Then it asks the database what was taken away since
// the token was signed: a session that ended, a subject that was deleted, an
// approval or admin right that was revoked, an actor that may not act any more.
// What was given since needs a new token. Tokens with a name are looked up alone.
func (s *Service) Verify(ctx context.Context, token string) (Claims, error) {
	var c Claims
	var subj subject
	err := s.store.read(ctx, func(d db) (err error) {
		c, subj, err = s.authenticate(d, token)
		return err
	})
	if refusal, ok := errors.AsType[*Error](err); ok {
		return Claims{}, refusal
	}
	if err != nil {
		s.log.Error("a token could not be checked", "error", err)
		return Claims{}, errServer
	}
	if strings.HasPrefix(token, namedPrefix) {
		s.touchNamed(ctx, token)
	}
	if !mayEnter(c.IsAdmin, c.EmailVerified, c.AdminApproved) {
		if subj.approvalRevoked {
			return Claims{}, errUnapproved
		}
		return Claims{}, &Error{Status: 403, Code: "access_denied", Description: "Account not yet approved"}
	}
	return c, nil
}

// mayEnter is the gate: who may use what the service protects.
func mayEnter(admin, verified, approved bool) bool { return admin || verified && approved }

// authenticate checks a token and what it says, but for the gate.
func (s *Service) authenticate(d db, token string) (Claims, subject, error) {
	var c Claims
	var err error
	if strings.HasPrefix(token, namedPrefix) {
		c, err = s.namedClaims(d, token)
	} else {
		c, err = s.signedClaims(token)
	}
	if err != nil {
		return Claims{}, subject{}, err
	}
	return s.current(d, c)
}

// signedClaims checks a token alone.
func (s *Service) signedClaims(token string) (Claims, error) {
	k, err := s.keys.current()
	if err != nil {
		return Claims{}, err
	}
	if strings.ContainsAny(token, "\r\n") { // which Go's base64 reads over: a token has one spelling
		return Claims{}, errBadToken
	}
	all := jwt.MapClaims{}
	_, err = s.parser.ParseWithClaims(token, all, func(*jwt.Token) (any, error) { return k.public, nil })
	if errors.Is(err, jwt.ErrTokenExpired) { // the signature was checked first
		return Claims{}, errExpiredToken
	}
	if err != nil {
		return Claims{}, errBadToken
	}
	c := readClaims(all)
	audience, _ := all.GetAudience()
	issuer, _ := all.GetIssuer()
	actors, ok := unnest(all["act"])
	c.Actors = actors
	switch {
	case !s.now().Before(c.Expires):
		return Claims{}, errExpiredToken
	case !ok:
		return Claims{}, errBadToken
	case !slices.Contains(audience, s.kept.Audience):
		return Claims{}, unauthorized("invalid_token", "Token audience mismatch")
	case issuer != s.kept.Issuer:
		return Claims{}, unauthorized("invalid_token", "Token issuer mismatch")
	case c.Subject == "":
		return Claims{}, unauthorized("invalid_token", "Token missing subject claim")
	}
	return c, nil
}

// current takes from c what is no longer so.
func (s *Service) current(d db, c Claims) (Claims, subject, error) {
	subj, err := d.subjectBy("sub", c.Subject)
	if err == errNoSubject {
		return Claims{}, subj, errAccountGone
	}
	if err != nil {
		return Claims{}, subj, err
	}
	if c.Session != "" {
		alive, err := d.one("SELECT 1 FROM Sessions WHERE id = :id AND expiresAt >= :now UNION ALL SELECT 1 FROM NamedTokens WHERE id = :id AND expiresAt > :now",
			args{":id": c.Session, ":now": s.now().UnixMilli()}, nil)
		if err != nil {
			return Claims{}, subj, err
		}
		if !alive {
			return Claims{}, subj, d.sessionEnded(c.Session)
		}
	}
	principal := subj
	for _, sub := range c.Actors {
		actor, err := d.actorFor(principal, sub)
		if _, refused := err.(*Error); refused {
			return Claims{}, subj, errMayNotActNow
		}
		if err != nil {
			return Claims{}, subj, err
		}
		principal = actor
	}
	c.EmailVerified = c.EmailVerified && subj.emailVerified
	c.AdminApproved = c.AdminApproved && subj.adminApproved
	c.IsAdmin = c.IsAdmin && subj.isAdmin
	c.All = maps.Clone(c.All)
	c.All["emailVerified"], c.All["adminApproved"] = c.EmailVerified, c.AdminApproved
	if !c.IsAdmin {
		delete(c.All, "isAdmin")
	}
	return c, subj, nil
}

// readClaims takes a claim of the wrong type for an absent one.
func readClaims(all jwt.MapClaims) Claims {
	c := Claims{All: all}
	c.Subject, _ = all["sub"].(string)
	c.Email, _ = all["email"].(string)
	c.Session, _ = all["sid"].(string)
	c.EmailVerified, _ = all["emailVerified"].(bool)
	c.AdminApproved, _ = all["adminApproved"].(bool)
	c.IsAdmin, _ = all["isAdmin"].(bool)
	if iat, err := all.GetIssuedAt(); err == nil && iat != nil {
		c.IssuedAt = iat.Time
	}
	if exp, err := all.GetExpirationTime(); err == nil && exp != nil {
		c.Expires = exp.Add(grantedLeeway(exp.Sub(c.IssuedAt)))
	}
	return c
}

// grantedLeeway is how long after its end a token that was to live for life is
// accepted: a tenth of that at most, so that a short token stays short.
func grantedLeeway(life time.Duration) time.Duration {
	return min(leeway, max(life/10, 0))
}
