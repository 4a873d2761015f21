package token

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"

	"github.com/lumenize/lmz/auth/internal/secret"
)

// A named token is an access token for scripts and CI. It has the shape of a JWT, so that clients
// can read its subject and expiry, but its last part is a random secret instead of a signature:
// each use looks it up by its hash, so it can be revoked at any time. A verifier that only knows
// keys refuses it because of its alg.

var namedPrefix = base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"lmz-named","typ":"JWT"}`)) + "."

// IsNamed reports whether token has the form of a named token.
func IsNamed(token string) bool { return strings.HasPrefix(token, namedPrefix) }

// Named is the content of a named token that clients can read. It is not relied upon.
type Named struct {
	ID, Name, Subject, Email              string
	EmailVerified, AdminApproved, IsAdmin bool
	IssuedAt, Expires                     time.Time
}

// NewNamed creates a named token with a new secret.
func NewNamed(n Named) string {
	payload, err := json.Marshal(map[string]any{"sub": n.Subject, "email": n.Email, "jti": n.ID, "name": n.Name,
		"iat": n.IssuedAt.Unix(), "exp": n.Expires.Unix(),
		"emailVerified": n.EmailVerified, "adminApproved": n.AdminApproved, "isAdmin": n.IsAdmin})
	if err != nil {
		panic(err) // strings, numbers and booleans can always be encoded
	}
	return namedPrefix + base64.RawURLEncoding.EncodeToString(payload) + "." + secret.New()
}
