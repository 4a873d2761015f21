package auth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// leeway is how far ahead the clock of the signer may be for nbf and iat. There
// is none for exp: links are ended at that very moment, so a token must not be
// accepted after it.
const leeway = 30 * time.Second

// Claims say who the bearer of a verified token is.
type Claims struct {
	// Subject is the stable id of the person, a UUID.
	Subject string
	// Email is the address in lower case; empty in tokens of other issuers that
	// leave it out.
	Email string
	// EmailVerified, AdminApproved and IsAdmin are the subject's flags when the
	// token was signed.
	EmailVerified, AdminApproved, IsAdmin bool
	// Expires is the moment from which the token is refused.
	Expires time.Time
	// IssuedAt is when the token was signed; zero if it does not say.
	IssuedAt time.Time
	// All holds every claim of the token as encoding/json decodes it into any.
	All map[string]any
}

// sign makes an access token for s. aud is a string, not an array: the original
// compares it as such.
func sign(keys *keyring, kept settings, s subject, now time.Time, ttl time.Duration) (string, error) {
	iat := now.Unix()
	claims := jwt.MapClaims{
		"iss":           kept.Issuer,
		"aud":           kept.Audience,
		"sub":           s.sub,
		"exp":           iat + int64(ttl/time.Second),
		"iat":           iat,
		"jti":           newUUID(),
		"emailVerified": s.emailVerified,
		"adminApproved": s.adminApproved,
		"email":         s.email,
	}
	if s.isAdmin {
		claims["isAdmin"] = true
	}
	token := jwt.NewWithClaims(jwt.SigningMethodEdDSA, claims)
	token.Header["kid"] = keys.primary
	return token.SignedString(keys.signing)
}

func newParser(now func() time.Time) *jwt.Parser {
	return jwt.NewParser(
		jwt.WithValidMethods([]string{"EdDSA"}),
		jwt.WithExpirationRequired(),
		jwt.WithIssuedAt(),
		jwt.WithLeeway(leeway),
		jwt.WithTimeFunc(now),
		jwt.WithStrictDecoding(),
	)
}

// Verify checks an access token and whether its subject may come in: an admin,
// or a verified address that is approved. Errors are of type [*Error], with
// status 401 for a token that is no good and 403 for a subject that may not.
//
// It checks the Ed25519 signature, exp (required, no leeway), nbf and iat (30
// seconds of leeway), aud, iss and sub. It reads no database.
func (s *Service) Verify(_ context.Context, token string) (Claims, error) {
	all := jwt.MapClaims{}
	_, err := s.parser.ParseWithClaims(token, all, func(*jwt.Token) (any, error) { return s.keys.public, nil })
	if err != nil {
		return Claims{}, unauthorized("invalid_token", "Token is invalid or expired")
	}
	c := readClaims(all)
	audience, _ := all.GetAudience()
	issuer, _ := all.GetIssuer()
	switch {
	case !s.now().Before(c.Expires):
		return Claims{}, unauthorized("invalid_token", "Token is invalid or expired")
	case !slices.Contains(audience, s.kept.Audience):
		return Claims{}, unauthorized("invalid_token", "Token audience mismatch")
	case issuer != s.kept.Issuer:
		return Claims{}, unauthorized("invalid_token", "Token issuer mismatch")
	case c.Subject == "":
		return Claims{}, unauthorized("invalid_token", "Token missing subject claim")
	case !c.IsAdmin && !(c.EmailVerified && c.AdminApproved):
		return Claims{}, &Error{403, "access_denied", "Account not yet approved"}
	}
	return c, nil
}

// readClaims takes a claim of the wrong type for an absent one.
func readClaims(all jwt.MapClaims) Claims {
	c := Claims{All: all}
	c.Subject, _ = all["sub"].(string)
	c.Email, _ = all["email"].(string)
	c.EmailVerified, _ = all["emailVerified"].(bool)
	c.AdminApproved, _ = all["adminApproved"].(bool)
	c.IsAdmin, _ = all["isAdmin"].(bool)
	if exp, err := all.GetExpirationTime(); err == nil && exp != nil {
		c.Expires = exp.Time
	}
	if iat, err := all.GetIssuedAt(); err == nil && iat != nil {
		c.IssuedAt = iat.Time
	}
	return c
}

// Mint signs an access token for an address with the keys of the data directory
// dir, or with those of getenv (nil means os.Getenv), as [Options].Getenv says.
// The subject is created if need be, as verified and approved; with admin it
// also becomes an admin, and only then the token is one. A ttl of zero means one
// hour.
//
// Mint works while a service has dir open. It fails if no service ever had, and
// for a subject whose approval was revoked.
func Mint(dir string, getenv func(string) string, email string, admin bool, ttl time.Duration) (string, error) {
	token, err := mint(dir, getenv, email, admin, ttl)
	if err != nil {
		return "", fmt.Errorf("auth: mint a token: %w", err)
	}
	return token, nil
}

func mint(dir string, getenv func(string) string, raw string, admin bool, ttl time.Duration) (string, error) {
	email, ok := normalEmail(raw)
	if !ok {
		return "", fmt.Errorf("%q is not a mail address", raw)
	}
	ttl = cmp.Or(ttl, time.Hour)
	if ttl < time.Second {
		return "", fmt.Errorf("a ttl of %v is too short: give at least 1s", ttl)
	}
	if getenv == nil {
		getenv = os.Getenv
	}
	kept, err := readSettings(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("%s is not a data directory yet: start the server on it once", dir)
	}
	if err != nil {
		return "", err
	}
	keys, err := loadKeys(filepath.Join(dir, "keys"), getenv, false)
	if err != nil {
		return "", err
	}
	subj, err := approve(filepath.Join(dir, "auth.db"), email, admin)
	if err != nil {
		return "", err
	}
	subj.isAdmin = admin
	return sign(keys, kept, subj, time.Now(), ttl)
}

// approve makes the subject of email a verified and approved one.
func approve(path, email string, admin bool) (subj subject, err error) {
	store, err := openStore(path)
	if err != nil {
		return subj, err
	}
	defer func() { err = errors.Join(err, store.close()) }()
	now := time.Now()
	err = store.tx(context.Background(), func(d db) error {
		if subj, err = d.ensureSubject(email, now); err != nil {
			return err
		}
		if subj.approvalRevoked {
			return errRevoked
		}
		subj.emailVerified, subj.adminApproved = true, true
		subj.isAdmin = subj.isAdmin || admin
		return d.saveSubject(subj, now)
	})
	return subj, err
}
