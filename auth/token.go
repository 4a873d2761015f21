package auth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/lumenize/lmz/internal/textin"
)

// leeway is how far the clocks of who signs and who verifies may be apart.
const leeway = 30 * time.Second

// Claims say who the bearer of a verified token is.
type Claims struct {
	// Subject is the stable id of the person, a UUID.
	Subject string
	// Email is the address in lower case; empty in tokens of other issuers that
	// leave it out.
	Email string
	// EmailVerified, AdminApproved and IsAdmin are the subject's flags when the
	// token was signed, less what was taken away since.
	EmailVerified, AdminApproved, IsAdmin bool
	// Actors are the subjects who act on behalf of Subject, the nearest first: the
	// claim act of RFC 8693. Empty unless the token was delegated.
	Actors []string
	// Session is the id of the session that the token came from or, if it was
	// delegated by means of a token with a name, that token's; empty for tokens that
	// came from none.
	Session string
	// Expires is the moment from which the token is refused: that of its claim exp
	// and up to 30 seconds for clocks that differ.
	Expires time.Time
	// IssuedAt is when the token was signed; zero if it does not say.
	IssuedAt time.Time
	// All holds every claim of the token as encoding/json decodes it into any.
	All map[string]any
}

// signed is what an access token says.
type signed struct {
	subject
	session string
	actors  []string
	expires time.Time
}

// sign makes an access token. aud is a string, not an array: the original
// compares it as such.
func sign(k *keyring, kept settings, t signed, now time.Time) (string, error) {
	claims := jwt.MapClaims{
		"iss":           kept.Issuer,
		"aud":           kept.Audience,
		"sub":           t.sub,
		"exp":           t.expires.Unix(),
		"iat":           now.Unix(),
		"jti":           newUUID(),
		"emailVerified": t.emailVerified,
		"adminApproved": t.adminApproved,
		"email":         t.email,
	}
	if t.isAdmin {
		claims["isAdmin"] = true
	}
	if t.session != "" {
		claims["sid"] = t.session
	}
	if act := nest(t.actors); act != nil {
		claims["act"] = act
	}
	token := jwt.NewWithClaims(jwt.SigningMethodEdDSA, claims)
	token.Header["kid"] = k.primary
	return token.SignedString(k.signing)
}

// nest makes the claim act: the nearest actor outermost, earlier ones within.
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

// unnest is the inverse of nest. ok is false for what is no such claim.
func unnest(claim any) (actors []string, ok bool) {
	for claim != nil {
		act, isObject := claim.(map[string]any)
		sub, isString := act["sub"].(string)
		if !isObject || !isString || len(actors) == maxActors {
			return nil, false
		}
		actors = append(actors, sub)
		claim = act["act"]
	}
	return actors, true
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
	email, ok := NormalEmail(raw)
	if !ok {
		return "", fmt.Errorf("%q is not a mail address", raw)
	}
	ttl = cmp.Or(ttl, time.Hour)
	if ttl < time.Second {
		return "", fmt.Errorf("a ttl of %v is too short: give at least 1s", ttl)
	}
	getenv = textin.Getenv(getenv)
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
	subj, err := approveAddress(filepath.Join(dir, "auth.db"), email, admin)
	if err != nil {
		return "", err
	}
	subj.isAdmin = admin
	now := time.Now()
	return sign(keys, kept, signed{subject: subj, expires: now.Add(ttl)}, now)
}

// approveAddress makes the subject of email a verified and approved one.
func approveAddress(path, email string, admin bool) (subj subject, err error) {
	store, err := openStore(path)
	if err != nil {
		return subj, err
	}
	defer func() { err = errors.Join(err, store.close()) }()
	now := time.Now()
	err = store.tx(context.Background(), func(d db) error {
		if subj, _, err = d.ensureSubject(email, now); err != nil {
			return err
		}
		if subj.approvalRevoked {
			return errRevoked
		}
		subj.emailVerified, subj.adminApproved = true, true
		subj.isAdmin = subj.isAdmin || admin
		return d.saveFlags(subj, now)
	})
	return subj, err
}
