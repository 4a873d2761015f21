package token

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"

	"github.com/lumenize/lmz/auth/internal/secret"
)

// An access token with a name is for scripts and CI. It has the shape of a JWT, so that clients
// can read whose it is and when it ends, but its last part is a random secret instead of a
// signature: it is looked up by its hash wherever it is used, and so can be revoked at any
// time. A verifier that only knows keys refuses it because of its alg.

var namedPrefix = base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"lmz-named","typ":"JWT"}`)) + "."

// IsNamed reports whether token has the form of one with a name.
func IsNamed(token string) bool { return strings.HasPrefix(token, namedPrefix) }

// Named is what clients read in a token with a name. Nobody relies on it.
type Named struct {
	ID, Name, Subject, Email              string
	EmailVerified, AdminApproved, IsAdmin bool
	IssuedAt, Expires                     time.Time
}

// NewNamed makes a token with a name and a new secret.
func NewNamed(n Named) string {
	payload, err := json.Marshal(map[string]any{"sub": n.Subject, "email": n.Email, "jti": n.ID, "name": n.Name,
		"iat": n.IssuedAt.Unix(), "exp": n.Expires.Unix(),
		"emailVerified": n.EmailVerified, "adminApproved": n.AdminApproved, "isAdmin": n.IsAdmin})
	if err != nil {
		panic(err) // strings, numbers and booleans can always be encoded
	}
	return namedPrefix + base64.RawURLEncoding.EncodeToString(payload) + "." + secret.New()
}
