package auth

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/lumenize/lmz/auth/internal/limit"
	"github.com/lumenize/lmz/internal/credential"
)

type claimsKey struct{}

// ClaimsFrom returns the claims of the request that ctx belongs to, if it passed
// [Service.Middleware].
func ClaimsFrom(ctx context.Context) (Claims, bool) {
	c, ok := ctx.Value(claimsKey{}).(Claims)
	return c, ok
}

// Middleware passes a request to next if it carries an access token that passes [Service.Verify] as
// "Authorization: Bearer TOKEN". The refresh cookie does not count, and next does not see it. Other
// requests get status 401 or 403, or 429 if they exceed [Limits], and a JSON body.
func (s *Service) Middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		claims, err := s.admit(r)
		if refusal, ok := errors.AsType[*Error](err); ok {
			writeChallenge(w, refusal)
			return
		}
		r = r.WithContext(context.WithValue(r.Context(), claimsKey{}, claims))
		r.Header = r.Header.Clone()
		credential.DropCookies(r.Header)
		next.ServeHTTP(w, r)
	})
}

func (s *Service) admit(r *http.Request) (Claims, error) {
	token, ok := credential.Bearer(r.Header)
	if !ok {
		return Claims{}, unauthorized("invalid_request", "Missing Authorization header with Bearer token")
	}
	claims, err := s.Verify(r.Context(), token)
	if err != nil {
		return Claims{}, err
	}
	// One budget for the acting subject, whoever it acts for.
	who := claims.Subject
	if n := len(claims.Actors); n > 0 {
		who = claims.Actors[n-1]
	}
	return claims, limited(s.limits.Take(limit.Rule{Key: "requests " + who, Max: s.opts.Limits.RequestsPerMinute, Every: time.Minute}))
}
