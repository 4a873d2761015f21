package auth

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/lumenize/lmz/internal/textin"
	"github.com/lumenize/lmz/internal/wholefile"
)

// KeySlot is one of the two places for a signing key.
type KeySlot struct {
	// Name is BLUE or GREEN, the kid of the tokens that it signs.
	Name string
	// Primary is true for the slot that signs; the other only verifies.
	Primary bool
	// Environment is true if the key comes from an environment variable.
	Environment bool
	// Fingerprint is the SHA-256 hash of the public key in base64url, or empty if
	// the slot has no key.
	Fingerprint string
	// Made is when the key was put into its file; zero if it comes from the
	// environment or there is none.
	Made time.Time
}

// KeySlots tells which keys a service on the data directory dir uses, or would
// use. A nil getenv means os.Getenv, as in [Options].
func KeySlots(dir string, getenv func(string) string) ([]KeySlot, error) {
	getenv = textin.Getenv(getenv)
	dir = filepath.Join(dir, "keys")
	primary, err := primarySlot(dir, getenv)
	if err != nil {
		return nil, fmt.Errorf("auth: %w", err)
	}
	var all []KeySlot
	for _, slot := range slots {
		_, public, err := loadSlot(dir, slot, getenv, false)
		if err != nil {
			return nil, fmt.Errorf("auth: %w", err)
		}
		s := KeySlot{Name: slot, Primary: slot == primary, Environment: inEnvironment(slot, getenv)}
		if public != nil {
			sum := sha256.Sum256(public)
			s.Fingerprint = base64.RawURLEncoding.EncodeToString(sum[:])
		}
		if info, err := os.Stat(keyPath(dir, slot)); err == nil && !s.Environment {
			s.Made = info.ModTime()
		}
		all = append(all, s)
	}
	return all, nil
}

// GenerateKeys makes a pair of Ed25519 keys for the environment: what
// JWT_PRIVATE_KEY_BLUE (PKCS#8 PEM) and JWT_PUBLIC_KEY_BLUE (SPKI PEM), or those of
// GREEN, are set to.
func GenerateKeys() (private, public string, err error) {
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return "", "", err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return "", "", err
	}
	pubDER, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		return "", "", err
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
		string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: pubDER})), nil
}

// NewKey makes a key in the idle slot of the data directory dir, in place of the
// one that is there, and returns the name of the slot. A service that is running
// accepts and publishes it at once and goes on signing with the other. Tokens that
// the replaced key signed are refused from now on, so keys are not to follow each
// other within the life of a token.
func NewKey(dir string, getenv func(string) string) (slot string, err error) {
	slot, err = newKey(filepath.Join(dir, "keys"), getenv)
	if err != nil {
		return "", fmt.Errorf("auth: make a key: %w", err)
	}
	return slot, nil
}

func newKey(dir string, getenv func(string) string) (string, error) {
	slot, err := idleSlot(dir, &getenv)
	if err != nil {
		return "", err
	}
	if inEnvironment(slot, getenv) {
		return "", fmt.Errorf("the key of slot %s comes from the environment: replace JWT_PRIVATE_KEY_%s and JWT_PUBLIC_KEY_%s there", slot, slot, slot)
	}
	_, err = makeKeyFile(keyPath(dir, slot))
	return slot, err
}

// RotateKeys has the idle slot of the data directory dir sign from now on, and
// returns its name. It needs a key there: see [NewKey]. Tokens of the other key
// stay good. A service that is running does so at once; verifiers elsewhere may
// not know the key until [KeysCached] after it was made, and refuse its tokens.
func RotateKeys(dir string, getenv func(string) string) (slot string, err error) {
	slot, err = rotateKeys(filepath.Join(dir, "keys"), getenv)
	if err != nil {
		return "", fmt.Errorf("auth: rotate keys: %w", err)
	}
	return slot, nil
}

func rotateKeys(dir string, getenv func(string) string) (string, error) {
	slot, err := idleSlot(dir, &getenv)
	if err != nil {
		return "", err
	}
	if getenv("PRIMARY_JWT_KEY") != "" {
		return "", fmt.Errorf("PRIMARY_JWT_KEY says which slot signs: set it to %s", slot)
	}
	private, _, err := loadSlot(dir, slot, getenv, false)
	if err != nil {
		return "", err
	}
	if private == nil {
		return "", fmt.Errorf("slot %s has no private key: make one first", slot)
	}
	return slot, wholefile.Write(filepath.Join(dir, "primary"), []byte(slot+"\n"), 0o600)
}

// idleSlot is the slot that does not sign.
func idleSlot(dir string, getenv *func(string) string) (string, error) {
	*getenv = textin.Getenv(*getenv)
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return "", errors.New("this is not a data directory yet: start the server on it once")
	}
	primary, err := primarySlot(dir, *getenv)
	if err != nil {
		return "", err
	}
	if primary == slots[0] {
		return slots[1], nil
	}
	return slots[0], nil
}

// primarySlot is the slot that signs: that of the environment, where anything but
// GREEN means BLUE, as in the original, else that of the directory.
func primarySlot(dir string, getenv func(string) string) (string, error) {
	name := getenv("PRIMARY_JWT_KEY")
	if name == "" {
		data, err := readPrivate(filepath.Join(dir, "primary"))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
		name = strings.TrimSpace(data)
	}
	if name == "GREEN" {
		return name, nil
	}
	return "BLUE", nil
}

func inEnvironment(slot string, getenv func(string) string) bool {
	return getenv("JWT_PRIVATE_KEY_"+slot) != "" || getenv("JWT_PUBLIC_KEY_"+slot) != ""
}

func keyPath(dir, slot string) string { return filepath.Join(dir, strings.ToLower(slot)+".pem") }
