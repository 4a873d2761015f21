package token

import (
	"slices"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/lumenize/lmz/auth/internal/secret"
)

// Grant is the content of an access token to issue.
type Grant struct {
	Subject, Email                        string
	EmailVerified, AdminApproved, IsAdmin bool
	// Session is the session that issues the token, or empty.
	Session string
	// Actors are the subjects that act for Subject, nearest first.
	Actors []string
	// Expires is the claim exp.
	Expires time.Time
}

// claims returns the claims of a grant's token.
func (g Grant) claims(names Names, now time.Time) jwt.MapClaims {
	claims := jwt.MapClaims{
		"iss":           names.Issuer,
		"aud":           names.Audience,
		"sub":           g.Subject,
		"exp":           g.Expires.Unix(),
		"iat":           now.Unix(),
		"jti":           secret.UUID(),
		"emailVerified": g.EmailVerified,
		"adminApproved": g.AdminApproved,
		"email":         g.Email,
	}
	if g.IsAdmin {
		claims["isAdmin"] = true
	}
	if g.Session != "" {
		claims["sid"] = g.Session
	}
	if act := nest(g.Actors); act != nil {
		claims["act"] = act
	}
	return claims
}

// Claims are the contents of a verified token.
type Claims struct {
	Subject                               string
	Email                                 string
	EmailVerified, AdminApproved, IsAdmin bool
	// Actors are the subjects that act for Subject, nearest first.
	Actors []string
	// Session is the claim sid.
	Session string
	// Expires is the moment from which the token is refused: the claim exp plus up to 30 seconds.
	Expires time.Time
	// IssuedAt is zero if the token lacks the claim.
	IssuedAt time.Time
	// All holds every claim as encoding/json decodes it into any.
	All map[string]any
}

// NominalEnd returns the claim exp itself.
func (c Claims) NominalEnd() time.Time {
	if exp, ok := c.All["exp"].(float64); ok {
		return time.Unix(int64(exp), 0)
	}
	return c.Expires
}

// read treats a claim of the wrong type as absent.
func read(all jwt.MapClaims) Claims {
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

// grantedLeeway returns how long after its expiry a token with the given lifetime is accepted: at
// most a tenth of it, so that a short-lived token stays short-lived.
func grantedLeeway(lifetime time.Duration) time.Duration {
	return min(leeway, max(lifetime/10, 0))
}

// nest builds the claim act (RFC 8693): the nearest actor outermost, earlier ones within.
func nest(actors []string) map[string]any {
	var act map[string]any
	for _, sub := range slices.Backward(actors) {
		outer := map[string]any{"sub": sub}
		if act != nil {
			outer["act"] = act
		}
		act = outer
	}
	return act
}

// unnest is the inverse of nest. ok is false if the claim is malformed or too long.
func unnest(claim any) (actors []string, ok bool) {
	for claim != nil {
		act, isObject := claim.(map[string]any)
		sub, isString := act["sub"].(string)
		if !isObject || !isString || len(actors) == MaxActors {
			return nil, false
		}
		actors = append(actors, sub)
		claim = act["act"]
	}
	return actors, true
}
