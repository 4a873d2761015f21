// Package keys holds the keys of a data directory: the Ed25519 keys that sign access tokens, and
// the secret from which all others are derived. There are two slots for a signing key, BLUE and
// GREEN, so that a key can be replaced without invalidating the tokens that the previous one
// signed: [Make] fills the idle slot and [Rotate] makes it the one that signs, while the other
// continues to verify. A running service notices both: see [Dir].
package keys

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lumenize/lmz/auth/internal/private"
)

// slots are the two places for a signing key.
var slots = []string{"BLUE", "GREEN"}

// Public is a verification key, and the name of its slot, the kid of its tokens.
type Public struct {
	Slot string
	Key  ed25519.PublicKey
}

// Set holds the keys with which a service signs and verifies at one time. It is immutable.
type Set struct {
	// Primary is the slot that signs, the kid of new tokens, and Signing its private key.
	Primary string
	Signing ed25519.PrivateKey
	// Public are the verification keys, one for each slot that has a key.
	Public []Public

	secret []byte // the keys for everything else are derived from it
}

// derive returns a keyed hash of text.
func (s *Set) derive(text string) []byte {
	mac := hmac.New(sha256.New, s.secret)
	mac.Write([]byte(text))
	return mac.Sum(nil)
}

// Load reads the keys of a directory and of the environment. If the environment has a key for a
// slot, the whole slot is taken from there. Load fails if the slot that signs has no private key.
func Load(dir string, getenv func(string) string) (*Set, error) { return load(dir, getenv, false) }

// load is [Load]. With create it creates what is missing to sign.
func load(dir string, getenv func(string) string, create bool) (*Set, error) {
	if create {
		if err := private.MkdirAll(dir); err != nil {
			return nil, err
		}
	}
	primary, err := primarySlot(dir, getenv)
	if err != nil {
		return nil, err
	}
	s := &Set{Primary: primary}
	for _, slot := range slots {
		key, public, err := loadSlot(dir, slot, getenv, create && slot == s.Primary)
		if err != nil {
			return nil, err
		}
		if public != nil {
			s.Public = append(s.Public, Public{slot, public})
		}
		if slot == s.Primary {
			s.Signing = key
		}
	}
	if s.Signing == nil {
		return nil, fmt.Errorf("no private key in slot %s: set JWT_PRIVATE_KEY_%s or choose the other slot with PRIMARY_JWT_KEY", s.Primary, s.Primary)
	}
	if s.secret, err = loadSecret(filepath.Join(dir, "refresh.key"), create); err != nil {
		return nil, err
	}
	return s, nil
}

// Dir is the keys of a directory. It reads them again when the directory changes, so that a
// rotation needs no restart. Its methods may be called from any goroutine.
type Dir struct {
	dir    string
	getenv func(string) string

	dropped atomic.Uint64 // verification keys removed since Open

	mu     sync.Mutex // guards the following fields
	set    *Set
	loaded time.Time // modification time of dir when set was read
}

// Open reads the keys of a directory and creates what is missing to sign.
func Open(dir string, getenv func(string) string) (*Dir, error) {
	set, err := load(dir, getenv, true)
	if err != nil {
		return nil, err
	}
	d := &Dir{dir: dir, getenv: getenv, set: set}
	d.loaded, err = modified(dir)
	return d, err
}

func modified(path string) (time.Time, error) {
	info, err := os.Stat(path)
	if err != nil {
		return time.Time{}, err
	}
	return info.ModTime(), nil
}

// Current returns the current keys. Files are replaced by renaming, which changes the
// modification time of the directory.
func (d *Dir) Current() (*Set, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	changed, err := modified(d.dir)
	if err != nil || changed.Equal(d.loaded) {
		return d.set, err
	}
	set, err := Load(d.dir, d.getenv)
	if err != nil {
		return nil, err
	}
	for _, before := range d.set.Public {
		stays := func(now Public) bool { return before.Key.Equal(now.Key) }
		if !slices.ContainsFunc(set.Public, stays) {
			d.dropped.Add(1)
		}
	}
	d.set, d.loaded = set, changed
	return set, nil
}

// Dropped returns how many keys that verified tokens have been removed since Open.
func (d *Dir) Dropped() uint64 { return d.dropped.Load() }

// MAC returns a keyed hash of text in base64url. Hashes for different purposes differ.
func (d *Dir) MAC(purpose, text string) (string, error) {
	set, err := d.Current()
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(set.derive(purpose + "\x00" + text)), nil
}

// Seal encrypts secrets that have to be stored.
func (d *Dir) Seal(plain []byte) ([]byte, error) {
	aead, err := d.aead()
	if err != nil {
		return nil, err
	}
	return aead.Seal(nil, nil, plain, nil), nil
}

// Unseal decrypts what Seal returned.
func (d *Dir) Unseal(sealed []byte) ([]byte, error) {
	aead, err := d.aead()
	if err != nil {
		return nil, err
	}
	return aead.Open(nil, nil, sealed, nil)
}

func (d *Dir) aead() (cipher.AEAD, error) {
	set, err := d.Current()
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(set.derive("outbox"))
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}
