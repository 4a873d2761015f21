package keys

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

	"github.com/lumenize/lmz/auth/internal/private"
	"github.com/lumenize/lmz/internal/wholefile"
)

// Slot is one of the two places for a signing key.
type Slot struct {
	// Name is BLUE or GREEN.
	Name string
	// Primary is true for the slot that signs.
	Primary bool
	// Environment is true if the key comes from an environment variable.
	Environment bool
	// Fingerprint is the SHA-256 hash of the public key in base64url, or empty if the slot has
	// no key.
	Fingerprint string
	// Made is when the key was written to its file; zero if there is no file.
	Made time.Time
}

// Slots returns the slots of a directory, which need not exist.
func Slots(dir string, getenv func(string) string) ([]Slot, error) {
	primary, err := primarySlot(dir, getenv)
	if err != nil {
		return nil, err
	}
	var all []Slot
	for _, slot := range slots {
		_, public, err := loadSlot(dir, slot, getenv, false)
		if err != nil {
			return nil, err
		}
		s := Slot{Name: slot, Primary: slot == primary, Environment: inEnvironment(slot, getenv)}
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

// Generate creates a pair of Ed25519 keys in PEM form: PKCS#8 and SPKI.
func Generate() (signing, public string, err error) {
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

// Make creates a key in the idle slot of a directory, replacing any existing one, and returns the
// name of the slot.
func Make(dir string, getenv func(string) string) (slot string, err error) {
	if slot, err = idleSlot(dir, getenv); err != nil {
		return "", err
	}
	if inEnvironment(slot, getenv) {
		return "", fmt.Errorf("the key of slot %s comes from the environment: replace JWT_PRIVATE_KEY_%s and JWT_PUBLIC_KEY_%s there", slot, slot, slot)
	}
	_, err = makeKeyFile(keyPath(dir, slot))
	return slot, err
}

// Rotate makes the idle slot of a directory the one that signs, and returns its name. It fails if
// that slot has no private key.
func Rotate(dir string, getenv func(string) string) (slot string, err error) {
	if slot, err = idleSlot(dir, getenv); err != nil {
		return "", err
	}
	if getenv("PRIMARY_JWT_KEY") != "" {
		return "", fmt.Errorf("the environment variable PRIMARY_JWT_KEY decides which slot signs: set it to %s", slot)
	}
	key, _, err := loadSlot(dir, slot, getenv, false)
	if err != nil {
		return "", err
	}
	if key == nil {
		return "", fmt.Errorf("slot %s has no private key: make one first", slot)
	}
	return slot, wholefile.Write(filepath.Join(dir, "primary"), []byte(slot+"\n"), 0o600)
}

// idleSlot returns the slot that does not sign.
func idleSlot(dir string, getenv func(string) string) (string, error) {
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return "", errors.New("this is not a data directory yet: start the server on it once")
	}
	primary, err := primarySlot(dir, getenv)
	if err != nil {
		return "", err
	}
	if primary == slots[0] {
		return slots[1], nil
	}
	return slots[0], nil
}

// primarySlot returns the slot that signs: the one named by the environment, where anything but
// GREEN means BLUE, as in the original, or else that of the directory.
func primarySlot(dir string, getenv func(string) string) (string, error) {
	name := getenv("PRIMARY_JWT_KEY")
	if name == "" {
		data, err := private.ReadFile(filepath.Join(dir, "primary"))
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
