// Package token issues and verifies access tokens: JWTs that identify a subject, signed with
// Ed25519. A verifier needs only the public keys and the two names of a service, so it works
// without the service and its database, and therefore cannot know what was revoked since a token
// was signed. The package also defines the form of named tokens, which are looked up instead.
package token

import (
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/lumenize/lmz/auth/internal/keys"
)

// leeway is the permitted clock skew between signer and verifier.
const leeway = 30 * time.Second

// MaxActors bounds a chain of delegations.
const MaxActors = 3

// Errors of [Verifier.Verify].
var (
	ErrInvalid  = errors.New("token is malformed or its signature is wrong")
	ErrExpired  = errors.New("token has expired") // everything else about it is valid
	ErrAudience = errors.New("token is for a different audience")
	ErrIssuer   = errors.New("token has a different issuer")
	ErrSubject  = errors.New("token has no subject")
)

// Names are the required values of a token's claims iss and aud.
type Names struct{ Issuer, Audience string }

// Sign issues an access token. Its claim aud is a string, not an array, because the original
// compares it as a string.
func Sign(set *keys.Set, names Names, g Grant, now time.Time) (string, error) {
	token := jwt.NewWithClaims(jwt.SigningMethodEdDSA, g.claims(names, now))
	token.Header["kid"] = set.Primary
	return token.SignedString(set.Signing)
}

// Verifier verifies access tokens. Make one with [NewVerifier]. Its methods may be called from
// any goroutine.
type Verifier struct {
	names  Names
	now    func() time.Time
	parser *jwt.Parser
	last   atomic.Pointer[verifying] // for the most recently used set
}

// verifying is a set of keys in the form that the parser takes.
type verifying struct {
	set  *keys.Set
	keys jwt.VerificationKeySet
}

func (v *Verifier) verifying(set *keys.Set) jwt.VerificationKeySet {
	if last := v.last.Load(); last != nil && last.set == set {
		return last.keys
	}
	now := &verifying{set: set}
	for _, p := range set.Public {
		now.keys.Keys = append(now.keys.Keys, p.Key)
	}
	v.last.Store(now)
	return now.keys
}

// NewVerifier returns a verifier of tokens with these names.
func NewVerifier(names Names, now func() time.Time) *Verifier {
	return &Verifier{names: names, now: now, parser: jwt.NewParser(
		jwt.WithValidMethods([]string{"EdDSA"}),
		jwt.WithExpirationRequired(),
		jwt.WithIssuedAt(),
		jwt.WithLeeway(leeway),
		jwt.WithTimeFunc(now),
		jwt.WithStrictDecoding(),
	)}
}

// Verify verifies a token on its own: its signature, exp (required), nbf, iat, aud, iss, sub and
// the form of act. It fails with one of the errors above.
func (v *Verifier) Verify(set *keys.Set, token string) (Claims, error) {
	// Go's base64 decoder skips line breaks, but a token has only one spelling.
	if strings.ContainsAny(token, "\r\n") {
		return Claims{}, ErrInvalid
	}
	all := jwt.MapClaims{}
	_, err := v.parser.ParseWithClaims(token, all, func(*jwt.Token) (any, error) { return v.verifying(set), nil })
	if errors.Is(err, jwt.ErrTokenExpired) { // the signature was checked first
		return Claims{}, ErrExpired
	}
	if err != nil {
		return Claims{}, ErrInvalid
	}
	c := read(all)
	audience, _ := all.GetAudience()
	issuer, _ := all.GetIssuer()
	actors, ok := unnest(all["act"])
	c.Actors = actors
	switch {
	case !v.now().Before(c.Expires):
		return Claims{}, ErrExpired
	case !ok:
		return Claims{}, ErrInvalid
	case !slices.Contains(audience, v.names.Audience):
		return Claims{}, ErrAudience
	case issuer != v.names.Issuer:
		return Claims{}, ErrIssuer
	case c.Subject == "":
		return Claims{}, ErrSubject
	}
	return c, nil
}
