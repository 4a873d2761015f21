package auth

import (
	"fmt"
	"net/http"
	"path/filepath"
	"time"

	"github.com/lumenize/lmz/auth/internal/keys"
	"github.com/lumenize/lmz/internal/textin"
)

// KeysCached is how long other verifiers may cache the list of public keys, and so may not know a
// new one.
const KeysCached = 5 * time.Minute

// KeySlot is one of the two places for a signing key.
type KeySlot struct {
	// Name is BLUE or GREEN, the kid of the tokens that it signs.
	Name string
	// Primary is true for the slot that signs; the other only verifies.
	Primary bool
	// Environment is true if the key comes from an environment variable.
	Environment bool
	// Fingerprint is the SHA-256 hash of the public key in base64url, or empty if the slot has
	// no key.
	Fingerprint string
	// Made is when the key was written to its file; zero if it comes from the environment or
	// there is none.
	Made time.Time
}

func keyDir(dir string) string { return filepath.Join(dir, "keys") }

// KeySlots returns the keys that a service on the data directory dir uses, or would use. A nil
// getenv means os.Getenv, as in [Options].
func KeySlots(dir string, getenv func(string) string) ([]KeySlot, error) {
	slots, err := keys.Slots(keyDir(dir), textin.Getenv(getenv))
	if err != nil {
		return nil, fmt.Errorf("auth: %w", err)
	}
	var all []KeySlot
	for _, slot := range slots {
		all = append(all, KeySlot(slot))
	}
	return all, nil
}

// GenerateKeys creates a pair of Ed25519 keys for the environment: the values of
// JWT_PRIVATE_KEY_BLUE (PKCS#8 PEM) and JWT_PUBLIC_KEY_BLUE (SPKI PEM), or of those for GREEN.
func GenerateKeys() (private, public string, err error) { return keys.Generate() }

// NewKey creates a key in the idle slot of the data directory dir, replacing any existing one,
// and returns the name of the slot. A running service accepts and publishes the key at once, and
// still signs with the other. Tokens signed by the replaced key are refused from now on, so do
// not create two keys within the lifetime of a token.
func NewKey(dir string, getenv func(string) string) (slot string, err error) {
	if slot, err = keys.Make(keyDir(dir), textin.Getenv(getenv)); err != nil {
		return "", fmt.Errorf("auth: make a key: %w", err)
	}
	return slot, nil
}

// RotateKeys makes the idle slot of the data directory dir the one that signs, and returns its
// name. The slot needs a key: see [NewKey]. Tokens signed by the other key stay valid. A running
// service switches at once; other verifiers may not know the key until [KeysCached] after it was
// created, and refuse its tokens.
func RotateKeys(dir string, getenv func(string) string) (slot string, err error) {
	if slot, err = keys.Rotate(keyDir(dir), textin.Getenv(getenv)); err != nil {
		return "", fmt.Errorf("auth: rotate keys: %w", err)
	}
	return slot, nil
}

// jwks answers with the public keys, for other verifiers. They do not learn of revocations: to
// them, a token is valid until it expires.
func (s *Service) jwks(w http.ResponseWriter, _ *request) error {
	set, err := s.keys.Current()
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", fmt.Sprintf("public, max-age=%d", int(KeysCached/time.Second)))
	writeJSON(w, http.StatusOK, set.JWKS())
	return nil
}
