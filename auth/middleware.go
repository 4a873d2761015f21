package auth

import (
	"context"
	"net/http"
	"strings"
)

type claimsKey struct{}

// ClaimsFrom returns the claims of the request that ctx belongs to, if it passed
// [Service.Middleware].
func ClaimsFrom(ctx context.Context) (Claims, bool) {
	c, ok := ctx.Value(claimsKey{}).(Claims)
	return c, ok
}

// Middleware lets a request through to next if it carries an access token that
// passes [Service.Verify] as "Authorization: Bearer TOKEN". The refresh cookie
// does not count. Others get status 401 or 403 and a JSON body.
func (s *Service) Middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, ok := bearer(r)
		if !ok {
			writeChallenge(w, unauthorized("invalid_request", "Missing Authorization header with Bearer token"))
			return
		}
		claims, err := s.Verify(r.Context(), token)
		if err != nil {
			writeChallenge(w, err.(*Error)) // Verify promises the type
			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), claimsKey{}, claims)))
	})
}

// bearer accepts exactly two parts, and any case of the first.
func bearer(r *http.Request) (string, bool) {
	parts := strings.Split(r.Header.Get("Authorization"), " ")
	if len(parts) != 2 || !strings.EqualFold(parts[0], "bearer") || parts[1] == "" {
		return "", false
	}
	return parts[1], true
}
