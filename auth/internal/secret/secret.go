// Package secret creates the random secrets that sign-in depends on, such as links, refresh
// tokens and codes, and the hashes by which they are stored: the database reveals no secret.
package secret

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
)

// New returns 256 random bits as 43 characters of base64url.
func New() string {
	b := make([]byte, 32)
	rand.Read(b) // never fails: crypto/rand crashes the program instead
	return base64.RawURLEncoding.EncodeToString(b)
}

// Hash returns the SHA-256 hash of a secret in base64url, the only form in which it is
// stored. Secrets of [New] are random, so they need no salt.
func Hash(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// UUID returns a random UUID (version 4) in lower case. It is an id, not a secret.
func UUID() string {
	b := make([]byte, 16)
	rand.Read(b)
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
